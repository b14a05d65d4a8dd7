"""Photos of every kind come in upright, in colour and in 8 bits, or are refused in one exact sentence."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from styleinv.data.splits import read_images
from styleinv.data.video_set import VideoSet
from styleinv.errors import FaceError
from styleinv.face.photo import WORKING_PIXELS, load_photo, to_8_bit

ORIENTATION = 0x0112


@pytest.fixture
def picture() -> Image.Image:
    """96 x 80 px, every corner another colour, so that no rotation or mirror image equals it."""
    y, x = np.mgrid[0:80, 0:96]
    return Image.fromarray(np.stack([x * 2.6, y * 3.1, 255 - x * 2.6], -1).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def difference(a: np.ndarray, b: Image.Image | np.ndarray) -> float:
    b = np.asarray(b)
    assert a.shape == b.shape and a.dtype == np.uint8
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "MPO"])
@pytest.mark.parametrize("turned, orientation", [
    (None, 1), (Image.Transpose.FLIP_LEFT_RIGHT, 2), (Image.Transpose.ROTATE_180, 3),
    (Image.Transpose.FLIP_TOP_BOTTOM, 4),
    (Image.Transpose.TRANSPOSE, 5), (Image.Transpose.ROTATE_90, 6), (Image.Transpose.TRANSVERSE, 7),
    (Image.Transpose.ROTATE_270, 8),
])
def test_orientation(picture, kind, turned, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = picture if turned is None else picture.transpose(turned)
    assert difference(load_photo(encoded(stored, kind, exif=exif)), picture) < 4


@pytest.mark.parametrize("mode, tolerance", [("L", 0), ("LA", 0), ("P", 30), ("RGBA", 0), ("I;16", 0)])
def test_modes_in_png(picture, mode, tolerance):
    grey = picture.convert("L")
    stored = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257) if mode == "I;16" else picture.convert(mode)
    expected = picture if mode in ("P", "RGBA") else grey.convert("RGB")
    assert difference(load_photo(encoded(stored, "PNG")), expected) <= tolerance


def test_bilevel():
    checks = Image.fromarray(np.indices((64, 64)).sum(0) % 2 == 0)
    assert checks.mode == "1"
    assert np.unique(load_photo(encoded(checks, "PNG"))).tolist() == [0, 255]


def test_cmyk(picture):
    assert difference(load_photo(encoded(picture.convert("CMYK"), "JPEG", quality=95)), picture) < 3


def test_transparent_becomes_white(picture):
    palette = picture.quantize(8)
    first = palette.getpixel((0, 0))
    for stored, options in ((Image.new("RGBA", (64, 64), (9, 9, 9, 0)), {}), (palette, {"transparency": first})):
        assert load_photo(encoded(stored, "PNG", **options))[0, 0].tolist() == [255, 255, 255]


def test_half_transparent_over_white():
    assert load_photo(encoded(Image.new("RGBA", (64, 64), (0, 0, 0, 128)), "PNG"))[0, 0].tolist() == [127, 127, 127]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF"])
def test_animated_gives_first_frame(kind):
    red, blue = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 64), "blue")
    r, g, b = load_photo(encoded(red, kind, save_all=True, append_images=[blue]))[30, 30]
    assert r > 240 and g < 15 and b < 15


@pytest.mark.parametrize("values, expected", [
    (np.array([0.0, 0.5, 1.0]), [0, 128, 255]),
    (np.array([0, 2047, 4095]), [0, 127, 255]),                 # a 12-bit camera
    (np.array([0, 32767, 65535], np.uint16), [0, 127, 255]),
    (np.array([False, True]), [0, 255]),
    (np.array([-1.0, 0.25]), [0, 64]),
])
def test_to_8_bit(values, expected):
    assert to_8_bit(values).tolist() == expected


@pytest.mark.parametrize("array", [
    np.full((70, 80), 51, np.uint8), np.full((70, 80, 1), 0.2), np.full((70, 80, 3), 0.2, np.float32),
    np.concatenate([np.full((70, 80, 3), 51), np.full((70, 80, 1), 255)], -1).astype(np.uint8),
])
def test_arrays(array):
    assert np.array_equal(load_photo(array), np.full((70, 80, 3), 51))


def test_sources_agree(picture, tmp_path):
    data = encoded(picture, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    for source in (path, str(path), data, io.BytesIO(data), picture, np.asarray(picture)):
        assert difference(load_photo(source), picture) == 0


def test_colour_profile_is_applied(picture):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    exchanged = Image.merge("RGB", picture.split()[::-1])
    assert difference(load_photo(encoded(picture, "PNG", icc_profile=srgb)), picture) < 1
    assert difference(load_photo(encoded(picture, "PNG", icc_profile=swapped)), exchanged) < 2
    assert difference(load_photo(encoded(picture, "PNG", icc_profile=b"broken")), picture) == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_large_photos_are_reduced(kind):
    data = encoded(Image.new("RGB", (6000, 3000), (10, 200, 30)), kind)
    photo = load_photo(data)
    assert (photo.shape[0] * photo.shape[1] <= WORKING_PIXELS
            and photo.shape[1] == pytest.approx(2 * photo.shape[0], abs=2))
    assert difference(photo[:1, :1], np.array([[[10, 200, 30]]])) < 3


def test_a_given_image_is_left_as_it_was(picture):
    file = Image.open(io.BytesIO(encoded(picture.resize((6000, 3000)), "JPEG")))
    load_photo(file)
    assert file.size == (6000, 3000)


@pytest.mark.parametrize("data, sentence", [
    (b"", "The photo is empty: choose the original file."),
    (b"no image", "The photo is not an image that can be read: use a JPEG, PNG or WebP photo."),
    (encoded(Image.new("L", (63, 500)), "PNG"), "The photo is only 63 x 500 pixels: use one of at least 64 x 64."),
    (encoded(Image.new("1", (11000, 10000)), "PNG"),
     "The photo has 110 megapixels, more than 100: make it smaller and try again."),
    (encoded(Image.new("1", (20000, 10000)), "PNG"), "The photo has too many pixels: make it smaller and try again."),
    (np.zeros(5), "The array is not an image: give it as [height, width, 3] of uint8."),
])
def test_refusals(data, sentence):
    with pytest.raises(FaceError) as caught:
        load_photo(data)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_truncated(kind, tmp_path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 96, 3), np.uint8))
    path = tmp_path / f"photo.{kind.lower()}"
    path.write_bytes(encoded(noise, kind)[:2000])
    with pytest.raises(FaceError) as caught:
        load_photo(path)
    assert str(caught.value) == f"{path.name} is cut off or damaged: choose the original file."


def test_missing_and_empty_files(tmp_path):
    empty = tmp_path / "empty.jpg"
    empty.touch()
    for path, sentence in (
        (Path("no/such.jpg"), "no/such.jpg was not found: check the path."),
        (tmp_path, f"{tmp_path} was not found: check the path."),
        (empty, "empty.jpg is empty: choose the original file."),
    ):
        with pytest.raises(FaceError) as caught:
            load_photo(path)
        assert str(caught.value) == sentence


def exif_block(*entries: tuple[int, int, int, bytes], order: str = "<") -> bytes:
    """An EXIF block of entries (tag, type, count, four bytes), broken as one likes."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(entries))
    return b"Exif\0\0" + head + b"".join(
        struct.pack(f"{order}HHI", *entry[:3]) + entry[3] for entry in entries) + bytes(4)


BROKEN = {
    "text for a resolution": (0x011A, 2, 4, b"abc\0"), "a rational beyond the end": (0x011A, 5, 1, b"\xff\xff\xff\x7f"),
    "a type that is none": (0x010F, 99, 7, b"1234"), "a count beyond all": (0x010F, 2, 2**32 - 1, b"1234"),
    "a maker of rationals": (0x010F, 5, 1, b"\0\0\0\0"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_odd_exif_does_not_matter(picture, broken):
    block = exif_block(BROKEN[broken], (0x0112, 3, 1, struct.pack("<HH", 6, 0)))
    stored = picture.transpose(Image.Transpose.ROTATE_90)
    for kind in ("JPEG", "PNG", "WEBP"):
        assert difference(load_photo(encoded(stored, kind, exif=block)), picture) < 4


def test_random_exif_never_matters(picture):
    random = np.random.default_rng(0)
    for _ in range(200):
        block = exif_block(*((0x0112 if i == 2 else random.integers(65536), random.integers(14),
                              random.integers(2**32), random.bytes(4))
                             for i in range(4)), order=random.choice(["<", ">"]))
        assert sorted(load_photo(encoded(picture, "JPEG", exif=block)).shape) == [3, 80, 96]
        assert sorted(load_photo(encoded(picture, "JPEG", exif=b"Exif\0\0" + random.bytes(60))).shape) == [3, 80, 96]


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize("name", ["photo.heic", "photo.jpg"])
def test_what_phones_write(picture, kind, name, tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    (tmp_path / name).write_bytes(
        encoded(picture.transpose(Image.Transpose.ROTATE_90), kind, exif=exif.tobytes(), quality=95))
    assert difference(load_photo(tmp_path / name), picture) < 5


@pytest.mark.parametrize("packed", [True, False])
def test_png_with_much_text(picture, packed):
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "x" * 2_000_000, zip=packed)
    info.add_text("more", "y" * 2_000_000, zip=packed)
    assert difference(load_photo(encoded(picture, "PNG", pnginfo=info)), picture) == 0


def test_numbers_that_are_none():
    values = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    odd = values.copy()
    odd[:3, 0] = np.nan, np.inf, -np.inf
    for stored in (odd, encoded(Image.fromarray(odd), "TIFF")):
        read = load_photo(stored)[..., 0]
        assert read[:3, 0].tolist() == [0, 255, 0] and np.array_equal(read[3:], to_8_bit(values)[3:])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_white_is_zero(kind):
    grey = np.tile(np.arange(64, 192, dtype=kind), (64, 1)) * (257 if kind == np.uint16 else 1)
    stored = encoded(Image.fromarray(np.iinfo(kind).max - grey), "TIFF")
    tags = (b"\x06\x01\x03\x00\x01\x00\x00\x00\x01\x00", b"\x06\x01\x03\x00\x01\x00\x00\x00\x00\x00")
    assert tags[0] in stored
    assert np.array_equal(load_photo(stored.replace(*tags))[..., 0], np.tile(np.arange(64, 192), (64, 1)))


def test_icons(picture):
    icon = encoded(picture.resize((128, 128)), "ICO", sizes=[(128, 128)])
    assert difference(load_photo(icon), picture.resize((128, 128))) == 0


def test_photos_of_108_and_200_megapixels():
    for size, limit in (((12000, 9000), 100e6), ((1000, 1000), 0.5e6)):         # the second stands for 200
        photo = load_photo(encoded(Image.new("RGB", size, (10, 200, 30)), "JPEG"), max_pixels=limit)
        assert (photo.shape[0] * photo.shape[1] <= WORKING_PIXELS
                and difference(photo[:1, :1], np.array([[[10, 200, 30]]])) < 3)


def test_names_that_no_system_takes(tmp_path):
    with pytest.raises(FaceError, match="cannot be opened: check the path"):
        load_photo(tmp_path / ("a" * 256))


def test_training_reads_as_photos_are_read(tmp_path, picture):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    square = picture.crop((0, 0, 80, 80))
    square.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "1.png", exif=exif)
    Image.fromarray(np.asarray(square.convert("L")).astype(np.uint16) * 257).save(tmp_path / "2.png")
    Image.new("RGBA", (80, 80), (0, 0, 0, 0)).save(tmp_path / "10.png")
    expected = [np.asarray(square), np.asarray(square.convert("L").convert("RGB")), np.full((80, 80, 3), 255)]
    assert np.array_equal(read_images(tmp_path, 80).numpy(), expected)
    assert np.array_equal(VideoSet(tmp_path, 80).read(0, [0, 1, 2]).numpy(), expected)
