"""Fidelity of images."""

import torch


def psnr(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Images [N, 3, H, W] in [-1, 1] -> peak signal-to-noise ratio in dB, [N]; infinite for equal images."""
    error = (x.float() - y.float()).square().flatten(1).mean(1)     # [N]
    return 10 * torch.log10(4 / error)                              # the peak-to-peak range is 2
