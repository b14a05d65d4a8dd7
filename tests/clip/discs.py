"""Clips of a disc that moves, for the tests of files."""

import numpy as np

from styleinv.clip.clip import Clip

RECIPE = {"seed": 7, "style": "a=b; c#d\\e \"f\"\né", "weights": [0.5, 2], "nothing": None}


def picture(number: int) -> np.ndarray:
    """A disc on a soft ground that moves with the number, uint8 [96, 128, 3]."""
    y, x = np.mgrid[0:96, 0:128]
    ground = np.stack([x + 60, y + 80, 200 - x], -1)
    ground[np.hypot(x - 30 - 2 * number, y - 40) < 18] = (220, 170, 140)
    return ground.astype(np.uint8)


class Renderer:
    """Renders discs, and remembers what was asked of it."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    def __call__(self, start: int, stop: int) -> np.ndarray:
        self.calls.append((start, stop))
        return np.stack([picture(number) for number in range(start, stop)])


def clip(length: int = 20, fps: float = 25) -> Clip:
    return Clip(Renderer(), length, fps, RECIPE)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(a.astype(float) - b).mean()))
