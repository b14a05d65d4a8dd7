"""A small image discriminator, for the decoder's tops and for styles."""

import torch
import torch.nn.functional as F
from torch import nn


class DownBlock(nn.Module):
    """Residual block that halves the resolution (StyleGAN2's discriminator, section 4)."""

    def __init__(
        self,
        in_channels: int,   # C_in
        out_channels: int,  # C_out
    ):
        super().__init__()
        self.conv0 = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.skip = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, C_in, R, R] -> [N, C_out, R/2, R/2]."""
        y = F.leaky_relu(self.conv0(x), 0.2)
        y = F.leaky_relu(self.conv1(F.avg_pool2d(y, 2)), 0.2)   # [N, C_out, R/2, R/2]
        return (y + self.skip(F.avg_pool2d(x, 2))) / 2**0.5


class ImageDiscriminator(nn.Module):
    """Judges patches: image [N, 3, S, S] -> logits [N, 1, P, P], P = S / 2**(1 + blocks)."""

    def __init__(
        self,
        channels: tuple[int, ...] = (16, 32, 64, 128, 128),  # widths behind the stem and each block
    ):
        super().__init__()
        self.stem = nn.Conv2d(12, channels[0], 1)
        self.blocks = nn.Sequential(*(DownBlock(a, b) for a, b in zip(channels, channels[1:])))
        self.head = nn.Conv2d(channels[-1], 1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stem(F.pixel_unshuffle(images, 2))             # [N, C0, S/2, S/2]
        return self.head(F.leaky_relu(self.blocks(x), 0.2))     # [N, 1, P, P]
