"""Augmentation that brings decoded faces towards photographs: colour, light, blur, grain, alignment."""

import torch
import torch.nn.functional as F

from ...models.ops import mirrored


def photo_noise(images: torch.Tensor) -> torch.Tensor:
    """[N, 3, S, S] in [-1, 1] -> the same faces as if photographed; each image draws its own changes."""
    n = len(images)
    gain = 1 + 0.15 * torch.randn(n, 1, 1, 1) + 0.06 * torch.randn(n, 3, 1, 1)          # exposure and white balance
    offset = 0.08 * torch.randn(n, 1, 1, 1)
    saturation = 1 + 0.25 * torch.randn(n, 1, 1, 1)
    saturation[torch.rand(n) < 0.05] = 0                                                # a few in grey
    grey = images.mean(dim=1, keepdim=True)                                             # [N, 1, S, S]
    images = (grey + saturation * (images - grey)) * gain + offset
    images = _jitter(images)
    sharp = torch.rand(n, 1, 1, 1)                                                      # mix with a blurred copy
    images = sharp * images + (1 - sharp) * F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return (images + 0.03 * torch.rand(n, 1, 1, 1) * torch.randn_like(images)).clamp(-1, 1)


def wander(images: torch.Tensor, amount: float = 0.05) -> torch.Tensor:
    """[N, 3, S, S] -> half of them mirrored, all shifted, zoomed and turned a little:
    a small set seen with new eyes."""
    return _jitter(mirrored(images, torch.rand(len(images)) < 0.5), amount)


def _jitter(images: torch.Tensor, amount: float = 0.015) -> torch.Tensor:
    """A shift, zoom and turn of about `amount`; a percent is how far landmarks err."""
    n = len(images)
    angle, zoom, shift = amount * torch.randn(n), 1 + amount * torch.randn(n), amount * torch.randn(n, 2)
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    rows = torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)
    theta = torch.stack(rows, 1)                                                        # [N, 2, 3]
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)                # [N, S, S, 2]
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
