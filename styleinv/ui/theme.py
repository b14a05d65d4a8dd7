"""How the app looks: paper, ink and one warm accent; system fonts, so that nothing is fetched from elsewhere."""

from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from .fetching import Fetching
from .gate import MAX_UPLOAD
from .language import AskedLanguage
from .texts import i18n
from .web import asset

SANS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "monospace")
PAPER, NIGHT = "#faf7f2", "#171412"


def theme() -> gr.themes.Base:
    """Light and dark."""
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.orange, secondary_hue=gr.themes.colors.orange,
        neutral_hue=gr.themes.colors.stone, radius_size=gr.themes.sizes.radius_lg, font=SANS, font_mono=MONO,
    )
    return base.set(
        body_background_fill=PAPER, body_background_fill_dark=NIGHT,
        block_background_fill="transparent", block_background_fill_dark="transparent",
        block_border_width="0px", block_shadow="none", block_label_shadow="none", block_label_border_width="0px",
        block_label_background_fill="transparent", block_label_background_fill_dark="transparent",
        block_padding="0px", layout_gap="18px", form_gap_width="18px",
        body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_400",
        block_info_text_color="*neutral_600", block_info_text_color_dark="*neutral_400",
        block_label_text_color="*neutral_700", block_label_text_color_dark="*neutral_300",
        block_title_text_weight="600", block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_100",
        button_primary_background_fill="*primary_700", button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700", button_primary_background_fill_hover_dark="*primary_800",
        button_primary_text_color="white", button_large_text_weight="600", button_large_radius="99px",
        button_small_radius="99px", button_secondary_background_fill="transparent",
        button_secondary_background_fill_dark="transparent", button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_700", button_border_width="1px",
        checkbox_border_color="*neutral_400", checkbox_border_color_dark="*neutral_500",
        color_accent="*primary_700", checkbox_background_color_selected="*primary_700",
        checkbox_background_color_selected_dark="*primary_700",
        slider_color="*primary_700", slider_color_dark="*primary_500",
        input_background_fill="white", input_background_fill_dark="*neutral_900",
        input_border_color="*neutral_300", input_border_color_dark="*neutral_700",
    )


def launch_options() -> dict[str, Any]:
    """What `demo.launch` needs beside an address: the look, and nothing that would store or publish a face."""
    return {
        "theme": theme(), "css": asset("page.css"), "i18n": i18n(), "run_history": False,
        "share": False, "enable_monitoring": False, "max_file_size": MAX_UPLOAD, "footer_links": ["api"],
        "ssr_mode": False, "mcp_server": True,
        "app_kwargs": {"middleware": [Middleware(AskedLanguage), Middleware(Fetching)]},
    }
