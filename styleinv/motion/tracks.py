"""Things that happen at moments drawn from a seed. They depend on time alone, not on the frames that show it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Draw = Callable[[np.random.Generator, int], tuple[float, np.ndarray]]      # number -> seconds that it lasts, its value


def randomness(seed: int, stream: int) -> np.random.Generator:
    """Of one kind of events of one clip; the motion code's own draws are of another stream."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 1 + stream, 0]))


def smooth(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, at rest at both."""
    x = np.clip(x, 0, 1)
    return x * x * x * (x * (6 * x - 15) + 10)


@dataclass(frozen=True)
class Track:
    """Values that are held, one after the other; before the first one, 0."""

    starts: np.ndarray      # s, rising, [N]
    values: np.ndarray      # [N, K]
    ease: float             # s, from one to the next

    @classmethod
    def drawn(cls, generator: np.random.Generator, draw: Draw, until: float, ease: float, first: float) -> "Track":
        """Events from the second `first` on until `until`, the same ones for any `until`."""
        starts: list[float] = []
        values: list[np.ndarray] = []
        at = first
        while at < until or not values:
            lasts, value = draw(generator, len(values))
            starts.append(at)
            values.append(value)
            at += max(lasts, ease)
        return cls(np.array(starts), np.array(values, float), ease)

    def __call__(self, seconds: np.ndarray) -> np.ndarray:
        """[T] -> [T, K]."""
        values = np.concatenate([np.zeros_like(self.values[:1]), self.values])
        number = np.searchsorted(self.starts, seconds, side="right")                    # events that have begun
        begun = self.starts[np.maximum(number - 1, 0)]
        share = smooth((seconds - begun) / self.ease)[:, None]
        before, now = values[np.maximum(number - 1, 0)], values[number]
        return before + share * (now - before)


def waves(generator: np.random.Generator, seconds: np.ndarray, width: int, slowest: float = 9.0) -> np.ndarray:
    """Slow, never repeating sway of unit variance that is 0 at time 0, [T] -> [T, width]."""
    periods = slowest * generator.uniform(0.25, 1, (4, width))
    phases, turns = generator.uniform(0, 2 * np.pi, (4, width)), 2 * np.pi / periods
    weights = np.sqrt(2 * periods / periods.sum(0))
    return (weights * (np.sin(turns * seconds[:, None, None] + phases) - np.sin(phases))).sum(1)
