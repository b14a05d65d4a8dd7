"""Malformed and odd files through every reader: each is read, or refused in a sentence, soon, and stays as it was.

python tests/fuzz.py [COUNT] [SEED]: prints what became of COUNT files, 2,000 if not said; exit code 1 for a fault.
"""

import base64
import faulthandler
import hashlib
import io
import json
import struct
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from styleinv.clip import provenance
from styleinv.clip.clip import Clip, read_recipe
from styleinv.clip.ffmpeg import frame_rate, read_frames
from styleinv.clip.recipe import Recipe
from styleinv.data.video_set import VideoSet, open_image
from styleinv.errors import InputError
from styleinv.face.photo import load_photo
from styleinv.inversion import read_latents

SLOW, HUNG = 20.0, 120          # s: a fault; and what ends the run, telling where it hangs
PICTURES = ("jpg", "png", "webp", "gif", "tif", "bmp", "heic", "avif", "ico", "jp2", "ppm", "tga")
FORMATS = {"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000", "heic": "HEIF"}       # Pillow's names, where they differ
CLIPS = ("mp4", "gif clip", "webp clip")
LATENT = base64.b64encode(bytes(1024)).decode()         # 512 zeros of float16
RECIPE = {"seed": 7, "motion": 1.0, "styles": ["ink"], "w0": LATENT, "weights": {"a": "b"}, "version": "0.2.0"}
TAGS = (0x0112, 0x010F, 0x011A, 0x8769, 0x8825)         # orientation, maker, resolution, and where further tags lie
Random = np.random.Generator


def picture(side: int = 96) -> Image.Image:
    """A soft, coloured one."""
    y, x = np.mgrid[:side, :side]
    return Image.fromarray(np.stack([x + 60, y + 80, 200 - x], -1).astype(np.uint8))


def whole_files(folder: Path) -> dict[str, bytes]:
    """A valid file of each kind."""
    found = {}
    for suffix in PICTURES:
        file = io.BytesIO()
        picture().save(file, FORMATS.get(suffix, suffix.upper()))
        found[suffix] = file.getvalue()
    frames = np.stack([np.roll(np.asarray(picture()), i, 0) for i in range(6)])
    clip = Clip(lambda start, stop: frames[start:stop], 6, 25, RECIPE)
    for kind in CLIPS:
        path = clip.save(folder / f"whole.{kind.split()[0]}", embed_recipe=True)
        found[kind] = path.read_bytes()
        path.unlink()
    return found | {"json": json.dumps(RECIPE, indent=1).encode()}


def exif_block(rng: Random) -> bytes:
    """A TIFF header and a directory of random tags, types, counts and values."""
    order, count = ("<", ">")[rng.integers(2)], int(rng.integers(1, 12))
    entries = []
    for _ in range(count):
        tag, many = int(rng.choice([*TAGS, rng.integers(1 << 16)])), int(rng.choice([0, 1, 2, 1 << 31, 1 << 12]))
        entries.append(struct.pack(order + "HHII", tag, rng.integers(14), many, rng.integers(1 << 32)))
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IH", 8, count) + b"".join(entries) + rng.bytes(int(rng.integers(0, 64)))


def with_exif(kind: str, data: bytes, rng: Random) -> bytes:
    """The file with a random EXIF block, where its kind has a place for one."""
    block = exif_block(rng)
    if kind == "jpg":
        body = b"Exif\0\0" + block
        return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]
    if kind == "tif":
        return block + data
    if kind in ("png", "webp", "avif", "heic"):
        file = io.BytesIO()
        with suppress(Exception), warnings.catch_warnings(action="ignore"):      # Pillow looks into some, and stumbles
            picture().save(file, FORMATS.get(kind, kind.upper()), exif=b"Exif\0\0" + block)
            return file.getvalue()
    return cut(kind, data, rng)


def cut(kind: str, data: bytes, rng: Random) -> bytes:
    """Its first bytes."""
    return data[: int(rng.integers(0, len(data)))]


def flipped(kind: str, data: bytes, rng: Random) -> bytes:
    """Few or many bits the other way, half of them near the start, where headers are."""
    spoilt = bytearray(data)
    for _ in range(int(2 ** (6 * rng.random()))):
        place = int(rng.integers(len(data) if rng.random() < 0.5 else min(200, len(data))))
        spoilt[place] ^= 1 << int(rng.integers(8))
    return bytes(spoilt)


def patched(kind: str, data: bytes, rng: Random) -> bytes:
    """A stretch of it replaced, by noise, zeros or ones, which may be longer or shorter."""
    start, length = int(rng.integers(len(data))), int(rng.integers(1, 200))
    filling = (rng.bytes(length), b"\0" * length, b"\xff" * length, b"")[rng.integers(4)]
    return data[:start] + filling + data[start + int(rng.integers(1, 200)) :]


def doubled(kind: str, data: bytes, rng: Random) -> bytes:
    """Its start before its end, or twice."""
    return data[: int(rng.integers(len(data)))] + data[int(rng.integers(len(data))) :] + data * int(rng.integers(2))


CHANGES: tuple[Callable[[str, bytes, Random], bytes], ...] = (with_exif, cut, flipped, flipped, patched, doubled)


def read(kind: str, path: Path) -> None:
    """Give the file to the reader that it is for, whose error is raised at last, and to all others that may get it."""
    photo, clip = partial(load_photo, path), lambda: list(read_frames(path, None))
    readers = [partial(recipe, path)] if kind == "json" else [clip, photo] if kind in CLIPS else [photo]
    readers += [partial(open_image, path, path.name), partial(provenance.describe, path), partial(recipe, path)]
    readers += [partial(frame_rate, path)] if kind in CLIPS else [lambda: VideoSet(path.parent, 16).read(0, [0])]
    errors = [refusal(reader) for reader in readers]
    if errors[0]:
        raise errors[0]


def refusal(reader: Callable[[], object]) -> InputError | None:
    """With what a reader refuses a file, if it does: one sentence."""
    try:
        reader()
    except InputError as error:
        assert str(error).count("\n") == 0 and str(error).endswith(".")
        return error
    return None


def recipe(path: Path) -> None:
    """As `render` reads it."""
    values = read_recipe(path)
    Recipe.from_dict(values)
    read_latents(values, 23, 512)


@dataclass
class Outcome:
    """What became of the files of a kind."""

    counts: Counter = field(default_factory=Counter)
    slowest: float = 0.0


def run(count: int, seed: int = 0) -> tuple[dict[str, Outcome], list[str]]:
    """Try so many files; what became of them by kind, and the faults in full."""
    outcomes: dict[str, Outcome] = {}
    faults: list[str] = []
    with TemporaryDirectory() as name:
        whole = whole_files(Path(name))
        kinds = [kind for kind in whole for _ in range(1 if kind in CLIPS else 3)]       # videos take a process each
        for number in range(count):
            rng = np.random.default_rng([seed, number])
            kind, change = kinds[number % len(kinds)], CHANGES[rng.integers(len(CHANGES))]
            folder = Path(name) / str(number)
            folder.mkdir()
            fault = attempt(kind, change(kind, whole[kind], rng), folder, outcomes.setdefault(kind, Outcome()))
            faults += [f"{kind}, number {number}, {change.__name__}: {fault}"] if fault else []
    return outcomes, faults


def attempt(kind: str, data: bytes, folder: Path, outcome: Outcome) -> str:
    """Read one file; the fault, if there is one."""
    path, start, fault = folder / f"file.{kind.split()[0]}", time.monotonic(), ""
    path.write_bytes(data)
    faulthandler.dump_traceback_later(HUNG, exit=True)
    said: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True, action="always") as said:
            read(kind, path)
        result = "read"
    except InputError:
        result = "refused"
    except Exception:
        result, fault = "fault", traceback.format_exc()
    finally:
        faulthandler.cancel_dump_traceback_later()
    took = time.monotonic() - start
    if took > SLOW:
        result, fault = "fault", fault or f"it took {took:.0f} s"
    if said:
        result, fault = "fault", fault or f"it warned: {said[0].message}"
    if [*folder.iterdir()] != [path] or hashlib.sha256(path.read_bytes()).digest() != hashlib.sha256(data).digest():
        result, fault = "fault", fault or "the file or its folder was changed"
    outcome.counts[result] += 1
    outcome.slowest = max(outcome.slowest, took)
    return fault


def table(outcomes: dict[str, Outcome]) -> str:
    """As Markdown."""
    lines = ["| file | read | refused | fault | slowest, s |", "| --- | --- | --- | --- | --- |"]
    for kind, outcome in outcomes.items():
        counts = [str(outcome.counts[result]) for result in ("read", "refused", "fault")]
        lines.append(f"| {kind} | {' | '.join(counts)} | {outcome.slowest:.1f} |")
    return "\n".join(lines)


def main() -> int:
    """Run as a program."""
    count, seed = ([int(text) for text in sys.argv[1:]] + [2000, 0][len(sys.argv) - 1 :])[:2]
    outcomes, faults = run(count, seed)
    print(table(outcomes), *faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
