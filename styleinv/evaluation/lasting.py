"""Motion over seeds and over minutes: seeds that end differently, a person who stays the same, eyes by mood."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from ..clip.recipe import Recipe
from ..face.descriptor import descriptor, descriptor_distance
from ..face.expression import SPANS, expression, of_itself
from ..face.landmarks import landmarks_of_crops
from ..motion.eyes import Blinks, glances
from ..motion.moods import MOODS
from .table import Row, markdown_table

if TYPE_CHECKING:
    from ..inversion import Inversion
    from ..pipeline import StyleInVPipeline

FPS, STEP = 25, 5       # frames per second, of which every fifth is looked at
SECONDS = 4             # of a clip whose mean counts
SEEDS = 8
MINUTE = 60             # s
BLINK_RATES = {"calm": (14.0, 20.0), "lively": (22.0, 28.0)}        # per minute (Bentivoglio et al., 1997)
PEOPLE, LENGTH = 40, 600                                            # seeds, and s of each, of the eyes

VARIETY_ROWS = (
    *(Row(f"{name}, spans", name, ".2f") for name in SPANS),
    Row("of real, median", "ratio", ".2f", {"seeds": (0.7, None)}),
    Row("clips", "clips", "d"),
)
LENGTH_ROWS = (
    Row("descriptor distance to the photo, first second, median", "first", ".3f"),
    Row("the same, fifth second, when it moves as it will", "fifth", ".3f"),
    Row("the same, last second", "last", ".3f"),
    Row("how much farther than in the first, median", "farther", ".3f", {"a minute": (None, 0.03)}),
    Row("how much farther than in the fifth, median", "drift", ".3f", {"a minute": (None, 0.03)}),
    Row("sharpness, last of first second, median", "sharpness", ".2f", {"a minute": (0.9, 1.1)}),
    Row("mean colour, last from first second, levels of 255, median", "colour", ".1f", {"a minute": (None, 3.0)}),
    Row("age and glasses in W, of their spread over people, median", "traits", ".2f", {"a minute": (None, 0.25)}),
    Row("photos", "photos", "d"),
)
EYE_ROWS = (
    Row("blinks per minute", "rate", ".1f", BLINK_RATES),
    Row("length of a blink, ms", "length", ".0f", dict.fromkeys(MOODS, (240.0, 360.0))),
    Row("opening, of closing", "opening", ".2f", dict.fromkeys(MOODS, (1.8, 2.6))),
    Row("shortest pause, s", "pause", ".2f", dict.fromkeys(MOODS, (1.0, None))),
    Row("looks at the camera for, s", "fixation", ".1f", dict.fromkeys(MOODS, (4.0, 9.0))),
    Row("looks aside for, s", "aside", ".1f"),
    Row("way from one to the other, frames of 25 per second", "shift", ".1f", dict.fromkeys(MOODS, (1.0, 2.0))),
)


def variety_report(
    pipe: "StyleInVPipeline", people: Sequence["Inversion"], real: Sequence[np.ndarray], mood: str = "talking"
) -> dict[str, dict[str, Any]]:
    """How far the mean pose and expression of a clip, since its first frame, spread over seeds and over real clips.

    Args:
        people: from whom the clips are made.
        real: clips of SECONDS, uint8 [T, 256, 256, 3].
        mood: of the clips; real ones show people who talk.
    """
    found = [[mean_change(seen(pipe, person, Recipe(seed=seed, mood=mood, seconds=SECONDS), 0, SECONDS))
              for seed in range(SEEDS)] for person in people]                           # people, seeds, 7
    own = np.sqrt(np.mean(np.var(found, axis=1), axis=0))
    true = np.std([mean_change(frames[::STEP]) for frames in real], axis=0)
    ratio = float(np.median(own / true))
    return {"seeds": dict(zip(SPANS, own.tolist())) | {"ratio": ratio, "clips": len(people) * SEEDS},
            "real": dict(zip(SPANS, true.tolist())) | {"clips": len(real)}}


def mean_change(frames: np.ndarray) -> np.ndarray:
    """Mean of the measures over frames uint8 [T, 256, 256, 3] against the first one, in spans, [7]."""
    measures = expression(landmarks_of_crops(frames))
    return of_itself(measures.mean(0) - measures[0])


def seen(pipe: "StyleInVPipeline", person: "Inversion", recipe: Recipe, start: float, stop: float) -> np.ndarray:
    """Every STEP-th frame between two seconds of a clip, uint8 [T, H, W, 3]; the others are not drawn."""
    frames = pipe.animate(person, replace(recipe, fps=FPS)).frames
    return np.stack([frames[at] for at in range(round(start * FPS), round(stop * FPS), STEP)])


def length_report(
    pipe: "StyleInVPipeline", people: Sequence["Inversion"], traits: torch.Tensor
) -> dict[str, dict[str, Any]]:
    """The last second of a minute beside the first: medians over people.

    Args:
        traits: unit directions of W that motion must not take, [K, w_dim].
    """
    rows = [_lasting(pipe, person, traits) for person in people]
    return {"a minute": {name: float(np.median([row[name] for row in rows])) for name in rows[0]}
            | {"photos": len(rows)}}


def _lasting(pipe: "StyleInVPipeline", person: "Inversion", traits: torch.Tensor) -> dict[str, float]:
    recipe = Recipe(seed=person.seed, seconds=MINUTE, fps=FPS)
    photo = descriptor(person.image if person.crop is None else person.crop)
    first, fifth, last = (seen(pipe, person, recipe, start, start + 1) for start in (0, 4, MINUTE - 1))
    near, later, far = (float(np.median([descriptor_distance(photo, descriptor(frame)) for frame in frames]))
                        for frames in (first, fifth, last))
    return {
        "first": near, "fifth": later, "last": far, "farther": far - near, "drift": far - later,
        "sharpness": sharpness(last) / sharpness(first),
        "colour": float(np.abs(last.mean((0, 1, 2)) - first.mean((0, 1, 2))).mean()),
        "traits": _drift(pipe, person, recipe, traits),
    }


@torch.no_grad()
def _drift(pipe: "StyleInVPipeline", person: "Inversion", recipe: Recipe, traits: torch.Tensor) -> float:
    """How far the last second's latents lie from the first frame's along the traits, of their spread over people."""
    render = pipe.renderer(person, recipe)
    ws = torch.cat([render.moment(at).ws[:1, 0] for at in range((MINUTE - 1) * FPS, MINUTE * FPS, STEP)])   # [T, w_dim]
    z = torch.randn(500, ws.shape[1], generator=torch.Generator().manual_seed(0))
    spread = (pipe.decoder.mapping(z.to(ws.device), 0.7) @ traits.T.to(ws)).std(0)                          # [K]
    moved = (ws - render.moment(0).ws[:1, 0]) @ traits.T.to(ws)                                             # [T, K]
    return float((moved.mean(0).abs() / spread).max())


def sharpness(frames: np.ndarray) -> float:
    """Mean variance of the Laplacian of frames uint8 [T, H, W, 3]."""
    grey = np.stack([np.asarray(Image.fromarray(frame).convert("L"), float) for frame in frames])
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    return float((4 * grey[:, 1:-1, 1:-1] - around).var((1, 2)).mean())


def eye_report() -> dict[str, dict[str, Any]]:
    """What blinks and glances do by mood, over PEOPLE seeds of LENGTH seconds; nothing is drawn."""
    return {name: eyes_of(mood.blinks, mood.aside) for name, mood in MOODS.items() if mood}


def eyes_of(per_minute: float, aside: float) -> dict[str, float]:
    """Of somebody who blinks and looks aside so."""
    blinks = [Blinks.drawn(seed, per_minute, LENGTH) for seed in range(PEOPLE)]
    lengths = np.concatenate([each.lengths for each in blinks])
    pauses = np.concatenate([np.diff(each.starts) - each.lengths[:-1] for each in blinks])
    closed = np.diff(Blinks(np.zeros(1), np.ones(1))(np.arange(0, 1, 0.001)))
    tracks = [glances(seed, aside, LENGTH) for seed in range(PEOPLE)]
    held = [np.diff(track.starts) for track in tracks]
    return {
        "rate": sum(len(each.starts) for each in blinks) / PEOPLE / (LENGTH / 60), "length": 1000 * lengths.mean(),
        "opening": (closed < 0).sum() / (closed > 0).sum(), "pause": pauses.min(),
        "fixation": np.concatenate([each[1::2] for each in held]).mean(),
        "aside": np.concatenate([each[::2] for each in held]).mean(), "shift": tracks[0].ease * FPS,
    }


def format_lasting_tables(report: dict[str, dict[str, Any]]) -> str:
    """The three reports as Markdown."""
    kinds = {"variety": (VARIETY_ROWS, "spread over clips"), "length": (LENGTH_ROWS, "steadiness"),
             "eyes": (EYE_ROWS, "eyes")}
    return "\n\n".join(markdown_table(rows, report[kind], title) for kind, (rows, title) in kinds.items())
