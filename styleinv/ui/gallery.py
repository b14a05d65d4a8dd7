"""The styles to choose from, each with its picture."""

from collections.abc import Mapping

import gradio as gr

from ..styles import StyleInfo
from .controls import slider
from .picker import example_files
from .pictures import thumbnail
from .texts import style_title, t

NONE, ALL = "none", "all"


def gallery(styles: Mapping[str, StyleInfo]) -> tuple[gr.Radio, gr.Slider]:
    """The style and its strength; out of sight where no style is installed."""
    choices = style_choices(styles) + ([(t("style_all"), ALL)] if len(styles) > 1 else [])
    gr.HTML(f"<style>{_pictures(styles)}</style>", apply_default_css=False, elem_classes="unseen", container=False)
    style = gr.Radio(choices, value=NONE, label=t("style"), visible=bool(styles), elem_classes="styles")
    strength = slider("style_strength", visible=bool(styles))
    return style, strength


def style_choices(styles: Mapping[str, StyleInfo]) -> list[tuple[str, str]]:
    """Titles and names to choose from: none, and each style."""
    return [(t("style_none"), NONE), *((style_title(name, style.title), name) for name, style in styles.items())]


def wanted(style: str) -> tuple[str, ...]:
    """A choice of the gallery as a recipe has it."""
    return () if style == NONE else (style,)


def _pictures(styles: Mapping[str, StyleInfo]) -> str:
    """A preview above each choice, which stays a plain radio button for keyboards and screen readers."""
    previews = [next(iter(example_files()), None), *(style.preview for style in styles.values())]
    urls = [f"url({thumbnail(path)})" if path else "none" for path in previews]
    corners = zip((url for url in urls[1:] if url != "none"), ("left top", "right bottom", "right top", "left bottom"))
    together = ", ".join(f"{url} {corner} / 50% 50% no-repeat" for url, corner in corners)
    fills = [f"{url} center / cover" for url in urls] + [together or "none"]
    rule = ".styles label:nth-of-type({number})::before {{ background: {fill} !important; }}"
    return "".join(rule.format(number=i, fill=fill)
                   for i, fill in enumerate(fills, start=1) if not fill.startswith("none"))
