"""Doubling and halving of feature maps with the [1, 3, 3, 1] filter of StyleGAN2.

Karras et al., arXiv:1912.04958, section 4.

Every function agrees with the textbook: insert zeros, pad, filter, keep every second value (`upfirdn` of the tests).
"""

import torch
import torch.nn.functional as F

TAPS = (0.125, 0.375, 0.375, 0.125)


def blur(x: torch.Tensor, padding: int, gain: float = 1.0, stride: int = 1) -> torch.Tensor:
    """Filter every channel of [N, C, H, W]; zeros stand outside; -> [N, C, (H + 2 padding - 4) / stride + 1, ...]."""
    kernel = _kernel(x, gain).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(x, kernel, padding=padding, stride=stride, groups=x.shape[1])


def upsample(x: torch.Tensor) -> torch.Tensor:
    """[N, C, H, W] -> [N, C, 2H, 2W]; the mean is kept inside, and zeros stand outside."""
    x = F.pad(x, (1, 1, 1, 1))
    x = F.interpolate(x, scale_factor=2, mode="bilinear")       # weighs neighbours by 1/4 and 3/4, as the filter
    return x[:, :, 2:-2, 2:-2]


def conv_up(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """3x3 convolution of the doubled map: x [N, C_in, H, W], weight [C_out, C_in, 3, 3] -> [N, C_out, 2H, 2W]."""
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)     # [N, C_out, 2H + 1, 2W + 1]
    return blur(x, padding=1, gain=4.0)


def conv_down(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Halved 3x3 or 1x1 convolution: x [N, C_in, H, W], weight [C_out, C_in, k, k] -> [N, C_out, H/2, W/2]."""
    if weight.shape[-1] == 1:
        return F.conv2d(blur(x, padding=1, stride=2), weight)       # filters half as much, and the same
    return F.conv2d(blur(x, padding=2), weight, stride=2)


def _kernel(x: torch.Tensor, gain: float) -> torch.Tensor:
    taps = x.new_tensor(TAPS)
    return gain * taps[:, None] * taps                              # [4, 4]
