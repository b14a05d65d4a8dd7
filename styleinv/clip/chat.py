"""Files that chats take: below a limit whatever the length, by less quality, then fewer and smaller frames."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from PIL import Image

from .writers import QUALITIES, WRITERS, Quality, Source

CHAT = 8_000_000                # bytes that every chat takes
SAFE = 0.92                     # part of the limit that is aimed at
CLOSE = 0.75                    # part of the room for frames, beyond which an mp4 was held down
CREDENTIALS = 20_000            # bytes of the signed statement, at most
MP4_FRAME = 24                  # bytes that an mp4 spends on a frame beside its picture
MP4_BITS = 0.025                # per pixel, with which a face still looks well
WINDOW, WINDOWS = 8, 3          # frames of a part that is written to see how large they become, and parts
STEPS = (                       # the largest side in px, the root of the area; the most frames per second
    (1024, 30), (1024, 25), (768, 25), (640, 25), (640, 20), (512, 20), (448, 20), (448, 15), (384, 15), (320, 15),
    (288, 15), (288, 12), (256, 12), (224, 12), (224, 10), (192, 10), (176, 10), (160, 10), (160, 8), (144, 8),
    (128, 8), (128, 6), (112, 6), (96, 6), (96, 5), (80, 5), (80, 4), (64, 4), (64, 3), (56, 3), (56, 2), (48, 2),
    (48, 1), (32, 1), (32, 0.5), (24, 0.5), (24, 0.2), (16, 0.2),
)


class Level(NamedTuple):
    """How a clip is written: the further down, the smaller."""

    quality: str        # of QUALITIES
    fps: float          # frames per second
    scale: float        # of the sides, 1 or less


class Part(NamedTuple):
    """Some frames of a clip, as a source of a file."""

    frames: Sequence[np.ndarray]
    fps: float


def levels(source: Source, quality: str) -> list[Level]:
    """From what was asked for down to what is small whatever the length, without repeats."""
    height, width = source.frames[0].shape[:2]
    side, names = math.sqrt(height * width), list(QUALITIES)
    names = names[names.index(quality) :]
    found = [Level(name, source.fps, 1.0) for name in names]
    found += [Level(names[-1], min(source.fps, most), min(1.0, largest / side)) for largest, most in STEPS]
    return list(dict.fromkeys(found))


class Fit:
    """Which levels keep a clip below so many bytes."""

    def __init__(self, source: Source, suffix: str, room: float):
        """`suffix` is the file's; `room` is what is left for the frames, in bytes."""
        self.source, self.suffix, self.room = source, suffix, room
        self.seconds = len(source.frames) / source.fps
        self.size = lru_cache(self._size)
        self.parts = [] if suffix == ".mp4" else _windows(source)

    def first(self, tried: list[Level]) -> int:
        """The number of the first level that should fit; the last one's if none should."""
        return min(bisect_left(tried, True, key=lambda level: self.size(level) <= self.room), len(tried) - 1)

    def quality(self, level: Level) -> Quality:
        """Of a level, an mp4's with the rate that keeps it below the limit."""
        most = 8 * (self.room - MP4_FRAME * self.seconds * level.fps) / self.seconds
        return QUALITIES[level.quality]._replace(rate=max(1000, int(most)))

    def held(self, size: int) -> bool:
        """Whether a file of so many bytes is as large as it was allowed to be."""
        return self.suffix == ".mp4" and size > CLOSE * self.room

    def _size(self, level: Level) -> float:
        """Bytes of the frames at a level: of an mp4 the least, of others by a sample that is written."""
        count = max(1.0, self.seconds * level.fps)
        if self.suffix == ".mp4":
            height, width = self.source.frames[0].shape[:2]
            return count * (height * width * level.scale**2 * MP4_BITS / 8 + 2 * MP4_FRAME)
        stride = max(1, round(self.source.fps / level.fps))
        size = scaled_size(self.parts[0][0], level.scale)
        frames = [shrunk(frame, size) for part in self.parts for frame in part[::stride]]
        with TemporaryDirectory() as folder:
            one, every = (self._written(Path(folder), frames[:n], level) for n in (1, len(frames)))
        return one + (count - 1) * (every - one) / max(1, len(frames) - 1)

    def _written(self, folder: Path, frames: list[np.ndarray], level: Level) -> int:
        path = folder / f"part{self.suffix}"
        WRITERS[self.suffix](path, iter(frames), Part(frames, level.fps), QUALITIES[level.quality], "")
        return path.stat().st_size


def _windows(source: Source) -> list[list[np.ndarray]]:
    """Frames that follow one another, from the start, the middle and the end of a clip."""
    last = max(0, len(source.frames) - WINDOW) // WINDOW
    starts = sorted({last * number // (WINDOWS - 1) * WINDOW for number in range(WINDOWS)})
    return [list(source.frames[start : start + WINDOW]) for start in starts]


def scaled_size(frame: np.ndarray, scale: float) -> tuple[int, int]:
    """Height and width in px of a frame [H, W, 3] at a scale of its sides."""
    height, width = frame.shape[:2]
    return max(2, round(height * scale)), max(2, round(width * scale))


def shrunk(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 [H, W, 3] -> [*size, 3]."""
    if frame.shape[:2] == size:
        return frame
    return np.asarray(Image.fromarray(frame).resize(size[::-1], Image.Resampling.LANCZOS, reducing_gap=2.0))


def room(limit: int, told: str) -> float:
    """Bytes that are left for the frames below a limit, beside the text that is told and the credentials."""
    return SAFE * (limit - CREDENTIALS - len(told.encode()))


def lowered(source: Source, before: Level, after: Level, limit: int, held: bool) -> str:
    """What was lowered, in a sentence; nothing if nothing was. `held`: the encoder was held down too."""
    changes, frame = [], source.frames[0]
    if after.scale < 1:
        (height, width), (new_height, new_width) = frame.shape[:2], scaled_size(frame, after.scale)
        changes.append(f"{new_width}x{new_height} px instead of {width}x{height}")
    if after.fps < before.fps:
        changes.append(f"{after.fps:g} frames per second instead of {before.fps:g}")
    if held or after.quality != before.quality:
        changes.append(f"a quality below {before.quality}")
    return f"To stay below {limit / 1e6:g} MB: {', '.join(changes)}." if changes else ""
