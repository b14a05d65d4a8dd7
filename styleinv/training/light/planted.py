"""Pairs of the decoder with planted detail that it does not know: caps, glasses, hands, scarves, grounds.

A detail is a texture with a shape. It moves as the part of the head does that carries it, or stays; both pictures are
composed with it, so the target is exact. How a head moves is read from the latents: landmarks follow w almost linearly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

BROWS_UP, EYES, JAW_ENDS, JAW = slice(17, 48), slice(36, 48), (0, 1, 15, 16), slice(4, 13)     # dlib's numbering


@dataclass(frozen=True)
class Landmarks:
    """How 68 landmarks follow w, in sides of the crop."""

    mean_w: torch.Tensor        # [w_dim]
    mean: torch.Tensor          # [136], at mean_w
    response: torch.Tensor      # [136, w_dim], of `trajectories.linear_response`

    def __call__(self, w: torch.Tensor) -> torch.Tensor:
        """w [..., w_dim] -> [..., 68, 2]."""
        return (self.mean + (w - self.mean_w) @ self.response.T).unflatten(-1, (68, 2))


@dataclass(frozen=True)
class Detail:
    """One kind of detail on N pictures, before it moves."""

    shape: torch.Tensor         # [N, 1, S, S], 0 to 1
    texture: torch.Tensor       # [N, 3, S, S] in [-1, 1]
    follows: slice | tuple      # landmarks that carry it
    share: torch.Tensor         # how much of their motion it takes part in, [N, 1, 1], 0 to 1

    def put(self, images: torch.Tensor, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        """Onto images [N, 3, S, S] in which landmarks went from `before` to `after`, [N, 68, 2] each."""
        motion = affine(after[:, self.follows], before[:, self.follows])                # backward, [N, 2, 3]
        still = torch.eye(2, 3).expand_as(motion)
        grid = F.affine_grid(torch.lerp(still, motion, self.share), list(images.shape), align_corners=False)
        shape = F.grid_sample(self.shape, grid, align_corners=False, padding_mode="border")
        texture = F.grid_sample(self.texture, grid, align_corners=False, padding_mode="border")
        return torch.lerp(images, texture, shape)


def affine(source: torch.Tensor, target: torch.Tensor, stiffness: float = 0.02) -> torch.Tensor:
    """Least squares maps [N, 2, 3], in [-1, 1] coordinates, from points [N, P, 2] to others, both in sides of the crop.

    They are drawn a little to the identity, so that points on a line do not shear the plane.
    """
    x, y = 2 * source - 1, 2 * target - 1
    x = torch.cat([x, torch.ones_like(x[..., :1])], dim=2)                              # [N, P, 3]
    change = torch.linalg.solve(x.mT @ x + stiffness * torch.eye(3), x.mT @ (y - x[..., :2]))   # [N, 3, 2]
    return torch.eye(2, 3) + change.mT


def textures(count: int, side: int) -> torch.Tensor:
    """Cloth, walls and letters, as far as flow is concerned: soft colours, stripes and blocks,
    [count, 3, side, side]."""
    colour = 1.4 * torch.rand(count, 3, 1, 1) - 0.7
    soft = _noise(count, 3, 3, side, "bicubic")
    blocks = (_noise(count, 1, 24, side, "nearest") > 0.4).float()
    phase = 6.28 * torch.rand(count, 1, 1, 1) + _lines(count, side) * (10 + 60 * torch.rand(count, 1, 1, 1))
    pattern = torch.where(torch.rand(count, 1, 1, 1) < 0.5, phase.sin().sign(), blocks)
    strength = torch.rand(count, 1, 1, 1) * (torch.rand(count, 1, 1, 1) < 0.7)
    fine = 0.1 * _noise(count, 1, side // 2, side, "bilinear")
    return (colour + 0.25 * soft + 0.5 * strength * pattern * (2 * torch.rand(count, 3, 1, 1) - 1) + fine).clamp(-1, 1)


def _noise(count: int, channels: int, cells: int, side: int, mode: str) -> torch.Tensor:
    corners = {} if mode == "nearest" else {"align_corners": False}
    return F.interpolate(torch.randn(count, channels, cells, cells), size=(side, side), mode=mode, **corners)


def _lines(count: int, side: int) -> torch.Tensor:
    """A coordinate along a random direction, [count, 1, side, side]."""
    angle = 6.28 * torch.rand(count, 1, 1, 1)
    x, y = _places(side)
    return x * angle.cos() + y * angle.sin()


def _places(side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """x and y of pixels in sides, [1, 1, 1, side] and [1, 1, side, 1]."""
    at = (torch.arange(side) + 0.5) / side
    return at[None, None, None], at[None, None, :, None]


def _ellipse(centre: torch.Tensor, radii: torch.Tensor, side: int, soft: float = 0.02) -> torch.Tensor:
    """Filled, soft over `soft` of its radius; centre and radii [N, 2] in sides -> [N, 1, side, side]."""
    x, y = _places(side)
    cx, cy, rx, ry = (v[:, None, None, None] for v in (*centre.unbind(1), *radii.unbind(1)))
    distance = (((x - cx) / rx).square() + ((y - cy) / ry).square()).sqrt()
    return ((1 - distance) / soft + 0.5).clamp(0, 1)


def cap(points: torch.Tensor, side: int) -> torch.Tensor:
    """A dome from the brows up, wider than the head; or the band that is its lower edge."""
    _, y = _places(side)
    rim = points[:, 17:27, 1].mean(1) - 0.02 - 0.08 * torch.rand(len(points))
    width = (0.56 + 0.12 * torch.rand(len(points))) * (points[:, 16, 0] - points[:, 0, 0])
    radii = torch.stack([width, 0.22 + 0.12 * torch.rand(len(points))], dim=1)
    dome = _ellipse(torch.stack([points[:, :17, 0].mean(1), rim], dim=1), radii, side)
    rim = rim[:, None, None, None]
    band = (torch.rand(len(points), 1, 1, 1) < 0.3).float()
    return dome * ((rim - y) / 0.01).clamp(0, 1) * (1 - band * ((rim - 0.08 - y) / 0.01).clamp(0, 1))


def glasses(points: torch.Tensor, side: int) -> torch.Tensor:
    """Two rings and a bridge."""
    eyes = torch.stack([points[:, 36:42].mean(1), points[:, 42:48].mean(1)], dim=1)      # [N, 2, 2]
    x, y = _places(side)
    radii = torch.tensor([0.085, 0.065]) * (0.9 + 0.4 * torch.rand(len(points), 1))
    thick = 0.01 + 0.015 * torch.rand(len(points), 1)
    rings = [_ellipse(eye, radii, side) * (1 - _ellipse(eye, radii - thick, side)) for eye in eyes.unbind(1)]
    level = eyes[..., 1].mean(1)[:, None, None, None]
    left, right = (eyes[:, i, 0] for i in (0, 1))
    inside = (x > (left + radii[:, 0])[:, None, None, None]) & (x < (right - radii[:, 0])[:, None, None, None])
    bridge = inside & ((y - level).abs() < 0.006)
    return torch.maximum(torch.maximum(*rings), bridge.float())


def earrings(points: torch.Tensor, side: int) -> torch.Tensor:
    """Two discs below the ears."""
    ends = points[:, [1, 15]] + torch.tensor([[-0.02, 0.04], [0.02, 0.04]])
    radii = (0.012 + 0.02 * torch.rand(len(points), 1)).expand(-1, 2)
    return torch.maximum(*(_ellipse(end, radii, side, 0.1) for end in ends.unbind(1)))


def hand(points: torch.Tensor, side: int) -> torch.Tensor:
    """A blob at the chin, the cheek or beside."""
    chin = points[:, 8] + torch.randn(len(points), 2) * torch.tensor([0.15, 0.08])
    return _ellipse(chin, 0.04 + 0.1 * torch.rand(len(points), 2), side, 0.05)


def scarf(points: torch.Tensor, side: int) -> torch.Tensor:
    """All below the chin."""
    x, y = _places(side)
    chin = points[:, 8, 1][:, None, None, None]
    sag = (0.3 + torch.rand(len(points), 1, 1, 1)) * (x - 0.5).square()
    return ((y - chin - 0.02 + sag) / 0.02).clamp(0, 1)


def before_grounds(
    photo: torch.Tensor, target: torch.Tensor, matte: Callable[[torch.Tensor], torch.Tensor], often: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """People [N, 3, S, S] and [N, M, 3, S, S] before a textured ground that stays, some of them."""
    ground, there = textures(len(photo), photo.shape[-1]), (torch.rand(len(photo), 1, 1, 1) < often).float()
    images = torch.cat([photo[:, None], target], dim=1)                                 # [N, 1 + M, 3, S, S]
    person = matte(images.flatten(0, 1)).unflatten(0, images.shape[:2])                 # [N, 1 + M, 1, S, S]
    images = torch.lerp(images, ground[:, None].expand_as(images), there[:, None] * (1 - person))
    return images[:, 0], images[:, 1:]


# Shape: landmarks that carry it, least and largest share of their motion, how often.
KINDS: dict[Callable, tuple[Any, float, float, float]] = {
    scarf: (JAW, 0.0, 0.5, 0.2), cap: (BROWS_UP, 1.0, 1.0, 0.3), glasses: (EYES, 1.0, 1.0, 0.25),
    earrings: (JAW_ENDS, 1.0, 1.0, 0.25), hand: (JAW, 0.0, 1.0, 0.25),
}


def draw_details(points: torch.Tensor, side: int) -> list[Detail]:
    """Details for faces with landmarks [N, 68, 2] in sides; each picture has some of the kinds."""
    details = []
    for kind, (follows, least, largest, often) in KINDS.items():
        there = (torch.rand(len(points), 1, 1, 1) < often).float()
        share = least + (largest - least) * torch.rand(len(points), 1, 1)
        details.append(Detail(there * kind(points, side), textures(len(points), side), follows, share))
    return details
