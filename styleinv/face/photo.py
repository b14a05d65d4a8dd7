"""Any picture file or array -> upright sRGB pixels, in bounded memory and without its metadata. Training reads with it
too.
"""

import logging
import math
import warnings
from contextlib import suppress
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, JpegImagePlugin, UnidentifiedImageError
from pillow_heif import register_heif_opener

from ..errors import FaceError
from .metadata import is_white_zero, upright, without_text

Source = str | PathLike | bytes | BinaryIO | Image.Image | np.ndarray

MIN_SIDE = 64               # px; less holds no usable face
WORKING_PIXELS = 16e6       # larger photos are reduced to this while they are decoded
MAX_BYTES = 500e6           # of a file, which is read whole
JPEG_FACTOR = 2.5           # times as many pixels may a JPEG have, which is never decoded at full size
# Only still-image formats that are decoded in this process: EPS, for one, would start Ghostscript on the user's file.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF", "TIFF", "BMP", "JPEG2000", "PPM", "ICO")

register_heif_opener(thumbnails=False)
logging.getLogger("PIL").addHandler(logging.NullHandler())      # else it prints what ails a file, which we say


def load_photo(source: Source, max_pixels: float = 100e6, min_side: int = MIN_SIDE) -> np.ndarray:
    """An upright photo in sRGB, at most about 16 megapixels; larger ones are reduced.

    Args:
        source: path, bytes, binary file, PIL image, or array [H, W], [H, W, 1-4] (bool, integers, floats in [0, 1]).
        max_pixels: photos above this, a JPEG above 2.5 times this, are refused before anything is decoded.
        min_side: px, of the shorter side; training reads smaller ones too.

    Returns:
        uint8 [H, W, 3].

    Raises:
        FaceError: not found, empty, not an image, cut off, too large or too small.
    """
    image, name = _open(source)
    _check_size(image, max_pixels, min_side, name)
    try:
        if image is not source:                             # a caller's own image keeps its size
            image.draft(None, _working_size(image.size))    # a JPEG is decoded at 1/2, 1/4 or 1/8 where that suffices
        with warnings.catch_warnings():                     # of what is damaged, and read all the same
            warnings.simplefilter("ignore")
            image.load()                                    # the first frame
            return np.asarray(_to_srgb(_reduce(image)))
    except Exception as error:                              # decoders raise almost anything on damaged data
        raise _damaged(name) from error


def _open(source: Source) -> tuple[Image.Image, str]:
    """The image, its pixels not yet decoded, and what to call it in an error."""
    if isinstance(source, Image.Image):
        return source, "The photo"
    if isinstance(source, np.ndarray):
        return _from_array(source), "The photo"
    if isinstance(source, (str, PathLike)):
        return _open_file(_bytes(Path(source)), Path(source).name)
    data = source if isinstance(source, bytes) else source.read()
    if not data:
        raise FaceError("The photo is empty: choose the original file.")
    return _open_file(data, "The photo")


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise FaceError(f"{path} was not found: check the path.")
        if path.stat().st_size > MAX_BYTES:
            raise FaceError(f"{path.name} has more than {MAX_BYTES / 1e6:.0f} MB: choose a photo.")
        data = path.read_bytes()
    except PermissionError as error:
        raise FaceError(f"{path.name} cannot be opened: give yourself the right to read it.") from error
    except OSError as error:                            # a name that is too long, a disk that fails
        raise FaceError(f"{path.name} cannot be opened: check the path.") from error
    if not data:
        raise FaceError(f"{path.name} is empty: choose the original file.")
    return data


def _open_file(data: bytes, name: str) -> tuple[Image.Image, str]:
    try:
        with warnings.catch_warnings():                 # we set our own limit, and before decoding
            warnings.simplefilter("ignore")
            return _opened(data, name), name
    except Image.DecompressionBombError as error:
        raise FaceError(f"{name} has too many pixels: make it smaller and try again.") from error
    except UnidentifiedImageError as error:
        raise FaceError(f"{name} is not an image that can be read: use a JPEG, PNG or WebP photo.") from error
    except Exception as error:                          # parsers of headers raise almost anything
        raise _damaged(name) from error


def _opened(data: bytes, name: str) -> Image.Image:
    """By content, whatever the suffix says; a TGA alone has nothing to know it by."""
    if data.startswith(b"\xff\xd8\xff"):
        with suppress(SyntaxError):
            return JpegImagePlugin.JpegImageFile(BytesIO(data))     # PIL's opener would refuse 180 megapixels
    formats = ("TGA",) if name.lower().endswith(".tga") else FORMATS
    return Image.open(BytesIO(without_text(data)), formats=formats)


def _from_array(array: np.ndarray) -> Image.Image:
    """[H, W] or [H, W, 1-4] of any number type -> a PIL image of 8 bits a channel."""
    channels = 1 if array.ndim == 2 else array.shape[-1]
    if array.ndim not in (2, 3) or channels not in (1, 2, 3, 4) or array.dtype.kind not in "buif":
        raise FaceError("The array is not an image: give it as [height, width, 3] of uint8.")
    pixels = array if array.dtype == np.uint8 else to_8_bit(array)
    return Image.fromarray(pixels[..., 0] if array.ndim == 3 and channels == 1 else pixels)


def to_8_bit(values: np.ndarray, full: float | None = None) -> np.ndarray:
    """Values of any range -> uint8: 10, 12 and 14-bit cameras store small numbers in 16-bit files.

    Full scale, if not given, is the smallest of 1 and the usual bit depths that holds the maximum. What is no number is
    black.
    """
    scales = (1, 255, 1023, 4095, 16383, 65535, 2**32 - 1)
    finite = values if values.dtype.kind != "f" else np.where(np.isfinite(values), values, 0)
    peak = finite.max(initial=0)
    full = full or next((scale for scale in scales if peak <= scale), peak)
    if finite is not values:
        finite = np.where(np.isposinf(values), full, finite)
    scaled = np.multiply(finite, 255 / full, dtype=np.float32)
    return np.rint(np.clip(scaled, 0, 255, out=scaled), out=scaled).astype(np.uint8)


def _check_size(image: Image.Image, max_pixels: float, min_side: int, name: str) -> None:
    width, height = image.size
    limit = max_pixels * (JPEG_FACTOR if isinstance(image, JpegImagePlugin.JpegImageFile) else 1)
    if width * height > limit:
        raise FaceError(
            f"{name} has {width * height / 1e6:.0f} megapixels, more than {limit / 1e6:.0f}: make it smaller and try "
            "again."
        )
    if min(image.size) < min_side:
        raise FaceError(f"{name} is only {width} x {height} pixels: use one of at least {min_side} x {min_side}.")


def _working_size(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, math.sqrt(WORKING_PIXELS / (size[0] * size[1])))
    return max(1, math.floor(size[0] * scale)), max(1, math.floor(size[1] * scale))


def _damaged(name: str) -> FaceError:
    return FaceError(f"{name} is cut off or damaged: choose the original file.")


def _reduce(image: Image.Image) -> Image.Image:
    """8 bits a channel, at the working size, upright."""
    opened, size = image, _working_size(image.size)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = Image.fromarray(_grey(image))
    elif image.has_transparency_data and image.mode != "RGBA":
        image = image.convert("RGBA")
    elif image.mode in ("P", "1"):
        image = image.convert("RGB")
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    image = upright(image, opened)
    image.info = opened.info
    return image


def _grey(image: Image.Image) -> np.ndarray:
    """A grey picture of more than 8 bits as uint8 [H, W]; some TIFF files call white 0, and PIL leaves them so."""
    values = np.asarray(image)
    if not is_white_zero(image):
        return to_8_bit(values)
    return 255 - to_8_bit(
        values, None if image.mode == "F" else 2 ** image.tag_v2[258][0] - 1)       # type: ignore[attr-defined]


def _to_srgb(image: Image.Image) -> Image.Image:
    """Over white where transparent, through the colour profile where there is one (phones: Display P3; print: CMYK)."""
    profile = image.info.get("icc_profile")
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if profile:
        with suppress(ImageCms.PyCMSError, OSError):        # a broken profile is no reason to refuse the photo
            image = ImageCms.profileToProfile(
                image, BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB") or image
    return image.convert("RGB")
