"""A photo whose own pixels a clip carries, and the face of it that moves. Needs no torch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .alignment import crop_quad
from .detection import Face


@dataclass(frozen=True, eq=False)       # arrays have no single truth value
class Photo:
    """A photo whose own pixels a clip carries."""

    pixels: np.ndarray      # uint8 [H, W, 3], upright
    quad: np.ndarray        # float64 [4, 2], pixels: corners of the aligned crop, see `face.alignment.crop_quad`
    face: int = 0           # which of its faces
    neighbours: np.ndarray = field(default_factory=lambda: np.empty((0, 4, 2)))     # quads of faces that are kept clear

    @classmethod
    def of_crop(cls, crop: np.ndarray) -> "Photo":
        """A photo that is an aligned crop, uint8 [S, S, 3], and no more."""
        low, high = -0.5, len(crop) - 0.5
        return cls(crop, np.array([[low, low], [low, high], [high, high], [high, low]]))

    @classmethod
    def of_face(cls, pixels: np.ndarray, faces: Sequence[Face], number: int, alone: bool = True) -> "Photo":
        """A photo with one of its faces, uint8 [H, W, 3]; unless alone, the others are kept clear of its motion."""
        quads = np.stack([crop_quad(face.landmarks) for face in faces])                         # [N, 4, 2]
        return cls(pixels, quads[number], number, np.delete(quads, [*range(len(quads))] if alone else number, axis=0))

    def named(self) -> dict[str, Any]:
        """How a recipe names it: the sha256 sum of its pixels, and the face."""
        return {"sha256": hashlib.sha256(self.pixels.tobytes()).hexdigest(), "face": self.face}
