"""A clip: frames that are made when they are asked for, and its files."""

import json
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import Any, overload

import numpy as np
from PIL import Image

from ..errors import InputError, Progress
from ..files import replacing
from . import provenance
from .chat import CHAT, Fit, Level, levels, lowered, room, scaled_size, shrunk
from .ffmpeg import read_comment
from .layout import add_mark, grid, side_by_side
from .recipe import without_latents
from .writers import DESCRIPTION, QUALITIES, WRITERS, Quality

__all__ = ["CHAT", "QUALITIES", "WRITERS", "Clip", "Frames", "grid", "looped", "pingpong", "read_recipe",
           "side_by_side"]

Render = Callable[[int, int], np.ndarray]       # (start, stop) -> uint8 [stop - start, H, W, 3]
Remake = Callable[[float, float], "Clip"]

CHUNK = 4                                       # frames rendered together and held in memory
MAX_JSON = 64 << 20                             # bytes of a recipe in a file of its own


class Frames(Sequence[np.ndarray]):
    """Frames uint8 [H, W, 3], rendered in chunks when asked for; only the last chunk is kept, for all slices."""

    def __init__(self, render: Render, length: int):
        """`render` must give the same frames whatever the chunks."""
        self._render, self._length = render, length
        self._indices = range(length)
        self._last: list[tuple[int, np.ndarray]] = [(-1, np.empty(0))]      # a list: shared with slices

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, key: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, key: slice) -> "Frames": ...

    def __getitem__(self, key: int | slice) -> "np.ndarray | Frames":
        if isinstance(key, slice):
            part = copy(self)
            part._indices = self._indices[key]
            return part
        number, place = divmod(self._indices[key], CHUNK)
        return self._chunk(number)[place]

    def _chunk(self, number: int) -> np.ndarray:
        kept, frames = self._last[0]            # read at once: another thread may replace it
        if kept != number:
            frames = self._render(number * CHUNK, min((number + 1) * CHUNK, self._length))
            self._last[0] = number, frames
        return frames


class Clip:
    """A video that is rendered as it is watched or saved.

    Args:
        render: (start, stop) -> uint8 [stop - start, H, W, 3]; the same frames whatever the chunks.
        length: number of frames, at least 1.
        fps: frames a second.
        recipe: all settings that make this clip again, as JSON can hold them.
        remake: (fps, scale) -> the same motion at fewer frames per second, with sides of `scale` or more of these. A
            clip that knows it does not draw what a small file will not show.
    """

    def __init__(self, render: Render, length: int, fps: float, recipe: dict[str, Any], remake: Remake | None = None):
        self.frames = Frames(render, length)
        self.fps = fps
        self.recipe = recipe
        self._remake = remake

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.frames) / self.fps

    def save(
        self, path: str | Path, mark: bool = True, quality: str = "high", progress: Progress | None = None,
        embed_recipe: bool = False,
    ) -> Path:
        """Write an mp4, gif or webp, as the suffix says, with its settings in its metadata and its origin signed.

        Args:
            path: the file; it appears when it is complete. An mp4 takes the same memory at any length.
            mark: put a small visible 'AI-generated' into the lower right corner.
            quality: "high", "medium" or "small".
            progress: called with the frames done and the frames in all, after each chunk.
            embed_recipe: put the face's latents into the metadata too. Whoever gets such a file can make more clips of
                that person; without them, keep `recipe` to make the clip again.

        Returns:
            The path.

        Raises:
            InputError: another suffix, another quality, or a folder that cannot be written to.
        """
        path = Path(path)
        _check(path, quality)
        with replacing(path) as temporary:
            self._write(temporary, QUALITIES[quality], mark, self._told(embed_recipe), progress)
        return path

    def save_for_chat(
        self, path: str | Path, mark: bool = True, quality: str = "high", progress: Progress | None = None,
        embed_recipe: bool = False, limit: int = CHAT,
    ) -> str:
        """As :meth:`save`, of fewer than `limit` bytes whatever the length: quality, rate and size are lowered to fit.

        Returns:
            What was lowered, in a sentence; empty if nothing was.

        Raises:
            InputError: as :meth:`save`; or nothing can be so small.
        """
        path, told = Path(path), self._told(embed_recipe)
        _check(path, quality)
        steps, fit = levels(self, quality), Fit(self, path.suffix.lower(), room(limit, told))
        with replacing(path) as temporary:
            for level in steps[fit.first(steps) :] if fit.room > 0 else []:
                self._lowered(level)._write(temporary, fit.quality(level), mark, told, progress)
                if (size := temporary.stat().st_size) < limit:
                    return lowered(self, steps[0], level, limit, fit.held(size))
            raise InputError(f"{path.name} cannot be below {limit} bytes: choose fewer seconds, or no recipe in it.")

    def _told(self, whole: bool) -> str:
        """What the file says of how it was made."""
        return json.dumps(self.recipe if whole else without_latents(self.recipe))

    def _write(self, path: Path, quality: Quality, mark: bool, told: str, progress: Progress | None) -> None:
        frames = map(add_mark, self.frames) if mark else self.frames
        WRITERS[path.suffix.lower()](path, _reported(frames, len(self.frames), progress), self, quality, told)
        if provenance.can_sign(path):
            provenance.sign(path)

    def _lowered(self, level: Level) -> "Clip":
        """The clip at a level: made again with fewer and smaller frames where it can be, else some of these, shrunk."""
        if level.fps == self.fps and level.scale == 1:
            return self
        made = self._remake(level.fps, level.scale) if self._remake else self
        size = scaled_size(self.frames[0], level.scale)
        length = max(1, round(self.seconds * level.fps))

        def render(start: int, stop: int) -> np.ndarray:
            chosen = (made.frames[place * len(made.frames) // length] for place in range(start, stop))
            return np.stack([shrunk(frame, size) for frame in chosen])

        return Clip(render, length, level.fps, self.recipe)


def _check(path: Path, quality: str) -> None:
    if path.suffix.lower() not in WRITERS:
        raise InputError(f"{path.name} is of no known kind: end the name in {', '.join(WRITERS)}.")
    if quality not in QUALITIES:
        raise InputError(f"There is no quality {quality!r}: choose {', '.join(QUALITIES)}.")


def _reported(frames: Iterable[np.ndarray], total: int, progress: Progress | None) -> Iterator[np.ndarray]:
    for done, frame in enumerate(frames, start=1):
        yield frame
        if progress and (done % CHUNK == 0 or done == total):
            progress(done, total)


def read_recipe(path: str | Path) -> dict[str, Any]:
    """The settings that made a clip, from the clip itself or from a .json file.

    Raises:
        InputError: no such file, or no recipe in it.
    """
    path = Path(path)
    if not os.path.isfile(path):
        raise InputError(f"{path} was not found: check the path.")
    try:
        recipe = json.loads(_recipe_text(path))
    except PermissionError as error:
        raise InputError(f"{path.name} cannot be opened: give yourself the right to read it.") from error
    except Exception:                       # no JSON, no text, no image: parsers raise almost anything on damage
        recipe = None
    if not isinstance(recipe, dict):
        raise InputError(
            f"{path.name} holds no recipe: choose a clip that StyleInV saved, or a recipe in a .json file.")
    return recipe


def _recipe_text(path: Path) -> str | bytes:
    """By content, whatever the suffix says."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return read_comment(path)
    if not head.startswith((b"GIF8", b"RIFF")):
        return path.read_bytes() if path.stat().st_size <= MAX_JSON else b""
    with warnings.catch_warnings(action="ignore"), Image.open(path, formats=("GIF", "WEBP")) as image:
        return image.info.get("comment", b"") if image.format == "GIF" else image.getexif().get(DESCRIPTION, "")


def pingpong(length: int) -> list[int]:
    """Indices of a loop that runs forth and back, the ends shown once: 0, 1, ..., n - 1, ..., 1."""
    return [*range(length), *range(length - 2, 0, -1)]


def looped(render: Render, length: int) -> tuple[Render, int]:
    """The render function and the length of the ping-pong loop of a clip."""
    order = np.array(pingpong(length))

    def render_loop(start: int, stop: int) -> np.ndarray:
        wanted = order[start:stop]              # at most the two sides of one turn: neighbours in the clip
        first = int(wanted.min())
        return render(first, int(wanted.max()) + 1)[wanted - first]

    return render_loop, len(order)
