"""Real clips -> latent trajectories that motion can be learned from.

Inverting a clip frame by frame lets identity jitter and misses blinks and mouth shapes. So a clip gets one code, and
each frame an offset from it: the likeliest that moves the landmarks of the decoded face as those of the frame, while
identity, colours, glasses and age stay. How all these follow the latent is learned from synthetic pairs by linear
regression, so the offset has a closed form.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ...data.smoothing import smooth
from ...data.splits import edit_directions, read_clip, training_clips, trait_directions
from ...face.landmarks import landmarks_of_crops
from ...losses.identity import MobileFaceNet
from ...metrics.face_motion import face_signals
from ...models.inversion import InversionEncoder
from ...models.mobile_stylegan import MobileDecoder
from ...models.ops import from_uint8, to_uint8
from .calibration import Calibration, clip_motion, steering
from .motion import Trajectories
from .pairs import PairsConfig, sample_latents

NOISE = {       # standard deviation of a landmark, in sides of the crop: how much the fit trusts each
    "jaw": 0.020, "brows": 0.008, "nose": 0.006, "eyes": 0.0012, "mouth": 0.003,
}
PARTS = {
    "jaw": slice(0, 17), "brows": slice(17, 27), "nose": slice(27, 36), "eyes": slice(36, 48), "mouth": slice(48, 68),
}


@dataclass(frozen=True)
class TrajectoryConfig:
    dims: int = 40              # directions in which the encoder sees clips move
    smoothing: float = 1.5      # frames, sigma, of the encoder's offsets: takes its jitter out
    landmark_smoothing: float = 0.7     # frames, sigma
    floor: float = 0.15         # variance of every direction of W a priori, over the mean of the directions of motion
    identity: float = 0.01      # standard deviation that a clip's identity embedding may have
    colour: float = 0.03        # and the colours of its 4x4 cells, of 2
    pairs: int = 12_000         # synthetic pairs for the regressions
    shortest: int = 24          # frames of a clip
    calm: float = 0.85          # share of the clips that are kept, those in which the head turns least
    trait: float = 0.05         # and its glasses and age, in W along their directions
    turning: float = 0.25       # heads turn as in this quantile of the clips: portraits look about less than film does
    talking: float = 0.55       # mouths and eyes move as in this one


def linear_response(ws: torch.Tensor, responses: torch.Tensor, ridge: float = 1.0) -> torch.Tensor:
    """How responses [N, K] follow ws [N, 512], by ridge regression: [K, 512].

    Landmarks and identity follow w almost linearly (Shen et al., arXiv:1907.10786). Pairs in which a response lies far
    out, as landmarks do on a face that the detector misread, are left out.
    """
    centred = responses - responses.median(dim=0).values
    spread = centred.abs().median(dim=0).values.clamp(min=1e-6)
    good = (centred.abs() / spread).amax(dim=1) < 25
    x, y = ws[good] - ws[good].mean(dim=0), responses[good] - responses[good].mean(dim=0)
    return torch.linalg.solve(x.T @ x + ridge * torch.eye(x.shape[1]), x.T @ y).T


def cell_colours(images: torch.Tensor) -> torch.Tensor:
    """Mean colours of 4x4 cells, [N, 48] in [-1, 1], of images [N, 3, S, S]."""
    return F.adaptive_avg_pool2d(images, 4).flatten(1)


def landmark_noise() -> torch.Tensor:
    """Standard deviation of each landmark coordinate, [136]."""
    noise = torch.zeros(68, 2)
    for part, where in PARTS.items():
        noise[where] = NOISE[part]
    return noise.flatten()


def motion_basis(clips: list[torch.Tensor], config: TrajectoryConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """Principal directions [dims, 512] of the offsets from each clip's mean, and their variances [dims].

    Args:
        clips: what the encoder says of each clip's frames, [T, 512].
    """
    offsets = torch.cat([_smooth(clip - clip.mean(dim=0), config.smoothing) for clip in clips])
    values, vectors = torch.linalg.eigh(offsets.T @ offsets / len(offsets))     # ascending
    return vectors.T.flip(0)[: config.dims], values.flip(0)[: config.dims]


def motion_gain(
    landmarks: torch.Tensor,
    identity: torch.Tensor,
    colours: torch.Tensor,
    traits: torch.Tensor,
    basis: torch.Tensor,
    variances: torch.Tensor,
    config: TrajectoryConfig,
) -> torch.Tensor:
    """The matrix [512, 136] from how landmarks move to how w moves, while all that is not motion stays.

    The maximum a posteriori of a Gaussian model, like the gain of a Kalman filter: offsets are likely along the
    directions of motion; landmarks are observed, and so is that nothing else changes.

    Args:
        landmarks, identity, colours: responses to w, by `linear_response`: [136, 512], [192, 512], [48, 512].
        traits: unit directions of W that must not be taken, [K, 512].
        basis, variances: of `motion_basis`.
    """
    held = [(identity, config.identity), (colours, config.colour), (traits, config.trait)]
    return likeliest_moves(landmarks, landmark_noise(), held, basis, variances, config)


def likeliest_moves(
    wanted: torch.Tensor,
    noise: torch.Tensor,
    held: list[tuple[torch.Tensor, float]],
    basis: torch.Tensor,
    variances: torch.Tensor,
    config: TrajectoryConfig,
) -> torch.Tensor:
    """The matrix [512, K] from K observed responses to the move of w, that of :func:`motion_gain` in general.

    Args:
        wanted, noise: responses to w, [K, 512], and the standard deviation of their observation, [K].
        held: other responses [L, 512] that were seen to stay, each with its standard deviation.
    """
    covariance = basis.T @ (variances[:, None] * basis) + config.floor * variances.mean() * torch.eye(basis.shape[1])
    response = torch.cat([wanted, *(r for r, _ in held)])                                       # [K + ..., 512]
    deviations = torch.cat([noise, *(torch.full([len(r)], sigma) for r, sigma in held)])
    gain = covariance @ response.T @ torch.linalg.inv(response @ covariance @ response.T + deviations.square().diag())
    return gain[:, : len(wanted)]


def fit_clip(landmarks: torch.Tensor, gain: torch.Tensor, config: TrajectoryConfig) -> torch.Tensor:
    """A clip's offsets from its code, [T, 512].

    Args:
        landmarks: of each frame in sides of the crop, [T, 68, 2].
        gain: of `motion_gain`.
    """
    return _smooth((landmarks - landmarks.mean(dim=0)).flatten(1), config.landmark_smoothing) @ gain.T


@torch.no_grad()
def find_trajectories(
    data: Path,
    decoder: MobileDecoder,
    encoder: InversionEncoder,
    identity: MobileFaceNet,
    faces: torch.Tensor,
    config: TrajectoryConfig,
) -> tuple[Trajectories, Calibration]:
    """All of the above, from files: pairs of the decoder, the training clips, and people to put motion on.

    Args:
        data: folder of the training data.
        faces: real aligned faces, uint8 [N, S, S, 3]; their inversions join the people, with samples and clips' codes.
    """
    directions = edit_directions(data)
    ws = sample_latents(decoder, PairsConfig(count=config.pairs), directions)
    images = torch.cat([to_uint8(decoder.synthesis(w, 128)) for w in ws.split(8)])
    signals, points, ids, colours = (linear_response(ws, y) for y in _responses(images, identity))
    landmarks, encoded = read_clips(training_clips(data), encoder, config)
    basis, variances = motion_basis(encoded, config)
    traits = trait_directions(data)
    gain = motion_gain(points, ids, colours, traits, basis, variances, config)
    turns = torch.tensor([float(face_signals(x.numpy()).yaw.std()) for x in landmarks])
    calm = (turns <= turns.quantile(config.calm)).nonzero()[:, 0]       # profiles are beyond the decoder
    codes = [_encode(encoder, faces), decoder.mapping(torch.randn(2500, ws.shape[1]), 0.7)]
    codes.append(torch.stack([encoded[i].mean(dim=0) for i in calm]))
    offsets = [fit_clip(landmarks[i], gain, config) for i in calm]
    held = [(ids, config.identity), (colours, config.colour), (traits, config.trait)]
    calibration = Calibration(signals, steering(signals, held, torch.cat(offsets)), *wanted_motion(landmarks, config))
    return Trajectories.from_offsets(offsets, torch.cat(codes)), calibration


def wanted_motion(landmarks: list[torch.Tensor], config: TrajectoryConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """Spread of SIGNALS that generated clips should have, and their tempo, [4] each, as in clips' landmarks [T, 68, 2]:
    quantiles of the spread, the median of the tempo."""
    motions = [clip_motion(x.numpy()) for x in landmarks]
    spread, tempo = torch.from_numpy(np.stack(motions, 1)).float()      # [clips, 4] each
    turning, talking = spread[:, :2].quantile(config.turning, dim=0), spread[:, 2:].quantile(config.talking, dim=0)
    return torch.cat([turning, talking]), tempo.median(dim=0).values


def read_clips(
    paths: list[Path], encoder: InversionEncoder, config: TrajectoryConfig
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Landmarks [T, 68, 2] and latents [T, 512] of every clip that is long enough, one clip in memory at a time."""
    landmarks, encoded = [], []
    for path in paths:
        clip = torch.from_numpy(read_clip(path, 256))
        if len(clip) >= config.shortest:
            landmarks.append(_landmarks(clip))
            encoded.append(_encode(encoder, clip))
    return landmarks, encoded


def _responses(images: torch.Tensor, identity: MobileFaceNet) -> tuple[torch.Tensor, ...]:
    """Of uint8 [N, S, S, 3]: signals [N, 4], landmarks [N, 136] in sides, embeddings [N, 192], cell colours [N, 48]."""
    parts, landmarks = [from_uint8(x) for x in images.split(32)], _landmarks(images)
    signals = torch.from_numpy(face_signals(landmarks.numpy()).matrix()).float()
    return (signals, landmarks.flatten(1), torch.cat([identity(x) for x in parts]),
            torch.cat([cell_colours(x) for x in parts]))


def _landmarks(frames: torch.Tensor) -> torch.Tensor:
    """uint8 [T, S, S, 3] -> [T, 68, 2] in sides of the crop."""
    return torch.from_numpy(landmarks_of_crops(frames.numpy())) / frames.shape[1]


def _encode(encoder: InversionEncoder, frames: torch.Tensor) -> torch.Tensor:
    """uint8 [T, S, S, 3] -> w [T, 512]."""
    return torch.cat([encoder(from_uint8(x))[0] for x in frames.split(32)])


def _smooth(series: torch.Tensor, sigma: float) -> torch.Tensor:
    return torch.from_numpy(smooth(series.numpy(), sigma)).float()
