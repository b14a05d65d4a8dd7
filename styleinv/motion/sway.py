"""The head leans and shifts in the picture, and its two halves may do different things: maps at 64 px, and pictures."""

import math

import torch
import torch.nn.functional as F

from ..models.dense_motion import SIDE, border_window, warp

PIVOT = (0.5, 1.0)      # of the lean, in sides of the crop: the neck
BORDER = 0.22           # share of the side over which all of it fades out
MIDDLE = 0.04           # sides, over which the left half goes over into the right one


class Sway:
    """Backward flow of a lean about the neck and a shift; none at the border of the crop."""

    def __init__(
        self,
        roll: float,                # degrees, clockwise
        right: float = 0.0,         # sides of the crop
        down: float = 0.0,          # sides of the crop
    ):
        at = (torch.arange(SIDE) + 0.5) / SIDE
        x, y = at[None] - PIVOT[0], at[:, None] - PIVOT[1]
        angle = math.radians(roll)
        move = [y * angle - right, -x * angle - down]                                   # of small angles
        self.flow = torch.stack([m.expand(SIDE, SIDE) for m in move])[None] * border_window(BORDER)     # [1, 2, 64, 64]

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """[1, C, S, S], leaned."""
        return warp(images, self.flow.to(images))

    def after(self, flow: torch.Tensor) -> torch.Tensor:
        """A backward flow [1, 2, 64, 64] whose result is leaned."""
        own = self.flow.to(flow)
        return own + warp(flow, own)


def halves(images: torch.Tensor) -> torch.Tensor:
    """The left half of the first and the right half of the second, [2, C, S, S] -> [1, C, S, S]; one stays as it is."""
    if len(images) == 1:
        return images
    side = images.shape[-1]
    at = (torch.arange(side, device=images.device) + 0.5) / side
    share = ((at - 0.5) / MIDDLE + 0.5).clamp(0, 1)
    return torch.lerp(images[:1], images[1:], share.to(images))


def resampled(images: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Images [1, C, H, W] read at places [h, w, 2] in sides -> [1, C, h, w]."""
    return F.grid_sample(images, 2 * places[None] - 1, mode="bilinear", padding_mode="border", align_corners=False)
