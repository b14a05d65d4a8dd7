"""Judges a few latents of a clip and their times: does a face move like this? Needs no images."""

import torch
import torch.nn.functional as F
from torch import nn


class LatentDiscriminator(nn.Module):
    """Motion coordinates of the first frame and of three later ones -> logit [B]."""

    def __init__(
        self,
        dims: int = 32,     # motion coordinates, of unit variance
        hidden: int = 512,  # width of the layers
        waves: int = 6,     # sines that encode each time
    ):
        super().__init__()
        self.register_buffer("frequencies", torch.pi * 2.0 ** torch.arange(waves), persistent=False)
        inputs = dims * 6 + 3 * (1 + 2 * waves)
        self.layers = nn.Sequential(
            nn.Linear(inputs, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden), nn.LeakyReLU(0.2),
            nn.Linear(hidden, hidden), nn.LeakyReLU(0.2),
        )
        self.head = nn.Linear(hidden + 1, 1)

    def forward(self, first: torch.Tensor, offsets: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """first [B, D], offsets from it [B, 3, D], their times t [B, 3] in frames -> [B]."""
        steps = offsets.diff(dim=1) / t.diff(dim=1)[..., None].sqrt()               # [B, 2, D], like a walk's increments
        time = torch.cat([t[:, :1], t.diff(dim=1)], dim=1)[..., None] / 128         # [B, 3, 1]
        waves = (time * self.frequencies)                                           # [B, 3, W]
        time = torch.cat([time, waves.sin(), waves.cos()], dim=2).flatten(1)        # [B, 3 (1 + 2 W)]
        x = self.layers(torch.cat([first, offsets.flatten(1), 3 * steps.flatten(1), time], dim=1))
        spread = x.unflatten(0, (-1, 8)).std(dim=1).mean(dim=1).repeat_interleave(8)    # [B], variety within groups of 8
        return self.head(F.pad(x, (0, 1)) + F.pad(spread[:, None], (x.shape[1], 0)))[:, 0]
