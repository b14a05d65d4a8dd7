"""The files that a clip is written to: mp4, gif, webp. Each takes the frames one by one and holds few of them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from PIL import Image

from .ffmpeg import write_mp4
from .pictures import Reel, timing, write_gif

GIF_LEAST, WEBP_LEAST = 20, 11                  # ms of a frame; browsers show shorter ones for 100
DESCRIPTION = 0x010E                            # EXIF tag that holds a WebP's recipe


class Quality(NamedTuple):
    """How good the pictures of a file are."""

    crf: int                    # of H.264: 0 lossless to 51
    webp: int                   # of WebP: 0 to 100
    colours: int                # of a GIF
    rate: int | None = None     # of H.264: the most bits per second; None: as many as it takes


QUALITIES = {
    "high": Quality(16, 90, 256),
    "medium": Quality(20, 80, 128),
    "small": Quality(26, 60, 64),
}


class Source(Protocol):
    """What a file is made of: a clip, or a part of one."""

    @property
    def fps(self) -> float:
        """Frames per second."""

    @property
    def frames(self) -> Any:
        """A sequence of uint8 [H, W, 3]."""


Write = Callable[[Path, Iterator[np.ndarray], Source, Quality, str], None]


def _write_mp4(path: Path, frames: Iterator[np.ndarray], source: Source, quality: Quality, told: str) -> None:
    write_mp4(path, frames, source.fps, quality.crf, told, quality.rate)


def _write_webp(path: Path, frames: Iterator[np.ndarray], source: Source, quality: Quality, told: str) -> None:
    exif = Image.Exif()
    exif[DESCRIPTION] = told
    chosen, durations = timing(len(source.frames), source.fps, 1, WEBP_LEAST)
    Reel(_only(frames, chosen), len(chosen)).save(
        path, "WEBP", save_all=True, duration=durations, loop=0, quality=quality.webp, exif=exif,
    )


def _write_gif(path: Path, frames: Iterator[np.ndarray], source: Source, quality: Quality, told: str) -> None:
    palette = _palette(source.frames, quality.colours)
    chosen, durations = timing(len(source.frames), source.fps, 10, GIF_LEAST)
    images = (Image.fromarray(frame).quantize(palette=palette) for frame in _only(frames, chosen))
    write_gif(path, images, durations, told.encode())


def _palette(frames: Sequence[np.ndarray], colours: int) -> Image.Image:
    """One palette for the whole clip, from up to 8 frames spread over it: palettes of single frames would flicker."""
    sample = frames[:: max(1, len(frames) // 8)]
    return Image.fromarray(np.concatenate([*sample])).quantize(colours, Image.Quantize.MEDIANCUT)


def _only(frames: Iterator[np.ndarray], chosen: list[int]) -> Iterator[np.ndarray]:
    """The chosen among the frames, all of which are drawn from."""
    wanted = set(chosen)
    return (frame for place, frame in enumerate(frames) if place in wanted)


WRITERS: dict[str, Write] = {".mp4": _write_mp4, ".gif": _write_gif, ".webp": _write_webp}
