"""A visitor's own face in every style, for the pictures that one chooses by."""

import numpy as np

from ..clip.recipe import Recipe
from ..inversion import Inversion
from ..pipeline import StyleInVPipeline

SIDE = 256      # px


def stills(pipe: StyleInVPipeline, inversion: Inversion) -> dict[str, np.ndarray]:
    """By name, uint8 [SIDE, SIDE, 3]: how a clip in each style begins."""
    names = pipe.shelf.names(tuple(pipe.styles))
    render = pipe.renderer(inversion, Recipe(seed=0, mood="learned", styles=names, size=SIDE))
    return dict(zip(names, render.looks().values(), strict=True))
