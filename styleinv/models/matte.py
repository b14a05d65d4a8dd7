"""Person matte: photo -> how much of each pixel is a person.

The network of MediaPipe Selfie Segmentation (Google, Apache-2.0; the general model of 2021, 0.1 M parameters) in our
own form: a MobileNetV3-like encoder (Howard et al., arXiv:1905.02244) with its LR-ASPP head, then three gated skips.
What it gives for a photo is refined by a guided filter (He and Sun, "Fast Guided Filter", arXiv:1505.00996).
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .ops import from_uint8

BLOCKS = (  # kernel, stride, expanded width, width, squeezed width (0: no squeeze), hard swish instead of ReLU
    (3, 2, 16, 16, 8, False),
    (3, 2, 72, 24, 0, False),
    (3, 1, 88, 24, 0, False),
    (5, 2, 96, 32, 24, True),
    (5, 1, 128, 32, 32, True),
    (5, 1, 128, 32, 32, True),
    (5, 1, 96, 32, 24, True),
    (5, 1, 96, 32, 24, True),
)


class Conv(nn.Conv2d):
    """A convolution padded as TFLite's SAME: at stride 2 there is one more row below and column at the right."""

    def __init__(
        self,
        in_channels: int,   # C_in
        out_channels: int,  # C_out
        kernel: int = 1,    # side of the kernel, odd
        stride: int = 1,    # 1 or 2
        groups: int = 1,    # C_in for a depthwise one
    ):
        super().__init__(in_channels, out_channels, kernel, stride, (kernel - stride) // 2, groups=groups)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [N, C_in, R, R] -> [N, C_out, R / stride, R / stride]."""
        return super().forward(F.pad(x, (0, 1, 0, 1)) if self.stride[0] == 2 else x)


class Gate(nn.Module):
    """Squeeze and excitation: the mean over the picture -> a factor per channel."""

    def __init__(
        self,
        channels: int,  # C
        squeezed: int,  # width between the two layers
    ):
        super().__init__()
        self.down = Conv(channels, squeezed)
        self.up = Conv(squeezed, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [N, C, R, R] -> [N, C, 1, 1] in 0..1."""
        x = x.mean(dim=(2, 3), keepdim=True)            # [N, C, 1, 1]
        return self.up(self.down(x).relu()).sigmoid()


class Block(nn.Module):
    """Inverted residual: 1x1 that widens, depthwise, gate, 1x1 that narrows; added to its input where shapes agree."""

    def __init__(
        self,
        in_channels: int,   # C_in
        kernel: int,        # side of the depthwise kernel
        stride: int,        # 1 or 2
        expanded: int,      # E, width of the depthwise convolution
        out_channels: int,  # C_out
        squeezed: int,      # width inside the gate, 0 for none
        swish: bool,        # hard swish instead of ReLU
    ):
        super().__init__()
        self.expand = Conv(in_channels, expanded)
        self.depthwise = Conv(expanded, expanded, kernel, stride, groups=expanded)
        self.gate = Gate(expanded, squeezed) if squeezed else None
        self.project = Conv(expanded, out_channels)
        self.activation = F.hardswish if swish else F.relu
        self.shrinks = stride == 2
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [N, C_in, R, R] -> [N, C_out, R / stride, R / stride]."""
        y = self.activation(self.expand(x))             # [N, E, R, R]
        y = self.activation(self.depthwise(y))          # [N, E, R / stride, R / stride]
        if self.gate is not None:
            y = y * self.gate(y)
        y = self.project(y)                             # [N, C_out, R / stride, R / stride]
        return x + y if self.residual else y


class Head(nn.Module):
    """LR-ASPP: features, each channel weighted by the mean over the picture."""

    def __init__(
        self,
        in_channels: int,   # C_in
        out_channels: int,  # C_out
    ):
        super().__init__()
        self.value = Conv(in_channels, out_channels)
        self.weight = Conv(in_channels, out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [N, C_in, R, R] -> [N, C_out, R, R]."""
        return self.value(x).relu() * self.weight(x.mean(dim=(2, 3), keepdim=True)).sigmoid()


class UpBlock(nn.Module):
    """Doubles the resolution and adds the encoder's features of that size, gated by what both hold."""

    def __init__(
        self,
        in_channels: int,   # C_in
        out_channels: int,  # C_out, that of the encoder's features too
    ):
        super().__init__()
        self.reduce = Conv(in_channels, out_channels)
        self.gate = Gate(out_channels, out_channels)
        self.mix = Conv(out_channels, out_channels)
        self.depthwise = Conv(out_channels, out_channels, 3, groups=out_channels)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """x [N, C_in, R, R], skip [N, C_out, 2R, 2R] -> [N, C_out, 2R, 2R]."""
        # The original enlarges first. A 1x1 convolution commutes with that, and costs a quarter before it.
        x = F.interpolate(self.reduce(x), scale_factor=2, mode="bilinear", align_corners=False)    # [N, C_out, 2R, 2R]
        x = self.mix(skip * self.gate(skip + x) + x).relu()
        return x + self.depthwise(x).relu()


class MatteNetwork(ModelMixin, ConfigMixin):
    """image [N, 3, S, S] in [-1, 1] -> matte [N, 1, S, S]: 1 where there is a person, 0 where there is none.

    S is `size`, or any other multiple of 16; the network learned at 256 and is best there.
    """

    @register_to_config
    def __init__(
        self,
        stem_width: int = 16,                               # of the first convolution
        layout: tuple[tuple[Any, ...], ...] = BLOCKS,       # the encoder, one row per block
        head_width: int = 128,                              # of the head
        size: int = 256,                                    # side of the image that a photo is resized to
    ):
        super().__init__()
        widths = [stem_width, *(row[3] for row in layout)]
        self.stem = Conv(3, stem_width, 3, 2)
        self.blocks = nn.ModuleList(Block(width, *row) for width, row in zip(widths[:-1], layout, strict=True))
        self.head = Head(widths[-1], head_width)
        skips = [width for width, row in zip(widths[:-1], layout, strict=True) if row[1] == 2][::-1]
        self.ups = nn.ModuleList(UpBlock(a, b) for a, b in zip([head_width, *skips[:-1]], skips, strict=True))
        self.to_matte = nn.ConvTranspose2d(skips[-1], 1, 2, 2)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        image = image.contiguous(memory_format=torch.channels_last)     # a CPU convolves separably faster so
        x, skips = F.hardswish(self.stem(image * 0.5 + 0.5)), []    # [N, stem_width, S/2, S/2]
        for block in self.blocks:
            if block.shrinks:
                skips.append(x)
            x = block(x)                                            # half the side at stride 2, down to S/16
        x = self.head(x)                                            # [N, head_width, S/16, S/16]
        for up in self.ups:
            x = up(x, skips.pop())                                  # doubles the side, up to S/2
        return self.to_matte(x).sigmoid()                           # [N, 1, S, S]

    @torch.inference_mode()
    def of_photo(self, photo: np.ndarray) -> np.ndarray:
        """Matte of a photo of any size, uint8 [H, W, 3] -> float32 [H, W] in 0..1; its edges follow the photo's."""
        guide = from_uint8(torch.tensor(photo)[None])               # [1, 3, H, W]
        size = (self.config.size, self.config.size)
        small = F.interpolate(guide, size, mode="bilinear", antialias=True, align_corners=False)    # [1, 3, S, S]
        return guided_upsample(self(small.to(self.device)).cpu(), small, guide)[0, 0].numpy()


def guided_upsample(
    matte: torch.Tensor,    # [N, 1, S, S]
    small: torch.Tensor,    # [N, 3, S, S], the guide at the matte's size
    guide: torch.Tensor,    # [N, 3, H, W]
    radius: int = 2,        # of the windows, in pixels of the small guide
    eps: float = 1e-3,      # variance of the guide, in squared units of [-1, 1], below which it counts as flat
) -> torch.Tensor:
    """The matte at the guide's size, [N, 1, H, W]: in each window a linear function of the guide's colours."""
    def box(x: torch.Tensor) -> torch.Tensor:
        return box_mean(x, radius)

    mean, mean_matte = box(small), box(matte)
    pairs = small[:, :, None] * small[:, None]                                              # [N, 3, 3, S, S]
    covariance = box(pairs.flatten(1, 2)) - (mean[:, :, None] * mean[:, None]).flatten(1, 2)    # [N, 9, S, S]
    shared = box(small * matte) - mean * mean_matte                                         # [N, 3, S, S]
    matrix = covariance.unflatten(1, (3, 3)).permute(0, 3, 4, 1, 2) + eps * torch.eye(3)    # [N, S, S, 3, 3]
    slope = torch.linalg.solve(matrix, shared.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)      # [N, 3, S, S]
    offset = mean_matte - (slope * mean).sum(1, keepdim=True)                               # [N, 1, S, S]
    planes = F.interpolate(box(torch.cat([slope, offset], 1)), guide.shape[2:], mode="bilinear", align_corners=False)
    return ((planes[:, :3] * guide).sum(1, keepdim=True) + planes[:, 3:]).clamp(0, 1)       # [N, 1, H, W]


def box_mean(x: torch.Tensor, radius: int) -> torch.Tensor:
    """Mean over the (2 radius + 1)^2 pixels around each, [N, C, H, W]; the picture's edges are continued outwards."""
    h, w = x.shape[2:]
    side = 2 * radius + 1
    x = F.pad(x, (radius, radius, radius, radius), mode="replicate")
    x = sum((x[:, :, i : i + h] for i in range(side)), x.new_zeros(()))                 # [N, C, H, W + 2 radius]
    return sum((x[..., i : i + w] for i in range(side)), x.new_zeros(())) / side**2     # [N, C, H, W]
