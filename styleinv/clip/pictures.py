"""What moving pictures, gif and webp, need beside their frames: times that players keep, and a memory that does not
grow.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

LONGEST = 600_000       # ms that a picture of a gif may stand, of the 655,350 that its format can say


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


def stirred(images: Iterator[Image.Image], durations: list[int]) -> Iterator[Image.Image]:
    """Images of a palette, of which equal ones that Pillow would join beyond a gif's longest time differ in one
    pixel.
    """
    shown, before = 0, b""
    for image, duration in zip(images, durations):
        same = image.tobytes()
        shown = shown + duration if same == before else duration
        if shown > LONGEST:
            image.putpixel((0, 0), same[0] ^ 1)
            same, shown = image.tobytes(), duration
        before = same
        yield image
