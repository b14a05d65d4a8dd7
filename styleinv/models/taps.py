"""The distance that LPIPS defines, over any convolutional backbone.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", arXiv:1801.03924: features of
several layers, each normalised to unit length over channels, squared differences weighted by channel and averaged over
positions, summed over layers.
"""

import torch
from torch import nn

from .frozen import FrozenNetwork


class TappedFeatures(nn.Sequential):
    """A chain of layers that also yields what lies behind some of them, as unit vectors at every position."""

    def __init__(
        self,
        *layers: nn.Module,                     # the chain, in torchvision's numbering
        taps: tuple[int, ...],                  # indices of the layers whose output is wanted
        shift: tuple[float, float, float],      # subtracted from R, G, B in [-1, 1]
        scale: tuple[float, float, float],      # and divided by
        bgr: bool = False,                      # the backbone was trained on B, G, R
    ):
        super().__init__(*layers)
        self.taps, self.bgr = taps, bgr
        self.register_buffer("shift", torch.tensor(shift)[:, None, None], persistent=False)     # [3, 1, 1]
        self.register_buffer("scale", torch.tensor(scale)[:, None, None], persistent=False)     # [3, 1, 1]

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """image [N, 3, H, W], RGB in [-1, 1] -> for each tap [N, C, H', W'], of unit length over C."""
        return [unit(x) for x in self.raw(image)]

    def raw(self, image: torch.Tensor) -> list[torch.Tensor]:
        """As above, with the length that each position's features have."""
        x = (image - self.shift) / self.scale
        x = x.flip(1) if self.bgr else x
        found = []
        for i, layer in enumerate(self):
            x = layer(x)
            if i in self.taps:
                found.append(x)
        return found


def unit(x: torch.Tensor) -> torch.Tensor:
    """[N, C, H, W], each position scaled to unit length over the channels."""
    return x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10)


class TapDistance(FrozenNetwork):
    """Distance of two images: 0 for equal ones. `features(x)` of a fixed image can be kept and reused in `compare`."""

    def __init__(
        self,
        features: TappedFeatures,       # the backbone
        channels: tuple[int, ...],      # its width at each tap
    ):
        super().__init__()
        self.features = features
        for i, width in enumerate(channels):
            self.add_module(f"lin{i}", nn.Conv2d(width, 1, 1, bias=False))  # LPIPS's heads keep their names
        self.heads = [f"lin{i}" for i in range(len(channels))]

    def compare(self, a: list[torch.Tensor], b: list[torch.Tensor]) -> torch.Tensor:
        """Two results of `features`, for N images each or one against N -> distances [N], >= 0."""
        total = 0.0
        for head, x, y in zip(self.heads, a, b):
            total = total + self.get_submodule(head)((x - y).square()).mean((1, 2, 3))  # [N]
        return total

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Images [N, 3, H, W], RGB in [-1, 1] -> distances [N], >= 0."""
        return self.compare(self.features(x), self.features(y))
