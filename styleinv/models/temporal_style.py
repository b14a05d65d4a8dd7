"""Temporal style: initial latent, motion noise and time -> one style a frame (StyleInV, section 3.2; StyleGAN-V).

The motion noise is a row of anchors, `distance` frames apart. Between two anchors the acyclic positional encoding
runs a learned sum of sines; at time 0 the result is the same for every noise, so the first frame is always w0.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .layers import EqualLinear

KERNEL = 6      # live taps of a causal convolution: this anchor and five before it
REACH = 2 * (KERNEL - 1)    # anchors before k that two convolutions see


def motion_noise(seed: int, first: int, count: int, dim: int) -> torch.Tensor:
    """Anchors first .. first + count - 1 of a motion code, [count, dim] ~ N(0, I).

    Anchor k depends on (seed, k) alone, so a clip of any length can be made in any order and in pieces.
    """
    streams = (np.random.Philox(key=seed, counter=[0, 0, 0, k]) for k in range(first, first + count))
    return torch.from_numpy(np.stack([np.random.Generator(stream).standard_normal(dim) for stream in streams])).float()


class CausalConv(nn.Module):
    """Convolution over anchors that sees this one and those before it; zeros stand before the first."""

    def __init__(
        self,
        channels: int,          # C, in and out
        lr_mul: float = 0.01,   # learning-rate multiplier
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, channels, KERNEL) / lr_mul)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.gain, self.lr_mul = lr_mul / math.sqrt(channels * KERNEL), lr_mul

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, C, K] -> [N, C, K]."""
        x = F.conv1d(F.pad(x, (KERNEL - 1, 0)), self.weight * self.gain, self.bias * self.lr_mul)
        return F.leaky_relu(x, 0.2)


class AcyclicEncoding(nn.Module):
    """Times and the motion codes of the anchors on both sides -> motion features that never repeat.

    v(t) = e(t) - lerp(e(t_left), e(t_right), a) + lerp(C u_left, C u_right, a), with
    e(t) = [sin, cos](omega * (tanh(A u_left) + 1) * t + B u_left * P_max / P) (StyleGAN-V, section 3.1).
    """

    def __init__(
        self,
        channels: int,              # C, width of a motion code
        frequencies: int = 256,     # sines; features are twice as many
        distance: int = 16,         # frames between anchors
        min_period: float = 16.0,   # frames
        max_period: float = 128.0,  # frames
        aligner_gain: float = 1.0,  # weight of what the motion codes say at the anchors, against the sines between them
    ):
        super().__init__()
        self.distance = distance
        periods = torch.logspace(math.log2(max_period), math.log2(min_period), frequencies, base=2.0)
        self.register_buffer("omega", 2 * math.pi / periods, persistent=False)         # [Fr], high periods first
        self.register_buffer("phase_scale", max_period / periods, persistent=False)    # [Fr]
        self.period = EqualLinear(channels, frequencies, bias=False)
        self.phase = EqualLinear(channels, frequencies, bias=False)
        self.aligner = EqualLinear(channels, 2 * frequencies, bias=False, gain=aligner_gain)

    def forward(self, left: torch.Tensor, right: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """left, right [M, C], t [M] in frames, left being the anchor at or before t -> [M, 2 Fr].

        In mixed precision too it computes as `t` does: bfloat16 does not tell the angles of neighbouring frames apart.
        """
        with torch.autocast(t.device.type, enabled=False):
            return self._encode(left.to(t), right.to(t), t)

    def _encode(self, left: torch.Tensor, right: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        begin = (t / self.distance).floor() * self.distance             # [M]
        a = ((t - begin) / self.distance)[:, None]                      # [M, 1]
        omega = self.omega * (self.period(left).tanh() + 1)             # [M, Fr]
        phase = self.phase(left) * self.phase_scale                     # [M, Fr]

        def e(time: torch.Tensor) -> torch.Tensor:
            raw = omega * time[:, None] + phase
            return torch.cat([raw.sin(), raw.cos()], dim=1)             # [M, 2 Fr]

        wave = e(t) - torch.lerp(e(begin), e(begin + self.distance), a)
        return wave + torch.lerp(self.aligner(left), self.aligner(right), a)


class TemporalStyle(nn.Module):
    """w0, motion noise, times -> styles."""

    def __init__(
        self,
        w_dim: int = 512,           # width of w0
        z_dim: int = 512,           # width of an anchor's noise and of a motion code
        style_dim: int = 512,       # width of a style
        frequencies: int = 256,     # sines of the acyclic encoding
        distance: int = 16,         # frames between anchors
        min_period: float = 16.0,   # frames
        max_period: float = 128.0,  # frames
        lr_mul: float = 0.01,       # learning-rate multiplier
        aligner_gain: float = 1.0,  # as in the encoding; larger, seeds part sooner, motion does not pulse with anchors
    ):
        super().__init__()
        self.z_dim, self.distance = z_dim, distance
        self.first_anchor = nn.Parameter(torch.randn(z_dim))            # stands in for the noise at time 0
        self.convs = nn.Sequential(CausalConv(z_dim, lr_mul), CausalConv(z_dim, lr_mul))
        self.encoding = AcyclicEncoding(z_dim, frequencies, distance, min_period, max_period, aligner_gain)
        self.fuse = nn.Sequential(
            EqualLinear(w_dim + 2 * frequencies, style_dim, lr_mul=lr_mul, slope=0.2, gain=2**0.5),
            EqualLinear(style_dim, style_dim, lr_mul=lr_mul, slope=0.2, gain=2**0.5),
        )

    def codes(self, noise: torch.Tensor, first: int = 0) -> torch.Tensor:
        """Noise of anchors first, first + 1, ... [B, K, z_dim] -> motion codes [B, K, z_dim].

        Where `first` > 0, the first `REACH` codes lack their past: ask for that many more and drop them.
        """
        if first == 0:
            noise = torch.cat([self.first_anchor.expand(len(noise), 1, -1), noise[:, 1:]], dim=1)
        return self.convs(noise.transpose(1, 2)).transpose(1, 2)

    def motion(self, codes: torch.Tensor, t: torch.Tensor, first: int = 0) -> torch.Tensor:
        """Motion codes [B, K, z_dim] of anchors `first` on, times t [B, T] in frames -> features v [B, T, 2 Fr]."""
        index = (t / self.distance).floor().long() - first              # [B, T]
        rows = torch.arange(len(t))[:, None]
        v = self.encoding(codes[rows, index].flatten(0, 1), codes[rows, index + 1].flatten(0, 1), t.flatten())
        return v.unflatten(0, t.shape)

    def origin(self) -> torch.Tensor:
        """Motion features at time 0, of any noise, [2 Fr]."""
        codes = self.codes(torch.zeros(1, 2, self.z_dim).to(self.first_anchor))
        return self.motion(codes, torch.zeros(1, 1).to(self.first_anchor))[0, 0]

    def forward(self, w0: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """w0 [B, w_dim], motion features v [B, T, 2 Fr] -> styles [B, T, style_dim]."""
        return self.fuse(torch.cat([w0[:, None].expand(-1, v.shape[1], -1), v], dim=2))

    def clip_codes(self, seed: int, first: int, count: int) -> torch.Tensor:
        """Motion codes of `count` anchors from `first` on for one clip, [1, count, z_dim]."""
        begin = max(0, first - REACH)
        noise = motion_noise(seed, begin, first + count - begin, self.z_dim)[None].to(self.first_anchor)
        return self.codes(noise, begin)[:, first - begin :]

    def clip_motion(self, seed: int, t: torch.Tensor) -> torch.Tensor:
        """Features v [1, T, 2 Fr] of one clip at times t [1, T] in frames; draws the anchors around them alone."""
        first = int(t.min() // self.distance)
        return self.motion(self.clip_codes(seed, first, int(t.max() // self.distance) - first + 2), t, first)
