"""Eyes that live: blinks, glances, and irises that move in a photo.

Blinks are two to three tenths of a second long, close about twice as fast as they open (Trutoiu et al., 2011), and come
at intervals that are log-normal (Bentivoglio et al., 1997). These are ours, not the paper's: the learned motion blinks
rarely, and always at the same moment of a seed.
"""

from dataclasses import dataclass

import numpy as np
import torch

from .tracks import Track, randomness, smooth

BLINKS, GLANCES = 0, 1              # streams of randomness
CLOSING, OPEN_FROM = 0.28, 0.40     # shares of a blink: until it is shut, and until it opens again
FIRST_BLINK = 0.7                   # s
LEAST_PAUSE = 1.0                   # s between blinks
LENGTHS = (0.24, 0.36)              # s of a blink
GLANCE = 0.06                       # s that the eyes take from one place to another
REACH = 0.15                        # of an eye's width: what a gaze of 1 moves the iris by
INNER = 0.45                        # half-widths of an eye within which all moves with the iris


Gaze = tuple[float, float]          # of the controls gaze_x and gaze_y
AHEAD: Gaze = (0.0, 0.0)


@dataclass(frozen=True)
class Blinks:
    """When the eyes close, and for how long."""

    starts: np.ndarray      # s, [N]
    lengths: np.ndarray     # s, [N]

    @classmethod
    def drawn(cls, seed: int, per_minute: float, until: float) -> "Blinks":
        """Those of one clip that have ended by `until` seconds."""
        generator, starts, lengths = randomness(seed, BLINKS), [], []
        person = generator.lognormal(0, 0.15)                   # some blink more often than others
        typical = max(0.2, 60 * person / per_minute - LEAST_PAUSE - sum(LENGTHS) / 2)
        at = FIRST_BLINK + generator.uniform(0, 0.5) * typical
        while at < until:
            starts.append(at)
            lengths.append(generator.uniform(*LENGTHS))
            at += lengths[-1] + LEAST_PAUSE + typical * generator.lognormal(-0.18, 0.6)
        whole = np.array(starts) + lengths <= until if starts else np.zeros(0, bool)
        return cls(np.array(starts)[whole], np.array(lengths)[whole])

    def __call__(self, seconds: np.ndarray) -> np.ndarray:
        """[T] -> share by which the eyes are closed, [T], 0 to 1."""
        if not len(self.starts):
            return np.zeros_like(seconds)
        last = np.maximum(np.searchsorted(self.starts, seconds, side="right") - 1, 0)
        share = (seconds - self.starts[last]) / self.lengths[last]
        return np.where(share < OPEN_FROM, smooth(share / CLOSING), 1 - smooth((share - OPEN_FROM) / (1 - OPEN_FROM)))


def glances(seed: int, aside: float, until: float) -> Track:
    """Where the eyes look, [K = 2], in units of the controls gaze_x and gaze_y: at the camera for 4 to 9 s, then aside
    for a moment, by about `aside`.
    """
    def draw(generator: np.random.Generator, number: int) -> tuple[float, np.ndarray]:
        if number % 2:
            return generator.uniform(4, 9), np.zeros(2)
        angle = generator.uniform(-0.5, 0.5) + np.pi * generator.integers(2)            # sideways rather than up
        return generator.uniform(0.8, 2.0), aside * generator.uniform(0.6, 1) * np.array([np.cos(angle), np.sin(angle)])

    generator = randomness(seed, GLANCES)
    return Track.drawn(generator, draw, until, GLANCE, generator.uniform(1.2, 5))


class Irises:
    """Where in a photo each place of the eyes comes from, when they look elsewhere; lids stay where they are."""

    def __init__(
        self,
        landmarks: np.ndarray,      # [68, 2] of the photo's crop, in sides of it
    ):
        eyes = torch.from_numpy(np.asarray(landmarks, np.float32)[36:48]).view(2, 6, 2)
        self.centres = eyes.mean(1)                                                     # [2, 2]
        self.axes = (eyes[:, 3] - eyes[:, 0]) / 2                                       # [2, 2], half a width each
        self.heights = ((eyes[:, 4:6] - eyes[:, 1:3].flip(1)).norm(dim=2).mean(1) / 2).clamp(min=1e-3)      # [2]
        margin = 2.5 * self.axes.norm(dim=1).max()
        self.low, self.high = eyes.amin((0, 1)) - margin, eyes.amax((0, 1)) + margin    # where they may be in a frame

    def flow(self, places: torch.Tensor, gaze: tuple[float, float]) -> torch.Tensor:
        """What to add to places [..., 2] of the photo, in sides, to read from there: [..., 2]."""
        total = torch.zeros_like(places)
        for centre, axis, height in zip(self.centres, self.axes, self.heights):
            width = axis.norm()
            down = torch.stack([-axis[1], axis[0]]) / width
            across, along = (places - centre) @ axis / width**2, (places - centre) @ down / height
            weight = _fade(across.abs(), INNER, 1.0) * _fade(along.abs(), 1.0, 1.8)
            move = 2 * REACH * (gaze[0] * axis + gaze[1] * width * down)
            total -= weight[..., None] * move
        return total


def _fade(x: torch.Tensor, full: float, none: float) -> torch.Tensor:
    """1 up to `full`, 0 from `none` on."""
    share = ((none - x) / (none - full)).clamp(0, 1)
    return share * share * (3 - 2 * share)
