"""How a face follows its driver: all landmarks say where w goes, then the face itself shows what is lacking."""

from functools import cached_property

import numpy as np
import torch

from ..face.landmarks import landmarks_of_crop
from .driver import Driver
from .expression import LEAST, NAMES, Expression, bounded

LACKING = (1.0, 1.0, 0.5, 1.0, 0.0, 1.0, 0.5)       # share of each measure that is added where landmarks lack it
WEIGHTS = (1.0, 1.0, 0.4, 3.0, 0.15, 1.5, 0.25)    # of the measures, where the face itself shows what is lacking
MOST = 1.0      # spans that are asked of a measure: beyond, faces break
BOOST = np.array([1.0, 1.0, 1.0, 1.2, 1.0, 1.0, 1.0])       # where a guess falls short, a correction does too
FAR = 0.4       # spans that are corrected at most: who lacks more does not answer, and would be pulled out of shape
EVERY = 2       # frames from one look at the face to the next: syllables come four to five in a second
SMOOTHED = np.array([0.5, 0.5, 0.5, 0.0, 0.0, 0.0, 0.5])   # share of the looks beside: landmarks tremble, lips are fast


class Follower:
    """Moves of one face's w that do what a driver does."""

    def __init__(
        self,
        driver: Driver,
        face: Expression,           # the face that follows
        steady: torch.Tensor,       # the map of moves that leaves light and glasses as they are, [w_dim, w_dim]
    ):
        self.driver, self.face, self.steady = driver, face, steady
        self.lacks: dict[int, np.ndarray] = face.answers.get(f"lacks {face.kind}, driver {driver.digest}", dict)

    def __call__(self, frames: np.ndarray) -> torch.Tensor:
        """Moves of w in frames [T], [T, w_dim]: none in the first one."""
        lacking = torch.from_numpy(BOOST * self._lacking(frames)).float()                       # [T, 7]
        return bounded(self._guess(frames) + self.face.corrections(lacking, torch.tensor(WEIGHTS)))

    def _wanted(self, frames: np.ndarray) -> np.ndarray:
        """Changes of the measures, in spans, [T, 7]; eyes close by as much of their opening, no mouth beyond shut."""
        wanted, (mouth, lids) = self.driver.at(frames)[1].copy(), (NAMES.index("mouth"), NAMES.index("lids"))
        wanted[:, lids] *= self.face.measures[lids] / self.driver.opening
        least, most = np.full(len(NAMES), -MOST), np.full(len(NAMES), MOST)
        least[mouth] = -self.face.opened
        return wanted.clip(least, most)

    def _guess(self, frames: np.ndarray) -> torch.Tensor:
        """Moves of w by all landmarks, and by what these are known to leave of the measures, [T, w_dim]."""
        offsets = self.face.steering(torch.from_numpy(self.driver.at(frames)[0]).to(self.face.ws))
        known = offsets @ self.face.steering.response.T                                         # [T, 7]
        lacking = torch.from_numpy(self._wanted(frames)).to(known) - known
        return bounded(offsets + self.face.offsets(lacking * torch.tensor(LACKING).to(known), LEAST))

    def _lacking(self, frames: np.ndarray) -> np.ndarray:
        """What the guess leaves of the measures, as the face shows it, [T, 7]: between looks, a straight line."""
        looks = np.arange(frames.min() // EVERY, frames.max() // EVERY + 2)                     # [L]
        before, here, after = (self._seen(looks + step) for step in (-1, 0, 1))                 # [L, 7] each
        smooth = ((1 - SMOOTHED) * here + SMOOTHED * (before + after) / 2).clip(-FAR, FAR)      # [L, 7]
        return np.stack([np.interp(frames / EVERY, looks, one) for one in smooth.T], axis=1)

    def _seen(self, looks: np.ndarray) -> np.ndarray:
        """What it lacks at looks [L], [L, 7]; before the beginning the opposite of what comes after it, so that there
        it lacks nothing.
        """
        last = (len(self.driver.lean) - 1) // EVERY
        numbers = np.abs(looks).clip(max=last)
        new = [number for number in dict.fromkeys(numbers.tolist()) if number not in self.lacks]
        if new:
            self.lacks.update(zip(new, self._look(np.array(new) * EVERY)))
        return np.sign(looks)[:, None] * np.stack([self.lacks[number] for number in numbers.tolist()])

    def _look(self, frames: np.ndarray) -> np.ndarray:
        """Wanted less seen in frames [T], [T, 7]."""
        return self._wanted(frames) - (self._measured(self._guess(frames) @ self.steady) - self._rest)

    @cached_property
    def _rest(self) -> np.ndarray:
        """The measures of the face as it is, [1, 7]."""
        return self._measured(torch.zeros_like(self.face.ws[:1]))

    def _measured(self, moves: torch.Tensor) -> np.ndarray:
        """Of the face with its w moved by [N, w_dim], [N, 7]."""
        return self.face.measured(moves, landmarks_of_crop)
