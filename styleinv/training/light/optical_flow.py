"""Dense optical flow between two frames that are both known, by Lucas and Kanade's method from coarse to fine.

It tells the dense motion, while that learns, where things went in a real clip; no network is needed for it.
"""

import torch
import torch.nn.functional as F

from ...models.dense_motion import warp
from ...models.ops import resize

SIDES = (8, 16, 32, 64) # px of the pyramid
ITERATIONS = 4          # at each
WINDOW = 7              # px, side of the window in which motion is one; two boxes, so it falls off to its rim


@torch.no_grad()
def optical_flow(photo: torch.Tensor, target: torch.Tensor, noise: float = 0.02) -> torch.Tensor:
    """Backward flow from each target [N, 3, S, S] to its photo, in sides: [N, 2, 64, 64].

    Args:
        noise: standard deviation of a colour, of 2, below which edges are not followed.
    """
    flow = photo.new_zeros(len(photo), 2, SIDES[0], SIDES[0])
    for side in SIDES:
        source, wanted = (_flattened(resize(x, side)) for x in (photo, target))
        flow = F.interpolate(flow, size=(side, side), mode="bilinear", align_corners=False)
        for _ in range(ITERATIONS):
            flow = _blurred(flow + _step(warp(source, flow), wanted, noise) / side, 3)
    return flow


def _step(warped: torch.Tensor, wanted: torch.Tensor, noise: float) -> torch.Tensor:
    """The least squares shift of each pixel's window, at most one pixel, [N, 2, S, S]."""
    padded = F.pad((warped + wanted) / 2, (1, 1, 1, 1), mode="replicate")
    gx = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]) / 2
    gy = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) / 2
    error = wanted - warped
    factors = (gx, gx), (gy, gy), (gx, gy), (gx, error), (gy, error)
    products = torch.stack([(a * b).sum(dim=1) for a, b in factors], dim=1)
    xx, yy, xy, xe, ye = _blurred(products, WINDOW).unbind(1)
    xx, yy = xx + noise**2, yy + noise**2
    determinant = xx * yy - xy * xy
    shift = torch.stack([yy * xe - xy * ye, xx * ye - xy * xe], dim=1) / determinant[:, None]
    return shift.clamp(-1, 1)


def _flattened(images: torch.Tensor) -> torch.Tensor:
    """Without the light that changes slowly over the picture."""
    return images - _blurred(images, 2 * (images.shape[-1] // 8) + 1)


def _blurred(images: torch.Tensor, width: int) -> torch.Tensor:
    """By two boxes of an odd width."""
    for _ in range(2):
        images = F.avg_pool2d(F.pad(images, 4 * [width // 2], mode="replicate"), width, stride=1)
    return images
