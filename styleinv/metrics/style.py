"""How well a style shows the same face moving the same way, and how near it comes to its style set.

The Frechet distance and the variety are of LPIPS's AlexNet features: offline figures, never to be called FID.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch

from ..losses.lpips import LPIPSAlex
from ..models.ops import from_uint8
from .face_motion import face_signals, smoothed


def landmark_distance(raw: np.ndarray, styled: np.ndarray) -> float:
    """Median over frames of the mean distance of landmarks [T, 68, 2], in inter-ocular distances of the raw frame."""
    eyes = np.linalg.norm(raw[:, 36:42].mean(1) - raw[:, 42:48].mean(1), axis=1)        # [T]
    return float(np.median(np.linalg.norm(raw - styled, axis=2).mean(1) / eyes))


def opening_correlation(raw: np.ndarray, styled: np.ndarray) -> dict[str, float]:
    """Correlation over time of the openings of mouth and eyes, from landmarks [T, 68, 2];
    1 for a raw one that is still."""
    a, b = face_signals(smoothed(raw)), face_signals(smoothed(styled))
    return {name: correlation(getattr(a, name), getattr(b, name)) for name in ("mouth", "eyes")}


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's, of two series [T]; 1 where the first is constant."""
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-9 and b.std() > 1e-9 else float(a.std() <= 1e-9)


@torch.no_grad()
def pooled_features(network: LPIPSAlex, images: Sequence[np.ndarray]) -> np.ndarray:
    """Means of the unit features of every depth, [N, 1152], of images uint8 [S, S, 3]."""
    rows = [network.features(from_uint8(torch.from_numpy(image.copy())[None])) for image in images]
    return np.stack([torch.cat([x.mean((0, 2, 3)) for x in row]).numpy() for row in rows])


@torch.no_grad()
def variety(network: LPIPSAlex, images: Sequence[np.ndarray], count: int = 24) -> float:
    """Mean LPIPS of all pairs of the first `count` images, uint8 [S, S, 3] each."""
    features = [network.features(from_uint8(torch.from_numpy(image.copy())[None])) for image in images[:count]]
    return float(np.mean([network.compare(a, b).item() for a, b in combinations(features, 2)]))
