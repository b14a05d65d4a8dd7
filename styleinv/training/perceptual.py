"""The perceptual loss: SqueezeNet 1.1 in the form of LPIPS-squeeze.

Iandola et al., "SqueezeNet", arXiv:1602.07360. The heads of LPIPS v0.1 were calibrated on another training of the same
network, so a value of this distance is no LPIPS and must never be reported as one; reports use `metrics.perceptual`.
"""

import torch
from torch import nn

from ..models.taps import TapDistance, TappedFeatures

CAFFE_MEAN = (123.68, 116.779, 103.939)     # of R, G, B on the scale 0..255


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


class SqueezePerceptual(TapDistance):
    """Distance of two RGB images in [-1, 1]: 0 for equal ones, about 0.41 for two aligned faces at 256 px."""

    def __init__(self):
        super().__init__(self._backbone(), channels=(64, 128, 256, 384, 384, 512, 512))

    @staticmethod
    def _backbone() -> TappedFeatures:
        return TappedFeatures(
            nn.Conv2d(3, 64, 3, stride=2), nn.ReLU(inplace=True),       # 1/2 of the side
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(64, 16, 64), Fire(128, 16, 64),                        # 1/4
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(128, 32, 128), Fire(256, 32, 128),                     # 1/8
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),     # 1/16
            taps=(1, 4, 7, 9, 10, 11, 12),
            shift=tuple(mean / 127.5 - 1 for mean in CAFFE_MEAN),
            scale=(1 / 127.5,) * 3,                                     # back to Caffe's 0..255, mean subtracted
            bgr=True,
        )
