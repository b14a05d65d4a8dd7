"""Photo -> its faces -> the aligned crop of one, by dlib's detectors. Needs no torch."""

import json
import math
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from threading import Lock

import dlib
import numpy as np

from ..errors import FaceError
from .alignment import align, interocular
from .landmarks import Box, landmarks_in, scaled

HOG_SIDES = (800, 1600)         # px, longest side: close-ups, then groups; the smallest face it sees has 80 px
HOG_LAST_SIDE = 2400            # px, tried when those find nothing
CNN_PIXELS = 640 * 480          # the network is slow (10 us a pixel), so its picture is bounded
MAX_ENLARGEMENT = 4             # beyond it a small photo gains nothing
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
    """Every face of the photo, the largest first.

    Args:
        image: uint8 [H, W, 3].
    """
    found = [hit for side in HOG_SIDES for hit in frontal_boxes(image, side)]
    found = found or frontal_boxes(image, HOG_LAST_SIDE) or _detect_any(image)
    faces = [Face(box, landmarks_in(image, box), score) for box, score in _distinct(found)]
    return sorted(faces, key=lambda face: -face.box.area)


def frontal_boxes(image: np.ndarray, side: int) -> list[tuple[Box, float]]:
    """The quick detector, on the photo scaled to that longest side: boxes in the photo's pixels, and scores."""
    scale = min(side / max(image.shape[:2]), MAX_ENLARGEMENT)
    smaller = scaled(image, scale)
    with _TURN:
        boxes, scores, _ = _detector().run(smaller, 0, 0.0)
    return [(_box(edges(box), scale), score) for box, score in zip(boxes, scores)]


def _detect_any(image: np.ndarray) -> list[tuple[Box, float]]:
    """The slow detector, for turned and half-hidden faces; it works in a process of its own, and nobody else waits."""
    scale = min(math.sqrt(CNN_PIXELS / (image.shape[0] * image.shape[1])), MAX_ENLARGEMENT)
    picture = BytesIO()
    np.save(picture, scaled(image, scale))
    command, here = [sys.executable, "-m", "styleinv.face.cnn_detector"], Path(__file__).parents[2]
    answer = subprocess.run(command, input=picture.getvalue(), stdout=subprocess.PIPE, cwd=here, check=True).stdout
    return [(_box(edges, scale), score) for edges, score in json.loads(answer)]


def edges(rectangle: dlib.rectangle) -> tuple[int, int, int, int]:
    """Left, top, right, bottom."""
    return rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()


def _box(edges: Iterable[int], scale: float) -> Box:
    return Box(*(edge / scale for edge in edges))


def _distinct(found: list[tuple[Box, float]]) -> list[tuple[Box, float]]:
    """Of boxes that overlap, the one with the highest score."""
    kept: list[tuple[Box, float]] = []
    for box, score in sorted(found, key=lambda hit: -hit[1]):
        if all(box.overlap(other) < 0.3 for other, _ in kept):
            kept.append((box, score))
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
    return align(image, faces[face].landmarks, size), faces


def _which(count: int) -> str:
    choice = {1: "0", 2: "0 or 1"}.get(count, f"0 to {count - 1}")
    return f"The photo shows {count} {'face' if count == 1 else 'faces'}: choose face {choice}."


