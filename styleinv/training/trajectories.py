"""Real clips -> latent trajectories that motion can be learned from.

Inverting a clip frame by frame lets identity jitter and misses blinks and mouth shapes. So a clip gets one code, and
each frame an offset from it: the encoder's offset, kept to the directions in which clips move, then corrected so that
the landmarks of the decoded face move as those of the frame. How landmarks and identity follow the latent is
learned from synthetic pairs by a small network, the probe; with its derivative the correction has a closed form.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from ..prepare import smooth

NOISE = {       # standard deviation of a landmark, in sides of the crop: how much the fit trusts each
    "jaw": 0.020, "brows": 0.008, "nose": 0.006, "eyes": 0.0022, "mouth": 0.004,
}
PARTS = {"jaw": slice(0, 17), "brows": slice(17, 27), "nose": slice(27, 36), "eyes": slice(36, 48), "mouth": slice(48, 68)}


@dataclass(frozen=True)
class TrajectoryConfig:
    dims: int = 40              # directions of motion that are kept of the encoder's offsets
    smoothing: float = 1.5      # frames, sigma: takes the encoder's jitter out
    floor: float = 0.002        # variance that every direction of W has a priori, relative to W's
    identity: float = 0.08      # standard deviation that a clip's identity embedding may have


class Probe(nn.Module):
    """w [N, 512] -> landmarks [N, 136] in sides of the crop, and an identity embedding [N, 192]."""

    def __init__(
        self,
        w_dim: int = 512,       # width of w
        hidden: int = 512,      # width of the hidden layers
        landmarks: int = 136,   # coordinates
        identity: int = 192,    # width of the embedding
    ):
        super().__init__()
        self.split = [landmarks, identity]
        self.linear = nn.Linear(w_dim, landmarks + identity)    # most of it is linear (Shen et al., arXiv:1907.10786)
        self.rest = nn.Sequential(
            nn.Linear(w_dim, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, landmarks + identity)
        )
        self.register_buffer("mean", torch.zeros(w_dim))
        self.register_buffer("scale", torch.ones(()))

    def forward(self, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = (w - self.mean) / self.scale
        return (self.linear(x) + self.rest(x)).split(self.split, dim=-1)


def train_probe(ws: torch.Tensor, landmarks: torch.Tensor, identities: torch.Tensor, steps: int = 4000) -> Probe:
    """Fit the probe to synthetic pairs: ws [N, 512], landmarks [N, 68, 2] in sides of the crop, embeddings [N, 192]."""
    probe = Probe()
    probe.mean.copy_(ws.mean(dim=0))
    probe.scale.copy_(ws.std(dim=0).mean())
    mean, deviation = landmarks.flatten(1).mean(dim=0), landmarks.flatten(1).std(dim=0)
    probe.linear.bias.data[: len(mean)] = mean
    optimizer = torch.optim.AdamW(probe.parameters(), 1e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, steps, pct_start=0.1)
    for step in range(steps):
        index = torch.randint(len(ws) * 49 // 50, (256,))
        points, identity = probe(ws[index])
        error = ((points - landmarks[index].flatten(1)) / deviation).square().mean()
        loss = error + 50 * F.mse_loss(identity, identities[index])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        held = slice(len(ws) * 49 // 50, None)
        points, identity = probe(ws[held])
        error = ((points - landmarks[held].flatten(1)) / deviation).square().mean().sqrt()
        likeness = F.cosine_similarity(identity, identities[held]).mean()
    print(f"probe: landmarks' relative error {error:.3f}, identity's cosine {likeness:.3f}")
    return probe.eval().requires_grad_(False)


def landmark_noise() -> torch.Tensor:
    """Standard deviation of each landmark coordinate, [136]."""
    noise = torch.zeros(68, 2)
    for part, where in PARTS.items():
        noise[where] = NOISE[part]
    return noise.flatten()


def motion_basis(clips: list[torch.Tensor], dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Principal directions [dims, 512] of the offsets from each clip's mean, and their variances [dims]; clips [T, 512]."""
    offsets = torch.cat([clip - clip.mean(dim=0) for clip in clips])            # [sum T, 512]
    values, vectors = torch.linalg.eigh(offsets.T @ offsets / len(offsets))     # ascending
    return vectors.T.flip(0)[:dims], values.flip(0)[:dims]


def fit_clip(
    probe: Probe,
    encoded: torch.Tensor,
    landmarks: torch.Tensor,
    basis: torch.Tensor,
    variances: torch.Tensor,
    config: TrajectoryConfig,
) -> torch.Tensor:
    """A clip's trajectory w_t [T, 512].

    The clip's code is the mean of what the encoder says; the offsets are the maximum a posteriori under a Gaussian
    prior around the encoder's (one linear update, as in a Kalman filter), observed through landmarks and identity.

    Args:
        encoded: w of each frame by the encoder, [T, 512].
        landmarks: of each frame in sides of the crop, [T, 68, 2].
        basis: directions of motion [K, 512], with their variances [K].
    """
    code = encoded.mean(dim=0)                                                              # [512]
    steady = torch.from_numpy(smooth((encoded - code).numpy(), config.smoothing)).float()   # [T, 512]
    prior = steady @ basis.T @ basis                                                        # [T, 512]
    moved = torch.from_numpy(smooth((landmarks - landmarks.mean(dim=0)).flatten(1).numpy(), 0.7)).float()   # [T, 136]
    jacobian = torch.func.jacrev(lambda w: torch.cat(probe(w)))(code)                   # [136 + 192, 512]
    covariance = basis.T @ (variances[:, None] * basis) + config.floor * probe.scale**2 * torch.eye(len(code))
    noise = torch.cat([landmark_noise(), torch.full([192], config.identity)])           # [328]
    gain = covariance @ jacobian.T @ torch.linalg.inv(jacobian @ covariance @ jacobian.T + noise.square().diag())
    target = torch.cat([moved, torch.zeros(len(moved), 192)], dim=1)                    # identity must not move
    return code + prior + (target - prior @ jacobian.T) @ gain.T                        # [T, 512]
