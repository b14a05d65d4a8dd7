"""Stage `motion`: a prior of motion in latent space, then StyleInV's network gives it from the first frame.

The prior is the temporal style with a linear head: no image passes through it, so an adversarial training of tens of
thousands of steps takes minutes on a CPU. The network takes over its temporal style and is trained by regression on the
prior's latents, at the prior's cost in stability and one hundredth of its steps.
"""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from ...models.layers import EqualLinear
from ...models.light_discriminators import LatentDiscriminator
from ...models.mobile_stylegan import MobileDecoder
from ...models.motion import MotionNetwork
from ...models.ops import resize
from ...models.temporal_style import TemporalStyle
from ..fields import Count
from ..loop import Checkpointed
from ..optim import average_parameters, gradient_penalty
from ..times import sample_times

LONGEST = 192       # frames: the anchors that training draws reach so far


@dataclass(frozen=True)
class Trajectories:
    """Motion taken out of real clips, in coordinates of unit variance."""

    basis: torch.Tensor             # [D, w_dim], w = code + coordinates @ basis
    reader: torch.Tensor            # [w_dim, D], coordinates = (w - mean) @ reader
    mean: torch.Tensor              # [w_dim]
    clips: list[torch.Tensor]       # coordinates of each clip, [T, D]
    codes: torch.Tensor             # latents of people, [N, w_dim]; any motion can be put on any of them

    @classmethod
    def from_offsets(cls, offsets: list[torch.Tensor], codes: torch.Tensor, dims: int = 32) -> "Trajectories":
        """offsets [T, w_dim] of each clip from its code; keeps the `dims` directions of most motion."""
        together = torch.cat(offsets)
        values, vectors = torch.linalg.eigh(together.T @ together / len(together))      # ascending
        vectors, deviations = vectors[:, -dims:].flip(1), values[-dims:].flip(0).sqrt()
        reader = vectors / deviations
        return cls((vectors * deviations).T, reader, codes.mean(dim=0), [x @ reader for x in offsets], codes)


@dataclass(frozen=True)
class PriorConfig:
    batch: int = 64             # clips a step, a multiple of 8
    lr: float = 1e-3            # of the prior
    d_lr: float = 5e-4          # of the discriminator
    r1: float = 1.0             # gradient penalty, every fourth step
    latent: float = 0.01        # weight of the mean length of the offsets (the paper's latent penalty)
    max_span: int = 128         # frames between the later ones of a clip
    ema: float = 0.998          # of the prior that is kept


class MotionPrior(nn.Module):
    """w0, motion noise, times -> offsets in motion coordinates; zero at time 0."""

    def __init__(
        self,
        style: TemporalStyle,       # shared with the network that learns from it
        style_dim: int = 512,       # its width
        dims: int = 32,             # motion coordinates
    ):
        super().__init__()
        self.style = style
        self.head = EqualLinear(style_dim, dims)

    def forward(self, w0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """w0 [B, w_dim], noise [B, K, z_dim], t [B, T] in frames -> [B, T, D]."""
        t = torch.cat([torch.zeros_like(t[:, :1]), t], dim=1)
        v = self.style.motion(self.style.codes(noise), t)                               # [B, 1 + T, 2 Fr]
        offsets = self.head(self.style(w0, v))                                          # [B, 1 + T, D]
        return offsets[:, 1:] - offsets[:, :1]


class PriorStage(Checkpointed):
    """Adversarial training of the prior on trajectories; both sides see the same times."""

    parts = ("prior", "average", "discriminator", "optimizer", "d_optimizer")

    def __init__(self, prior: MotionPrior, data: Trajectories, config: PriorConfig = PriorConfig()):
        self.prior, self.data, self.config = prior, data, config
        self.average = deepcopy(prior).requires_grad_(False)
        self.discriminator = LatentDiscriminator(len(data.basis))
        self.optimizer = torch.optim.Adam(prior.parameters(), config.lr, betas=(0.0, 0.99))
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), config.d_lr, betas=(0.0, 0.99))
        self.lengths = torch.tensor([len(clip) for clip in data.clips])
        self.table = nn.utils.rnn.pad_sequence(data.clips, batch_first=True)            # [clips, longest, D]

    def step(self, step: int) -> dict[str, float]:
        w0, first, real, t = self._batch()
        noise = torch.randn(len(w0), LONGEST // self.prior.style.distance + 2, self.prior.style.z_dim)
        fake = self.prior(w0, noise, t)
        loss = F.softplus(-self.discriminator(first, fake, t)).mean()
        penalty = fake.square().mean(dim=2).sqrt().mean()
        self.optimizer.zero_grad(set_to_none=True)
        (loss + self.config.latent * penalty).backward()
        self.optimizer.step()
        average_parameters(self.average, self.prior, self.config.ema)
        d_loss = self._discriminator_step(first, real, fake.detach(), t, step % 4 == 0)
        spread = fake.detach().std() / real.std()
        return {"g": loss.item(), "d": d_loss, "spread": spread.item()}

    def _batch(self) -> tuple[torch.Tensor, ...]:
        """w0 [B, w_dim], its coordinates [B, D], the real offsets [B, 3, D] and their times [B, 3]."""
        clip = torch.randint(len(self.lengths), (self.config.batch,))
        start, t = sample_times(self.lengths[clip].clamp(max=LONGEST), self.config.max_span)
        states = self.table[clip[:, None], start[:, None] + t]                          # [B, 4, D]
        code = self.data.codes[torch.randint(len(self.data.codes), (self.config.batch,))]
        w0 = code + states[:, 0] @ self.data.basis
        first = (w0 - self.data.mean) @ self.data.reader
        return w0, first, states[:, 1:] - states[:, :1], t[:, 1:].float()

    def _discriminator_step(
        self, first: torch.Tensor, real: torch.Tensor, fake: torch.Tensor, t: torch.Tensor, lazy: bool
    ) -> float:
        real = real.requires_grad_(lazy)
        logits = self.discriminator(first, real, t)
        loss = F.softplus(-logits).mean() + F.softplus(self.discriminator(first, fake, t)).mean()
        if lazy:
            loss = loss + 4 * self.config.r1 / 2 * gradient_penalty(logits, real)
        self.d_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.d_optimizer.step()
        return loss.item()

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Spread and frame-to-frame speed of the average prior over real ones, 1 is life-like; per clip, mean."""
        w0 = self.data.codes[:64]
        noise = torch.randn(len(w0), LONGEST // self.prior.style.distance + 2, self.prior.style.z_dim)
        made = self.average(w0, noise, torch.arange(128.0).expand(len(w0), -1))
        real = [clip[:128] for clip in self.data.clips if len(clip) >= 64]
        def over(f):
            return (sum(map(f, made)) / len(made) / (sum(map(f, real)) / len(real))).item()
        return {"spread": over(lambda x: x.std(dim=0).mean()), "speed": over(lambda x: x.diff(dim=0).abs().mean()),
                "jerk": over(lambda x: x.diff(dim=0, n=3).abs().mean())}

    def snapshot(self, folder: Path) -> dict[str, float]:
        return self.measure()


@torch.no_grad()
def first_frames(
    decoder: MobileDecoder, data: Trajectories, count: int, side: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents of people in the midst of a motion, [count, w_dim], and what they decode to, [count, 3, side, side]."""
    code = data.codes[torch.randint(len(data.codes), (count,))]
    clips = [data.clips[i] for i in torch.randint(len(data.clips), (count,))]
    states = torch.stack([clip[torch.randint(len(clip), ())] for clip in clips])        # [count, D]
    w0 = code + states @ data.basis
    return w0, torch.cat([resize(decoder.synthesis(w, 128), side) for w in w0.split(8)])


@dataclass(frozen=True)
class MotionConfig:
    steps: Count = 800          # length of the learning-rate schedule
    clips: Count = 8            # first frames a step
    times: Count = 6            # times of each, 0 among them
    lr: float = 5e-4            # peak
    start: float = 4.0          # weight of time 0, where the network must add nothing (the paper's reconstruction)


class MotionStage(Checkpointed):
    """The network learns to give the prior's latents from the first frame; body groups before the first block stay."""

    parts = ("network", "optimizer")

    def __init__(
        self,
        network: MotionNetwork,     # trained in place; its temporal style is the prior's, and stays
        prior: MotionPrior,
        data: Trajectories,
        w0: torch.Tensor,           # latents of first frames, [N, w_dim]
        images: torch.Tensor,       # and what they decode to, [N, 3, S, S]
        config: MotionConfig = MotionConfig(),
    ):
        self.network, self.prior, self.config = network, prior.requires_grad_(False), config
        self.data, self.w0 = data, w0
        network.style.load_state_dict(prior.style.state_dict())
        network.style.requires_grad_(False)
        with torch.no_grad():
            self.prefixes = torch.cat([network.prefix(x).half() for x in images.split(32)])     # [N, C, H, W]
        self.optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], config.lr)
        self.scale = data.basis.square().sum(dim=0).mean()      # variance of the offsets

    def step(self, step: int) -> dict[str, float]:
        config = self.config
        for group in self.optimizer.param_groups:
            group["lr"] = config.lr * min(1.0, (step + 1) / 50, max(0.02, 2 * (1 - step / config.steps)))
        index = torch.randint(len(self.w0), (config.clips,))
        t = torch.rand(config.clips, config.times) * LONGEST
        t[:, 0] = 0
        made, wanted = self._both(index, t)
        error = (made - wanted).square().mean(dim=(0, 2)) / self.scale                          # [T]
        loss = config.start * error[0] + error[1:].mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        return {"start": error[0].item(), "error": error[1:].mean().item()}

    def _both(self, index: torch.Tensor, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Offsets by the network and by the prior, [B, T, w_dim] each."""
        w0, style = self.w0[index], self.network.style
        noise = torch.randn(len(w0), LONGEST // style.distance + 2, style.z_dim)
        v = style.motion(style.codes(noise), t)
        wanted = self.prior(w0, noise, t) @ self.data.basis
        return self.network.frames(self.prefixes[index].float(), w0, v) - w0[:, None], wanted

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Relative error of the offsets on noise and times that are new."""
        made, wanted = self._both(torch.arange(min(32, len(self.w0))), LONGEST * torch.rand(min(32, len(self.w0)), 4))
        return {"relative": ((made - wanted).square().mean() / wanted.square().mean()).sqrt().item()}

    def snapshot(self, folder: Path) -> dict[str, float]:
        self.network.save_pretrained(folder / "motion")
        return self.measure()
