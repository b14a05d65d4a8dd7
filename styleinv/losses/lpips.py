"""Perceptual distances: LPIPS on AlexNet and on VGG16, and a cheap one of the same form on SqueezeNet.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", arXiv:1801.03924: features of
several layers, each normalised to unit length over channels, squared differences weighted by channel and averaged over
positions, summed over layers. Reports use AlexNet, the paper's style loss VGG16.

SqueezeNet 1.1 (Iandola et al., arXiv:1602.07360) is a loss alone: the heads of LPIPS v0.1 were calibrated on another
training of the same network, so a value of its distance is no LPIPS and must never be reported as one.
"""

import torch
from torch import nn

from .frozen import FrozenNetwork

CAFFE_SHIFT = (123.68 / 127.5 - 1, 116.779 / 127.5 - 1, 103.939 / 127.5 - 1)    # Caffe's mean of R, G, B, from -1 to 1


class LayerFeatures(nn.Sequential):
    """A chain of layers that also yields what lies behind some of them, as unit vectors at every position."""

    def __init__(
        self,
        *layers: nn.Module,                     # the chain, in torchvision's numbering
        feature_layers: tuple[int, ...],                  # indices of the layers whose output is wanted
        shift: tuple[float, float, float],      # subtracted from R, G, B in [-1, 1]
        scale: tuple[float, float, float],      # and divided by
        bgr: bool = False,                      # the backbone was trained on B, G, R
    ):
        super().__init__(*layers)
        self.feature_layers, self.bgr = feature_layers, bgr
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
            if i in self.feature_layers:
                found.append(x)
        return found


def unit(x: torch.Tensor) -> torch.Tensor:
    """[N, C, H, W], each position scaled to unit length over the channels."""
    return x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10)


class PerceptualDistance(FrozenNetwork):
    """Distance of two images: 0 for equal ones. `features(x)` of a fixed image can be kept and reused in `compare`."""

    def __init__(
        self,
        features: LayerFeatures,       # the backbone
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


class LPIPSAlex(PerceptualDistance):
    """LPIPS v0.1 on AlexNet, Zhang et al., arXiv:1801.03924: 0 for equal images, about 0.5 for unlike ones."""

    def __init__(self):
        super().__init__(self._backbone(), channels=(64, 192, 384, 256, 256))

    @staticmethod
    def _backbone() -> LayerFeatures:
        return LayerFeatures(
            nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(inplace=True),   # 1/4 of the side
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True),            # 1/8
            nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True),           # 1/16
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True),
            feature_layers=(1, 4, 7, 9, 11),
            shift=(-0.030, -0.088, -0.188),
            scale=(0.458, 0.448, 0.450),
        )


class LPIPSVGG(PerceptualDistance):
    """LPIPS v0.1 on VGG16, behind the activations 1_2, 2_2, 3_3, 4_3 and 5_3: 0 for equal images."""

    def __init__(self):
        super().__init__(self._backbone(), channels=(64, 128, 256, 512, 512))

    @staticmethod
    def _backbone() -> LayerFeatures:
        layers: list[nn.Module] = []
        before = 3
        # Each group halves the side, but the first.
        for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            layers += [nn.MaxPool2d(2)] if before != 3 else []
            for _ in range(count):
                layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(inplace=True)]
                before = width
        shift, scale = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
        return LayerFeatures(*layers, feature_layers=(3, 8, 15, 22, 29), shift=shift, scale=scale)


class Fire(nn.Module):
    """1x1 squeeze, then 1x1 and 3x3 expansions side by side; ReLU behind each."""

    def __init__(
        self,
        in_channels: int,   # C_in
        squeeze: int,       # width of the bottleneck
        expand: int,        # width of each expansion; C_out is twice that
    ):
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x [N, C_in, H, W] -> [N, 2 * expand, H, W]."""
        x = self.squeeze(x).relu_()
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], 1).relu_()


class SqueezePerceptual(PerceptualDistance):
    """Distance of two RGB images in [-1, 1]: 0 for equal ones, about 0.41 for two aligned faces at 256 px."""

    def __init__(self):
        super().__init__(self._backbone(), channels=(64, 128, 256, 384, 384, 512, 512))

    @staticmethod
    def _backbone() -> LayerFeatures:
        return LayerFeatures(
            nn.Conv2d(3, 64, 3, stride=2), nn.ReLU(inplace=True),       # 1/2 of the side
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(64, 16, 64), Fire(128, 16, 64),                        # 1/4
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(128, 32, 128), Fire(256, 32, 128),                     # 1/8
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),     # 1/16
            feature_layers=(1, 4, 7, 9, 10, 11, 12),
            shift=CAFFE_SHIFT,
            scale=(1 / 127.5,) * 3,                                     # back to Caffe's 0..255, mean subtracted
            bgr=True,
        )
