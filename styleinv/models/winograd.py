"""3x3 convolution of whole maps by tiles of 4x4, with a quarter of the multiplications.

F(4x4, 3x3) of Lavin and Gray, arXiv:1509.09308.

A matrix product for each of the 36 places in a transformed tile. What is saved outweighs the transforms where there are
many channels; in bfloat16 the transforms would cost accuracy.
"""

import torch
import torch.nn.functional as F

TILE = 4                                                            # side of the output of one tile; 6 of its input
INPUT = (
    (4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0), (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0), (0, 2, -1, -2, 1, 0), (0, 4, 0, -5, 0, 1),
)
WEIGHT = ((6, 0, 0), (-4, -4, -4), (-4, 4, -4), (1, 2, 4), (1, -2, 4), (0, 0, 24))      # over 24
OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


def transform_weight(weight: torch.Tensor) -> torch.Tensor:
    """[C_out, C_in, 3, 3] -> [36, C_in, C_out], as :func:`convolve` takes it."""
    matrix = weight.new_tensor(WEIGHT) / 24
    return torch.einsum("ia,jb,ocab->ijco", matrix, matrix, weight).flatten(0, 1).contiguous()


def convolve(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """x [N, C_in, R, R], R a multiple of 4, weight of `transform_weight` -> [N, C_out, R, R],
    zeros standing outside."""
    n, c, side, _ = x.shape
    t = side // TILE
    x = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))                        # [N, R + 2, R + 2, C_in]
    x = x.unfold(1, 6, TILE).unfold(2, 6, TILE)                                 # [N, T, T, C_in, 6, 6]
    x = _both(x, INPUT) @ x.permute(4, 5, 0, 1, 2, 3).reshape(36, -1)           # [36, N T T C_in]
    y = torch.bmm(x.view(36, n * t * t, c), weight)                             # [36, N T T, C_out]
    y = (_both(x, OUTPUT) @ y.flatten(1)).view(TILE, TILE, n, t, t, -1)         # [4, 4, N, T, T, C_out]
    return y.permute(2, 3, 0, 4, 1, 5).reshape(n, side, side, -1).permute(0, 3, 1, 2)


def _both(x: torch.Tensor, matrix: tuple) -> torch.Tensor:
    """The matrix along rows and columns of a tile at once, as one of all its places."""
    matrix = x.new_tensor(matrix)
    return torch.kron(matrix, matrix)
