"""68 landmarks of a face, from the box in which it lies."""

from collections.abc import Iterable
from typing import NamedTuple

import dlib
import numpy as np
from PIL import Image

from .networks import network

LANDMARK_BOX = 160              # px, side of a face's box where landmarks are predicted
CROP_BOX = (46, 81, 201, 236)   # the detector's box in a crop of 256 px: its median over 530 aligned portraits
VIEWS = 307, 384, 461            # px, sides of the views of a crop from which steady landmarks come
MIRRORED = [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), *range(45, 41, -1), 47, 46,
            *range(39, 35, -1), 41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1)]


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


def landmarks_in(image: np.ndarray, box: Box) -> np.ndarray:
    """float32 [68, 2] in the photo's pixels, predicted on a patch in which the face has the usual size."""
    margin = 0.5 * (box.right - box.left)
    area = Box(box.left - margin, box.top - margin, box.right + margin, box.bottom + margin)
    # Black beyond the photo, as dlib reads it.
    patch = Image.fromarray(image).crop((round(area.left), round(area.top), round(area.right), round(area.bottom)))
    scale = LANDMARK_BOX / (box.right - box.left)
    origin = np.round(area[:2]).astype(np.float32)
    inner = Box(*((np.array(box) - np.tile(origin, 2)) * scale))
    return _refined(scaled(np.asarray(patch), scale), inner) / np.float32(scale) + origin


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


def landmarks_of_crop(crop: np.ndarray) -> np.ndarray:
    """Landmarks of an aligned crop, without detection.

    Args:
        crop: uint8 [S, S, 3], an FFHQ crop of any size.

    Returns:
        float32 [68, 2], pixels of `crop`.
    """
    scale = 256 / crop.shape[0]
    return _refined(crop if scale == 1 else scaled(crop, scale), Box(*CROP_BOX)) / np.float32(scale)


def steady_landmarks(crop: np.ndarray) -> np.ndarray:
    """As :func:`landmarks_of_crop`, at four times the cost: the mean over views of several sizes, and their mirrored
    ones.

    Single landmarks tremble by a pixel of 256, which is a fifth of the span of what a mouth narrows by; these by a
    third of that.
    """
    found = []
    for side in VIEWS:
        scale = side / crop.shape[0]
        view, box = scaled(crop, scale), Box(*(x * side / 256 for x in CROP_BOX))
        mirrored = _refined(view[:, ::-1], box)[MIRRORED]
        mirrored[:, 0] = side - 1 - mirrored[:, 0]
        found += [(points + 0.5) / np.float32(scale) - 0.5 for points in (_refined(view, box), mirrored)]
    return np.stack(found).mean(0)


def landmarks_of_crops(crops: Iterable[np.ndarray]) -> np.ndarray:
    """As :func:`landmarks_of_crop`, of all frames of a clip: float32 [T, 68, 2]."""
    return np.stack([landmarks_of_crop(crop) for crop in crops])


def scaled(image: np.ndarray, scale: float) -> np.ndarray:
    """uint8 [H, W, 3] -> the same picture at `scale` of its sides, at least one pixel."""
    height, width = image.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))
