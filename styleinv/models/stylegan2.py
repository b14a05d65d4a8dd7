"""StyleGAN2, the reference decoder: z -> w -> image, in plain torch operations.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", arXiv:1912.04958, in the configuration of
StyleGAN2-ADA (arXiv:2006.06676) for 256 px. Weights are never made for each sample: the input is scaled by the style
and the output by the demodulation factor, which is the same by linearity.
"""

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .layers import EqualLinear, MappingNetwork
from .ops import lr_gain, resize
from .resample import conv_up, upsample
from .winograd import convolve, transform_weight

CLAMP = 256.0       # largest magnitude of an activation, which float16 needs


@dataclass(frozen=True)
class Kernel:
    """A convolution's weights as they are computed with, and their energy, which demodulation needs."""

    weight: torch.Tensor    # [C_out, C_in, k, k], or [36, C_in, C_out] for Winograd's convolution
    energy: torch.Tensor    # [C_out, C_in], sums of squares over the taps

    @classmethod
    def make(cls, weight: torch.Tensor, dtype: torch.dtype, up: bool = False, tiles: bool = False) -> "Kernel":
        """From weights [C_out, C_in, k, k]; in float16 scaled so that sums stay in range, which demodulation undoes.

        They lie in memory as the convolution reads them, or, with `up`, the transposed one, or, with `tiles`,
        Winograd's.
        """
        if tiles:
            return cls(transform_weight(weight), weight.square().sum(dim=(2, 3)))
        if dtype == torch.float16:
            weight = weight * (lr_gain(weight[0].numel()) / weight.abs().amax(dim=(1, 2, 3), keepdim=True))
        laid = weight.transpose(0, 1) if up else weight
        laid = laid.to(dtype).contiguous(memory_format=torch.channels_last)
        return cls(laid.transpose(0, 1) if up else laid, weight.square().sum(dim=(2, 3)))

    def convolve(self, x: torch.Tensor, up: bool) -> torch.Tensor:
        """[N, C_in, R, R] -> [N, C_out, R, R] (or 2R)."""
        if up:
            return conv_up(x, self.weight)
        if self.weight.ndim == 3:
            return convolve(x, self.weight)
        return F.conv2d(x, self.weight, padding=self.weight.shape[-1] // 2)


def modulated_conv(
    x: torch.Tensor, kernel: Kernel, style: torch.Tensor, up: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Convolution with the weights w' = weight * style, and the factors that bring its outputs to unit variance.

    Takes x [N, C_in, R, R] and style [N, C_in].

    Returns:
        y [N, C_out, R, R] (or 2R), and d [N, C_out, 1, 1] = 1 / |w'|; the demodulated convolution is y * d
            (section 2.2).
    """
    if x.dtype == torch.float16:
        style = style / style.abs().amax(dim=1, keepdim=True)
    d = (style.square() @ kernel.energy.T + 1e-8).rsqrt()               # [N, C_out]
    x = x * style.to(x.dtype)[:, :, None, None]
    return kernel.convolve(x, up), d[:, :, None, None]


class SynthesisLayer(nn.Module):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU."""

    def __init__(
        self,
        in_channels: int,       # C_in
        out_channels: int,      # C_out
        resolution: int,        # side of the output
        w_dim: int = 512,       # width of a style row
        up: bool = False,       # doubles the resolution
        noise: bool = True,     # has a noise input
    ):
        super().__init__()
        self.affine = EqualLinear(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.up = up
        self.tiles = not up and in_channels >= 128 and resolution >= 32     # where Winograd's is faster on a CPU
        self.strength = nn.Parameter(torch.zeros([])) if noise else None
        self.register_buffer("noise", torch.randn(resolution, resolution) if noise else None)
        self._kept: tuple[tuple, Kernel] | None = None

    def kernel(self, dtype: torch.dtype) -> Kernel:
        """The weights for `dtype`; without gradients they are kept until they change."""
        if torch.is_grad_enabled():
            return Kernel.make(self.weight, dtype, self.up)
        key = (dtype, self.weight.data_ptr(), self.weight._version)
        if self._kept is None or self._kept[0] != key:
            tiles = self.tiles and dtype == torch.float32 and self.weight.device.type == "cpu"
            self._kept = key, Kernel.make(self.weight.detach(), dtype, self.up, tiles)
        return self._kept[1]

    def forward(self, x: torch.Tensor, w: torch.Tensor, noise: str) -> torch.Tensor:
        """x [N, C_in, R, R], w [N, w_dim] -> [N, C_out, R, R] (or 2R)."""
        y, d = modulated_conv(x, self.kernel(x.dtype), self.affine(w), self.up)
        gain = 2**0.5                                                   # of the activation, which passes it on
        y = torch.addcmul((self.bias * gain).to(y.dtype)[:, None, None], y, (d * gain).to(y.dtype))
        if self.strength is not None and noise != "none":
            y = y.add_((self._noise(len(y), noise) * (self.strength * gain)).to(y.dtype))
        y = F.leaky_relu_(y, 0.2)
        return y.clamp(-CLAMP, CLAMP) if torch.is_grad_enabled() else y.clamp_(-CLAMP, CLAMP)

    def _noise(self, n: int, kind: str) -> torch.Tensor:
        if kind == "const":
            return self.noise                                           # [R, R]
        return torch.randn(n, 1, *self.noise.shape, device=self.noise.device)


class ToRGB(nn.Module):
    """Modulated 1x1 convolution without demodulation."""

    def __init__(
        self,
        in_channels: int,       # C
        w_dim: int = 512,       # width of a style row
    ):
        super().__init__()
        self.affine = EqualLinear(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(3, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.gain = lr_gain(in_channels)

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """x [N, C, R, R], w [N, w_dim] -> float32 image [N, 3, R, R]."""
        weight = self.weight.flatten(1) * (self.affine(w) * self.gain)[:, None]         # [N, 3, C], few enough to make
        x = x.permute(0, 2, 3, 1)                                                       # as it lies in memory
        y = torch.baddbmm(self.bias.to(x.dtype), x.flatten(1, 2), weight.to(x.dtype).transpose(1, 2))   # [N, R R, 3]
        return y.clamp(-CLAMP, CLAMP).float().unflatten(1, x.shape[1:3]).permute(0, 3, 1, 2)


class SynthesisBlock(nn.Module):
    """One resolution: doubles it, convolves, and adds to the image (skip architecture); three style rows."""

    def __init__(
        self,
        in_channels: int,       # C_in
        out_channels: int,      # C_out
        resolution: int,        # side R of the output
        w_dim: int = 512,       # width of a style row
        noise: bool = True,     # its layers have noise inputs
    ):
        super().__init__()
        self.conv0 = SynthesisLayer(in_channels, out_channels, resolution, w_dim, up=True, noise=noise)
        self.conv1 = SynthesisLayer(out_channels, out_channels, resolution, w_dim, noise=noise)
        self.to_rgb = ToRGB(out_channels, w_dim)
        self.dtype = torch.float32      # what it computes in

    def forward(
        self, x: torch.Tensor, image: torch.Tensor, ws: torch.Tensor, noise: str
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """x [N, C_in, R/2, R/2], image [N, 3, R/2, R/2], ws [N, 3, w_dim] -> [N, C_out, R, R], [N, 3, R, R]."""
        x = x.to(self.dtype, memory_format=torch.channels_last)
        x = self.conv1(self.conv0(x, ws[:, 0], noise), ws[:, 1], noise)
        return x, upsample(image) + self.to_rgb(x, ws[:, 2])


class Top(nn.Module):
    """The blocks above the trunk. A style is another Top."""

    def __init__(
        self,
        channels: list[int],    # widths at 4, 8, 16, ... px
        size: int,              # side of the image
        trunk_resolution: int,  # side of the trunk's features
        w_dim: int = 512,       # width of a style row
        noise: bool = True,     # its layers have noise inputs
    ):
        super().__init__()
        self.blocks = nn.ModuleDict({
            str(4 << level): SynthesisBlock(channels[level - 1], channels[level], 4 << level, w_dim, noise)
            for level in range(1, len(channels)) if trunk_resolution < 4 << level <= size
        })

    def forward(self, features: torch.Tensor, ws: torch.Tensor, noise: str = "const") -> torch.Tensor:
        """features [N, C + 3, T, T] of the trunk, ws [N, rows, w_dim], the top's own -> [N, 3, size, size]."""
        x, image = features[:, :-3], features[:, -3:]
        for i, block in enumerate(self.blocks.values()):
            x, image = block(x, image, ws[:, 2 * i : 2 * i + 3], noise)
        return image


class StyleGAN2(ModelMixin, ConfigMixin):
    """Mapping, trunk (up to `trunk_resolution`) and top; the decoder interface of :class:`MobileDecoder`.

    The defaults are the paper's: 2.10 M parameters of mapping, 22.67 M of synthesis. Neighbouring blocks share a style
    row, as the image of one and the first convolution of the next read the same.
    """

    @register_to_config
    def __init__(
        self,
        size: int = 256,                # side of the image, a power of two
        base: int = 16384,              # width at R px is base / R,
        widest: int = 512,              # and at most this
        z_dim: int = 512,               # width of z
        w_dim: int = 512,               # width of w
        mapping_layers: int = 8,        # fully connected layers
        trunk_resolution: int = 32,     # the trunk ends here; what is above is the top
        noise: bool = True,             # layers have noise inputs ("_nn" networks have none)
        half_blocks: int = 0,           # so many of the highest resolutions compute in `half`
        half: str = "float16",          # "float16" or "bfloat16"
    ):
        super().__init__()
        channels = [min(base // (4 << i), widest) for i in range(size.bit_length() - 2)]
        self.mapping = MappingNetwork(z_dim, w_dim, mapping_layers)
        self.const = nn.Parameter(torch.randn(1, channels[0], 4, 4))
        self.conv = SynthesisLayer(channels[0], channels[0], 4, w_dim, noise=noise)
        self.to_rgb = ToRGB(channels[0], w_dim)
        trunk = [(a, b, 8 << i) for i, (a, b) in enumerate(itertools.pairwise(channels)) if 8 << i <= trunk_resolution]
        self.blocks = nn.ModuleList(SynthesisBlock(a, b, r, w_dim, noise) for a, b, r in trunk)
        self.tops = nn.ModuleDict({str(size): Top(channels, size, trunk_resolution, w_dim, noise)})
        self.compute_in({"float16": torch.float16, "bfloat16": torch.bfloat16}[half], half_blocks)

    def compute_in(self, dtype: torch.dtype, blocks: int) -> None:
        """Let the `blocks` highest resolutions compute in `dtype`, all others in float32; weights stay as they are."""
        every = [*self.blocks, *self._top.blocks.values()]
        for i, block in enumerate(reversed(every)):
            block.dtype = dtype if i < blocks else torch.float32

    def place(self, device: torch.device | str) -> "StyleGAN2":
        """Moved to where it is only used; on a CPU all in float32, for few have arithmetic for half blocks."""
        if torch.device(device).type == "cpu":
            self.compute_in(torch.float32, 0)
        return self.to(device)

    @property
    def resolution(self) -> int:
        """The output side."""
        return self.config.size

    @property
    def num_ws(self) -> int:
        """Style rows of the whole network (14 for 256 px)."""
        return 2 * (self.config.size.bit_length() - 2)

    @property
    def w_avg(self) -> torch.Tensor:
        """The mean image's latent, [w_dim]."""
        return self.mapping.w_avg

    @property
    def _top(self) -> Top:
        return self.tops[str(self.config.size)]

    def _rows(self, ws: torch.Tensor) -> torch.Tensor:
        """W [N, w_dim] -> W+ [N, num_ws, w_dim]; W+ passes."""
        return ws[:, None].expand(-1, self.num_ws, -1) if ws.ndim == 2 else ws

    def trunk(self, ws: torch.Tensor, noise: str = "const") -> torch.Tensor:
        """ws -> features and the image so far, [N, C + 3, trunk_resolution, trunk_resolution]."""
        ws = self._rows(ws)
        x = self.conv(self.const.expand(len(ws), -1, -1, -1), ws[:, 0], noise)      # [N, C, 4, 4]
        image = self.to_rgb(x, ws[:, 1])                                            # [N, 3, 4, 4]
        for i, block in enumerate(self.blocks):
            x, image = block(x, image, ws[:, 2 * i + 1 : 2 * i + 4], noise)         # doubles the side
        return torch.cat([x, image.contiguous(memory_format=torch.channels_last)], dim=1)

    def top(
        self, features: torch.Tensor, ws: torch.Tensor, size: int | None = None, noise: str = "const"
    ) -> torch.Tensor:
        """Trunk features and ws -> image [N, 3, size, size], about [-1, 1];
        `size` is the network's own or resized to."""
        own = self._rows(ws)[:, 2 * len(self.blocks) + 1 :]
        return resize(self._top(features, own, noise), size or self.config.size)

    def synthesis(self, ws: torch.Tensor, size: int | None = None, noise: str = "const") -> torch.Tensor:
        """W [N, w_dim] or W+ [N, num_ws, w_dim] -> image [N, 3, size, size]; `noise` is "const", "random" or "none"."""
        return self.top(self.trunk(ws, noise), ws, size, noise)

    forward = synthesis
