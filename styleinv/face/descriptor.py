"""dlib's descriptor of a face, by which likeness is measured."""

import dlib
import numpy as np

from .landmarks import landmarks_of_crop
from .networks import network


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


def likeness_distance(crop: np.ndarray, image: np.ndarray) -> float:
    """Of two aligned faces, uint8 [S, S, 3] of 256 px or more: 0 for one picture, below 0.6 for one person."""
    return descriptor_distance(descriptor(crop), descriptor(image))


def descriptor_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Euclidean distance of two descriptors [128]: 0 for equal faces, below 0.6 for one person."""
    return float(np.linalg.norm(a - b))
