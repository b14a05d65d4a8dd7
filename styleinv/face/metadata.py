"""What a picture file says beside its pixels, as far as it is needed to see them right; whatever else it holds is
passed over.
"""

import struct
import zlib
from contextlib import suppress

from PIL import Image

ORIENTATION, PHOTOMETRIC = 0x0112, 0x0106       # tags of EXIF and TIFF
PNG = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
PROFILE = b"Raw profile type exif\0"           # ImageMagick's way to keep EXIF in a PNG
MOST = 1 << 20                                  # bytes that a packed chunk may become: PIL refuses more

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(image: Image.Image, opened: Image.Image) -> Image.Image:
    """The image as the EXIF of `opened`, from which it comes, says that it is held."""
    turn = TURNS.get(orientation(opened))
    return image if turn is None else image.transpose(turn)


def orientation(image: Image.Image) -> int:
    """1 to 8; 1 where nothing, or nothing sensible, is said. No other tag is looked at: many are broken in the wild."""
    found = None
    with suppress(Exception):
        if hasattr(image, "tag_v2"):
            found = image.tag_v2.get(ORIENTATION)
        elif block := _exif_block(image):
            found = exif_orientation(block)
        elif image.format is None:                      # made in this process
            found = image.getexif().get(ORIENTATION)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _exif_block(image: Image.Image) -> bytes:
    if block := image.info.get("exif"):
        return block
    text = image.info.get("Raw profile type exif", "")
    return bytes.fromhex("".join(text.split()[2:])) if text else b""        # its name, its length, then digits


def exif_orientation(block: bytes) -> int | None:
    """The orientation in an EXIF block; None if there is none, however broken the rest is."""
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 10:
        return None
    start, = struct.unpack_from(f"{order}I", block, 4)
    for place in range(start + 2, len(block) - 11, 12):
        if place >= start + 2 + 12 * struct.unpack_from(f"{order}H", block, start)[0]:
            return None
        tag, kind = struct.unpack_from(f"{order}HH", block, place)
        if tag == ORIENTATION:
            code = {1: "B", 3: "H", 4: "I"}.get(kind)           # a short, says the standard; bytes and longs are seen
            return struct.unpack_from(f"{order}{code}", block, place + 8)[0] if code else None
    return None


def is_white_zero(image: Image.Image) -> bool:
    """Whether a TIFF's least value is white."""
    return getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == 0


def without_text(data: bytes) -> bytes:
    """A PNG without its texts, which may be packed beyond any measure, and without a colour profile that is; else the
    data.
    """
    if not data.startswith(PNG):
        return data
    kept, place = [PNG], len(PNG)
    while place + 12 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4])
        kind = data[place + 4 : place + 8]
        if not _is_needless(kind, data[place + 8 : end - 4] if kind in (*TEXTS, b"iCCP") else b""):
            kept.append(data[place:end])
        place = end
    return b"".join(kept) + data[place:]


def _is_needless(kind: bytes, body: bytes) -> bool:
    if kind in TEXTS and not body.startswith(PROFILE):
        return True
    if kind not in (b"zTXt", b"iCCP"):
        return False
    unpacker = zlib.decompressobj()
    with suppress(zlib.error):
        return len(unpacker.decompress(body.split(b"\0", 1)[-1][1:], MOST)) >= MOST
    return False
