"""Many clips in one picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..clip.clip import Clip
from ..clip.layout import grid
from ..clip.recipe import Recipe
from ..inversion import Inversion
from ..pipeline import StyleInVPipeline


@dataclass(frozen=True)
class Cell:
    """One picture of a grid."""

    inversion: Inversion
    recipe: Recipe
    label: str


def grid_clip(pipe: StyleInVPipeline, made: Sequence[Cell], columns: int) -> Clip:
    """All cells in one picture, with their labels."""
    clips = [pipe.animate(cell.inversion, cell.recipe) for cell in made]
    labels = [cell.label for cell in made]

    def render(start: int, stop: int) -> np.ndarray:
        parts = [clip.frames[start:stop] for clip in clips]
        return np.stack([grid(list(images), labels, columns) for images in zip(*parts)])

    return Clip(render, len(clips[0].frames), clips[0].fps,
                {"grid": [clip.recipe for clip in clips], "columns": columns})
