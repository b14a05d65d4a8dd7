"""Re-enactment: a clip's first frame, moved to its later ones, beside the true frames.

Rows: the photo as it is, plain decoding, the photo warped by OpenCV's DIS flow between decoded frames (where OpenCV is
installed; nothing else needs it), the photo warped by the dense motion, and the photo layer's picture.
"""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..errors import StageProgress
from ..face.descriptor import descriptor, descriptor_distance
from ..losses.lpips import LPIPSAlex
from ..metrics.psnr import psnr
from ..models.dense_motion import DenseMotion, warp
from ..models.mobile_stylegan import MobileDecoder
from ..models.ops import from_uint8, to_uint8
from ..photo_layer import PhotoLayer
from ..training.light.clip_pairs import ClipPairs, Moments

if TYPE_CHECKING:
    from ..pipeline import StyleInVPipeline

MOMENTS = (0, 25, 50, 75, 99)       # frames of a clip of 4 s, at 25 frames per second
Images = dict[str, torch.Tensor]


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
        clip, person = pipe.animate(inversion, seconds=4, seed=seed), descriptor(inversion.crop)
        frames = [clip.frames[moment] for moment in MOMENTS]
        rows.append([descriptor_distance(person, descriptor(frame)) for frame in frames])
        first.append(float(psnr(_tensor(frames[0]), _tensor(inversion.crop)).clamp(max=100)))
        motionless = pipe.animate(inversion, seconds=4, seed=seed, motion=0).frames
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


@torch.no_grad()
def reenactment(
    decoder: MobileDecoder,
    network: DenseMotion,
    clips: ClipPairs,
    lpips: LPIPSAlex,
    moments: int = 4,
    share: float = 1.0,
    progress: StageProgress | None = None,
) -> dict[str, dict[str, float]]:
    """Means over all clips, by row: `lpips`, `psnr` in dB and `descriptor`,
    the distance of the face to the true frame's.

    Args:
        clips: of the evaluation split.
        moments: later frames of each clip, evenly spread.
        share: how much of a frame's latent the trajectories' gain tells, the encoder the rest.
    """
    found: dict[str, list[tuple[float, float, float]]] = {}
    for number, batch in enumerate(first_frames(clips, moments, share), start=1):
        for row, images in pictures(decoder, network, batch).items():
            found.setdefault(row, []).extend(_figures(images, batch.target[0], lpips))
        if progress:
            progress("re-enactment", number, len(clips.names))
    names = ("lpips", "psnr", "descriptor")
    return {row: dict(zip(names, np.mean(figures, axis=0).tolist())) for row, figures in found.items()}


def first_frames(clips: ClipPairs, moments: int, share: float) -> Iterator[Moments]:
    """Of each clip, its first frame and later ones evenly spread."""
    for start, count in zip(clips.starts.tolist(), clips.counts.tolist()):
        later = start + torch.linspace(0, count - 1, moments + 1)[1:].round().long()
        yield clips.at(torch.tensor([start]), later[None], share)


def pictures(decoder: MobileDecoder, network: DenseMotion, batch: Moments) -> Images:
    """One photo at its moments by each row's means, [M, 3, S, S] each."""
    moments, size = batch.w.shape[1], batch.photo.shape[-1]
    first, ws = batch.w0[:, None] + batch.detail, batch.w[0][:, None] + batch.detail
    layer = PhotoLayer(decoder, network, batch.photo, first)
    carried = layer.carry(ws)
    images = {"still": batch.photo.repeat(moments, 1, 1, 1), "decoded": decoder.synthesis(ws, size).clamp(-1, 1)}
    if find_spec("cv2"):
        flow = dis_flow(decoder.synthesis(first, size), images["decoded"])
        images["dis"] = warp(images["still"], flow)
    return images | {"warp": warp(images["still"], carried.flow), "blend": layer.picture(carried)}


def dis_flow(first: torch.Tensor, later: torch.Tensor, blur: float = 4.0) -> torch.Tensor:
    """OpenCV's dense inverse search from each later picture [M, 3, S, S] to the first [1, 3, S, S], blurred:
    backward flow in sides, [M, 2, S, S]."""
    cv2 = import_module("cv2")
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in to_uint8(torch.cat([first, later])).numpy()]
    flows = [cv2.GaussianBlur(search.calc(image, grey[0], None), (0, 0), blur) for image in grey[1:]]
    return torch.from_numpy(np.stack(flows)).permute(0, 3, 1, 2) / first.shape[-1]


def _figures(images: torch.Tensor, targets: torch.Tensor, lpips: LPIPSAlex) -> list[tuple[float, float, float]]:
    distances = lpips(images, targets).tolist(), psnr(images, targets).clamp(max=100).tolist()
    pairs = zip(*distances, to_uint8(images), to_uint8(targets))
    return [(a, b, descriptor_distance(descriptor(x.numpy()), descriptor(y.numpy()))) for a, b, x, y in pairs]
