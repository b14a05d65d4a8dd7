"""Stage `steering`: what moves one measure of a face by its span, and the others not at all.

Ridge regression on synthetic faces says how measures and landmarks follow w; the likeliest moves, as real clips took
them, that keep identity, colours and traits are taken from it, in closed form. Then the moves are tried on people and
corrected for what they did: a decoder exaggerates some movements and damps others.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...data.splits import edit_directions, training_clips, trait_directions
from ...face.expression import SPANS, expression
from ...face.landmarks import landmarks_of_crops
from ...losses.identity import MobileFaceNet
from ...models.inversion import InversionEncoder
from ...models.mobile_stylegan import MobileDecoder
from ...models.ops import from_uint8, to_uint8
from ...models.steering import Steering
from ..fields import Above0, Count
from .pairs import PairsConfig, sample_latents
from .trajectories import (
    TrajectoryConfig,
    cell_colours,
    likeliest_moves,
    linear_response,
    motion_basis,
    motion_gain,
    read_clips,
)

POSES = 2       # measures of the whole head, which come first


@dataclass(frozen=True)
class SteeringConfig:
    pairs: Count = 5000         # synthetic faces for the regressions
    people: Count = 80          # people on whom the moves are tried, half of them samples, half frames of clips
    rounds: Count = 2           # corrections
    side: Count = 128           # px at which they are drawn
    noise: Above0 = 0.05        # standard deviation of a measure, in spans


@dataclass(frozen=True)
class Responses:
    """How all that matters follows w."""

    measures: torch.Tensor      # [7, w_dim], in spans
    landmarks: torch.Tensor     # [136, w_dim], in sides of the crop
    identity: torch.Tensor      # [192, w_dim]
    colours: torch.Tensor       # [48, w_dim]

    @classmethod
    def of(
        cls, ws: torch.Tensor, landmarks: torch.Tensor, identity: torch.Tensor, colours: torch.Tensor
    ) -> "Responses":
        """From latents [N, w_dim] and what their faces show, landmarks being [N, 68, 2]."""
        measures = torch.from_numpy(expression(landmarks.numpy())).float()
        return cls(*(linear_response(ws, y) for y in (measures, landmarks.flatten(1), identity, colours)))


@torch.no_grad()
def find_steering(
    data: Path, decoder: MobileDecoder, encoder: InversionEncoder, identity: MobileFaceNet, config: SteeringConfig
) -> Steering:
    """All of it, from the folder of the training data."""
    ws = sample_latents(decoder, PairsConfig(count=config.pairs), edit_directions(data))
    images = torch.cat([to_uint8(decoder.synthesis(w, config.side)) for w in ws.split(8)])
    parts = [from_uint8(part) for part in images.split(32)]
    responses = Responses.of(
        ws, torch.from_numpy(landmarks_of_crops(images.numpy())) / config.side,
        torch.cat([identity(part) for part in parts]), torch.cat([cell_colours(part) for part in parts]))
    _, encoded = read_clips(training_clips(data), encoder, TrajectoryConfig())
    return steering(decoder, responses, encoded, trait_directions(data), config)


@torch.no_grad()
def steering(
    decoder: MobileDecoder,
    responses: Responses,
    encoded: list[torch.Tensor],
    traits: torch.Tensor,
    config: SteeringConfig,
) -> Steering:
    """From what is known of the decoder and of real clips.

    Args:
        encoded: what the encoder says of each clip's frames, [T, w_dim].
        traits: unit directions of W that must not be taken, [K, w_dim]; along the first, glasses vanish.
    """
    weights = TrajectoryConfig()
    basis, variances = motion_basis(encoded, weights)
    held = [(responses.identity, weights.identity), (responses.colours, weights.colour), (traits, weights.trait)]
    noise = torch.full([len(SPANS)], config.noise)
    directions = likeliest_moves(responses.measures, noise, held, basis, variances, weights)        # [w_dim, 7]
    directions = _corrected(directions.T, (responses.measures @ directions).T)                      # [7, w_dim]
    people = _people(decoder, encoded, config.people)
    for _ in range(config.rounds):
        directions = _corrected(directions, tried(decoder, people, directions, config.side))
    network = Steering(directions.shape[1], knows_glasses=True)
    network.directions.copy_(directions)
    network.response.copy_(torch.linalg.inv(responses.measures @ directions.T) @ responses.measures)
    network.glasses.copy_(traits[0])
    network.gain.copy_(
        motion_gain(responses.landmarks, responses.identity, responses.colours, traits, basis, variances, weights))
    return network


def _corrected(directions: torch.Tensor, effects: torch.Tensor) -> torch.Tensor:
    """Directions [7, w_dim] of which each moves its own measure by a span and no other, from those with the effects
    [7, 7], moves by measures.

    But a head that turns or nods does change how far brows, mouth and eyes seem apart: that is left to it.
    """
    exact = torch.linalg.inv(effects) @ directions
    exact[:POSES] = torch.linalg.inv(effects[:POSES, :POSES]) @ directions[:POSES]
    return exact


def tried(decoder: MobileDecoder, people: torch.Tensor, directions: torch.Tensor, side: int) -> torch.Tensor:
    """Medians over people [N, w_dim] of what half a span either way along each direction does: [7, 7], moves by
    measures.
    """
    return torch.stack([(_measured(decoder, people + 0.5 * move, side) - _measured(decoder, people - 0.5 * move, side))
                        .median(dim=0).values for move in directions])


def _people(decoder: MobileDecoder, encoded: list[torch.Tensor], count: int) -> torch.Tensor:
    """[count, w_dim], always the same."""
    generator = torch.Generator().manual_seed(1)
    samples = decoder.mapping(torch.randn(count - count // 2, decoder.w_avg.numel(), generator=generator), 0.7)
    frames = torch.cat(encoded)
    return torch.cat([samples, frames[torch.randperm(len(frames), generator=generator)[: count // 2]]])


def _measured(decoder: MobileDecoder, ws: torch.Tensor, side: int) -> torch.Tensor:
    """w [N, w_dim] -> measures in spans, [N, 7]."""
    images = np.concatenate([to_uint8(decoder.synthesis(part, side)).numpy() for part in ws.split(8)])
    return torch.from_numpy(expression(landmarks_of_crops(images))).float()
