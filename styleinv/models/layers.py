"""Small layers that several networks share."""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

from .ops import lr_gain, normalize_second_moment


class EqualLinear(nn.Module):
    """Linear layer with equalised learning rate: the stored weight is N(0, 1) / lr_mul and scaled at run time."""

    def __init__(
        self,
        in_features: int,           # C_in
        out_features: int,          # C_out
        bias: bool = True,          # add a learned bias
        bias_init: float = 0.0,     # its first value
        lr_mul: float = 1.0,        # learning-rate multiplier
        slope: float | None = None, # negative slope of a leaky ReLU behind the layer, None for a linear one
        gain: float = 1.0,          # factor behind the activation
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_mul)
        self.bias = nn.Parameter(torch.full([out_features], bias_init / lr_mul)) if bias else None
        self.weight_gain, self.lr_mul, self.slope, self.gain = lr_gain(in_features, lr_mul), lr_mul, slope, gain

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bias = None if self.bias is None else self.bias * self.lr_mul
        x = F.linear(x, self.weight * self.weight_gain, bias)   # [N, C_out]
        if self.slope is not None:
            x = F.leaky_relu(x, self.slope)
        return x if self.gain == 1 else x * self.gain


class MappingNetwork(nn.Module):
    """StyleGAN2's mapping, z [N, z_dim] ~ N(0, I) -> w [N, w_dim], with the running mean `w_avg` for truncation."""

    def __init__(
        self,
        z_dim: int = 512,       # width of z
        w_dim: int = 512,       # width of w and of the hidden layers
        num_layers: int = 8,    # fully connected layers
        lr_mul: float = 0.01,   # learning-rate multiplier of all layers
    ):
        super().__init__()
        widths = [z_dim] + [w_dim] * num_layers
        self.layers = nn.Sequential(*(
            EqualLinear(a, b, lr_mul=lr_mul, slope=0.2, gain=2**0.5) for a, b in itertools.pairwise(widths)
        ))
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: torch.Tensor, psi: float = 1.0) -> torch.Tensor:
        """`psi` is the truncation: 1 gives the whole distribution, 0 the mean face."""
        w = self.layers(normalize_second_moment(z))             # [N, w_dim]
        return w if psi == 1 else self.w_avg + psi * (w - self.w_avg)


class ResidualBlock(nn.Module):
    """x + two 3x3 convolutions behind group normalisation and leaky ReLU."""

    def __init__(
        self,
        channels: int,      # C, a multiple of 8
    ):
        super().__init__()
        self.norm0, self.norm1 = nn.GroupNorm(8, channels), nn.GroupNorm(8, channels)
        self.conv0 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        y = self.conv0(F.leaky_relu(self.norm0(x), 0.2))
        return x + self.conv1(F.leaky_relu(self.norm1(y), 0.2))
