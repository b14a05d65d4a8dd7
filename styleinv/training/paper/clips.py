"""Clips of real videos: which frames, their pixels, and their latents."""

import torch

from ...data.smoothing import smooth
from ...data.video_set import VideoSet
from ...models.inversion import InversionEncoder
from ...models.ops import from_uint8

Place = tuple[int, list[int], bool]     # of a clip: video, frames, whether it is mirrored


def draw_mirrored(count: int, mirror: bool) -> torch.Tensor:
    """Which samples are mirrored, bool [count]: about half of them, or none."""
    return torch.rand(count) < 0.5 * mirror


def draw_places(frames: VideoSet, times: torch.Tensor, window: int, mirror: bool = False) -> list[Place]:
    """Clips at whole times [B, T] within windows of so many frames from random starts,
    half of them mirrored if so asked."""
    videos = torch.randint(len(frames.videos), times.shape[:1])
    starts = (torch.rand(len(times)) * (frames.lengths[videos] - window + 1)).long()
    which = draw_mirrored(len(times), mirror)
    return list(zip(videos.tolist(), (starts[:, None] + times.long()).tolist(), which.tolist()))


def read_places(frames: VideoSet, places: list[Place]) -> torch.Tensor:
    """-> [B, T, 3, S, S] in [-1, 1]."""
    clips = [(from_uint8(frames.read(video, at)), mirrored) for video, at, mirrored in places]
    return torch.stack([clip.flip(3) if mirrored else clip for clip, mirrored in clips])


class Inversions:
    """Latents of videos' frames; each video is inverted once, smoothed over time
    since its frames are inverted apart, and kept."""

    def __init__(
        self,
        encoder: InversionEncoder,      # frozen
        smoothing: float = 1.0,         # sigma in frames, 0 for none
    ):
        self.encoder, self.smoothing = encoder, smoothing
        self.kept: dict[tuple[VideoSet, int, bool], torch.Tensor] = {}

    def __call__(self, frames: VideoSet, places: list[Place]) -> torch.Tensor:
        """-> w [B, T, w_dim]."""
        return torch.stack([self._walk(frames, video, mirrored)[at] for video, at, mirrored in places])

    def _walk(self, frames: VideoSet, video: int, mirrored: bool) -> torch.Tensor:
        """All latents of a video, [T, w_dim]."""
        key = frames, video, mirrored
        if key not in self.kept:
            clip = frames.read(video, list(range(int(frames.lengths[video]))))
            clip = clip.flip(2) if mirrored else clip                       # [T, S, S, 3]
            self.kept[key] = self._inverted(clip)
        return self.kept[key]

    @torch.no_grad()
    def _inverted(self, clip: torch.Tensor) -> torch.Tensor:
        """uint8 [T, S, S, 3] -> [T, w_dim]."""
        device = self.encoder.w_avg.device
        ws = torch.cat([self.encoder(from_uint8(part).to(device))[0] for part in clip.split(32)])
        return torch.from_numpy(smooth(ws.cpu().numpy(), self.smoothing)).to(ws) if self.smoothing else ws
