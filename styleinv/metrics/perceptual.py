"""Likeness of images: LPIPS v0.1 (AlexNet for reports, VGG16 for the paper's style loss) and PSNR."""

import torch
from torch import nn

from ..models.taps import TapDistance, TappedFeatures


class LPIPSAlex(TapDistance):
    """LPIPS v0.1 on AlexNet, Zhang et al., arXiv:1801.03924: 0 for equal images, about 0.5 for unlike ones."""

    def __init__(self):
        super().__init__(self._backbone(), channels=(64, 192, 384, 256, 256))

    @staticmethod
    def _backbone() -> TappedFeatures:
        return TappedFeatures(
            nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(inplace=True),   # 1/4 of the side
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True),            # 1/8
            nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True),           # 1/16
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True),
            taps=(1, 4, 7, 9, 11),
            shift=(-0.030, -0.088, -0.188),
            scale=(0.458, 0.448, 0.450),
        )


class LPIPSVGG(TapDistance):
    """LPIPS v0.1 on VGG16, behind the activations 1_2, 2_2, 3_3, 4_3 and 5_3: 0 for equal images."""

    def __init__(self):
        super().__init__(self._backbone(), channels=(64, 128, 256, 512, 512))

    @staticmethod
    def _backbone() -> TappedFeatures:
        layers: list[nn.Module] = []
        before = 3
        for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):      # each group halves the side, but the first
            layers += [nn.MaxPool2d(2)] if before != 3 else []
            for _ in range(count):
                layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(inplace=True)]
                before = width
        return TappedFeatures(*layers, taps=(3, 8, 15, 22, 29), shift=(-0.030, -0.088, -0.188), scale=(0.458, 0.448, 0.450))


def psnr(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Images [N, 3, H, W] in [-1, 1] -> peak signal-to-noise ratio in dB, [N]; infinite for equal images."""
    error = (x.float() - y.float()).square().flatten(1).mean(1)     # [N]
    return 10 * torch.log10(4 / error)                              # the peak-to-peak range is 2
