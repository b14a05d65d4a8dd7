"""Pictures as part of the page: no file of a face is written for them, so none can stay behind."""

import base64
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from ..inversion import Inversion
from . import texts

SHOWN = 960         # px, longest side of a photo on the page


def data_url(image: np.ndarray, side: int = SHOWN, quality: int = 86) -> str:
    """uint8 [H, W, 3] as a WebP in an address, made smaller if its longest side is above `side`."""
    picture, buffer = Image.fromarray(image), BytesIO()
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    picture.save(buffer, "WEBP", quality=quality)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


@cache
def thumbnail(path: Path, side: int = 224) -> str:
    """A picture file as :func:`data_url` makes one."""
    with Image.open(path) as image:
        return data_url(np.asarray(image.convert("RGB")), side)


def pair(inversion: Inversion) -> str:
    """Crop and inversion side by side, and how alike they are."""
    pictures = [("crop", inversion.crop), ("inversion", inversion.image)]
    figures = "".join(_figure(key, image) for key, image in pictures if image is not None)
    line, scale = map(escape, (texts.likeness(inversion.likeness), texts.say("likeness_scale")))
    likeness = f'<p class="likeness" role="status" title="{scale}">{line}</p>' if line else ""
    return f'<div class="pair">{figures}</div>{likeness}'


def _figure(key: str, image: np.ndarray) -> str:
    label = escape(texts.say(key))
    return f'<figure><img src="{data_url(image, 384)}" alt="{label}"><figcaption>{label}</figcaption></figure>'
