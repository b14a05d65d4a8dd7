"""People whom the decoder draws in several poses, and where their landmarks are: how smiles, frowns and winks move a
face, of which clips of talkers show little and say it with noise."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...models.mobile_stylegan import MobileDecoder
from ...models.ops import to_uint8
from .pairs import PairsConfig, sample_latents

SIDE = 256          # px at which landmarks are found
POSES = 4           # of each person, beside the first
MEASURES = 2.0      # that a pose moves, on average


@dataclass(frozen=True)
class PosedPeople:
    """N people in P states."""

    w: torch.Tensor         # [N, P, w_dim]
    landmarks: torch.Tensor # [N, P, 68, 2], in sides of the crop

    def draw(self, count: int, moments: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Of random people, random states: latents [count, 1 + moments, w_dim] and their landmarks."""
        people = torch.randint(len(self.w), (count, 1))
        states = torch.rand(count, self.w.shape[1]).argsort(dim=1)[:, : 1 + moments]
        return self.w[people, states], self.landmarks[people, states]


@torch.no_grad()
def posed_people(decoder: MobileDecoder, directions: torch.Tensor, count: int) -> PosedPeople:
    """Make them; about a second each.

    Args:
        directions: what moves each measure by its span, [K, w_dim].
    """
    from ...face.landmarks import landmarks_of_crops

    first = sample_latents(decoder, PairsConfig(count=count))                           # [N, w_dim]
    chosen = torch.rand(count, POSES, len(directions)) < MEASURES / len(directions)
    poses = chosen * (2 * torch.rand(chosen.shape) - 1) @ directions                    # [N, POSES, w_dim]
    w = torch.cat([first[:, None], first[:, None] + poses], dim=1)                      # [N, 1 + POSES, w_dim]
    images = (to_uint8(decoder.synthesis(one, SIDE).clamp(-1, 1)).numpy() for one in w.flatten(0, 1).split(8))
    points = np.concatenate([landmarks_of_crops(part) for part in images]) / SIDE
    return PosedPeople(w, torch.from_numpy(points).float().unflatten(0, w.shape[:2]))


def kept_people(decoder: MobileDecoder, directions: torch.Tensor, cache: Path, count: int = 800) -> PosedPeople:
    """Made once and kept at `cache`."""
    if not cache.exists():
        people = posed_people(decoder, directions, count)
        torch.save((people.w, people.landmarks), cache)
    return PosedPeople(*torch.load(cache, weights_only=True))
