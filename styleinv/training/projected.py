"""A discriminator on frozen features, which learns from a few hundred images within minutes.

Sauer et al., "Projected GANs Converge Faster", arXiv:2111.01007: a pretrained network sees the images, small heads judge
what it sees at several depths. A frozen random mixing of channels keeps a head from leaning on a few of them.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class FeatureHead(nn.Module):
    """Judges the feature map of one depth."""

    def __init__(
        self,
        in_channels: int,   # C of the feature map
        width: int = 48,    # channels after the mixing
    ):
        super().__init__()
        self.mix = nn.Conv2d(in_channels, width, 1).requires_grad_(False)
        self.conv0 = spectral_norm(nn.Conv2d(width, width, 3, stride=2, padding=1))
        self.conv1 = spectral_norm(nn.Conv2d(width, width, 3, padding=1))
        self.out = spectral_norm(nn.Conv2d(width, 1, 1))
        nn.init.kaiming_normal_(self.mix.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, C, R, R] -> logits [N, 1, R/2, R/2]."""
        x = F.leaky_relu(self.conv0(self.mix(x)), 0.2)          # [N, width, R/2, R/2]
        return self.out(F.leaky_relu(self.conv1(x), 0.2))       # [N, 1, R/2, R/2]


class ProjectedDiscriminator(nn.Module):
    """Features of several depths -> logits [N, 1, P, P] of each."""

    def __init__(
        self,
        channels: tuple[int, ...],  # widths of the feature maps
        width: int = 48,            # of each head
    ):
        super().__init__()
        self.heads = nn.ModuleList(FeatureHead(c, width) for c in channels)

    def forward(self, features: list[torch.Tensor]) -> list[torch.Tensor]:
        return [head(x) for head, x in zip(self.heads, features, strict=True)]


def hinge_d(real: list[torch.Tensor], fake: list[torch.Tensor]) -> torch.Tensor:
    """Loss of the discriminator: the mean of every head's hinge loss (Lim and Ye, arXiv:1705.02894)."""
    return sum(F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in zip(real, fake)) / len(real)


def hinge_g(fake: list[torch.Tensor]) -> torch.Tensor:
    """Loss of the generator."""
    return -sum(f.mean() for f in fake) / len(fake)
