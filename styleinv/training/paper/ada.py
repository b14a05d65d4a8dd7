"""Adaptive discriminator augmentation: what the discriminator sees, real and fake alike.

Karras et al., arXiv:2006.06676.

The pipe is "bgc": pixel blitting, geometry, colour. All transformations of a sample are drawn at once, as one matrix of
geometry and one of colour; a clip is one sample, so its frames share them.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

# The low-pass filter of the wavelet sym6: halving undoes doubling exactly,
# as the filter is orthonormal to its even shifts.
SYM6 = (
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633, 0.4910559419267466,
    0.787641141030194, 0.3379294217276218, -0.07263752278646252, -0.021060292512300564, 0.04472490177066578,
    0.0017677118642428036, -0.007800708325034148,
)
CENTRE = 5          # of the filter, in taps,
DRIFT = 0.402       # and what is left to 0.5 behind it, so that mirrored images lie where they should
MARGIN = 6          # pixels of reflection that the filter needs


@dataclass(frozen=True)
class Transform:
    """One transformation for each sample."""

    geometry: torch.Tensor      # [N, 3, 3], homogeneous, place in the result -> place in the image, both in [-1, 1]
    colour: torch.Tensor        # [N, 4, 4], homogeneous, RGB of the image -> RGB of the result, both in [-1, 1]

    def __getitem__(self, index: slice) -> "Transform":
        return Transform(self.geometry[index], self.colour[index])


def draw(n: int, side: int, p: float) -> Transform:
    """Transformations of `n` samples of `side` px, each kind of which is applied with probability `p`."""
    return Transform(draw_geometry(n, side, p), draw_colour(n, p))


def draw_geometry(n: int, side: int, p: float) -> torch.Tensor:
    """Mirror, quarter turn, whole shift; scale, turn, stretch, turn again, shift: [n, 3, 3]
    (the paper's appendix B)."""
    turn = 1 - math.sqrt(1 - p)                                         # so that p turn before or after the stretch
    steps = [
        scaling(_some(n, p, 1 - 2 * torch.randint(2, (n,)).float(), 1.0), torch.ones(n)),
        rotation(_some(n, p, torch.randint(4, (n,)) * (math.pi / 2), 0.0)),
        translation(*_some(n, p, torch.stack([_whole(n, side), _whole(n, side)]), 0.0)),
        _even_scaling(_some(n, p, torch.exp2(0.2 * torch.randn(n)), 1.0)),
        rotation(_some(n, turn, math.pi * (2 * torch.rand(n) - 1), 0.0)),
        _stretch(_some(n, p, torch.exp2(0.2 * torch.randn(n)), 1.0)),
        rotation(_some(n, turn, math.pi * (2 * torch.rand(n) - 1), 0.0)),
        translation(*_some(n, p, 0.25 * torch.randn(2, n), 0.0)),
    ]
    matrix = torch.eye(3).expand(n, 3, 3)
    for step in steps:
        matrix = matrix @ step      # each step is drawn as its own inverse, whose distribution is the same
    return matrix


def draw_colour(n: int, p: float) -> torch.Tensor:
    """Brightness, contrast, luma flip, hue, saturation: [n, 4, 4]."""
    grey = torch.tensor([1.0, 1.0, 1.0, 0.0]) / 3**0.5
    along = grey[:, None] * grey                                        # [4, 4], projection on the grey axis
    steps = [
        _brighten(_some(n, p, 0.2 * torch.randn(n), 0.0)),
        _contrast(_some(n, p, torch.exp2(0.5 * torch.randn(n)), 1.0)),
        torch.eye(4) - 2 * along * _some(n, p, torch.randint(2, (n,)).float(), 0.0)[:, None, None],
        hue_rotation(_some(n, p, math.pi * (2 * torch.rand(n) - 1), 0.0)),
        along + (torch.eye(4) - along) * _some(n, p, torch.exp2(torch.randn(n)), 1.0)[:, None, None],
    ]
    steps[-1][:, 3, 3] = 1                                              # saturation leaves the homogeneous coordinate
    matrix = torch.eye(4).expand(n, 4, 4)
    for step in steps:
        matrix = step @ matrix
    return matrix


def augment(images: torch.Tensor, transform: Transform) -> torch.Tensor:
    """images [N, 3 T, S, S] in [-1, 1], T frames of each sample -> the same, transformed; differentiable twice."""
    images = move(images, transform.geometry.to(images))
    pixels = images.unflatten(1, (-1, 3)).flatten(3)                    # [N, T, 3, S S]
    colour = transform.colour.to(images)[:, None]                       # [N, 1, 4, 4]
    return (colour[..., :3, :3] @ pixels + colour[..., :3, 3:]).view_as(images)


def move(images: torch.Tensor, geometry: torch.Tensor) -> torch.Tensor:
    """images [N, C, S, S], geometry [N, 3, 3] -> [N, C, S, S], sampled at twice the resolution; edges are mirrored."""
    n, c, side, _ = images.shape
    wide = 2 * (side + 2 * MARGIN)                          # the result with a margin, which halving uses up
    zoom = geometry.new_tensor([wide / (2 * side), wide / (2 * side), 1.0]).diag()
    drift = geometry.new_tensor([[1.0, 0.0, DRIFT / side], [0.0, 1.0, DRIFT / side], [0.0, 0.0, 1.0]])
    theta = torch.linalg.inv(drift) @ geometry @ drift @ zoom           # [N, 3, 3]
    grid = F.affine_grid(theta[:, :2], [n, c, wide, wide], align_corners=False)
    return halve(sample(double(images), grid))


def sample(images: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    """images [N, C, S, S], places [N, W, W, 2] without gradients -> [N, C, W, W], bilinear;
    differentiable any number of times."""
    return _Sampled.apply(images, grid)


class _Sampled(torch.autograd.Function):
    """`grid_sample`, whose own gradient has none before torch 2.13; R1 needs it.
    Linear in images, so values do not matter there."""

    @staticmethod
    def forward(context: Any, images: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(images.detach(), grid)
        return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return _Spread.apply(gradient, *context.saved_tensors), None


class _Spread(torch.autograd.Function):
    """The adjoint of `_Sampled`: values [N, C, W, W] go back to where they came from in images [N, C, S, S],
    and add up."""

    @staticmethod
    def forward(context: Any, values: torch.Tensor, images: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(grid)
        bilinear, reflection = 0, 2
        backward = torch.ops.aten.grid_sampler_2d_backward
        return backward(values, images, grid, bilinear, reflection, False, [True, False])[0]

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return _Sampled.apply(gradient, *context.saved_tensors), None, None


def double(images: torch.Tensor) -> torch.Tensor:
    """[N, C, S, S] -> [N, C, 2S, 2S] by the wavelet's filter; pixel k becomes the pixels 2k and 2k + 1."""
    n, c, side, _ = images.shape
    x = F.pad(images, (MARGIN,) * 4, mode="reflect").flatten(0, 1)[:, None]     # [N C, 1, S + 2M, S + 2M]
    taps = images.new_tensor(SYM6) * 2**0.5
    x = F.conv_transpose2d(x, taps[None, None, None], stride=(1, 2))
    x = F.conv_transpose2d(x, taps[None, None, :, None], stride=(2, 1))
    begin = 2 * MARGIN + CENTRE
    return x[:, 0, begin : begin + 2 * side, begin : begin + 2 * side].unflatten(0, (n, c))


def halve(images: torch.Tensor) -> torch.Tensor:
    """[N, C, 2 (S + 2 MARGIN), same] -> [N, C, S, S]: the adjoint of `double`, up to a factor, and its inverse."""
    n, c, wide, _ = images.shape
    begin, length = 2 * MARGIN - CENTRE, wide - 4 * MARGIN + len(SYM6) - 2
    x = images.flatten(0, 1)[:, None, begin : begin + length, begin : begin + length]
    taps = images.new_tensor(SYM6) / 2**0.5
    x = F.conv2d(x, taps[None, None, None], stride=(1, 2))
    return F.conv2d(x, taps[None, None, :, None], stride=(2, 1))[:, 0].unflatten(0, (n, c))


class Controller:
    """Raises p while the discriminator is too sure of reals, and lowers it else (section 3.1): p follows
    r = E[sign D(real)] towards `target`, by at most one in `kimg` thousand images."""

    def __init__(
        self,
        target: float = 0.6,    # of r
        kimg: float = 500.0,    # thousand images in which p may rise from 0 to 1; 0 turns augmentation off
        every: int = 4,         # steps between adjustments
    ):
        self.target, self.kimg, self.every = target, kimg, every
        self.p, self.signs, self.images, self.steps = 0.0, 0.0, 0, 0

    def update(self, sign: float, images: int) -> None:
        """After each step: the mean sign of the discriminator's logits of `images` reals."""
        self.signs, self.images, self.steps = self.signs + sign * images, self.images + images, self.steps + 1
        if self.kimg and self.steps % self.every == 0:
            direction = (self.signs / self.images > self.target) - (self.signs / self.images < self.target)
            self.p = min(1.0, max(0.0, self.p + direction * self.images / (1000 * self.kimg)))
            self.signs, self.images = 0.0, 0

    def state_dict(self) -> dict:
        return {name: getattr(self, name) for name in ("p", "signs", "images", "steps")}

    def load_state_dict(self, state: dict) -> None:
        vars(self).update(state)


def scaling(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Factors [N] -> [N, 3, 3]."""
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], dim=1))


def translation(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Offsets [N] in half sides of the image -> [N, 3, 3]."""
    matrix = torch.eye(3).repeat(len(x), 1, 1)
    matrix[:, 0, 2], matrix[:, 1, 2] = x, y
    return matrix


def rotation(angle: torch.Tensor) -> torch.Tensor:
    """Angles [N] in radians -> [N, 3, 3]."""
    matrix = torch.eye(3).repeat(len(angle), 1, 1)
    matrix[:, 0, 0], matrix[:, 0, 1] = angle.cos(), -angle.sin()
    matrix[:, 1, 0], matrix[:, 1, 1] = angle.sin(), angle.cos()
    return matrix


def hue_rotation(angle: torch.Tensor) -> torch.Tensor:
    """Angles [N] in radians, about the grey axis -> [N, 4, 4] (Rodrigues' formula)."""
    u = 3**-0.5
    cross = torch.tensor([[0, -u, u], [u, 0, -u], [-u, u, 0]])
    sin, cos = angle.sin()[:, None, None], angle.cos()[:, None, None]
    matrix = torch.eye(4).repeat(len(angle), 1, 1)
    matrix[:, :3, :3] = cos * torch.eye(3) + sin * cross + (1 - cos) / 3
    return matrix


def _some(n: int, p: float, drawn: torch.Tensor, neutral: float) -> torch.Tensor:
    """What was drawn, [n] or [k, n], with probability `p`, for which a sample has one coin;
    else what changes nothing."""
    return torch.where(torch.rand(n) < p, drawn, torch.full_like(drawn, neutral))


def _whole(n: int, side: int) -> torch.Tensor:
    """Shifts of whole pixels, up to an eighth of the side, in half sides."""
    return ((2 * torch.rand(n) - 1) * 0.125 * side).round() * 2 / side


def _even_scaling(factor: torch.Tensor) -> torch.Tensor:
    return scaling(factor, factor)


def _stretch(factor: torch.Tensor) -> torch.Tensor:
    return scaling(factor, 1 / factor)


def _brighten(amount: torch.Tensor) -> torch.Tensor:
    matrix = torch.eye(4).repeat(len(amount), 1, 1)
    matrix[:, :3, 3] = amount[:, None]
    return matrix


def _contrast(factor: torch.Tensor) -> torch.Tensor:
    return torch.diag_embed(torch.stack([factor, factor, factor, torch.ones_like(factor)], dim=1))
