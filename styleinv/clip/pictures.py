"""What moving pictures, gif and webp, need beside their frames: times that players keep, and a memory that does not
grow.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.GifImagePlugin import getdata, getheader

LONGEST = 600_000       # ms that a picture of a gif may stand, of the 655,350 that its format can say

Change = tuple[Image.Image, tuple[int, int], int]       # a picture, where its corner lies, the ms that it stands


def timing(length: int, fps: float, unit: int, least: int) -> tuple[list[int], list[int]]:
    """Which frames to keep so that each lasts `least` ms or more, and their times in ms, in whole units of the format.

    They are so rounded that the errors never add up: the total stays what it was.
    """
    total = length * 1000 / fps
    count = max(1, min(length, int(total / least + 1e-6)))
    times = np.rint(np.arange(count + 1) * total / count / unit).astype(int) * unit
    return [place * length // count for place in range(count)], np.maximum(np.diff(times), least).tolist()


class Reel(Image.Image):
    """Frames as the one image of many frames that Pillow writes: it takes them one by one, and holds one."""

    def __init__(self, frames: Iterator[np.ndarray], length: int):
        """`frames` are uint8 [H, W, 3]; `length` is how many there are."""
        first = Image.fromarray(next(frames))
        super().__init__()
        self._mode, self._size, self.im = first.mode, first.size, first.im
        self.frames, self.n_frames, self.place = frames, length, 0

    def seek(self, frame: int) -> None:
        """Forward to the next one; Pillow asks for them in order, then for the first, which is gone and needed no
        more.
        """
        if frame == self.place + 1:
            self.im, self.place = Image.fromarray(next(self.frames)).im, frame

    def tell(self) -> int:
        """The frame that is held, by its number."""
        return self.place


def write_gif(path: Path, images: Iterator[Image.Image], durations: list[int], comment: bytes) -> None:
    """Write images of one palette as a gif that repeats. It holds two of them; Pillow's own writer holds all.

    Args:
        path: the file; one that exists is replaced.
        images: of mode P, one or more.
        durations: ms that each stands, multiples of 10.
        comment: stored in the file.
    """
    with path.open("wb") as file:
        for image, corner, duration in _changes(images, durations):
            if not file.tell():
                file.writelines(getheader(image, info={"loop": 0, "comment": comment})[0])
            file.writelines(getdata(image, corner, duration=duration))
        file.write(b";")


def _changes(images: Iterator[Image.Image], durations: list[int]) -> Iterator[Change]:
    """The part of each image that the one before does not show; equal ones are one picture, as long as it may stand."""
    before, held = np.empty(0), None
    for image, duration in zip(images, durations):
        pixels = np.asarray(image)
        box = _changed(before, pixels)
        if held and box is None and held[2] + duration <= LONGEST:
            held = (*held[:2], held[2] + duration)
        else:
            if held:
                yield held
            box = box or (0, 0, 1, 1)
            held = image.crop(box), box[:2], duration
        before = pixels
    if held:
        yield held


def _changed(before: np.ndarray, pixels: np.ndarray) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of where two pictures [H, W] differ: everything at first, None if nowhere."""
    if before.shape != pixels.shape:
        return 0, 0, pixels.shape[1], pixels.shape[0]
    differs = before != pixels
    rows, columns = differs.any(axis=1).nonzero()[0], differs.any(axis=0).nonzero()[0]
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1) if len(rows) else None
