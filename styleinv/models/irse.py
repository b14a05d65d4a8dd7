"""IR-SE residual network, the body of the inversion encoder and of the motion network.

Improved residual units (Deng et al., ArcFace, arXiv:1801.07698) with squeeze and excitation
(Hu et al., arXiv:1709.01507).
"""

import torch
import torch.nn.functional as F
from torch import nn


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate computed from all channels' means."""

    def __init__(
        self,
        channels: int,          # C
        reduction: int = 16,    # C / reduction hidden units
    ):
        super().__init__()
        self.down = nn.Conv2d(channels, channels // reduction, 1, bias=False)
        self.up = nn.Conv2d(channels // reduction, channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate = F.relu(self.down(x.mean(dim=(2, 3), keepdim=True)))     # [N, C / reduction, 1, 1]
        return x * self.up(gate).sigmoid()                             # [N, C, R, R]


class Unit(nn.Module):
    """BN, conv 3x3, PReLU, conv 3x3 (stride), BN, SE, plus a shortcut."""

    def __init__(
        self,
        in_channels: int,   # C_in
        out_channels: int,  # C_out
        stride: int,        # 1, or 2 to halve the resolution
    ):
        super().__init__()
        self.residual = nn.Sequential(
            nn.BatchNorm2d(in_channels),
            nn.Conv2d(in_channels, out_channels, 3, 1, 1, bias=False),
            nn.PReLU(out_channels),
            nn.Conv2d(out_channels, out_channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            SqueezeExcite(out_channels),
        )
        self.shortcut = nn.MaxPool2d(1, stride) if in_channels == out_channels else nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, C_in, R, R] -> [N, C_out, R / stride, R / stride]."""
        return self.residual(x) + self.shortcut(x)


class IRSE(nn.Module):
    """Stem and four groups of units, each of which halves the resolution. The defaults are IR-SE50."""

    def __init__(
        self,
        stem: int = 64,                                                 # channels behind the stem
        widths: tuple[int, int, int, int] = (64, 128, 256, 512),        # channels of the groups
        units: tuple[int, int, int, int] = (3, 4, 14, 3),               # units in each group
    ):
        super().__init__()
        self.widths, self.reductions = widths, (2, 4, 8, 16)
        self.stem = nn.Sequential(nn.Conv2d(3, stem, 3, 1, 1, bias=False), nn.BatchNorm2d(stem), nn.PReLU(stem))
        self.groups = nn.ModuleList(
            nn.Sequential(Unit(a, b, 2), *(Unit(b, b, 1) for _ in range(n - 1)))
            for a, b, n in zip((stem, *widths), widths, units)
        )

    def group(self, index: int, x: torch.Tensor) -> torch.Tensor:
        """One group: the image (index 0) or the group before -> [N, widths[index], side / reductions[index], same]."""
        return self.groups[index](self.stem(x) if index == 0 else x)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """[N, 3, S, S] in [-1, 1] -> the four groups' outputs."""
        features: list[torch.Tensor] = []
        for index in range(4):
            features.append(self.group(index, features[-1] if features else images))
        return features
