"""Clips as they are sent: other formats, cut to the shape of a screen, or beside the photo."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from PIL import Image

from ..clip.clip import Clip
from ..clip.ffmpeg import read_frames
from ..clip.layout import side_by_side
from ..errors import InputError
from .folders import stopping_with
from .session import Made
from .texts import say

SHAPES = {"square": (1, 1), "portrait": (4, 5), "story": (9, 16)}       # width and height
BESIDE = "beside"                   # with the photo on its left
WHOLE = "whole"                     # as it is
ZIP = "zip"                         # all clips of several photos
CHAT = "chat"                       # a kind of its own: a gif of fewer bytes than chats take
PICTURE_BYTES = 400e6               # of the frames that become a gif or a webp: these formats are for short clips

Change = Callable[[np.ndarray], np.ndarray]     # a frame -> another, uint8 [H, W, 3]


def export(made: Made, kind: str, shape: str = WHOLE) -> Path:
    """A clip in another format or shape, as a file beside it; made once.

    Raises:
        InputError: it is too long for a picture that moves.
        Stopped: the clip was deleted.
    """
    name = made.clip.stem if shape == WHOLE else f"{made.clip.stem}-{shape}"
    path = made.clip.with_name(f"{name}-chat.gif" if kind == CHAT else f"{name}.{kind}")
    with stopping_with(made.clip.parent):
        if kind == ZIP:
            _zip(made.mates, shape, path)
        elif not path.is_file():
            _write(made, shape, path, kind == CHAT)
    return path


def _write(made: Made, shape: str, path: Path, small: bool) -> None:
    """The frames carry the visible mark already."""
    recipe = json.loads(made.clip.with_suffix(".json").read_text())
    fps, change = made.order.recipe.fps, _change(made, shape)
    first, frames = next(read_frames(made.clip, fps)), _Again(made.clip, fps, change)
    clip = Clip(frames, frames.count, fps, recipe)
    if small:
        clip.save_for_chat(path, mark=False)
        return
    if path.suffix != ".mp4" and change(first).nbytes * frames.count > PICTURE_BYTES:
        raise InputError(say("too_long_for_pictures"))
    clip.save(path, mark=False)


def _zip(clips: Sequence[Made], shape: str, path: Path) -> None:
    """Those that are still there, by their photos' names."""
    with ZipFile(path, "w") as archive:
        for number, made in enumerate(clips, start=1):
            if made.clip.is_file():
                archive.write(export(made, "mp4", shape), f"{number:02}-{Path(made.name).stem}.mp4")


class _Again:
    """The frames of a file, as a `Clip` asks for them: in order, and perhaps once more."""

    def __init__(self, clip: Path, fps: float, change: Change):
        self.clip, self.fps, self.change = clip, fps, change
        self.count = sum(1 for _ in read_frames(clip, fps))
        self.place, self.frames = 0, self._open()

    def _open(self) -> Iterator[np.ndarray]:
        return map(self.change, read_frames(self.clip, self.fps))

    def __call__(self, start: int, stop: int) -> np.ndarray:
        if start < self.place:
            self.place, self.frames = 0, self._open()
        for _ in range(start - self.place):
            next(self.frames)
        self.place = stop
        return np.stack([next(self.frames) for _ in range(stop - start)])


def _change(made: Made, shape: str) -> Change:
    if shape == WHOLE:
        return lambda frame: frame
    if shape == BESIDE:
        return lambda frame: side_by_side([fitted(made.before, frame), frame])
    if shape not in SHAPES:
        raise InputError(say("no_shape", name=shape))
    width, height = SHAPES[shape]
    return lambda frame: cut(frame, width / height, made.focus)


def cut(frame: np.ndarray, ratio: float, focus: tuple[float, float] = (0.5, 0.5)) -> np.ndarray:
    """The largest part of uint8 [H, W, 3] whose width is `ratio` times its height, around `focus`; even sides."""
    height, width = frame.shape[:2]
    wide, high = (int(side / 2) * 2 for side in (min(width, height * ratio), min(height, width / ratio)))
    left, top = (round(min(max(part * side - kept / 2, 0), side - kept))
                 for part, side, kept in ((focus[0], width, wide), (focus[1], height, high)))
    return frame[top : top + high, left : left + wide]


def fitted(photo: np.ndarray | None, frame: np.ndarray) -> np.ndarray:
    """A photo as high as a frame, its width even."""
    if photo is None:
        raise InputError(say("no_photo"))
    height = len(frame)
    width = round(photo.shape[1] * height / len(photo) / 2) * 2
    return np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.LANCZOS))


def shapes(made: Made) -> list[str]:
    """Those that make sense: cuts of a whole photo, and what was before."""
    return [WHOLE, *(SHAPES if made.order.recipe.whole else ()), *([BESIDE] if made.before is not None else ())]
