"""Any picture file or array -> upright sRGB pixels, in bounded memory and without its metadata."""

import math
import warnings
from contextlib import suppress
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from ..errors import FaceError

Source = str | PathLike | bytes | BinaryIO | Image.Image | np.ndarray

MIN_SIDE = 64               # px; less holds no usable face
WORKING_PIXELS = 16e6       # larger photos are reduced to this while they are decoded
# Only still-image formats that PIL decodes by itself: EPS, for one, would start Ghostscript on the user's file.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "JPEG2000", "PPM", "TGA")


def load_photo(source: Source, max_pixels: float = 100e6) -> np.ndarray:
    """An upright photo in sRGB, at most about 16 megapixels; larger ones are reduced.

    Args:
        source: path, bytes, binary file, PIL image, or array [H, W], [H, W, 1-4] (bool, integers, floats in [0, 1]).
        max_pixels: photos above this are refused from their header, before anything is decoded.

    Returns:
        uint8 [H, W, 3].

    Raises:
        FaceError: not found, empty, not an image, cut off, too large or too small.
    """
    image, name = _open(source)
    _check_size(image.size, max_pixels, name)
    if image is not source:                             # a caller's own image keeps its size
        image.draft(None, _working_size(image.size))    # a JPEG is decoded at 1/2, 1/4 or 1/8 where that suffices
    return np.asarray(_to_srgb(_reduce(_decode(image, name))))


def _open(source: Source) -> tuple[Image.Image, str]:
    """The image, its pixels not yet decoded, and what to call it in an error."""
    if isinstance(source, Image.Image):
        return source, "The photo"
    if isinstance(source, np.ndarray):
        return _from_array(source), "The photo"
    if isinstance(source, (str, PathLike)):
        return _open_file(_existing(Path(source)), Path(source).name)
    data = source if isinstance(source, bytes) else source.read()
    if not data:
        raise FaceError("The photo is empty: choose the original file.")
    return _open_file(BytesIO(data), "The photo")


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise FaceError(f"{path} was not found: check the path.")
    if path.stat().st_size == 0:
        raise FaceError(f"{path.name} is empty: choose the original file.")
    return path


def _open_file(file: Path | BytesIO, name: str) -> tuple[Image.Image, str]:
    try:
        with warnings.catch_warnings():                 # we set our own limit, and before decoding
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(file, formats=FORMATS), name
    except Image.DecompressionBombError as error:
        raise FaceError(f"{name} has too many pixels: make it smaller and try again.") from error
    except UnidentifiedImageError as error:
        raise FaceError(f"{name} is not an image that can be read: use a JPEG, PNG or WebP photo.") from error
    except PermissionError as error:
        raise FaceError(f"{name} cannot be opened: give yourself the right to read it.") from error
    except OSError as error:
        raise _damaged(name) from error


def _from_array(array: np.ndarray) -> Image.Image:
    """[H, W] or [H, W, 1-4] of any number type -> a PIL image of 8 bits a channel."""
    channels = 1 if array.ndim == 2 else array.shape[-1]
    if array.ndim not in (2, 3) or channels not in (1, 2, 3, 4) or array.dtype.kind not in "buif":
        raise FaceError("The array is not an image: give it as [height, width, 3] of uint8.")
    pixels = array if array.dtype == np.uint8 else to_8_bit(array)
    return Image.fromarray(pixels[..., 0] if array.ndim == 3 and channels == 1 else pixels)


def to_8_bit(values: np.ndarray) -> np.ndarray:
    """Values of any range -> uint8: 10, 12 and 14-bit cameras store small numbers in 16-bit files.

    Full scale is the smallest of 1 and the usual bit depths that holds the maximum.
    """
    scales = (1, 255, 1023, 4095, 16383, 65535, 2**32 - 1)
    peak = values.max(initial=0)
    full = next((scale for scale in scales if peak <= scale), peak)
    scaled = np.multiply(values, 255 / full, dtype=np.float32)
    return np.rint(np.clip(scaled, 0, 255, out=scaled), out=scaled).astype(np.uint8)


def _check_size(size: tuple[int, int], max_pixels: float, name: str) -> None:
    width, height = size
    if width * height > max_pixels:
        raise FaceError(
            f"{name} has {width * height / 1e6:.0f} megapixels, more than {max_pixels / 1e6:.0f}: make it smaller and try again."
        )
    if min(size) < MIN_SIDE:
        raise FaceError(f"{name} is only {width} x {height} pixels: use one of at least {MIN_SIDE} x {MIN_SIDE}.")


def _working_size(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, math.sqrt(WORKING_PIXELS / (size[0] * size[1])))
    return max(1, math.floor(size[0] * scale)), max(1, math.floor(size[1] * scale))


def _decode(image: Image.Image, name: str) -> Image.Image:
    try:
        image.load()                                    # the first frame
    except Exception as error:                          # PIL's decoders raise almost anything on damaged data
        raise _damaged(name) from error
    return image


def _damaged(name: str) -> FaceError:
    return FaceError(f"{name} is cut off or damaged: choose the original file.")


def _reduce(image: Image.Image) -> Image.Image:
    """8 bits a channel, at the working size, upright."""
    info, size = image.info, _working_size(image.size)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = Image.fromarray(to_8_bit(np.asarray(image)))
    elif image.has_transparency_data and image.mode != "RGBA":
        image = image.convert("RGBA")
    elif image.mode in ("P", "1"):
        image = image.convert("RGB")
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    image.info = info
    return ImageOps.exif_transpose(image)


def _to_srgb(image: Image.Image) -> Image.Image:
    """Over white where transparent, through the colour profile where there is one (phones: Display P3; print: CMYK)."""
    profile = image.info.get("icc_profile")
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if profile:
        with suppress(ImageCms.PyCMSError, OSError):        # a broken profile is no reason to refuse the photo
            image = ImageCms.profileToProfile(image, BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB") or image
    return image.convert("RGB")
