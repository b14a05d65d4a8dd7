"""What the app remembers of a visitor, and what a visitor orders."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np

from ..clip.clip import WRITERS
from ..clip.recipe import Recipe
from ..inversion import Inversion

KINDS = tuple(suffix.removeprefix(".") for suffix in WRITERS)


@dataclass(frozen=True)
class Spot:
    """Where a face is in its photo, in parts of the photo's sides."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Order:
    """One clip as it was asked for."""

    recipe: Recipe
    kind: str = "mp4"           # one of KINDS
    mark: bool = True           # show 'AI-generated' in the picture

    def raw(self) -> Self:
        """The same motion without a style, alone."""
        return replace(self, kind="mp4", recipe=replace(self.recipe, styles=(), style_strength=1.0, layout="result"))


@dataclass
class Session:
    """What one visitor's page knows of its photo: held in memory, forgotten when the page is left or after an hour."""

    photo: np.ndarray | None = None                             # uint8 [H, W, 3], small, as it is shown
    spots: list[Spot] = field(default_factory=list)             # of the faces, the largest first
    crops: list[np.ndarray] = field(default_factory=list)       # uint8 [S, S, 3] each
    whole: np.ndarray | None = None                             # uint8 [H, W, 3], the photo in which a face can move,
    quads: list[np.ndarray] = field(default_factory=list)       # and where in it each crop lies
    face: int = 0                                               # the chosen one
    inversions: dict[tuple[int, str], Inversion] = field(default_factory=dict)      # by face and likeness
    clips: dict[tuple[int, str], dict[Order, Path]] = field(default_factory=dict)   # by face and likeness, by order

    def clear(self) -> None:
        """Forget everything."""
        self.photo, self.whole, self.face = None, None, 0
        for known in (self.spots, self.crops, self.quads, self.inversions, self.clips):
            known.clear()

    def made(self, likeness: str) -> dict[Order, Path]:
        """The clips of the chosen face; what is added to it is remembered."""
        return self.clips.setdefault((self.face, likeness), {})
