"""What the training of dense motion wants of a picture and of a flow, the eyes and the mouth counting most."""

import torch
import torch.nn.functional as F

from ...losses.lpips import SqueezePerceptual
from ...models.dense_motion import SIDE, warp
from ...models.ops import resize
from .optical_flow import optical_flow

# Left, top, right, bottom of what people look at, in sides of an FFHQ crop: the lids and the mouth of 25 real clips.
EYES, MOUTH = (0.30, 0.42, 0.70, 0.52), (0.37, 0.66, 0.63, 0.84)
CONTOUR = 0.3   # weight of a landmark of the jaw: along its line it is anywhere
LOST = 0.1      # error of a colour, of 2, from which optical flow is not believed


def importance(parts: float, outside: float) -> torch.Tensor:
    """Weights of positions at 64 px, [1, 1, 64, 64], mean 1.

    Args:
        parts: weight of the eyes and the mouth, the rest of the head having 1.
        outside: weight of what lies around the head.
    """
    at = (torch.arange(SIDE) + 0.5) / SIDE
    x, y = at.expand(SIDE, SIDE), at[:, None].expand(SIDE, SIDE)
    head = ((x - 0.5) / 0.38).square() + ((y - 0.55) / 0.47).square() < 1
    weights = torch.where(head, 1.0, outside)
    for left, top, right, bottom in (EYES, MOUTH):
        weights = torch.where((x > left) & (x < right) & (y > top) & (y < bottom), parts, weights)
    weights = F.avg_pool2d(F.pad(weights[None, None], (2, 2, 2, 2), mode="replicate"), 5, stride=1)
    return weights / weights.mean()


def weighted_mean(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Of values [N, C, H, W], the positions weighted by [1, 1, S, S] of any size."""
    weights = F.interpolate(weights, size=values.shape[2:], mode="bilinear", antialias=True, align_corners=False)
    return (values * weights).mean() / weights.mean()


def perceptual_distance(
    network: SqueezePerceptual, x: torch.Tensor, y: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """As the network's own, positions being weighted."""
    with torch.no_grad():
        wanted = network.features(y)
    pairs = zip(network.heads, network.features(x), wanted)
    return sum(weighted_mean(network.get_submodule(head)((a - b).square()), weights) for head, a, b in pairs)


def roughness(flow: torch.Tensor, guide: torch.Tensor) -> torch.Tensor:
    """Mean change of the flow [N, 2, 64, 64] between neighbours, in cells;
    less where the guide [N, 3, 64, 64] has an edge."""
    total = 0.0
    for dim in (2, 3):
        edge = guide.diff(dim=dim).abs().mean(dim=1, keepdim=True)
        total = total + ((SIDE * flow.diff(dim=dim)).abs() * (-6 * edge).exp()).mean()
    return total


def flow_error(flow: torch.Tensor, photo: torch.Tensor, target: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean distance of the flow [N, 2, 64, 64] to the optical flow from targets to photos, in cells,
    where that explains them."""
    shown = optical_flow(photo, target)
    error = (warp(resize(photo, SIDE), shown) - resize(target, SIDE)).abs().mean(dim=1, keepdim=True)
    trust = 1 / (1 + (F.avg_pool2d(error, 3, stride=1, padding=1) / LOST).square())             # [N, 1, 64, 64]
    return weighted_mean(SIDE * trust * (flow - shown).norm(dim=1, keepdim=True), weights)


def landmark_error(flow: torch.Tensor, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """Mean distance, in cells, of where the flow [N, 2, 64, 64] takes landmarks from, to where they were.

    Both [N, 68, 2] in sides of the crop.
    """
    at = F.grid_sample(flow, 2 * after[:, None] - 1, align_corners=False)[:, :, 0].mT           # [N, 68, 2]
    weights = torch.ones(after.shape[1])
    weights[:17] = CONTOUR
    return (SIDE * (at - (before - after)).norm(dim=2) * weights).mean() / weights.mean()
