"""Faces that are turned in the picture's plane: the picture is turned instead, since detector and landmarks know
upright ones.
"""

import math

import numpy as np
from PIL import Image

from .landmarks import LANDMARK_BOX, Box, landmarks_in, scaled

ANGLES = range(45, 360, 45)     # degrees; the quick detector sees faces within some 30 of upright
LEVEL = 8                       # degrees of roll that change nothing in the landmarks


def turned(image: np.ndarray, angle: float) -> np.ndarray:
    """The picture uint8 [H, W, 3], turned counterclockwise about its middle, whole: uint8 [S, S, 3], black around
    it.
    """
    height, width = image.shape[:2]
    side = math.ceil(math.hypot(height, width))
    across, down = _axes(angle)
    start = np.array([width, height]) / 2 - (across + down) * side / 2      # where the first pixel comes from
    matrix = (across[0], down[0], start[0], across[1], down[1], start[1])
    return np.asarray(Image.fromarray(image).transform(
        (side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))


def turned_back(points: np.ndarray, shape: tuple[int, ...], angle: float) -> np.ndarray:
    """Points [N, 2] of the turned picture, in that of `shape` (H, W, ...) which it was made of."""
    side = math.ceil(math.hypot(*shape[:2]))
    return (points - side / 2) @ np.stack(_axes(angle)) + np.array([shape[1], shape[0]]) / 2


def _axes(angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a step to the right and one down in the turned picture lead in the other one."""
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    return np.array([cosine, sine]), np.array([-sine, cosine])


def level_landmarks(image: np.ndarray, box: Box, angle: float = 0) -> np.ndarray:
    """float32 [68, 2] in the photo's pixels, of a face that is upright when the photo is turned by `angle`."""
    points = _landmarks(image, box, angle)
    for _ in range(2):
        rest = (roll(points) - angle + 180) % 360 - 180
        if abs(rest) < LEVEL or abs(rest) > 60:
            break
        angle += rest
        points = _landmarks(image, box, angle)
    return points


def roll(points: np.ndarray) -> float:
    """Degrees by which the line of the eyes points down to the right."""
    x, y = points[42:48].mean(0) - points[36:42].mean(0)
    return math.degrees(math.atan2(y, x))


def _landmarks(image: np.ndarray, box: Box, angle: float) -> np.ndarray:
    if not angle:
        return landmarks_in(image, box)
    side, centre = box.right - box.left, np.array([box.left + box.right, box.top + box.bottom]) / 2
    start, end = np.round(centre - 1.5 * side), np.round(centre + 1.5 * side)
    patch, scale = Image.fromarray(image).crop((*start.tolist(), *end.tolist())), LANDMARK_BOX / side
    small = scaled(np.asarray(patch), scale)
    picture = turned(small, angle)
    middle, half = picture.shape[0] / 2, LANDMARK_BOX / 2
    points = landmarks_in(picture, Box(middle - half, middle - half, middle + half, middle + half))
    return (turned_back(points, small.shape, angle) / scale + start).astype(np.float32)
