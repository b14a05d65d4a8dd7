"""Two moments of one real clip: a photo, what became of it, and the latents of both by the bundle's networks.

A frame's latent is the encoder's; its move to another frame is either the difference of two encodings or, as in
`trajectories`, the likeliest that moves the decoded landmarks as the frame's moved. Clips are read, landmarked and
encoded once; what is kept is compact and needs neither dlib nor ffmpeg any more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...data.smoothing import smooth
from ...models.inversion import InversionEncoder
from ...models.ops import from_uint8, resize

LATENT_SMOOTHING = 1.5      # frames, sigma: takes the encoder's jitter out
LANDMARK_SMOOTHING = 0.7    # frames, sigma


@torch.no_grad()
def cache_clips(
    clips: Iterable[tuple[str, np.ndarray]], folder: Path, encoder: InversionEncoder, stride: int = 5
) -> None:
    """Write every `stride`-th frame of aligned clips, with the latents and landmarks of all frames taken into account.

    Args:
        clips: name and frames of each, uint8 [T, S, S, 3].
        folder: gets frames.bin uint8 [N, S, S, 3], and index.npz with `names` [C], `clip` [N], `w` float32 [N, w_dim],
            `detail` float16 [N, num_ws, w_dim] and `landmarks` float32 [N, 136] in sides of the crop.
    """
    from ...face.landmarks import landmarks_of_crops

    folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    rows: dict[str, Any] = {"clip": [], "w": [], "detail": [], "landmarks": []}
    with open(folder / "frames.bin", "wb") as file:
        for name, frames in clips:
            kept = slice(stride // 2, None, stride)
            encoded = [encoder(from_uint8(part)) for part in torch.from_numpy(frames).split(16)]
            latents = torch.cat([w for w, _ in encoded]).numpy()                        # [T, w_dim]
            points = landmarks_of_crops(frames).reshape(len(frames), -1) / frames.shape[1]
            rows["clip"].append(np.full(len(frames[kept]), len(names)))
            rows["w"].append(smooth(latents, LATENT_SMOOTHING)[kept].astype(np.float32))
            rows["detail"].append(torch.cat([d for _, d in encoded]).numpy()[kept].astype(np.float16))
            rows["landmarks"].append(smooth(points, LANDMARK_SMOOTHING)[kept].astype(np.float32))
            file.write(np.ascontiguousarray(frames[kept]).tobytes())
            names.append(name)
    index: dict[str, Any] = {name: np.concatenate(values) for name, values in rows.items()}
    np.savez(folder / "index.npz", names=names, side=frames.shape[1], **index)


@dataclass(frozen=True)
class Moments:
    """Sources and what becomes of them: B sources, M moments of each."""

    photo: torch.Tensor     # [B, 3, S, S] in [-1, 1]
    w0: torch.Tensor        # [B, w_dim]
    detail: torch.Tensor    # [B, num_ws, w_dim]
    w: torch.Tensor         # latents at the moments, [B, M, w_dim]
    target: torch.Tensor    # the true pictures, [B, M, 3, S, S]

    def resized(self, side: int) -> "Moments":
        """The same with pictures of another side."""
        target = resize(self.target.flatten(0, 1), side).unflatten(0, self.target.shape[:2])
        return replace(self, photo=resize(self.photo, side), target=target)

    @staticmethod
    def cat(parts: "list[Moments]") -> "Moments":
        """One batch of several with as many moments."""
        return Moments(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Moments)))


class ClipPairs:
    """What `cache_clips` wrote, drawn in pairs of frames of one clip."""

    def __init__(
        self,
        folder: Path,           # of `cache_clips`
        gain: torch.Tensor,     # from how landmarks move to how w moves, [w_dim, 136], of `trajectories.motion_gain`
    ):
        with np.load(folder / "index.npz") as file:
            index = {name: file[name] for name in file.files}
        side, self.names = int(index["side"]), [str(name) for name in index["names"]]
        self.frames = torch.from_numpy(np.memmap(folder / "frames.bin", np.uint8, "c").reshape(-1, side, side, 3))
        self.w, self.detail = torch.from_numpy(index["w"]), torch.from_numpy(index["detail"])
        self.landmarks, self.gain = torch.from_numpy(index["landmarks"]), gain
        self.clip = torch.from_numpy(index["clip"])
        self.counts = torch.bincount(self.clip, minlength=len(self.names))     # frames of each clip
        self.starts = self.counts.cumsum(0) - self.counts

    def draw(self, sources: int, moments: int) -> Moments:
        """Random clips, drawn by the root of their length so that long ones do not dominate, and random frames of them.

        Gain and encoder err apart, so that a mixture is nearer to the truth than either.
        """
        clips = torch.multinomial((self.counts - 1).clamp(min=0).float().sqrt(), sources, replacement=True)
        at = self.starts[clips, None] + (torch.rand(sources, 1 + moments) * self.counts[clips, None]).long()
        return self.at(at[:, 0], at[:, 1:], 0.3 + 0.6 * torch.rand(sources, 1, 1))

    def at(self, source: torch.Tensor, moments: torch.Tensor, share: torch.Tensor | float = 1.0) -> Moments:
        """Frames `source` [B] and `moments` [B, M]; `share` is how much of the move the gain tells,
        the encoder the rest."""
        by_gain = (self.landmarks[moments] - self.landmarks[source][:, None]) @ self.gain.T     # [B, M, w_dim]
        by_encoder = self.w[moments] - self.w[source][:, None]
        w0, target = self.w[source], self.frames[moments.flatten()]
        return Moments(
            from_uint8(self.frames[source]), w0, self.detail[source].float(),
            w0[:, None] + share * by_gain + (1 - share) * by_encoder,
            from_uint8(target).unflatten(0, moments.shape),
        )
