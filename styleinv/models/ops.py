"""Pure functions on tensors that several networks share."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class Part:
    """A rectangle of square maps, in cells of which `side` lie along a side of the whole."""

    rows: slice
    columns: slice
    side: int

    def __bool__(self) -> bool:
        return self.rows.start < self.rows.stop and self.columns.start < self.columns.stop

    def of(self, maps: torch.Tensor) -> torch.Tensor:
        """What lies in it of maps [..., R, R], R a multiple of `side`; a view."""
        scale = maps.shape[-1] // self.side
        rows, columns = (slice(span.start * scale, span.stop * scale) for span in (self.rows, self.columns))
        return maps[..., rows, columns]

    def grown(self, margin: int) -> "Part":
        """With so many cells more on each side, where there are any; nothing stays nothing."""
        if not self:
            return self
        rows, columns = (slice(max(0, span.start - margin), min(self.side, span.stop + margin))
                         for span in (self.rows, self.columns))
        return Part(rows, columns, self.side)


def normalize_second_moment(x: torch.Tensor, eps: float = 1e-8) -> torch.Tensor:
    """Scale each row of [N, C] to unit mean square (StyleGAN2, mapping input)."""
    return x * (x.square().mean(dim=-1, keepdim=True) + eps).rsqrt()


def haar_idwt(x: torch.Tensor, scale: torch.Tensor | float = 0.5) -> torch.Tensor:
    """Inverse Haar wavelet transform, [N, 4C, H, W] -> [N, C, 2H, 2W], channels last in memory.

    `scale` [N, 4C] is half of what each channel is multiplied by on the way.

    The first C channels are the low band a; then come, per channel, the bands p, q, r. Each
    2x2 block of the result is [[a+p+q+r, a+p-q-r], [a-p+q-r, a-p-q+r]] / 2 (MobileStyleGAN, section 3.2).
    """
    n, channels, h, w = x.shape
    c = channels // 4
    factor = scale[:, None, None] if isinstance(scale, torch.Tensor) else scale
    x = x.permute(0, 2, 3, 1) * factor                          # [N, H, W, 4C]
    a = x[..., :c]                                              # [N, H, W, C]
    p, q, r = x[..., c:].unflatten(3, (c, 3)).unbind(4)         # 3 x [N, H, W, C]
    top, bottom, odd, even = a + p, a - p, q + r, q - r
    rows = [torch.stack([top + odd, top - odd], dim=3), torch.stack([bottom + even, bottom - even], dim=3)]
    return torch.stack(rows, dim=2).reshape(n, 2 * h, 2 * w, c).permute(0, 3, 1, 2)     # of [N, H, 2, W, 2, C]


def haar_dwt(x: torch.Tensor) -> torch.Tensor:
    """Haar wavelet transform, [N, C, 2H, 2W] -> [N, 4C, H, W]; the exact inverse of :func:`haar_idwt`."""
    _n, c, _h, _w = x.shape
    tl, tr, bl, br = F.pixel_unshuffle(x, 2).unflatten(1, (c, 4)).unbind(2)            # 4 x [N, C, H, W]
    a, p = tl + tr + bl + br, tl + tr - bl - br
    q, r = tl - tr + bl - br, tl - tr - bl + br
    bands = torch.stack([p, q, r], dim=2).flatten(1, 2)                                # [N, 3C, H, W]
    return torch.cat([a, bands], dim=1) * 0.5                                          # [N, 4C, H, W]


def mirrored(images: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
    """Images [N, C, H, W], of which those where `which` bool [N] is true are mirrored."""
    return torch.where(which[:, None, None, None], images.flip(3), images)


def resize(images: torch.Tensor, size: int) -> torch.Tensor:
    """Resize [N, C, H, W] to [N, C, size, size]: area averages for whole factors, else antialiased bilinear."""
    if images.shape[-1] == size and images.shape[-2] == size:
        return images
    factor, rest = divmod(images.shape[-1], size)
    if rest == 0 and factor > 1 and images.shape[-2] == images.shape[-1]:
        return F.avg_pool2d(images, factor)
    return F.interpolate(images, (size, size), mode="bilinear", antialias=True, align_corners=False)


def unwoven(images: torch.Tensor) -> torch.Tensor:
    """Images [N, C, H, W] without what changes from each pixel to the next, a lattice that upsampling leaves.

    The response 1 - sin(a / 2)^6 is 0 for that alone: what repeats after four pixels keeps seven eighths.
    """
    taps = torch.tensor([1.0, -6, 15, 44, 15, -6, 1], device=images.device) / 64
    kernel, channels = taps.expand(images.shape[1], 1, 1, -1), images.shape[1]
    for weight, sides in ((kernel, (3, 3, 0, 0)), (kernel.mT, (0, 0, 3, 3))):
        images = F.conv2d(F.pad(images, sides, mode="replicate"), weight, groups=channels)
    return images


def to_uint8(images: torch.Tensor) -> torch.Tensor:
    """[N, 3, H, W] in [-1, 1] -> uint8 [N, H, W, 3], contiguous as dlib and PIL want it."""
    return images.permute(0, 2, 3, 1).float().mul(127.5).add(127.5).round_().clamp_(0, 255).to(torch.uint8).contiguous()


def from_uint8(images: torch.Tensor) -> torch.Tensor:
    """uint8 [N, H, W, 3] -> float [N, 3, H, W] in [-1, 1]."""
    return images.permute(0, 3, 1, 2).float().div(127.5).sub(1)


def lr_gain(fan_in: int, lr_mul: float = 1.0) -> float:
    """Run-time weight gain of an equalised-learning-rate layer (Karras et al. 2018, section 4.1)."""
    return lr_mul / math.sqrt(fan_in)
