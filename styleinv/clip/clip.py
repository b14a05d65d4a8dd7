"""A clip: frames that are made when they are asked for, and its files."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from PIL import Image

from ..errors import InputError, Progress
from ..files import replacing
from . import provenance
from .ffmpeg import read_comment, write_mp4
from .layout import add_mark, grid, side_by_side
from .pictures import Reel, stirred, timing
from .recipe import without_latents

__all__ = ["Clip", "Frames", "grid", "looped", "pingpong", "read_recipe", "side_by_side"]

Render = Callable[[int, int], np.ndarray]       # (start, stop) -> uint8 [stop - start, H, W, 3]

CHUNK = 8                                       # frames rendered together and held in memory
QUALITIES = {                                   # H.264 rate factor, WebP quality, GIF colours
    "high": (16, 90, 256),
    "medium": (20, 80, 128),
    "small": (26, 60, 64),
}
GIF_LEAST, WEBP_LEAST = 20, 11                  # ms of a frame; browsers show shorter ones for 100
MAX_JSON = 64 << 20                             # bytes of a recipe in a file of its own
DESCRIPTION = 0x010E                            # EXIF tag that holds a WebP's recipe


class Frames(Sequence[np.ndarray]):
    """Frames uint8 [H, W, 3], rendered in chunks of 8 when asked for; only the last chunk is kept."""

    def __init__(self, render: Render, length: int, indices: range | None = None):
        """`render` must give the same frames whatever the chunks; `indices` choose among its `length` frames."""
        self._render, self._length = render, length
        self._indices = range(length) if indices is None else indices
        self._kept: tuple[int, np.ndarray] = (-1, np.empty(0))

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, key: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, key: slice) -> "Frames": ...

    def __getitem__(self, key: int | slice) -> "np.ndarray | Frames":
        if isinstance(key, slice):
            return Frames(self._render, self._length, self._indices[key])
        number, place = divmod(self._indices[key], CHUNK)
        return self._chunk(number)[place]

    def _chunk(self, number: int) -> np.ndarray:
        kept, frames = self._kept               # read at once: another thread may replace it
        if kept != number:
            frames = self._render(number * CHUNK, min((number + 1) * CHUNK, self._length))
            self._kept = number, frames
        return frames


class Clip:
    """A video that is rendered as it is watched or saved.

    Args:
        render: (start, stop) -> uint8 [stop - start, H, W, 3]; the same frames whatever the chunks.
        length: number of frames, at least 1.
        fps: frames a second.
        recipe: all settings that make this clip again, as JSON can hold them.
    """

    def __init__(self, render: Render, length: int, fps: float, recipe: dict[str, Any]):
        self.frames = Frames(render, length)
        self.fps = fps
        self.recipe = recipe

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
        write = WRITERS.get(path.suffix.lower())
        if write is None:
            raise InputError(f"{path.name} is of no known kind: end the name in {', '.join(WRITERS)}.")
        if quality not in QUALITIES:
            raise InputError(f"There is no quality {quality!r}: choose {', '.join(QUALITIES)}.")
        frames = map(add_mark, self.frames) if mark else self.frames
        with replacing(path) as temporary:
            told = json.dumps(self.recipe if embed_recipe else without_latents(self.recipe))
            write(temporary, _reported(frames, len(self.frames), progress), self, quality, told)
            if provenance.can_sign(temporary):
                provenance.sign(temporary)
        return path


def _reported(frames: Iterable[np.ndarray], total: int, progress: Progress | None) -> Iterator[np.ndarray]:
    for done, frame in enumerate(frames, start=1):
        yield frame
        if progress and (done % CHUNK == 0 or done == total):
            progress(done, total)


def _save_mp4(path: Path, frames: Iterator[np.ndarray], clip: Clip, quality: str, told: str) -> None:
    write_mp4(path, frames, clip.fps, QUALITIES[quality][0], told)


def _save_webp(path: Path, frames: Iterator[np.ndarray], clip: Clip, quality: str, told: str) -> None:
    exif = Image.Exif()
    exif[DESCRIPTION] = told
    chosen, durations = timing(len(clip.frames), clip.fps, 1, WEBP_LEAST)
    Reel(_only(frames, chosen), len(chosen)).save(
        path, "WEBP", save_all=True, duration=durations, loop=0, quality=QUALITIES[quality][1], exif=exif,
    )


def _save_gif(path: Path, frames: Iterator[np.ndarray], clip: Clip, quality: str, told: str) -> None:
    palette = _palette(clip.frames, QUALITIES[quality][2])
    chosen, durations = timing(len(clip.frames), clip.fps, 10, GIF_LEAST)
    images = stirred((Image.fromarray(frame).quantize(palette=palette) for frame in _only(frames, chosen)), durations)
    next(images).save(
        path, save_all=True, append_images=images, duration=durations, loop=0,
        comment=told.encode(), optimize=False,
    )


def _palette(frames: Frames, colours: int) -> Image.Image:
    """One palette for the whole clip, from up to 8 frames spread over it: palettes of single frames would flicker."""
    sample = frames[:: max(1, len(frames) // 8)]
    return Image.fromarray(np.concatenate([*sample])).quantize(colours, Image.Quantize.MEDIANCUT)


def _only(frames: Iterator[np.ndarray], chosen: list[int]) -> Iterator[np.ndarray]:
    """The chosen among the frames, all of which are drawn from."""
    wanted = set(chosen)
    return (frame for place, frame in enumerate(frames) if place in wanted)


WRITERS: dict[str, Callable[[Path, Iterator[np.ndarray], Clip, str, str], None]] = {
    ".mp4": _save_mp4, ".gif": _save_gif, ".webp": _save_webp,
}


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
    with Image.open(path, formats=("GIF", "WEBP")) as image:
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
