"""The styles to choose from, each with its picture: of an example, or of the visitor's own face."""

from collections.abc import Mapping

import gradio as gr
import numpy as np

from ..styles import StyleInfo
from .pictures import data_url, thumbnail
from .texts import style_title, t

NONE, ALL = "none", "all"
SIDE = 176      # px of a picture


def gallery(styles: Mapping[str, StyleInfo]) -> tuple[gr.Radio, gr.HTML]:
    """The choice, and its pictures; out of sight where no style is installed."""
    choices = style_choices(styles) + ([(t("style_all"), ALL)] if len(styles) > 1 else [])
    pictures = gr.HTML(previews(styles), apply_default_css=False, elem_classes="unseen", container=False)
    style = gr.Radio(choices, value=NONE, label=t("style"), visible=bool(styles), elem_classes="styles faces")
    return style, pictures


def style_choices(styles: Mapping[str, StyleInfo]) -> list[tuple[str, str]]:
    """Titles and names to choose from: none, and each style."""
    return [(t("style_none"), NONE), *((style_title(name, style.title), name) for name, style in styles.items())]


def wanted(style: str) -> tuple[str, ...]:
    """A choice of the gallery as a recipe has it."""
    return () if style == NONE else (style,)


def previews(styles: Mapping[str, StyleInfo], face: np.ndarray | None = None) -> str:
    """Each style as it came, beside the visitor's face as it is."""
    own_face = None if face is None else data_url(face, SIDE, 80)
    return _pictures([own_face, *(thumbnail(style.preview) if style.preview else None for style in styles.values())])


def own(face: np.ndarray, stills: Mapping[str, np.ndarray]) -> str:
    """The visitor's face as it is, and in every style; uint8 [S, S, 3] each."""
    return _pictures([data_url(image, SIDE, 80) for image in (face, *stills.values())])


def _pictures(addresses: list[str | None]) -> str:
    """A picture above each choice, which stays a plain radio button for keyboards and screen readers."""
    urls = [f"url({address})" if address else "" for address in addresses]
    corners = zip(filter(None, urls[1:]), ("left top", "right bottom", "right top", "left bottom"))
    together = ", ".join(f"{url} {corner} / 50% 50% no-repeat" for url, corner in corners)
    fills = [f"{url} center / cover" if url else "" for url in urls] + [together]
    rule = ".styles label:nth-of-type({number})::before {{ background: {fill} !important; }}"
    rules = [rule.format(number=i, fill=fill) for i, fill in enumerate(fills, start=1) if fill]
    return f"<style>{''.join(rules)}</style>"
