"""A verdict on an inversion before anything is drawn: whether it will show the person of the photo. Needs no torch.

It judges the encoder's first inversion, which was not fitted to the photo: a refined one comes near to any picture, a
dog's too, in the descriptor by which likeness is measured. The limits were set on one half of the evaluation's photos;
`styleinv evaluate --verdict` tests them on the other.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from .alignment import eye_centres, interocular
from .detection import frontal_boxes
from .landmarks import CROP_BOX, Box, landmarks_of_crop

GOOD, DOUBTFUL, REFUSED = "good", "doubtful", "refused"
SIDE = 512                              # px of the crop in which a face is looked for
FACE = (56, 64, 200, 224)               # left, top, right, bottom of the face in a crop of 256 px
NOSE = 30                               # of the 68 landmarks, its tip
ANOTHER = 0.6                           # distance of descriptors, from which on a recogniser sees another person
PERCENT = (0, 0.3, 0.45, 0.6, 1), (100, 92, 76, 50, 0)         # distances of descriptors, and the likeness of each


class Signs(NamedTuple):
    """What speaks for an inversion, and against it."""

    score: float        # of the quick detector, for a face where the crop has it; -1 for none
    moved: float        # mean distance of the inversion's landmarks to the crop's, in inter-ocular distances
    distance: float     # of the descriptors of crop and inversion
    psnr: float         # dB, of the two at an eighth of their size: colours and light
    contrast: float     # standard deviation of the face's grey levels
    yaw: float          # of the nose's tip, off the middle of the eyes, in inter-ocular distances


@dataclass(frozen=True)
class Verdict:
    """Of an inversion."""

    level: str              # GOOD, DOUBTFUL or REFUSED
    sentence: str = ""      # why, and what to do; empty for a good one


@dataclass(frozen=True)
class _Fault:
    sign: str           # of Signs
    low: float          # the least
    high: float         # and the greatest value that is right
    what: str           # in words
    advice: str


FAULTS = (              # the first one that is found gives the reason
    _Fault("contrast", 8, 999, "the face is hardly lit", "use a photo in good light"),
    _Fault("yaw", -1, 0.33, "the face looks to the side", "use a photo from the front"),
    _Fault("score", 0.85, 99, "the face is not wholly in view, or not sharp",
           "use a sharp photo from the front, with nothing before the face"),
    _Fault("moved", 0, 0.15, "the face could not be drawn as it is", "use a frontal, evenly lit photo"),
    _Fault("distance", 0, 0.66, "what is drawn is hardly this person", "use a frontal, evenly lit photo"),
    _Fault("psnr", 12, 999, "the colours could not be drawn as they are", "use a photo in natural light"),
)


def likeness_percent(distance: float) -> int:
    """Likeness in percent, of a distance of face descriptors: 100 for the same picture, 92 to 76 for two photos of one
    person, 50 where a recogniser begins to see another.
    """
    return round(float(np.interp(distance, *PERCENT)))


def signs(crop: np.ndarray, image: np.ndarray, distance: float) -> Signs:
    """Of a crop and its inversion, uint8 [S, S, 3] each, of 256 px or more, and the distance of their descriptors."""
    points, drawn = landmarks_of_crop(crop), landmarks_of_crop(image)           # [68, 2] each
    scale = len(crop) / len(image)
    moved = np.linalg.norm(points - drawn * scale, axis=1).mean() / interocular(points)
    grey = np.asarray(_small(crop, 256).convert("L").crop(FACE), float)
    a, b = (np.asarray(_small(x, 32), float)[8:28, 7:25] for x in (crop, image))
    return Signs(
        _score(crop), float(moved), distance, float(10 * np.log10(255**2 / max(1e-9, np.square(a - b).mean()))),
        float(grey.std()), _yaw(points),
    )


def judge(found: Signs, faces: int = 1) -> Verdict:
    """The verdict by the signs; `faces` is how many the photo shows, of which another may be the better one."""
    faults = [fault for fault in FAULTS if not fault.low <= getattr(found, fault.sign) <= fault.high]
    if not faults:
        return Verdict(GOOD)
    what, advice = faults[0].what, faults[0].advice
    advice += f", or another of its {faces} faces" if faces > 1 else ""
    names = {fault.sign for fault in faults}
    if found.distance > ANOTHER and names & {"moved", "score"}:
        return Verdict(REFUSED, f"{what[0].upper()}{what[1:]}: {advice}.")
    return Verdict(DOUBTFUL, f"{what[0].upper()}{what[1:]}, so that the clip may resemble another person: {advice}.")


def _score(crop: np.ndarray) -> float:
    """The detector's, of the best face that lies where a crop's does."""
    scale = len(crop) / 256
    place = Box(*(edge * scale for edge in CROP_BOX))
    return max((score for box, score in frontal_boxes(crop, SIDE) if box.overlap(place) > 0.3), default=-1.0)


def _yaw(points: np.ndarray) -> float:
    """The nose's tip, off the middle of the eyes, in inter-ocular distances: 0 from the front, both sides alike."""
    left, right = eye_centres(points)
    across = (right - left) / interocular(points)
    return float(abs((points[NOSE] - (left + right) / 2) @ across) / interocular(points))


def _small(image: np.ndarray, side: int) -> Image.Image:
    return Image.fromarray(image).resize((side, side), Image.Resampling.BOX)
