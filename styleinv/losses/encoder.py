"""The bundle's own encoder as the judge of a style, where no other networks are at hand: features, distance, identity.

It was trained from a face recogniser, so it knows faces; its first groups see lines and colours. Richer judges, trained
on all kinds of images, see a style better: `SqueezePerceptual` and `MobileFaceNet` have the same methods.
"""

import torch
import torch.nn.functional as F
from torch import nn

from ..models.inversion import InversionEncoder
from .lpips import unit


class EncoderFeatures(nn.Module):
    """The groups of an encoder's body, at the image's own size."""

    def __init__(self, encoder: InversionEncoder):
        super().__init__()
        self.body = encoder.body.requires_grad_(False)

    def raw(self, images: torch.Tensor) -> list[torch.Tensor]:
        """[N, 3, S, S] in [-1, 1] -> the groups' features."""
        return self.body(images)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """As above, of unit length at every position."""
        return [unit(x) for x in self.raw(images)]


class EncoderPerceptual(nn.Module):
    """Distance of two images: squared difference of unit features, averaged over positions and summed over groups."""

    def __init__(self, encoder: InversionEncoder):
        super().__init__()
        self.features = EncoderFeatures(encoder)

    def compare(self, a: list[torch.Tensor], b: list[torch.Tensor]) -> torch.Tensor:
        """Two results of `features`, for N images -> distances [N], >= 0."""
        return 0.25 * sum((x - y).square().sum(1).mean((1, 2)) for x, y in zip(a, b, strict=True))


class EncoderIdentity(nn.Module):
    """Faces -> embeddings of unit length: the deepest features, where each lies in the aligned face."""

    def __init__(self, encoder: InversionEncoder):
        super().__init__()
        self.encoder = encoder.requires_grad_(False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[N, 3, S, S] in [-1, 1] -> [N, D]."""
        return F.normalize(self.encoder.features(images)[-1].flatten(1))
