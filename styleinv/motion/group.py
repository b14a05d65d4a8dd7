"""Several faces of one photo: which places move with which of them."""

import numpy as np
import torch

from .tracks import smooth

BETWEEN = 0.35      # difference of two faces' distances, of their sum, over which one motion goes over into the other


def share_of(quad: np.ndarray, neighbours: np.ndarray, places: np.ndarray) -> torch.Tensor:
    """How much of a face's motion there is at places [h, w, 2] of a photo: half where another face is as near, none on
    that face. Distances are in sides of the crops, so that a larger face reaches farther.

    Args:
        quad: corners of the face's crop, pixels, [4, 2].
        neighbours: those of the other faces, [N, 4, 2].

    Returns:
        float32 [h, w, 1], 0 to 1.
    """
    own, *others = (np.linalg.norm(places - corners.mean(0), axis=2) / np.linalg.norm(corners[3] - corners[0])
                    for corners in (quad, *neighbours))                                         # [h, w] each
    shares = [smooth(0.5 + 0.5 * (other - own) / (other + own) / BETWEEN) for other in others]
    return torch.from_numpy(np.min([np.ones_like(own), *shares], axis=0)).float()[..., None]
