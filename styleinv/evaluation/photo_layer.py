"""How near a clip that carries its photo stays to it."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F

from ..face.descriptor import descriptor, descriptor_distance
from ..metrics.psnr import psnr
from ..models.matte import MatteNetwork
from ..models.ops import from_uint8

if TYPE_CHECKING:
    from ..pipeline import StyleInVPipeline

MOMENTS = (0, 25, 50, 75, 99)       # frames of a clip of 4 s, at 25 frames per second
GROUND = 0.1        # share of a person at most, where the ground is; of all pixels within EDGE
EDGE = 2            # px
LEAST = 0.01        # share of the picture that a ground has, to be measured


def carried_figures(
    pipe: "StyleInVPipeline", crops: Iterable[np.ndarray], progress: Callable[[int], None]
) -> dict[str, Any]:
    """How near a clip with likeness photo stays to its photo: descriptor distance by moment, and PSNR in dB of frame 0
    and of the ground.

    Args:
        pipe: with dense motion; without a matte the ground is not measured.
        crops: aligned faces, uint8 [S, S, 3]; the number of each is the seed of its motion.
        progress: called with the number of faces done.
    """
    rows, first, grounds, still = [], [], [], True
    for seed, crop in enumerate(crops):
        progress(seed)
        inversion = pipe.invert(crop, "photo", aligned=True)
        clip, person = pipe.animate(inversion, seconds=4, seed=seed, size=256), descriptor(inversion.crop)
        frames = [clip.frames[moment] for moment in MOMENTS]
        rows.append([descriptor_distance(person, descriptor(frame)) for frame in frames])
        grounds += [ground_psnr(pipe.matte, inversion.crop, frames[1:])] if pipe.matte else []
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
        "ground": _spread([x for x in grounds if x is not None]),
        "still_is_the_photo": still,
    }


def _spread(values: list[float]) -> dict[str, float | None]:
    return {"median": float(np.median(values)), "lowest": min(values)} if values else {"median": None, "lowest": None}


def ground_psnr(matte: MatteNetwork, photo: np.ndarray, frames: Sequence[np.ndarray]) -> float | None:
    """Of frames to the photo, uint8 [S, S, 3] each, where none of them shows a person; None if that is nearly nowhere.
    """
    people = np.max([matte.of_photo(picture) for picture in (photo, *frames)], axis=0)              # [S, S]
    around = F.max_pool2d(torch.from_numpy(people)[None], 2 * EDGE + 1, 1, EDGE)[0].numpy()
    ground = around < GROUND
    if ground.mean() < LEAST:
        return None
    shown, true = (_tensor(np.stack([picture[ground] for picture in row])) for row in (frames, [photo] * len(frames)))
    return float(psnr(shown, true).clamp(max=100))


def _tensor(image: np.ndarray) -> torch.Tensor:
    return from_uint8(torch.from_numpy(image.copy())[None])
