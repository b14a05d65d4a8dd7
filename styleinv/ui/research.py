"""The work of the Researcher tab: clips made again, grids, latents."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch

from ..clip.clip import read_recipe
from ..clip.recipe import Recipe
from ..errors import InputError
from ..inversion import Inversion, Photo, read_latents, read_pose
from ..motion.path import BLOCK
from ..pipeline import StyleInVPipeline
from .grid import Cell
from .session import Order, Session
from .studio import Studio
from .texts import say

MAX_CELLS = 12      # of a grid


def known_recipe(studio: Studio, file: Path, photo: Path | None = None) -> tuple[Inversion, Order]:
    """The face and the settings of a recipe or of a clip, and the photo that it carries, if it carries one.

    Raises:
        InputError: it holds no recipe, or one that cannot be met here; the photo is missing, or another one.
    """
    recipe, session = read_recipe(file), Session()
    if recipe.get("driver"):
        raise InputError(say("driven"))
    order = studio.order(Recipe.from_dict(recipe))
    if photo is not None:
        studio.read(photo, session)
    studio.preview.render(recipe, session.whole)        # refuses other weights, damaged latents and other photos
    network = studio.preview.decoder
    width = network.w_avg.numel()
    inversion = studio.preview.decode(*read_latents(recipe, network.num_ws, width))
    inversion = replace(inversion, pose=read_pose(recipe, width))
    if not recipe.get("photo") or session.whole is None:
        return inversion, order
    face = recipe["photo"]["face"]
    carried = Photo(session.whole, session.quads[face], face)       # as it was when the clip was made
    return replace(inversion, crop=session.crops[face], photo=carried), order


def latents(pipe: StyleInVPipeline, inversion: Inversion, recipe: Recipe, file: Path) -> Path:
    """Write w0 [w_dim], detail [num_ws, w_dim] and w_t [frames, w_dim] as .npz."""
    motion = pipe.renderer(inversion, recipe).path
    path = torch.cat([motion.latents(block) for block in range(-(-recipe.frames // BLOCK))])[: recipe.frames]
    np.savez(file, w0=inversion.w0, detail=inversion.detail, w_t=path, settings=json.dumps(recipe.to_dict()))
    return file


def seeds(text: str) -> list[int]:
    """Whole numbers from a text such as "1, 2, 3"."""
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise InputError(say("no_seeds", text=text[:40])) from error


def cells(
    people: Sequence[tuple[str, Inversion]], motions: Sequence[int], styles: Sequence[tuple[str, ...]], settings: Recipe
) -> list[Cell]:
    """A row for each person and style, a column for each motion.

    Raises:
        InputError: none, or too many.
    """
    count = len(people) * len(motions) * len(styles)
    if not count:
        raise InputError(say("no_people"))
    if count > MAX_CELLS:
        raise InputError(say("grid_too_large", count=count, limit=MAX_CELLS))
    return [
        Cell(inversion, replace(settings, seed=seed, styles=style), _label(person, seed, style))
        for (person, inversion), style, seed in product(people, styles, motions)
    ]


def _label(person: str, seed: int, style: tuple[str, ...]) -> str:
    return ", ".join([person, say("cell_motion", seed=seed), *style])
