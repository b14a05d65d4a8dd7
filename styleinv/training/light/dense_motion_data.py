"""What stage `dense-motion` reads: caches of real clips, mirrored too, and how landmarks and latents go together.

All is made once and kept in the run's folder: about half an hour on two cores.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...data.splits import edit_directions, read_clip, training_clips, trait_directions
from ...losses.identity import MobileFaceNet
from ...models.inversion import InversionEncoder
from ...models.mobile_stylegan import MobileDecoder
from ...models.ops import from_uint8, to_uint8
from .clip_pairs import ClipPairs, cache_clips
from .pairs import PairsConfig, sample_latents
from .planted import Landmarks
from .trajectories import TrajectoryConfig, cell_colours, linear_response, motion_basis, motion_gain

SIDE = 256                  # px, of clips
STRIDES = {"clips": 5, "wide": 3}       # of kept frames; wide clips are few
NO_SMOOTHING = 0.01         # frames: latents in a cache are smooth already


@dataclass(frozen=True)
class DenseMotionData:
    """Inputs of the stage."""

    clips: list[ClipPairs]      # for training
    held_out: list[ClipPairs]   # for the figures
    landmarks: Landmarks        # how they follow w
    gain: torch.Tensor          # from how landmarks move to how w moves, [w_dim, 136]


def dense_motion_data(
    data: Path,
    folder: Path,
    decoder: MobileDecoder,
    encoder: InversionEncoder,
    identity: MobileFaceNet,
    pairs: int = 5000,
) -> DenseMotionData:
    """Make what is missing in `folder`, and read it.

    Args:
        data: with splits.json, clips/, wide/ and directions/.
        pairs: synthetic faces from which it is learned how landmarks follow latents.
    """
    splits = json.loads((data / "splits.json").read_text())
    clips, wide = {p.stem: p for p in training_clips(data)}, _aligned_wide(data, folder)
    sets = {
        "clips": clips, "wide": {name: p for name, p in wide.items() if name not in splits["wide_eval"]},
        "clips_eval": {name: data / "clips" / f"{name}.mp4" for name in splits["clips_eval"]},
        "wide_eval": {name: p for name, p in wide.items() if name in splits["wide_eval"]},
    }
    for name, paths in sets.items():
        for mirrored in (False, True)[: 1 + (name in STRIDES)]:
            cache = folder / (f"{name}_mirrored" if mirrored else name)
            if not (cache / "index.npz").exists():
                cache_clips(_read(paths, mirrored), cache, encoder, STRIDES.get(name, 5))
    if not (folder / "gain.npz").exists():
        np.savez(folder / "gain.npz", **_landmarks_and_latents(data, folder / "clips", decoder, identity, pairs))
    with np.load(folder / "gain.npz") as file:
        found = {name: torch.from_numpy(file[name]) for name in file.files}
    names = (*sets, *(f"{name}_mirrored" for name in STRIDES))
    read = {name: ClipPairs(folder / name, found["gain"]) for name in names}
    held_out = [read.pop("clips_eval"), read.pop("wide_eval")]
    landmarks = Landmarks(*(found[k] for k in ("mean_w", "mean", "response")))
    return DenseMotionData(list(read.values()), held_out, landmarks, found["gain"])


def _aligned_wide(data: Path, folder: Path) -> dict[str, Path]:
    """The clips of data/wide, aligned, by name."""
    from ...data.prepare import prepare_clips

    target = folder / "wide_aligned"
    if not target.is_dir():
        prepare_clips(data / "wide", target, SIDE, 24)
    return {path.stem: path for path in sorted(target.glob("*.mp4"))}


def _read(paths: dict[str, Path], mirrored: bool) -> Iterator[tuple[str, np.ndarray]]:
    for name, path in paths.items():
        frames = read_clip(path, SIDE)
        yield name, np.ascontiguousarray(frames[:, :, ::-1]) if mirrored else frames


@torch.no_grad()
def _landmarks_and_latents(
    data: Path, clips: Path, decoder: MobileDecoder, identity: MobileFaceNet, pairs: int
) -> dict[str, np.ndarray]:
    """How landmarks follow w, by synthetic faces; and the likeliest move of w
    for a move of landmarks, by real clips."""
    ws, images, points = synthetic_faces(data, decoder, pairs)
    parts = [from_uint8(part) for part in images.split(32)]
    response = linear_response(ws, points)
    ids, colours = (linear_response(ws, torch.cat([f(part) for part in parts])) for f in (identity, cell_colours))
    with np.load(clips / "index.npz") as file:
        encoded = [torch.from_numpy(file["w"][file["clip"] == clip]) for clip in range(len(file["names"]))]
    config = TrajectoryConfig(smoothing=NO_SMOOTHING)
    gain = motion_gain(response, ids, colours, trait_directions(data), *motion_basis(encoded, config), config)
    found = {"gain": gain, "response": response, "mean": points.median(dim=0).values, "mean_w": ws.mean(dim=0)}
    return {name: tensor.numpy() for name, tensor in found.items()}


@torch.no_grad()
def synthetic_faces(
    data: Path, decoder: MobileDecoder, count: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Latents [count, w_dim], their faces uint8 [count, 128, 128, 3], and the landmarks [count, 136] in sides."""
    from ...face.landmarks import landmarks_of_crops

    ws = sample_latents(decoder, PairsConfig(count=count), edit_directions(data))
    images = torch.cat([to_uint8(decoder.synthesis(w, 128)) for w in ws.split(8)])
    return ws, images, torch.from_numpy(landmarks_of_crops(images.numpy())).flatten(1) / images.shape[1]


def follow_landmarks(data: Path, decoder: MobileDecoder, cache: Path, count: int = 2000) -> Landmarks:
    """How landmarks follow w, by synthetic faces; found once and kept at `cache`."""
    if not cache.exists():
        ws, _, points = synthetic_faces(data, decoder, count)
        torch.save((ws.mean(dim=0), points.median(dim=0).values, linear_response(ws, points)), cache)
    return Landmarks(*torch.load(cache, weights_only=True))
