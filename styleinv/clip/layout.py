"""Pictures beside pictures, labelled grids, and the visible mark of a generated clip."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

MARK = "AI-generated"
PAPER, INK = 250, 40            # grey levels of a label


def side_by_side(images: list[np.ndarray]) -> np.ndarray:
    """uint8 [H, W_i, 3] each -> uint8 [H, sum of W_i, 3].

    Raises:
        ValueError: none given, or of different heights.
    """
    return np.concatenate(images, axis=1)


def grid(images: list[np.ndarray], labels: list[str], columns: int | None = None) -> np.ndarray:
    """Equal pictures in rows, each with its label below; a last row that is not full ends in blank paper.

    Args:
        images: uint8 [H, W, 3] each.
        labels: one for each picture.
        columns: pictures in a row; about a square if not given.

    Returns:
        uint8 [rows * (H + label), columns * W, 3].
    """
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    cells = [np.concatenate([image, _label(text, image.shape[1])]) for image, text in zip(images, labels, strict=True)]
    blank = np.full_like(cells[0], PAPER)
    cells += [blank] * (-len(cells) % columns)
    return np.concatenate([side_by_side(cells[i : i + columns]) for i in range(0, len(cells), columns)])


@lru_cache(maxsize=64)
def _label(text: str, width: int) -> np.ndarray:
    """uint8 [height, width, 3]: the text centred on paper."""
    font = ImageFont.load_default(max(11, width // 20))
    strip = Image.new("L", (width, 2 * max(11, width // 20)), PAPER)
    ImageDraw.Draw(strip).text((width / 2, strip.height / 2), text, INK, font, anchor="mm")
    return np.repeat(np.asarray(strip)[..., None], 3, axis=2)


def add_mark(frame: np.ndarray) -> np.ndarray:
    """A copy of uint8 [H, W, 3] with a small 'AI-generated' at the lower right."""
    text, shade = _mark(frame.shape[0])                             # [h, w, 1] each, opacities
    height, width = min(text.shape[0], frame.shape[0]), min(text.shape[1], frame.shape[1])
    text, shade = text[-height:, -width:], shade[-height:, -width:]
    marked = frame.copy()
    corner = marked[-height:, -width:]
    corner[:] = np.rint(corner * (1 - shade) * (1 - text) + 255 * text)
    return marked


@lru_cache(maxsize=8)
def _mark(frame_height: int) -> tuple[np.ndarray, np.ndarray]:
    """Opacities of the white text and of its dark, soft shadow, float32 [h, w, 1], for the lower right corner."""
    size = max(9, round(0.038 * frame_height))                      # its capitals are about 0.028 of the height
    font = ImageFont.load_default(size)
    width, height = round(font.getlength(MARK)) + 2 * size, 3 * size
    text = Image.new("L", (width, height), 0)
    ImageDraw.Draw(text).text((width - size, height - size), MARK, 255, font, anchor="rb")
    shadow = text.filter(ImageFilter.GaussianBlur(0.2 * size)).point(lambda value: min(255, 3 * value))
    return _opacity(text, 0.9), _opacity(shadow, 0.45)


def _opacity(mask: Image.Image, strength: float) -> np.ndarray:
    return np.asarray(mask, np.float32)[..., None] * (strength / 255)
