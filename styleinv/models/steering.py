"""Steering: linear maps between what a face does and how its latent moves.

Landmarks follow w almost linearly (Shen et al., arXiv:1907.10786), so one matrix tells how to move w for a wanted
movement of the face while identity, colours, glasses and age stay. What is learned of average faces is made exact for
one person by `motion.expression.Expression`.
"""

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config


class Steering(ModelMixin, ConfigMixin):
    """Measures of a face and its landmarks, and w; see `face.expression.SPANS` for the measures and their units."""

    @register_to_config
    def __init__(
        self,
        w_dim: int = 512,       # width of w
        measures: int = 7,      # K
        landmarks: int = 68,    # points of a face
        knows_glasses: bool = False,    # along which direction they vanish
    ):
        super().__init__()
        self.register_buffer("directions", torch.zeros(measures, w_dim))        # what moves each measure by its span
        self.register_buffer("response", torch.zeros(measures, w_dim))          # how measures follow w
        self.register_buffer("gain", torch.zeros(w_dim, 2 * landmarks))         # landmarks in sides of the crop -> w
        self.register_buffer("glasses", torch.zeros(w_dim) if knows_glasses else None)    # a unit vector

    def forward(self, moves: torch.Tensor) -> torch.Tensor:
        """Moves of the landmarks, [T, 2 landmarks] in sides of the crop -> moves of w, [T, w_dim]."""
        return moves @ self.gain.T

    def rebalanced(self, offsets: torch.Tensor, gains: torch.Tensor) -> torch.Tensor:
        """Moves of w [T, w_dim] in which each measure moves `gains` [K] times as far."""
        return offsets + (gains - 1) * (offsets @ self.response.T) @ self.directions
