"""Motion of the right size and pace: how far heads turn, how wide mouths and eyes open, and how soon.

A latent network that matches real trajectories does not yet match real faces: the decoder exaggerates some movements
and damps others. So its clips are decoded and measured, and the last layer is turned up or down along the directions of
W that move one signal and little else. A network that learns by regression also smooths, so that its clips move slower:
they are then played a little faster.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ...face.landmarks import landmarks_of_crops
from ...metrics.face_motion import SCALES, face_signals, smoothed
from ...models.mobile_stylegan import MobileDecoder
from ...models.motion import MotionNetwork
from ...models.ops import to_uint8

FRAMES = 128        # of a measured clip: spread grows with length


@dataclass(frozen=True)
class Calibration:
    """How signals follow w, what moves them, and how much they should move."""

    signals: torch.Tensor               # response of SIGNALS to w, [4, w_dim]
    signal_directions: torch.Tensor     # what moves each by one and little else, [w_dim, 4]
    spread: torch.Tensor                # wanted spread of each of SIGNALS over FRAMES, in its unit, [4]
    tempo: torch.Tensor                 # wanted speed of each, in its spreads a second, [4]


def steering(wanted: torch.Tensor, held: list[tuple[torch.Tensor, float]], offsets: torch.Tensor) -> torch.Tensor:
    """Directions [w_dim, K] that move each wanted response by one, the likeliest of those that `offsets` took.

    Args:
        wanted: responses to w, [K, w_dim].
        held: other responses [L, w_dim] that should stay, each with the standard deviation that it may have.
        offsets: of real clips, [T, w_dim].
    """
    covariance = offsets.T @ offsets / len(offsets)
    covariance = covariance + 0.05 * covariance.diagonal().mean() * torch.eye(len(covariance))
    response = torch.cat([wanted, *(r for r, _ in held)])
    noise = torch.cat([torch.full([len(wanted)], 0.02), *(torch.full([len(r)], sigma) for r, sigma in held)])
    gain = covariance @ response.T @ torch.linalg.inv(response @ covariance @ response.T + noise.square().diag())
    directions = gain[:, : len(wanted)]                                         # [w_dim, K]
    return directions @ torch.linalg.inv(wanted @ directions)


@torch.no_grad()
def calibrate(network: MotionNetwork, response: torch.Tensor, directions: torch.Tensor, gains: torch.Tensor) -> None:
    """Turn kinds of motion up or down; only the last layer's weights change.

    Args:
        response: how signals follow w, [K, w_dim].
        directions: what moves each signal by one and little else, [w_dim, K].
        gains: factor of each signal's motion, [K].
    """
    change = torch.eye(len(directions)) + directions @ (gains - 1).diag() @ response
    network.head.weight.copy_(change @ network.head.weight)
    bias: torch.Tensor = network.head.bias
    bias.copy_(change @ bias)


def match(
    network: MotionNetwork, decoder: MobileDecoder, target: Calibration, people: int = 16, rounds: int = 2
) -> torch.Tensor:
    """Calibrate until samples move as wanted, then set their pace; returns their spread at last, [4]."""
    for _ in range(rounds):
        spread, _ = measured(network, decoder, people)
        calibrate(network, target.signals, target.signal_directions, (target.spread / spread).clamp(0.33, 3))
    spread, tempo = measured(network, decoder, people)
    match_pace(network, target.tempo / tempo)
    return spread


def match_pace(network: MotionNetwork, ratios: torch.Tensor) -> None:
    """Play clips faster, by half of what SIGNALS lack on the average: mouths lag most,
    and heads should not hurry for them.

    Args:
        ratios: wanted tempo of each signal, over that of the network's clips, [K].
    """
    pace = (ratios.log().mean() / 2).exp().clamp(1, 4 / 3).item()
    network.register_to_config(frame_rate=round(network.config.frame_rate * pace, 1))


def measured(network: MotionNetwork, decoder: MobileDecoder, people: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Median spread and tempo of SIGNALS in clips of so many samples, [4] each."""
    found = [clip_motion(landmarks_of_crops(_clip(network, decoder, seed))) for seed in range(people)]
    spread, tempo = torch.from_numpy(np.median(found, axis=0)).float()
    return spread, tempo


def clip_motion(landmarks: np.ndarray) -> np.ndarray:
    """Of the first FRAMES of landmarks [T, 68, 2] at 25 fps, [2, 4]: spread of each of SIGNALS, and its tempo, which is
    its mean speed in spreads a second."""
    signals = face_signals(smoothed(landmarks[:FRAMES])).matrix() * SCALES                  # [T, 4], each in its unit
    spread = signals.std(0)
    return np.stack([spread, np.abs(np.diff(signals, axis=0)).mean(0) * 25 / np.maximum(spread, 1e-9)])


@torch.no_grad()
def _clip(network: MotionNetwork, decoder: MobileDecoder, seed: int) -> np.ndarray:
    """A sample's clip at the decoder's smallest size, uint8 [FRAMES, S, S, 3]."""
    z = torch.randn(1, decoder.w_avg.numel(), generator=torch.Generator().manual_seed(seed))
    w0, side, style = decoder.mapping(z, 0.7), min(decoder.config.sizes), network.style
    codes = style.clip_codes(seed, 0, FRAMES // style.distance + 2)
    v = style.motion(codes, torch.arange(float(FRAMES))[None], 0)               # [1, FRAMES, D]
    ws = network.frames(network.prefix(decoder.synthesis(w0, side)), w0, v)[0]  # [FRAMES, w_dim]
    return np.concatenate([to_uint8(decoder.synthesis(w, side)).numpy() for w in ws.split(8)])
