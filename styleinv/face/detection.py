"""Photo -> its faces -> the aligned crop of one, by dlib's detectors. Needs no torch."""

import json
import math
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from threading import Lock

import dlib
import numpy as np

from ..errors import FaceError
from .alignment import align, interocular
from .landmarks import Box, scaled
from .turning import ANGLES, level_landmarks, turned, turned_back

Found = tuple[Box, float, float]        # pixels, score, degrees by which the photo is turned for it

HOG_SIDES = (800, 1600)         # px, longest side: close-ups, then groups; the smallest face it sees has 80 px
HOG_LAST_SIDE = 2400            # px, tried when those find nothing
PANORAMA = 2.0                  # long side over short side, from which a photo is looked at in pieces too
CNN_PIXELS = 640 * 480          # the network is slow (10 us a pixel), so its picture is bounded
MAX_ENLARGEMENT = 4             # beyond it a small photo gains nothing
SURE = 1.0                      # score of the quick detector beyond which a photo is held as it should be
CERTAIN = 2.0                   # and beyond which a face is not looked at again, turned by 45 degrees
FALSE = 0.1                     # part of the best score, below which a detection is no face
WEAK, WEAK_SIDE = -1.0, 400     # score down to which turned patches are compared, and their side in px
MARGIN = 0.3                    # of the score, by which a turned patch must be better than the upright one
MIN_INTEROCULAR = 12            # px; below, identity cannot be read from the pixels

_TURN = Lock()                  # the quick detector is not reentrant, and works without Python's lock


@dataclass(frozen=True, eq=False)     # arrays have no single truth value
class Face:
    """One face of a photo."""

    box: Box                # pixels
    landmarks: np.ndarray   # float32 [68, 2], pixels, x and y
    score: float            # the detector's confidence, above 0


@cache
def _detector() -> dlib.fhog_object_detector:
    return dlib.get_frontal_face_detector()


def find_faces(image: np.ndarray) -> list[Face]:
    """Every face of the photo, turned ones too, the largest of those that are surely faces first.

    Args:
        image: uint8 [H, W, 3].
    """
    found: list[Found] = [(*hit, 0.0) for side in HOG_SIDES for hit in frontal_boxes(image, side)]
    found = found or [(*hit, 0.0) for hit in frontal_boxes(image, HOG_LAST_SIDE)]
    found = found or [(*hit, 0.0) for hit in _boxes_in_pieces(image)]
    if max((score for _, score, _ in found), default=0) < SURE:
        found += _turned_boxes(image)
    found = _distinct(found) or [_upright(image, *hit) for hit in _detect_any(image)]
    found = [hit if hit[1] > CERTAIN or hit[2] else _upright(image, *hit[:2], (45, 315)) for hit in _distinct(found)]
    best = max((score for _, score, _ in found), default=0)
    faces = [Face(box, level_landmarks(image, box, angle), score)
             for box, score, angle in found if score >= FALSE * best]
    return sorted(faces, key=lambda face: -face.box.area * min(1, face.score) ** 2)


def _turned_boxes(
    image: np.ndarray, threshold: float = 0, side: int = HOG_SIDES[0], angles: Iterable[int] = ANGLES
) -> list[Found]:
    """The quick detector on the photo, scaled to a longest side, and turned by each angle."""
    scale = min(side / max(image.shape[:2]), MAX_ENLARGEMENT)
    found: list[Found] = []
    smaller = scaled(image, scale)
    for angle in angles:
        with _TURN:
            boxes, scores, _ = _detector().run(turned(smaller, angle), 0, threshold)
        for box, score in zip(boxes, scores):
            left, top, right, bottom = edges(box)
            (x, y), = turned_back(np.array([[left + right, top + bottom]]) / 2, smaller.shape, angle) / scale
            half = (right - left) / 2 / scale
            found.append((Box(x - half, y - half, x + half, y + half), score, angle))
    return found


def _upright(image: np.ndarray, box: Box, score: float, angles: Iterable[int] = ANGLES) -> Found:
    """A face at the angle at which the quick detector is the surest of it; the box and the score stay."""
    side = box.right - box.left
    area = [max(0, round(edge)) for edge in
            (box.left - side / 2, box.top - side / 2, box.right + side / 2, box.bottom + side / 2)]
    patch = image[area[1] : max(area[3], area[1] + 1), area[0] : max(area[2], area[0] + 1)]
    scale = min(WEAK_SIDE / max(patch.shape[:2]), MAX_ENLARGEMENT)
    with _TURN:
        _, scores, _ = _detector().run(scaled(patch, scale), 0, WEAK)
    upright = max(scores, default=WEAK)
    _, other, angle = max(_turned_boxes(patch, WEAK, WEAK_SIDE, angles), key=lambda hit: hit[1],
                          default=(box, WEAK, 0.0))
    return box, score, angle if other > upright + MARGIN else 0


def frontal_boxes(image: np.ndarray, side: int) -> list[tuple[Box, float]]:
    """The quick detector, on the photo scaled to that longest side: boxes in the photo's pixels, and scores."""
    scale = min(side / max(image.shape[:2]), MAX_ENLARGEMENT)
    smaller = scaled(image, scale)
    with _TURN:
        boxes, scores, _ = _detector().run(smaller, 0, 0.0)
    return [(_box(edges(box), scale), score) for box, score in zip(boxes, scores)]


def _boxes_in_pieces(image: np.ndarray) -> list[tuple[Box, float]]:
    """The quick detector on pieces of a panorama, each twice as long as wide, half of which the next one shows too."""
    height, width = image.shape[:2]
    step = min(height, width)
    if max(height, width) < PANORAMA * step:
        return []
    found = []
    for start in range(0, max(height, width) - step, step):
        left, top = (start, 0) if width > height else (0, start)
        piece = image[top : top + 2 * step, left : left + 2 * step]
        boxes = frontal_boxes(piece, HOG_SIDES[-1])
        found += [(Box(box.left + left, box.top + top, box.right + left, box.bottom + top), score)
                  for box, score in boxes]
    return found


def _detect_any(image: np.ndarray) -> list[tuple[Box, float]]:
    """The slow detector, for turned and half-hidden faces; it works in a process of its own, and nobody else waits."""
    scale = min(math.sqrt(CNN_PIXELS / (image.shape[0] * image.shape[1])), MAX_ENLARGEMENT)
    picture = BytesIO()
    np.save(picture, scaled(image, scale))
    command, here = [sys.executable, "-m", "styleinv.face.cnn_detector"], Path(__file__).parents[2]
    answer = subprocess.run(command, input=picture.getvalue(), stdout=subprocess.PIPE, cwd=here, check=True,
                            start_new_session=True).stdout           # Ctrl-C is ours to answer
    return [(_box(edges, scale), score) for edges, score in json.loads(answer)]


def edges(rectangle: dlib.rectangle) -> tuple[int, int, int, int]:
    """Left, top, right, bottom."""
    return rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()


def _box(edges: Iterable[int], scale: float) -> Box:
    return Box(*(edge / scale for edge in edges))


def _distinct(found: list[Found]) -> list[Found]:
    """Of boxes that overlap, the one with the highest score."""
    kept: list[Found] = []
    for hit in sorted(found, key=lambda hit: -hit[1]):
        if all(hit[0].overlap(other) < 0.3 for other, _, _ in kept):
            kept.append(hit)
    return kept


def find_and_align(image: np.ndarray, face: int = 0, size: int = 256) -> tuple[np.ndarray, list[Face]]:
    """The aligned crop of one face, and all faces of the photo.

    Args:
        image: uint8 [H, W, 3].
        face: which one, 0 is the largest.
        size: side of the crop in pixels.

    Returns:
        uint8 [size, size, 3], and the faces, the largest first.

    Raises:
        FaceError: no face, no face of that number, or too small a face.
    """
    faces = find_faces(image)
    return align_one(image, faces, face, size), faces


def align_one(image: np.ndarray, faces: Sequence[Face], face: int, size: int) -> np.ndarray:
    """As :func:`find_and_align`, of the faces that were found: uint8 [size, size, 3]."""
    if not faces:
        raise FaceError("No face was found: use a photo that shows a whole face from the front, in good light.")
    if not 0 <= face < len(faces):
        raise FaceError(_which(len(faces)))
    distance = interocular(faces[face].landmarks)
    if distance < MIN_INTEROCULAR:
        raise FaceError(
            f"The face is too small, with {int(distance)} pixels between the eyes where {MIN_INTEROCULAR} are needed: "
            "use a larger or closer photo."
        )
    return align(image, faces[face].landmarks, size)


def _which(count: int) -> str:
    choice = {1: "0", 2: "0 or 1"}.get(count, f"0 to {count - 1}")
    return f"The photo shows {count} {'face' if count == 1 else 'faces'}: choose face {choice}."


