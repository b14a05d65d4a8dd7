"""How well faces answer to the controls: each one tried over its range, on photos that training never saw."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from ..clip.recipe import Recipe
from ..face.descriptor import descriptor, descriptor_distance
from ..face.expression import SPANS, expression, eye_opening, of_itself
from ..face.landmarks import steady_landmarks
from ..motion.controls import CONTROLS
from ..motion.expression import unit
from ..motion.eyes import REACH
from .table import Row, markdown_table

if TYPE_CHECKING:
    from ..inversion import Inversion
    from ..motion.expression import Expression
    from ..pipeline import StyleInVPipeline

SHARES = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)      # of the range, the way down and the way up
HALF, FULL = (2, 6), (0, 8)     # their places
TREMBLE = 0.03                  # spans by which landmarks may err against the order
EYES = {"lid_left": slice(36, 42), "lid_right": slice(42, 48)}
WIDE = 120                      # px, width of an eye when its iris is looked for
TILT = 12.0                     # degrees, what counts as a full movement of the head in the plane
ROWS = (
    Row("photos on which it only rises, over the range", "monotonic", ".0%", dict.fromkeys(CONTROLS, (1.0, None))),
    Row("measured of asked, at half range, median", "answer", ".2f", dict.fromkeys(CONTROLS, (0.8, 1.2))),
    Row("largest other measure, of asked, median", "other", ".2f", dict.fromkeys(CONTROLS, (None, 0.25))),
    Row("which is", "which", "s"),
    Row("descriptor distance to the unposed, at half range, median", "half", ".2f",
        dict.fromkeys(CONTROLS, (None, 0.25))),
    Row("the same, at full range", "full", ".2f"),
    Row("photos", "photos", "d"),
)


@dataclass(frozen=True)
class Tried:
    """One control of one face, over SHARES."""

    own: np.ndarray         # its own measure, in spans, [9]
    asked: np.ndarray       # what it should be since the middle, in spans, [9]
    others: np.ndarray      # the other measures, [9, K]
    names: tuple[str, ...]  # of the others, K
    half: float             # descriptor distance to the unposed picture, the farther way
    full: float

    @property
    def monotonic(self) -> bool:
        """It never goes back by more than landmarks tremble."""
        return bool((np.diff(self.own) * np.sign(self.asked[-1]) > -TREMBLE).all())

    @property
    def answer(self) -> float:
        """Measured of asked, from half range down to half range up."""
        down, up = HALF
        return float((self.own[up] - self.own[down]) / (self.asked[up] - self.asked[down]))

    @property
    def spill(self) -> np.ndarray:
        """How far the others move at half range, of what was asked, [K]."""
        moved, asked = np.abs(self.others[list(HALF)] - self.others[4]), np.abs(self.asked[list(HALF)])
        return (moved / np.where(asked > 0, asked, 1)[:, None]).mean(0)        # of [2, K]


def control_report(pipe: "StyleInVPipeline", people: Iterable["Inversion"]) -> dict[str, dict[str, Any]]:
    """Medians over people, by control."""
    found: dict[str, list[Tried]] = {name: [] for name in CONTROLS}
    for person in people:
        for name in CONTROLS:
            found[name].append(tried(pipe, person, name))
    return {name: _summary(each) for name, each in found.items()}


def _summary(found: list[Tried]) -> dict[str, Any]:
    spill = np.median([one.spill for one in found], axis=0)                     # [K]
    return {
        "monotonic": float(np.mean([one.monotonic for one in found])),
        "answer": float(np.median([one.answer for one in found])),
        "other": float(spill.max()), "which": found[0].names[int(spill.argmax())],
        "half": float(np.median([one.half for one in found])), "full": float(np.median([one.full for one in found])),
        "photos": len(found),
    }


def tried(pipe: "StyleInVPipeline", person: "Inversion", name: str) -> Tried:
    """One control of one face."""
    face, render = pipe.expression(person), pipe.renderer(person, Recipe(seed=0, mood="learned", size=256))
    low, high = CONTROLS[name].low or 0.0, CONTROLS[name].high or 0.0
    values = [share * (high if share > 0 else -low) for share in SHARES]
    pictures = [render.still(face.pose({name: value})) for value in values]
    points = np.stack([steady_landmarks(picture) for picture in pictures])     # [9, 68, 2]
    own, asked = _own(name, pictures, points, np.array(values), face)
    part_of = {"tilt": "turn", "lid_left": "lids", "lid_right": "lids"}.get(name, name)
    kept = [i for i, other in enumerate(SPANS) if other != part_of]
    far = [descriptor_distance(descriptor(pictures[4]), descriptor(pictures[at])) for at in (*HALF, *FULL)]
    return Tried(own, asked, of_itself(expression(points))[:, kept], tuple(list(SPANS)[i] for i in kept), max(far[:2]),
                 max(far[2:]))


def _own(
    name: str, pictures: list[np.ndarray], points: np.ndarray, values: np.ndarray, face: "Expression"
) -> tuple[np.ndarray, np.ndarray]:
    """The control's own measure, and what was asked of it, in spans, [9] each."""
    if name in EYES:
        return openings(pictures, points[4], EYES[name]) / SPANS["lids"], face.lowering * values
    if name == "tilt":
        across = points[:, 42:48].mean(1) - points[:, 36:42].mean(1)            # [9, 2]
        return np.degrees(np.arctan2(across[:, 1], across[:, 0])) / TILT, values / TILT
    if name.startswith("gaze"):
        return gazes(pictures, points[4])[:, int(name == "gaze_y")] / REACH, values
    own = of_itself(expression(points))[:, list(SPANS).index(name)]
    if name == "lids":
        return own, face.lowering * values
    if name == "mouth":
        return own, values.clip(min=-face.opened)           # no mouth is shut further
    return own, values / unit(name)


def openings(pictures: list[np.ndarray], points: np.ndarray, eye: slice) -> np.ndarray:
    """How far one eye is open in each picture, [T], height over width; `points` [68, 2] say where the face is.

    Landmarks of two eyes go together, so the other half of the face is made this one's mirror image.
    """
    middle = points[36:48, 0].mean()
    x = np.arange(pictures[0].shape[1])
    near = (x < middle) == (points[eye, 0].mean() < middle)
    columns = np.where(near, x, np.round(2 * middle - x)).astype(int).clip(0, len(x) - 1)
    return eye_opening(np.stack([steady_landmarks(picture[:, columns]) for picture in pictures])[:, eye])


def gazes(pictures: list[np.ndarray], points: np.ndarray) -> np.ndarray:
    """How far the irises lie from where they are in the middle picture, to the right and down, in widths of an eye,
    [T, 2]; `points` [68, 2] say where the eyes are in that.
    """
    return np.mean([_moves(np.stack([_eye(picture, points[eye]) for picture in pictures]), _tall(points[eye]))
                    for eye in EYES.values()], axis=0)


def _eye(picture: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Grey, the eye WIDE px wide, in the middle of 2 WIDE."""
    (x, y), width = corners.mean(0), np.linalg.norm(corners[3] - corners[0])
    box = (x - width + 0.5, y - width + 0.5, x + width + 0.5, y + width + 0.5)
    eye = Image.fromarray(picture).convert("L").resize((2 * WIDE, 2 * WIDE), Image.Resampling.BICUBIC, box=box)
    return np.asarray(eye, np.float32)


def _tall(corners: np.ndarray) -> int:
    """Half the height of an eye, in px of :func:`_eye`."""
    return max(4, round(WIDE / 2 * float(eye_opening(corners[None])[0])))


def _moves(eyes: np.ndarray, tall: int) -> np.ndarray:
    """Where the iris of the middle picture is found again in each of [T, 2 WIDE, 2 WIDE]: [T, 2], in widths."""
    first, wide, most = eyes[len(eyes) // 2], WIDE // 5, WIDE // 4
    inside = first[WIDE - tall : WIDE + tall, WIDE // 2 + wide : 3 * WIDE // 2 - wide]          # between the lids
    dark = (inside.max() - inside)**4
    centre = WIDE // 2 + wide + round(float(dark.sum(0) @ np.arange(dark.shape[1]) / dark.sum()))
    size, rows, columns = (2 * tall, 2 * wide), slice(WIDE - tall, WIDE + tall), slice(centre - wide, centre + wide)
    iris = first[rows, columns] - first[rows, columns].mean()
    found = []
    for eye in eyes:
        around = eye[WIDE - tall - most : WIDE + tall + most, centre - wide - most : centre + wide + most]
        windows = sliding_window_view(around, size)                         # [2 most + 1, 2 most + 1, *size]
        means, squares = windows.mean((2, 3)), np.einsum("abcd,abcd->ab", windows, windows) / iris.size
        likeness = np.einsum("abcd,cd->ab", windows, iris) / np.sqrt(np.maximum(squares - means**2, 1))
        y, x = np.unravel_index(likeness.argmax(), likeness.shape)
        found.append(((x - most) / WIDE, (y - most) / WIDE))
    return np.array(found)


def format_control_table(report: dict[str, dict[str, Any]]) -> str:
    """The report as Markdown."""
    return markdown_table(ROWS, report, "control")
