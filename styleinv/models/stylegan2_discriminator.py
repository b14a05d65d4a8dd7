"""StyleGAN2's residual discriminator (Karras et al., arXiv:1912.04958, section 4.1), and its parts for clips."""

import itertools

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .layers import EqualLinear
from .ops import lr_gain
from .resample import conv_down


class EqualConv(nn.Module):
    """3x3 or 1x1 convolution with equalised learning rate; leaky ReLU and clamp behind it unless `linear`."""

    def __init__(
        self,
        in_channels: int,           # C_in
        out_channels: int,          # C_out
        kernel: int = 3,            # 3 or 1
        bias: bool = True,          # add a learned bias
        linear: bool = False,       # leave the activation out
        down: bool = False,         # filter and halve the map
        gain: float = 1.0,          # factor behind the activation
        clamp: float = 256.0,       # largest magnitude behind it, which float16 needs
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.weight_gain = lr_gain(in_channels * kernel**2)
        self.linear, self.down, self.clamp = linear, down, clamp * gain
        self.gain = gain if linear else gain * 2**0.5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, C_in, R, R] -> [N, C_out, R, R], or R/2."""
        weight = (self.weight * self.weight_gain * self.gain).to(x.dtype)   # leaky ReLU passes a positive factor on
        x = conv_down(x, weight) if self.down else F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        if self.bias is not None:
            x = x + (self.bias * self.gain).to(x.dtype)[:, None, None]
        return x if self.linear else F.leaky_relu(x, 0.2).clamp(-self.clamp, self.clamp)


class ResidualBlock(nn.Module):
    """Two convolutions and a shortcut; halves the resolution."""

    def __init__(
        self,
        in_channels: int,   # C_in
        out_channels: int,  # C_out
        hidden: int = 0,    # width between the convolutions, 0 for C_in
    ):
        super().__init__()
        self.conv0 = EqualConv(in_channels, hidden or in_channels)
        self.conv1 = EqualConv(hidden or in_channels, out_channels, down=True, gain=0.5**0.5)
        self.skip = EqualConv(in_channels, out_channels, kernel=1, bias=False, linear=True, down=True, gain=0.5**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, C_in, R, R] -> [N, C_out, R/2, R/2]."""
        return self.skip(x) + self.conv1(self.conv0(x))


class MinibatchStd(nn.Module):
    """Appends a channel with the spread of the features over a group of samples (Karras et al., arXiv:1710.10196).

    Of N samples, i and j share a group where i = j modulo N / group, so that every k-th sample on each of k workers
    makes the same groups as all of them on one.
    """

    def __init__(
        self,
        group: int = 8,     # samples in a group; all of a smaller batch
    ):
        super().__init__()
        self.group = group

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, C, R, R] -> [N, C + 1, R, R]; N a multiple of the group, or below it."""
        group = min(self.group, len(x))
        y = x.float().unflatten(0, (group, -1))                     # [G, N / G, C, R, R]
        y = (y.var(dim=0, unbiased=False) + 1e-8).sqrt()            # [N / G, C, R, R]
        y = y.mean(dim=(1, 2, 3)).repeat(group)                     # [N]
        return torch.cat([x, y.to(x.dtype)[:, None, None, None].expand(-1, 1, *x.shape[2:])], dim=1)


class Epilogue(nn.Module):
    """Features at 4x4 -> a vector."""

    def __init__(
        self,
        channels: int,      # C
        out_features: int,  # width of the vector
        group: int = 8,     # of the minibatch spread
    ):
        super().__init__()
        self.spread = MinibatchStd(group)
        self.conv = EqualConv(channels + 1, channels)
        self.hidden = EqualLinear(channels * 16, channels, slope=0.2, gain=2**0.5)
        self.out = EqualLinear(channels, out_features)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, C, 4, 4] -> [N, out_features]."""
        x = self.conv(self.spread(x.float()))                       # [N, C, 4, 4]
        return self.out(self.hidden(x.flatten(1)))


class Pyramid(nn.Module):
    """Image -> features of lower resolution: a 1x1 convolution, then residual blocks."""

    def __init__(
        self,
        in_channels: int,           # channels of the image
        widths: tuple[int, ...],    # widths at the full resolution, at half of it, ...
        half_blocks: int = 0,       # so many of the highest resolutions compute in `dtype`
        dtype: torch.dtype = torch.float16,
    ):
        super().__init__()
        self.from_rgb = EqualConv(in_channels, widths[0], kernel=1)
        self.blocks = nn.ModuleList(ResidualBlock(a, b) for a, b in itertools.pairwise(widths))
        self.half_blocks, self.dtype = half_blocks, dtype

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[N, in_channels, R, R] -> [N, widths[-1], R', R'], R' = R / 2**blocks."""
        x = self.from_rgb(images.to(self.dtype if self.half_blocks else torch.float32))
        for i, block in enumerate(self.blocks):
            x = block(x.to(self.dtype if i < self.half_blocks else torch.float32))
        return x


class StyleGAN2Discriminator(ModelMixin, ConfigMixin):
    """image [N, 3, S, S] in [-1, 1] -> logits [N]; 24.00 M parameters at 256 px."""

    @register_to_config
    def __init__(
        self,
        size: int = 256,        # side of the image, a power of two
        base: int = 16384,      # width at R px is base / R,
        widest: int = 512,      # and at most this
        group: int = 8,         # samples whose spread is one more feature
        half_blocks: int = 0,   # so many of the highest resolutions compute in `half`
        half: str = "float16",  # "float16" or "bfloat16"
    ):
        super().__init__()
        widths = tuple(min(base // r, widest) for r in (size >> i for i in range(size.bit_length() - 2)))
        dtype = {"float16": torch.float16, "bfloat16": torch.bfloat16}[half]
        self.pyramid = Pyramid(3, widths, half_blocks, dtype)
        self.epilogue = Epilogue(widths[-1], 1, group)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.epilogue(self.pyramid(images))[:, 0]
