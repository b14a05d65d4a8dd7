"""How far the work in a folder is: said by those who work, perhaps in another process, and read by those who wait."""

import json
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image

from ..errors import StageProgress
from .spoken import Stopped
from .texts import say

NOTE, REEL = ".progress", ".reel"       # of a folder: how far it is, and small pictures of the first frames
SMALL = 320                             # px, longer side of these pictures
EVERY = 2                               # of so many frames one is shown while they are drawn


@dataclass(frozen=True)
class Progress:
    """How far some work is."""

    words: str = ""
    part: float = 0.0       # from 0 to 1


def reporter(folder: Path, stage: str = "") -> StageProgress:
    """Notes the stage, its steps and the time left, and ends the work when its folder is gone."""
    bar, started = gr.Progress(), time.monotonic()

    def report(kind: str, done: int, total: int) -> None:
        if not folder.is_dir():
            raise Stopped(say("stopped"))
        words = say(f"stage_{stage or kind}")
        left = (time.monotonic() - started) * (total - done) / done if done else None
        known = words if left is None else say("time_left", stage=words, left=_clock(left))
        note(folder, Progress(known, done / total))
        bar((done, total), desc=known, unit=say(f"unit_{kind}"))

    return report


@dataclass(frozen=True)
class Waiter:
    """Notes how many are before, see `Turns.take`."""

    folder: Path

    def __call__(self, before: int) -> None:
        if not self.folder.is_dir():
            raise Stopped(say("stopped"))
        note(self.folder, Progress(say("waiting", count=before)))


def note(folder: Path, progress: Progress) -> None:
    """Write it where :func:`progress` reads it."""
    with suppress(OSError):         # the folder was taken away: the work ends at its next step
        (folder / f"{NOTE}.new").write_text(json.dumps(asdict(progress)))
        (folder / f"{NOTE}.new").replace(folder / NOTE)


def progress(folder: Path) -> Progress:
    """What was noted last."""
    try:
        return Progress(**json.loads((folder / NOTE).read_text()))
    except (OSError, ValueError):
        return Progress()


def show_frames(folder: Path, frames: Sequence[np.ndarray], start: int) -> None:
    """Put small pictures of frames, of which the first is number `start`, where :func:`reel` finds them."""
    with suppress(OSError):
        (folder / REEL).mkdir(exist_ok=True)
        for number, frame in enumerate(frames, start):
            if number % EVERY == 0:
                (folder / REEL / f"{number:06}.webp").write_bytes(_small(frame))


def reel(folder: Path, start: int) -> list[bytes]:
    """The pictures from the `start`th on."""
    found = sorted((folder / REEL).glob("*.webp"))[start:]
    with suppress(OSError):
        return [path.read_bytes() for path in found]
    return []


def tidy(folder: Path) -> None:
    """Take away what only tells of the work."""
    (folder / NOTE).unlink(missing_ok=True)
    shutil.rmtree(folder / REEL, ignore_errors=True)


def _small(frame: np.ndarray) -> bytes:
    picture, buffer = Image.fromarray(frame), BytesIO()
    picture.thumbnail((SMALL, SMALL), Image.Resampling.BILINEAR)
    picture.save(buffer, "WEBP", quality=60, method=0)
    return buffer.getvalue()


def _clock(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.1f} min"
