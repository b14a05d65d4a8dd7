"""What people see as a grid on skin: fine detail that repeats with the raster of a decoder's upsampling."""

import torch
import torch.nn.functional as F

RASTER = 64     # px of the features above the trunk, at whose pitch wavelets and doubled resolutions leave their marks
REPEATS = 16    # of the pitch within a window, along each side; other detail averages out there to 1 / REPEATS^2


def checkerboard(images: torch.Tensor) -> torch.Tensor:
    """Images [N, 3, S, S], S a power of two -> the part of their fine detail's power that is a grid, a scalar.

    0.002 for photographs, for drawings and for paintings at 256 px; 1 for a checkerboard on flat ground.
    """
    pitch = max(2, images.shape[-1] // RASTER)
    side = min(REPEATS * pitch, images.shape[-1])                                   # of a window
    fine = images - F.avg_pool2d(images, 2 * pitch + 1, stride=1, padding=pitch, count_include_pad=False)
    tiles = fine.unfold(2, side, side).unfold(3, side, side)                        # [N, 3, A, A, side, side]
    tiles = tiles.unflatten(5, (-1, pitch)).unflatten(4, (-1, pitch))               # [N, 3, A, A, K, pitch, K, pitch]
    return tiles.mean(dim=(4, 6)).square().mean() / (fine.square().mean() + 1e-8)
