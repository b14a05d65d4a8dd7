"""Pictures as part of the page: no file of a face is written for them, so none can stay behind."""

import base64
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from ..face.verdict import likeness_percent
from ..inversion import Inversion
from . import texts

SHOWN = 960         # px, longest side of a photo on the page


def data_url(image: np.ndarray, side: int = SHOWN, quality: int = 86) -> str:
    """uint8 [H, W, 3] as a WebP in an address, made smaller if its longest side is above `side`."""
    picture, buffer = Image.fromarray(image), BytesIO()
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    picture.save(buffer, "WEBP", quality=quality)
    return webp_url(buffer.getvalue())


@cache
def thumbnail(path: Path, side: int = 224) -> str:
    """A picture file as :func:`data_url` makes one."""
    with Image.open(path) as image:
        return data_url(np.asarray(image.convert("RGB")), side)


def webp_url(data: bytes) -> str:
    """A WebP in an address."""
    return address("image/webp", data)


def address(kind: str, data: bytes) -> str:
    """A file of a kind, such as image/jpeg, in an address."""
    return f"data:{kind};base64," + base64.b64encode(data).decode()


def meter(inversion: Inversion, rough: bool) -> str:
    """How alike photo and drawn face are, as a share of a bar; it rises when the look gets sharp. What is doubtful
    about the face is said below.
    """
    distance = inversion.likeness
    if distance is None:
        return ""
    share = likeness_percent(distance)
    line = texts.say("rough_line", percent=share) if rough else texts.likeness(distance)
    scale = escape(texts.say("likeness_scale"))
    return (f'<div class="meter" title="{scale}"><div style="width: {share}%"></div></div>'
            f'<p class="likeness">{escape(line)}</p>{_doubt(inversion)}')


def _doubt(inversion: Inversion) -> str:
    sentence = texts.said(inversion.verdict.sentence) if inversion.verdict else ""
    return f'<p class="doubt">{escape(sentence)}</p>' if sentence else ""
