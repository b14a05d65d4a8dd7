"""How near a clip that carries its photo stays to it."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..face.descriptor import descriptor, descriptor_distance
from ..metrics.psnr import psnr
from ..models.ops import from_uint8

if TYPE_CHECKING:
    from ..pipeline import StyleInVPipeline

MOMENTS = (0, 25, 50, 75, 99)       # frames of a clip of 4 s, at 25 frames per second


def carried_figures(
    pipe: "StyleInVPipeline", crops: Iterable[np.ndarray], progress: Callable[[int], None]
) -> dict[str, Any]:
    """How near a clip with likeness photo stays to its photo: descriptor distance by moment, and frame 0's PSNR in dB.

    Args:
        pipe: with dense motion.
        crops: aligned faces, uint8 [S, S, 3]; the number of each is the seed of its motion.
        progress: called with the number of faces done.
    """
    rows, first, still = [], [], True
    for seed, crop in enumerate(crops):
        progress(seed)
        inversion = pipe.invert(crop, "photo", aligned=True)
        clip, person = pipe.animate(inversion, seconds=4, seed=seed, size=256), descriptor(inversion.crop)
        frames = [clip.frames[moment] for moment in MOMENTS]
        rows.append([descriptor_distance(person, descriptor(frame)) for frame in frames])
        first.append(float(psnr(_tensor(frames[0]), _tensor(inversion.crop)).clamp(max=100)))
        motionless = pipe.animate(inversion, seconds=4, seed=seed, motion=0, size=256).frames
        still = still and np.array_equal(motionless[50], inversion.crop)
    table, later = np.array(rows), np.array(rows)[:, 1:]
    return {
        "faces": len(rows),
        "distance": {str(moment): float(np.median(column)) for moment, column in zip(MOMENTS, table.T)},
        "median": float(np.median(later)),
        "p90": float(np.percentile(later, 90)),
        "first_frame_psnr": min(first),
        "still_is_the_photo": still,
    }


def _tensor(image: np.ndarray) -> torch.Tensor:
    return from_uint8(torch.from_numpy(image.copy())[None])
