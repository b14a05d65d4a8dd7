"""MobileStyleGAN, the default decoder: w -> face at 256, 512 or 1024 px.

Belousov, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity Image Synthesis",
arXiv:2104.04767. There is no demodulation, and noise is a stored constant of each layer: a frame depends on w alone.
"""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .layers import MappingNetwork
from .ops import Part, haar_idwt, resize


class ModulatedSeparableConv(nn.Module):
    """x * style -> depthwise 3x3 -> pointwise 1x1 -> + noise -> + bias -> leaky ReLU."""

    def __init__(
        self,
        in_channels: int,   # C_in
        out_channels: int,  # C_out
        resolution: int,    # side of the feature map, for the stored noise
        w_dim: int = 512,   # width of a style row
    ):
        super().__init__()
        self.affine = nn.Linear(w_dim, in_channels)
        self.depthwise = nn.Parameter(torch.randn(in_channels, 1, 3, 3) / 3)
        self.pointwise = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1) / in_channels**0.5)
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.register_buffer("noise", torch.zeros(1, 1, resolution, resolution))
        nn.init.ones_(self.affine.bias)

    def forward(self, x: torch.Tensor, w: torch.Tensor, part: Part | None = None) -> torch.Tensor:
        """x [N, C_in, R, R], or a part of that, w [N, w_dim] -> [N, C_out, R, R]."""
        style = self.affine(w)                                      # [N, C_in]
        if len(x) == 1:         # the same in the weights, which are few: a pass over the features costs a tenth
            x = F.conv2d(x, self.depthwise * style.mT[:, :, None, None], padding=1, groups=x.shape[1])
        else:
            x = F.conv2d(x * style[:, :, None, None], self.depthwise, padding=1, groups=x.shape[1])
        x = F.conv2d(x, self.pointwise, self.bias)              # [N, C_out, R, R]
        return F.leaky_relu_(x.add_(part.of(self.noise) if part else self.noise), 0.2)


class ModulatedConv(nn.Module):
    """The first layer, at 4x4: x * style -> dense 3x3 -> + noise -> + bias -> leaky ReLU."""

    def __init__(
        self,
        channels: int,      # C, in and out
        resolution: int,    # side of the feature map
        w_dim: int = 512,   # width of a style row
    ):
        super().__init__()
        self.affine = nn.Linear(w_dim, channels)
        self.weight = nn.Parameter(torch.randn(channels, channels, 3, 3) / (3 * channels**0.5))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("noise", torch.zeros(1, 1, resolution, resolution))
        nn.init.ones_(self.affine.bias)

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """x [N, C, R, R], w [N, w_dim] -> [N, C, R, R]."""
        x = F.conv2d(x * self.affine(w)[:, :, None, None], self.weight, self.bias, padding=1)
        return F.leaky_relu(x + self.noise, 0.2)


class UpBlock(nn.Module):
    """Doubles the resolution by an inverse wavelet transform, then two separable convolutions; three style rows."""

    def __init__(
        self,
        in_channels: int,   # C_in
        out_channels: int,  # C_out
        resolution: int,    # side R of the output
        w_dim: int = 512,   # width of a style row
    ):
        super().__init__()
        self.affine = nn.Linear(w_dim, in_channels)
        self.conv0 = ModulatedSeparableConv(in_channels // 4, out_channels, resolution, w_dim)
        self.conv1 = ModulatedSeparableConv(out_channels, out_channels, resolution, w_dim)
        nn.init.ones_(self.affine.bias)

    def forward(self, x: torch.Tensor, ws: torch.Tensor, part: Part | None = None) -> torch.Tensor:
        """x [N, C_in, R/2, R/2], or a part of that, ws [N, 3, w_dim] -> [N, C_out, R, R]."""
        return self.conv1(self.enter(x, ws, part), ws[:, 2], part)

    def enter(self, x: torch.Tensor, ws: torch.Tensor, part: Part | None = None) -> torch.Tensor:
        """As above, but the first convolution alone."""
        x = haar_idwt(x, 0.5 * self.affine(ws[:, 0]))               # [N, C_in/4, R, R]
        return self.conv0(x, ws[:, 1], part)                        # [N, C_out, R, R]


class ToRGB(nn.Module):
    """Features -> wavelet coefficients of the image at twice their resolution; one style row."""

    def __init__(
        self,
        in_channels: int,   # C
        w_dim: int = 512,   # width of a style row
    ):
        super().__init__()
        self.affine = nn.Linear(w_dim, in_channels)
        self.conv = nn.Conv2d(in_channels, 12, 1)
        nn.init.ones_(self.affine.bias)

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """x [N, C, R, R], w [N, w_dim] -> image [N, 3, 2R, 2R], about [-1, 1]."""
        return haar_idwt(self.conv(x * self.affine(w)[:, :, None, None]))


class Top(nn.Module):
    """What lies above the trunk for one output size: the blocks from 64 px up, and a head.

    A style is another Top whose stem, the first convolution, is its parent's, so that all styles share it.
    """

    def __init__(
        self,
        channels: Sequence[int],    # widths at 4, 8, 16, ... px
        size: int,              # side of the image
        trunk_resolution: int,  # side of the trunk's features
        w_dim: int = 512,       # width of a style row
    ):
        super().__init__()
        self.size = size
        self.blocks = nn.ModuleDict()
        resolution = trunk_resolution
        while resolution < size // 2:
            level = resolution.bit_length() - 3                 # index of this resolution in `channels`
            resolution *= 2
            self.blocks[str(resolution)] = UpBlock(channels[level], channels[level + 1], resolution, w_dim)
        self.to_rgb = ToRGB(channels[resolution.bit_length() - 3], w_dim)

    @property
    def num_ws(self) -> int:
        """Style rows that the top uses."""
        return 3 * len(self.blocks) + 1

    def forward(self, x: torch.Tensor, ws: torch.Tensor) -> torch.Tensor:
        """x [N, C, T, T] from the trunk, ws [N, >= num_ws, w_dim], its own rows first -> [N, 3, size, size]."""
        return self.finish(self.stem(x, ws), ws)

    def stem(self, x: torch.Tensor, ws: torch.Tensor) -> torch.Tensor:
        """What the trunk gives -> [N, C', 2T, 2T], which is the same for a style and its parent."""
        return self._first.enter(x, ws)

    def finish(self, x: torch.Tensor, ws: torch.Tensor, part: Part | None = None) -> torch.Tensor:
        """What the stem gives -> [N, 3, size, size]; of a part that alone, right but for two cells at its edge."""
        return self.to_rgb(self.features(part.of(x) if part else x, ws, part), ws[:, self.num_ws - 1])

    def features(self, x: torch.Tensor, ws: torch.Tensor, part: Part | None = None) -> torch.Tensor:
        """What the stem gives, or a part of that -> what the head reads, [N, C', size/2, size/2]."""
        x = self._first.conv1(x, ws[:, 2], part)
        for i, block in enumerate(list(self.blocks.values())[1:], 1):
            x = block(x, ws[:, 3 * i : 3 * i + 3], part)        # doubles the side
        return x

    def stem_parameters(self) -> list[nn.Parameter]:
        """What a style leaves as its parent has it."""
        return [*self._first.affine.parameters(), *self._first.conv0.parameters()]

    @property
    def _first(self) -> UpBlock:
        return next(iter(self.blocks.values()))


class MobileDecoder(ModelMixin, ConfigMixin):
    """Mapping, trunk (up to `trunk_resolution`) and one top for each output size.

    Every decoder offers `num_ws`, `resolution`, `w_avg`, `mapping(z)`, `trunk(ws)`, `top(features, ws, size)` and
    `synthesis(ws, size) = top(trunk(ws))`. `ws` is W [N, w_dim] or W+ [N, num_ws, w_dim].
    """

    @register_to_config
    def __init__(
        self,
        channels: tuple[int, ...] = (512, 512, 512, 512, 512, 256, 128, 64),  # widths at 4, 8, ... 512 px
        sizes: tuple[int, ...] = (128, 256, 512, 1024),     # sides of the images that have a top of their own
        trunk_resolution: int = 32,                         # the trunk ends here; what is above belongs to a top
        w_dim: int = 512,                                   # width of w
    ):
        super().__init__()
        self.mapping = MappingNetwork(w_dim, w_dim)
        self.const = nn.Parameter(torch.randn(1, channels[0], 4, 4))
        self.conv = ModulatedConv(channels[0], 4, w_dim)
        self.blocks = nn.ModuleList(
            UpBlock(a, b, 8 << i, w_dim)
            for i, (a, b) in enumerate(itertools.pairwise(channels)) if 8 << i <= trunk_resolution
        )
        self.tops = nn.ModuleDict({str(s): Top(channels, s, trunk_resolution, w_dim) for s in sizes})

    @property
    def resolution(self) -> int:
        """The largest output side."""
        return max(self.config.sizes)

    @property
    def num_ws(self) -> int:
        """Style rows of the whole network (23 for 1024 px)."""
        return self._trunk_rows + max(top.num_ws for top in self.tops.values())

    @property
    def w_avg(self) -> torch.Tensor:
        """The mean face, [w_dim]."""
        return self.mapping.w_avg

    @property
    def _trunk_rows(self) -> int:
        return 1 + 3 * len(self.blocks)

    def _rows(self, ws: torch.Tensor) -> torch.Tensor:
        """W [N, w_dim] -> W+ [N, num_ws, w_dim]; W+ passes."""
        return ws[:, None].expand(-1, self.num_ws, -1) if ws.ndim == 2 else ws

    def _top_rows(self, ws: torch.Tensor) -> torch.Tensor:
        return self._rows(ws)[:, self._trunk_rows :]

    def trunk(self, ws: torch.Tensor) -> torch.Tensor:
        """ws -> features [N, C, trunk_resolution, trunk_resolution], shared by all sizes and styles."""
        ws = self._rows(ws)
        # Channels lie last in memory all the way up: a CPU convolves separably two to three times as fast so.
        const = self.const.expand(len(ws), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        x = self.conv(const, ws[:, 0])                                      # [N, C, 4, 4]
        for i, block in enumerate(self.blocks):
            x = block(x, ws[:, 3 * i + 1 : 3 * i + 4])                      # doubles the side
        return x

    def top(self, features: torch.Tensor, ws: torch.Tensor, size: int = 256) -> torch.Tensor:
        """Trunk features and ws -> image [N, 3, size, size], about [-1, 1].

        A size that has no top of its own is averaged down from the next larger one.
        """
        top = self.tops[str(min(s for s in self.config.sizes if s >= size))]
        return resize(top(features, self._top_rows(ws)), size)

    def stem(self, features: torch.Tensor, ws: torch.Tensor, size: int = 256) -> torch.Tensor:
        """Trunk features and ws -> what all styles share whose tops are of this size, [N, C', 2T, 2T]."""
        return self.tops[str(size)].stem(features, self._top_rows(ws))

    def styled_part(self, stem: torch.Tensor, ws: torch.Tensor, style: Top, part: Part) -> torch.Tensor:
        """As :meth:`styled`, at the style's own size, of a part alone, see :meth:`Top.finish`; all else is 0."""
        image = stem.new_zeros(len(stem), 3, style.size, style.size)
        if part:
            part.of(image).copy_(style.finish(stem, self._top_rows(ws), part))
        return image

    def styled(self, stem: torch.Tensor, ws: torch.Tensor, style: Top, size: int = 256) -> torch.Tensor:
        """Features of the stem and ws -> image [N, 3, size, size] through a style's top;
        enlarged beyond its own size."""
        image = style.finish(stem, self._top_rows(ws))
        if size > style.size:
            return F.interpolate(image, size=(size, size), mode="bicubic", align_corners=False)
        return resize(image, size)

    def synthesis(self, ws: torch.Tensor, size: int = 256) -> torch.Tensor:
        """ws -> image [N, 3, size, size], about [-1, 1]."""
        return self.top(self.trunk(ws), ws, size)

    forward = synthesis
