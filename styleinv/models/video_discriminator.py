"""StyleGAN-V's sparse discriminator: a few frames of a clip and their times -> is it real?

Skorokhodov et al., "StyleGAN-V", arXiv:2112.14683, section 3.2, as StyleInV uses it: one hypernetwork-free pass over
all frames, conditioned on the time between them by projection (Miyato and Koyama, arXiv:1802.05637).
"""

import itertools
import math

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .layers import EqualLinear
from .ops import normalize_second_moment
from .stylegan2_discriminator import Epilogue, Pyramid, ResidualBlock


class TimeEncoder(nn.Module):
    """Distances in time, in frames -> for each a learned row for the nearest whole distance, and sines and cosines.

    The frequencies are pi 2^k / `longest` for all k with 2^k < `longest`: 7 for 128 frames.
    """

    def __init__(
        self,
        longest: int = 128,     # frames of a clip
        dim: int = 256,         # width of a learned row
    ):
        super().__init__()
        self.rows = nn.Embedding(longest, dim)
        powers = torch.arange(math.ceil(math.log2(longest)))
        self.register_buffer("frequencies", math.pi * 2.0**powers / longest, persistent=False)     # [K]

    @property
    def width(self) -> int:
        """Features of one distance (270)."""
        return self.rows.embedding_dim + 2 * len(self.frequencies)

    def forward(self, distances: torch.Tensor) -> torch.Tensor:
        """[B, D] in frames, 0 to `longest` - 1 -> [B, D, width]."""
        rows = self.rows(distances.round().long())                              # [B, D, dim]
        waves = distances[..., None] * self.frequencies                         # [B, D, K]
        return torch.cat([rows, waves.sin(), waves.cos()], dim=2)


class Projection(nn.Module):
    """Time features -> the direction on which a clip's features are projected."""

    def __init__(
        self,
        in_features: int,       # of all distances of a clip
        out_features: int,      # width of the direction
        w_dim: int = 512,       # width in between
    ):
        super().__init__()
        self.embed = EqualLinear(in_features, w_dim)
        self.layers = nn.Sequential(
            EqualLinear(w_dim, w_dim, lr_mul=0.01, slope=0.2, gain=2**0.5),
            EqualLinear(w_dim, out_features, lr_mul=0.01, slope=0.2, gain=2**0.5),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """[B, in_features] -> [B, out_features]."""
        return self.layers(normalize_second_moment(self.embed(features)))


class VideoDiscriminator(ModelMixin, ConfigMixin):
    """Frames and their times -> logits; 26.55 M parameters at 256 px.

    Each frame passes the upper blocks alone; at `join` px the frames lie side by side on the channels. With `changes`,
    what lies there is the first frame, and of the others how they differ from the one before: the same to what the
    layers can express, but a fresh discriminator sees motion at once, which else is lost in how people differ.
    """

    @register_to_config
    def __init__(
        self,
        size: int = 256,        # side of a frame, a power of two
        frames: int = 4,        # of a clip
        base: int = 16384,      # width at R px is base / R,
        widest: int = 512,      # and at most this
        join: int = 16,         # px at which the frames come together, each with half the width
        longest: int = 128,     # frames between the first and the last, at most
        group: int = 8,         # clips whose spread is one more feature
        half_blocks: int = 0,   # so many of the highest resolutions compute in `half`
        half: str = "float16",  # "float16" or "bfloat16"
        changes: float = 0.0,   # factor of the differences between frames, 0 for frames as they are
    ):
        super().__init__()
        def width(r):
            return min(base // r, widest)
        sides = [size >> i for i in range(size.bit_length())]
        apart = [width(r) for r in sides if r > join] + [width(join) // 2]
        below = [width(r) for r in sides if 4 <= r <= join]
        dtype = {"float16": torch.float16, "bfloat16": torch.bfloat16}[half]
        self.pyramid = Pyramid(3, tuple(apart), half_blocks, dtype)
        self.blocks = nn.Sequential(
            ResidualBlock(frames * apart[-1], below[1], hidden=below[0]),
            *(ResidualBlock(a, b) for a, b in itertools.pairwise(below[1:])),
        )
        self.epilogue = Epilogue(below[-1], below[-1], group)
        self.time = TimeEncoder(longest)
        self.projection = Projection((frames - 1) * self.time.width, below[-1])

    def forward(self, frames: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """frames [B, T, 3, S, S] in [-1, 1], their times t [B, T] in frames, ascending -> logits [B]."""
        x = self.pyramid(frames.flatten(0, 1)).float().unflatten(0, frames.shape[:2])       # [B, T, C / 2, join, join]
        if self.config.changes:
            x = torch.cat([x[:, :1], self.config.changes * x.diff(dim=1)], dim=1)
        x = self.blocks(x.flatten(1, 2))                                        # [B, C', 4, 4]
        direction = self.projection(self.time(t.diff(dim=1)).flatten(1))        # [B, C']
        return (self.epilogue(x) * direction).sum(dim=1) / direction.shape[1]**0.5
