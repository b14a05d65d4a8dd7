"""What people see as a grid on skin: fine detail that repeats with the raster of a decoder's upsampling."""

import torch
import torch.nn.functional as F

PERIOD = 4      # px; also finds what repeats every 2, which wavelets and doubled resolutions leave
WINDOW = 64     # px; within it detail that is no grid averages out to 1 / (WINDOW / PERIOD)^2


def gridness(images: torch.Tensor) -> torch.Tensor:
    """Images [N, 3, S, S], S a multiple of `WINDOW` or less -> the part of their fine detail's power that is a grid, a scalar.

    0.002 for photographs, for drawings and for paintings; 1 for a checkerboard on flat ground.
    """
    fine = images - F.avg_pool2d(images, 9, stride=1, padding=4, count_include_pad=False)
    side = min(WINDOW, images.shape[-1])
    tiles = fine.unfold(2, side, side).unfold(3, side, side)                        # [N, 3, A, A, side, side]
    tiles = tiles.unflatten(5, (-1, PERIOD)).unflatten(4, (-1, PERIOD))             # [N, 3, A, A, K, PERIOD, K, PERIOD]
    return tiles.mean(dim=(4, 6)).square().mean() / (fine.square().mean() + 1e-8)
