"""The body of MobileFaceNet, the light body of the inversion encoder and of the motion network.

Chen et al., "MobileFaceNets", arXiv:1804.07573. The paper's encoder starts from a face-recognition network (ArcFace
IR-SE50) and so does this one: it has the layer names of the recognition network, whose weights it can start from.
"""

import torch
import torch.nn.functional as F
from torch import nn


class HalvingConv(nn.Conv2d):
    """3x3 convolution of stride 2 with TensorFlow's SAME padding on even sizes: 1 right and bottom, 0 left and top."""

    def __init__(
        self,
        in_channels: int,   # C_in
        out_channels: int,  # C_out
        groups: int = 1,    # C_in for a depthwise one
    ):
        super().__init__(in_channels, out_channels, 3, stride=2, groups=groups)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [N, C_in, H, W] -> [N, C_out, H/2, W/2]."""
        return super().forward(F.pad(x, (0, 1, 0, 1)))


class Block(nn.Module):
    """Inverted bottleneck: expand 1x1, depthwise 3x3, project 1x1 without activation; plus the input at stride 1."""

    def __init__(
        self,
        in_channels: int,   # C_in
        hidden: int,        # width of the depthwise layer
        out_channels: int,  # C_out
        halve: bool,        # stride 2, and no residual
    ):
        super().__init__()
        self.halve = halve
        self.expand = nn.Conv2d(in_channels, hidden, 1)
        self.expand_prelu = nn.PReLU(hidden)
        self.depthwise = (
            HalvingConv(hidden, hidden, hidden) if halve else nn.Conv2d(hidden, hidden, 3, 1, 1, groups=hidden)
        )
        self.depthwise_prelu = nn.PReLU(hidden)
        self.project = nn.Conv2d(hidden, out_channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [N, C_in, H, W] -> [N, C_out, H', W'], H' = H/2 where it halves."""
        y = self.expand_prelu(self.expand(x))               # [N, hidden, H, W]
        y = self.depthwise_prelu(self.depthwise(y))         # [N, hidden, H', W']
        y = self.project(y)                                 # [N, C_out, H', W']
        return y if self.halve else x + y


class MobileFaceBody(nn.Module):
    """Image -> features of four groups; batch norm is folded into the convolutions, so nothing depends on the batch."""

    widths = (64, 128, 128, 512)    # channels of the groups
    reductions = (4, 8, 16, 16)     # side of the image over the side of the features

    def __init__(self):
        super().__init__()
        self.stem = HalvingConv(3, 64)
        self.stem_prelu = nn.PReLU(64)
        self.depthwise = nn.Conv2d(64, 64, 3, padding=1, groups=64)
        self.depthwise_prelu = nn.PReLU(64)
        self.pointwise = nn.Conv2d(64, 64, 1)
        self.blocks = nn.Sequential(
            Block(64, 128, 64, halve=True), *(Block(64, 128, 64, halve=False) for _ in range(4)),
            Block(64, 256, 128, halve=True), *(Block(128, 256, 128, halve=False) for _ in range(6)),
            Block(128, 512, 128, halve=True), *(Block(128, 256, 128, halve=False) for _ in range(2)),
        )
        self.head = nn.Conv2d(128, 512, 1)
        self.head_prelu = nn.PReLU(512)

    def group(self, index: int, x: torch.Tensor) -> torch.Tensor:
        """One group: the image (index 0) or the group before -> [N, widths[index], side / reductions[index], same]."""
        if index == 0:
            x = self.stem_prelu(self.stem(x * (127.5 / 128)))           # [N, 64, S/2, S/2]; (byte - 127.5) / 128
            x = self.pointwise(self.depthwise_prelu(self.depthwise(x)))
        if index == 3:
            return self.head_prelu(self.head(x))                        # [N, 512, S/16, S/16]
        first, last = (0, 5, 12, 15)[index : index + 2]
        return self.blocks[first:last](x)                               # halves the side

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """[N, 3, S, S] in [-1, 1] -> the four groups' outputs."""
        features: list[torch.Tensor] = []
        for index in range(4):
            features.append(self.group(index, features[-1] if features else images))
        return features
