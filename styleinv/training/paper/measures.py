"""Distances to held-out data that training can afford. Their names say what they are: none of them is FID or FVD."""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F

from ...losses.lpips import SqueezePerceptual
from ...metrics.frechet import frechet_distance
from ...models.ops import from_uint8


def thumbnails(images: torch.Tensor) -> torch.Tensor:
    """Images [N, 3, S, S] in [-1, 1] -> the mean colours of 8x8 cells, [N, 192]: features that need no network."""
    return F.adaptive_avg_pool2d(images, 8).flatten(1)


def motion_features(clips: torch.Tensor) -> torch.Tensor:
    """Clips [N, T, 3, S, S] -> what their brightness, in 4x4 cells, changes from the first frame on: [N, 16 (T - 1)].

    In finer cells the distance of some hundred real clips to others is already half that of clips that stand still.
    """
    cells = F.adaptive_avg_pool2d(clips.mean(dim=2), 4).flatten(2)      # [N, T, 16]
    return (cells[:, 1:] - cells[:, :1]).flatten(1)


def squeeze_features(path: str | Path) -> Callable[[torch.Tensor], torch.Tensor]:
    """Images [N, 3, S, S] in [-1, 1] -> means of the SqueezeNet's unit features at four depths, [N, 960];
    from its file."""
    network = SqueezePerceptual.from_file(path)
    return lambda images: torch.cat([x.mean(dim=(2, 3)) for x in network.features(images)[1:5]], dim=1)


class FeatureDistance:
    """Frechet distance of features to those of held-out images, beside the distance of the held-out halves."""

    def __init__(
        self,
        held_out: torch.Tensor,                                     # uint8 [N, S, S, 3]
        features: dict[str, Callable] | None = None,                # name -> images [N, 3, S, S] -> [N, D]
    ):
        self.features = features or {"thumbnail": thumbnails}
        self.count = len(held_out)
        self.held_out = {name: self._features(name, from_uint8(held_out)) for name in self.features}

    @torch.no_grad()
    def _features(self, name: str, images: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.features[name](x) for x in images.clamp(-1, 1).split(32)])

    def __call__(self, images: torch.Tensor) -> dict[str, float]:
        """Images [M, 3, S, S] in [-1, 1] -> `NAME_distance` of each kind of features."""
        found = {name: self._features(name, images.cpu()) for name in self.features}
        pairs = {name: (x.numpy(), self.held_out[name].numpy()) for name, x in found.items()}
        return {f"{name}_distance": frechet_distance(*pair) for name, pair in pairs.items()}

    def floor(self) -> dict[str, float]:
        """The same of one half of the held-out images to the other: what a perfect generator would come near."""
        halves = {name: (x[::2].numpy(), x[1::2].numpy()) for name, x in self.held_out.items()}
        return {f"{name}_distance": frechet_distance(*pair) for name, pair in halves.items()}


class MotionDistance:
    """Frechet distance of `motion_features` to those of held-out clips."""

    def __init__(
        self,
        held_out: torch.Tensor,     # [N, T, 3, S, S]
    ):
        self.held_out = motion_features(held_out).numpy()

    def __call__(self, clips: torch.Tensor) -> dict[str, float]:
        """The distance of clips [M, T, 3, S, S], and how far they move, of what the held-out ones do."""
        made = motion_features(clips).numpy()
        spread = float(made.std() / self.held_out.std())
        return {"motion_distance": frechet_distance(made, self.held_out), "spread": spread}

    def bounds(self) -> dict[str, float]:
        """The distance of one half of the held-out clips to the other, and of clips that stand still."""
        halves = frechet_distance(self.held_out[::2], self.held_out[1::2])
        return {"halves": halves, "still": frechet_distance(0 * self.held_out, self.held_out)}
