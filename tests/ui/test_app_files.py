"""Files of visitors: what comes in malformed or hostile, and that nothing stays."""

import io
import os
import random
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest
from app_server import serve, until
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from styleinv.errors import InputError
from styleinv.ui import research
from styleinv.ui.folders import Expiry, Folders
from styleinv.ui.session import Session
from styleinv.ui.spoken import Stopped
from styleinv.ui.studio import MAX_BYTES, Studio

SHORT = {"seconds": 1, "fps": 5, "likeness": "fast", "consent": True}
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM")
SVG = (b'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"><script>alert(1)</script>'
       b'<image href="/etc"/></svg>')


@pytest.fixture
def folders(tmp_path, monkeypatch) -> Folders:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return Folders(Expiry(age=100, every=1))


def encoded(form: str, size: tuple[int, int] = (96, 80), **options) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(buffer, form, **options)
    return buffer.getvalue()


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG of one bit a pixel that says it is as large as you like."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def bomb(width: int, height: int) -> bytes:
    """A whole PNG of that size in a few kilobytes."""
    return png(width, height, zlib.compress(bytes((width + 7) // 8 + 1) * height, 9))


def damaged(data: bytes, luck: random.Random) -> bytes:
    """Some bytes of a file are others."""
    changed = bytearray(data)
    for _ in range(luck.randint(1, 40)):
        changed[luck.randrange(len(changed))] = luck.randrange(256)
    return bytes(changed)


def hostile() -> Iterator[tuple[str, bytes]]:
    """300 files, the same at every run: (name, content)."""
    luck = random.Random(4)
    whole = {form: encoded(form) for form in FORMATS}
    odd = {
        "empty.jpg": b"", "one.png": encoded("PNG", (1, 1)), "line.png": encoded("PNG", (3000, 1)),
        "wide.png": encoded("PNG", (30_000, 64)), "tall.jpg": encoded("JPEG", (64, 30_000)), "drawing.svg": SVG,
        "drawing.jpg": SVG, "huge.png": png(2**31 - 1, 2**31 - 1), "bomb.png": bomb(40_000, 40_000),
        "big.png": bomb(9_000, 9_000),
        "zero.png": png(0, 0), "page.html": b"<html><script>alert(1)</script></html>",
        "archive.zip": b"PK\x03\x04" + bytes(200), "document.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
        "script.ps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "film.mp4": b"\0\0\0\x20ftypisom" + bytes(300), "jpeg.png": whole["JPEG"], "png.jpg": whole["PNG"],
        "noname": whole["WEBP"],
        "polyglot.jpg": whole["JPEG"] + b"PK\x03\x04<script>alert(1)</script>", "front.jpg": b"GIF89a" + whole["JPEG"],
        "..%2f..%2fetc.jpg": whole["GIF"], "a b\u202egpj.exe": whole["BMP"],
        "icc.jpg": encoded("JPEG", icc_profile=b"\xff" * 300),
        "exif.jpg": encoded("JPEG", exif=b"Exif\0\0" + bytes(range(256))),
    }
    yield from odd.items()
    for number in range(100):
        yield f"cut-{number}.{number % 7}", whole[FORMATS[number % 7]][: luck.randrange(1, 3000)]
    for number in range(100):
        yield f"damaged-{number}.jpg", damaged(whole[FORMATS[number % 7]], luck)
    for number in range(300 - 200 - len(odd)):
        yield f"random-{number}.png", luck.randbytes(luck.randrange(1, 4000))


@pytest.fixture
def no_detector(monkeypatch):
    """None of these files shows a face; looking for one in 200 of them would take minutes."""
    monkeypatch.setattr("styleinv.face.detection.find_faces", lambda image: [])


def test_300_hostile_files_each_get_a_sentence(tiny, folders, no_detector):
    studio, told = Studio(tiny, folders), {}
    for number, (name, data) in enumerate(hostile()):
        path = folders.cache / f"{number}" / Path(name).name
        path.parent.mkdir()
        path.write_bytes(data)
        with pytest.raises(InputError) as caught:
            studio.read(path, Session())
        told[name] = str(caught.value)
    assert len(told) == 300
    for name, sentence in told.items():
        assert sentence.endswith(".") and ": " in sentence and len(sentence) < 200 and "\n" not in sentence, name
    assert "too many pixels" in told["bomb.png"] and "empty" in told["empty.jpg"] and "only 1 x 1" in told["one.png"]


@pytest.mark.parametrize("suffix", ["json", "mp4", "gif", "webp"])
def test_hostile_files_are_no_recipes(tiny, folders, suffix):
    for data in [*dict(islice(hostile(), 40)).values(), b"[" * 100_000]:        # all that is odd, and some of the rest
        path = folders.cache / f"recipe.{suffix}"
        path.write_bytes(data)
        with pytest.raises(InputError, match=f"recipe.{suffix} holds no recipe: "):
            research.known_recipe(Studio(tiny, folders), path)


def test_a_bomb_is_refused_from_its_header(tiny, folders, monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("it was decoded"))
    (folders.cache / "bomb.png").write_bytes(bomb(40_000, 40_000))
    with pytest.raises(InputError, match="bomb.png has too many pixels"):
        Studio(tiny, folders).read(folders.cache / "bomb.png", Session())


def test_too_many_bytes_are_refused_unread(tiny, folders):
    path = folders.cache / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(int(MAX_BYTES) + 1)
    with pytest.raises(InputError, match="huge.jpg has 40 MB, more than 40"):
        Studio(tiny, folders).read(path, Session())


def test_what_is_no_upload_is_neither_read_nor_deleted(tiny, folders, photos):
    with pytest.raises(InputError):
        Studio(tiny, folders).read(photos / "one.jpg", Session())
    folders.discard(photos / "one.jpg")
    assert (photos / "one.jpg").is_file()


def test_work_ends_with_its_folder(folders):
    with folders.work("ann") as done:
        (done / "clip.mp4").touch()
    with pytest.raises(RuntimeError), folders.work("ann"):
        raise RuntimeError
    assert [path.name for path in done.iterdir()] == ["clip.mp4"] and [*folders.clips.iterdir()] == [done]
    with folders.work("bob") as other, pytest.raises(Stopped), folders.work("ann") as stopped:
        folders.stop("ann")
        assert done.is_dir() and not stopped.exists() and other.is_dir()
    folders.remove("ann")
    assert not done.exists()


def test_a_shared_upload_stays_until_both_visitors_are_gone(folders):
    upload = folders.cache / "digest" / "photo.jpg"
    upload.parent.mkdir()
    upload.touch()
    for visitor in ("ann", "bob"):
        folders.claim(visitor, upload)
    folders.remove("ann")
    assert upload.is_file()
    folders.remove("bob")
    assert not upload.exists()


def test_old_files_are_swept_and_new_ones_stay(folders):
    old, new = folders.clips / "ann-1" / "clip.mp4", folders.clips / "bob-1" / "clip.mp4"
    for path in (old, new):
        path.parent.mkdir(parents=True)
        path.touch()
    for path in (old, old.parent):
        os.utime(path, (time.time() - 101,) * 2)
    folders.sweep()
    folders.sweep()                     # a folder changes when a file in it goes
    assert not old.exists() and new.exists()


@pytest.fixture
def brief(quick, tmp_path) -> Iterator[SimpleNamespace]:
    """An app that looks for old files twice a second."""
    with serve(quick, tmp_path, expiry=Expiry(every=0.5)) as running:
        yield running


def test_nothing_remains_after_expiry(brief, photos):
    client = Client(brief.url, verbose=False, analytics_enabled=False, download_files=False)
    client.predict(photo=handle_file(photos / "one.jpg"), api_name="/animate", **SHORT)
    def files():
        return {path.suffix for path in brief.cache.rglob("*") if path.is_file()}
    assert {".mp4", ".json", ".jpg"} <= files()
    for path in brief.cache.rglob("*"):
        os.utime(path, (time.time() - 3600,) * 2)       # an hour later
    until(lambda: not files())


def test_hostile_files_reach_the_server_and_it_lives(brief, photos):
    client = Client(brief.url, verbose=False, analytics_enabled=False, download_files=False)
    for name in ("bomb.png", "drawing.svg", "polyglot.jpg", "cut-0.0", "line.png"):
        path = photos / name
        path.write_bytes(dict(hostile())[name])
        with pytest.raises(AppError) as caught:
            client.predict(photo=handle_file(path), api_name="/faces")
        assert str(caught.value).endswith(".") and "Traceback" not in str(caught.value)
    assert len(client.predict(photo=handle_file(photos / "one.jpg"), api_name="/faces")) == 1


ENDED = """
import signal, time
from styleinv.ui.folders import Folders

folders = Folders()
folders.keep_sweeping(lambda: None)
signal.signal(signal.SIGTERM, signal.default_int_handler)
with folders.work("ann") as folder:
    (folder / "clip.mp4").write_bytes(b"a clip")
print("made", flush=True)
time.sleep(60)
"""


def test_a_server_that_is_ended_leaves_no_clip(tmp_path):
    other = tmp_path / "clips" / "eve-of-another-server"
    other.mkdir(parents=True)
    (other / "clip.mp4").touch()
    process = subprocess.Popen([sys.executable, "-c", ENDED], env=os.environ | {"GRADIO_TEMP_DIR": str(tmp_path)},
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2])
    assert process.stdout.readline() == b"made\n" and len([*(tmp_path / "clips").iterdir()]) == 2
    process.terminate()
    process.wait(30)
    assert [*(tmp_path / "clips").iterdir()] == [other]
