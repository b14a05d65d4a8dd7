"""Stage `motion-paper`: StyleInV's third stage, against StyleGAN-V's discriminator on frames (sections 3.2 and 3.3).

The generator of images is frozen; the motion network learns latents whose frames pass for a clip.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import nn

from ...clip.ffmpeg import write_mp4
from ...data.video_set import VideoSet
from ...errors import InputError
from ...models.inversion import InversionEncoder
from ...models.motion import MotionNetwork
from ...models.ops import to_uint8
from ...models.video_discriminator import VideoDiscriminator
from ..distributed import Workers
from ..fields import Above0, Body, Count, Half, Noise, Side
from ..loop import Checkpointed, save_sheet
from ..optim import EMA, gradient_penalty, lazy_adam
from ..times import sample_spans
from . import ada
from .clips import Inversions, Place, draw_places, read_places
from .inversion import _noise
from .measures import MotionDistance

MEASURED = 256                                  # clips in the measure
People: TypeAlias = torch.Tensor | list[Place]  # what first latents are made of: z [B, z_dim], or frames to invert


@dataclass(frozen=True)
class PaperMotionConfig:
    preset: Body = "irse50"     # body of the motion network
    size: Side = 256            # side of the frames
    frames: Count = 128         # of a real clip; shorter videos are left out
    fps: Above0 = 30.0          # frames a second of the data
    z_dim: Count = 512          # width of an anchor's noise
    frequencies: Count = 256    # sines of the acyclic encoding
    distance: Count = 16        # frames between anchors
    min_period: Above0 = 16.0   # frames
    max_period: Above0 = 128.0  # frames
    lr_mul: Above0 = 0.01       # learning-rate multiplier of the temporal style; short runs leave it as it was drawn
    aligner_gain: float = 1.0   # of the acyclic encoding
    anchored: bool = False      # the first frame is exact, and motion is at first as large as it was drawn
    max_dist: Count = 32        # span of the three later times, at most
    dyadic: bool = True         # spans 2, 4, 8, ...; False: all, as the release does (method, trap 3)
    base: Count = 16384         # width of the discriminator at R px is base / R,
    widest: Count = 512         # and at most this
    join: Side = 16             # px at which its frames come together
    group: Count = 8            # clips whose spread it sees
    changes: float = 0.0        # factor of the differences between frames that it sees, 0 for frames as they are
    half_blocks: int = 0        # so many of its highest resolutions compute in `half`
    half: Half = "float16"      # "float16" or "bfloat16"
    batch: Count = 64           # clips a step, over all processes and rounds
    kimg: Count = 25_000        # thousand frames (four a clip) that the whole training sees
    lr: Above0 = 1e-4           # of the motion network
    d_lr: Above0 = 0.002        # of the discriminator
    adversarial: float = 1.0    # weight of the adversarial loss
    reconstruction: float = 10.0    # weight of the pixels at time 0
    latent: float = 0.05        # weight of the mean length of w_t - w0
    r1: float = 1.0             # gamma of the gradient penalty, taken every
    r1_every: Count = 16        # so many steps
    ema_kimg: float = 20.0      # half-life of the network that is kept, in thousand clips
    ada_kimg: float = 500.0     # as in the image stage; 0 leaves augmentation out
    ada_target: float = 0.6     # as in the image stage
    smoothing: float = 1.0      # frames, sigma, of inverted clips' latents
    noise: Noise = "const"      # of the decoder
    batch_norm: bool = True     # normalise by the batch in training; better off where batch * 4 < 32 (method, trap 13)
    mirror: bool = True         # clips and their mirror images

    def __post_init__(self):
        if self.frames < 4 or self.max_dist < 3 or self.join >= self.size or self.base < self.size:
            asked = f"frames={self.frames}, max_dist={self.max_dist}, join={self.join}, size={self.size}"
            raise InputError(f"No clips can be judged at {asked}, base={self.base}: at least 4 and 3, "
                             "join below size, and base not.")

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.kimg * 1000 // (4 * self.batch)

    @property
    def seen(self) -> tuple[int, ...]:
        """Frames of a clip in the sheet and in the measure."""
        return 0, self.frames // 8, self.frames // 4, self.frames // 2

    @property
    def anchors(self) -> int:
        """Of a clip's noise."""
        return math.ceil((self.frames - 1) / self.distance) + 2


class PaperMotionStage(Checkpointed):
    """Trains motion network and discriminator against each other; `average` is what is kept."""

    parts = ("network", "discriminator", "average", "optimizer", "d_optimizer", "controller")

    def __init__(
        self,
        decoder: nn.Module,                     # frozen
        encoder: InversionEncoder,              # whose body the network starts from
        frames: VideoSet,                         # real clips of `config.frames` frames or more
        config: PaperMotionConfig = PaperMotionConfig(),
        workers: Workers = Workers(),
        invert: bool = False,                   # show the discriminator inversions, of real frames and our first ones
        held_out: VideoSet | None = None,         # real clips that training never sees
    ):
        self.decoder, self.encoder = (n.eval().requires_grad_(False).to(workers.device) for n in (decoder, encoder))
        self.frames, self.config, self.workers, self.held_out = frames, config, workers, held_out
        self.inversions = Inversions(self.encoder, config.smoothing) if invert else None
        def make():
            return MotionNetwork(
                config.preset, config.size, len(decoder.w_avg), config.z_dim, 512, config.frequencies,
                config.distance, config.min_period, config.max_period, config.lr_mul, config.aligner_gain,
                config.fps, config.anchored,
            )
        self.network, average = make().to(workers.device), make().to(workers.device)
        self.network.warm_start(encoder)
        self.average = EMA(self.network, average)
        self.discriminator = VideoDiscriminator(
            config.size, 4, config.base, config.widest, config.join, config.frames, config.group, config.half_blocks,
            config.half, config.changes,
        ).to(workers.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), config.lr, betas=(0.0, 0.99))
        self.d_optimizer = lazy_adam(self.discriminator, config.d_lr, config.r1_every)
        self.controller = ada.Controller(config.ada_target, config.ada_kimg)

    def step(self, step: int) -> dict[str, float]:
        self.network.train(self.config.batch_norm)
        figures = self._network_step() | self._discriminator_step(lazy=step % self.config.r1_every == 0)
        self.workers.average_buffers(self.network)
        self.average.update(self.network, self.config.batch, 1000 * self.config.ema_kimg)
        return {name: float(value) for name, value in figures.items()}

    def _draw_people(self, count: int) -> People:
        """Inversions on both sides, or on none: else looks tell them apart, and looks are what the network learns."""
        if self.inversions:
            return draw_places(self.frames, torch.zeros(count, 1), self.config.frames, self.config.mirror)
        return torch.randn(count, self.decoder.mapping.layers[0].weight.shape[1])

    def _first_latents(self, people: People) -> torch.Tensor:
        """-> w0 [B, w_dim]."""
        if isinstance(people, torch.Tensor):
            return self.decoder.mapping(people.to(self.workers.device))
        return self.inversions(self.frames, people)[:, 0]       # type: ignore[misc]    # a list: there are inversions

    def _draw_fakes(self) -> tuple[People, torch.Tensor, torch.Tensor]:
        """The people, noise [B, K, z_dim] of the anchors, times [B, 4] in frames."""
        config = self.config
        people, noise = self._draw_people(config.batch), torch.randn(config.batch, config.anchors, config.z_dim)
        return people, noise, sample_spans(config.batch, config.frames, config.max_dist, config.dyadic, whole=False)

    def _decode(self, ws: torch.Tensor) -> torch.Tensor:
        """[N, w_dim] -> [N, 3, S, S]."""
        return self.decoder.synthesis(ws, self.config.size, **_noise(self.decoder, self.config.noise))

    def _clip(
        self, network: MotionNetwork, people: People, noise: torch.Tensor, t: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """-> w0 [B, w_dim], x0 = G(w0) [B, 3, S, S], w_t [B, T, w_dim], their frames [B, T, 3, S, S]."""
        with torch.no_grad():
            w0 = self._first_latents(people)
            x0 = self._decode(w0)
        with self.workers.autocast():
            ws = network(x0, w0, noise, t).float()
        return w0, x0, ws, self._decode(ws.flatten(0, 1)).unflatten(0, t.shape)

    def _logits(self, clip: torch.Tensor, t: torch.Tensor, transform: ada.Transform) -> torch.Tensor:
        """clip [B, 4, 3, S, S], times [B, 4] -> logits [B]; one augmentation a clip."""
        if self.controller.p:
            clip = ada.augment(clip.flatten(1, 2), transform).unflatten(1, (4, 3))
        return self.discriminator(clip, t)

    def _draw_transforms(self) -> ada.Transform:
        return ada.draw(self.config.batch, self.config.size, self.controller.p)

    def _network_step(self) -> dict[str, torch.Tensor]:
        config, workers, seen = self.config, self.workers, []
        fakes, transforms = self._draw_fakes(), self._draw_transforms()

        def loss(part: int) -> torch.Tensor:
            people, noise, t = (workers.shard(x, part) for x in fakes)
            w0, x0, ws, frames = self._clip(self.network, people, noise, t)
            clip = torch.cat([x0[:, None], frames[:, 1:]], dim=1)           # the image itself stands at time 0
            adversarial = F.softplus(-self._logits(clip, t, workers.shard(transforms, part))).mean()
            losses = torch.stack([adversarial, F.mse_loss(frames[:, 0], x0), (ws - w0[:, None]).norm(dim=2).mean()])
            seen.append(losses.detach())
            return losses @ losses.new_tensor([config.adversarial, config.reconstruction, config.latent])

        workers.step(self.optimizer, loss)
        return dict(zip(("g", "reconstruction", "latent"), workers.average(torch.stack(seen).mean(dim=0))))

    @torch.no_grad()
    def _shown(self, frames: VideoSet, places: list[Place]) -> torch.Tensor:
        """As the discriminator sees them: [B, T, 3, S, S], inverted where that is asked for."""
        if self.inversions:
            return torch.stack([self._decode(ws) for ws in self.inversions(frames, places)])
        return read_places(frames, places).to(self.workers.device)

    def _discriminator_step(self, lazy: bool) -> dict[str, torch.Tensor]:
        config, workers, fakes = self.config, self.workers, self._draw_fakes()
        times = sample_spans(config.batch, config.frames, config.max_dist, config.dyadic, whole=True)
        places = draw_places(self.frames, times, config.frames, config.mirror)
        transforms, fake_transforms, signs = self._draw_transforms(), self._draw_transforms(), []

        def real_logits(part: int, gradient: bool) -> tuple[torch.Tensor, torch.Tensor]:
            clips = self._shown(self.frames, workers.shard(places, part)).requires_grad_(gradient)
            return clips, self._logits(clips, workers.shard(times, part), workers.shard(transforms, part))

        def loss(part: int) -> torch.Tensor:
            people, noise, t = (workers.shard(x, part) for x in fakes)
            with torch.no_grad():
                _, x0, _, frames = self._clip(self.network, people, noise, t)
            clip = torch.cat([x0[:, None], frames[:, 1:]], dim=1)
            logits = real_logits(part, False)[1]
            signs.append(logits.detach().sign().mean())
            fake_logits = self._logits(clip, t, workers.shard(fake_transforms, part))
            return F.softplus(-logits).mean() + F.softplus(fake_logits).mean()

        figures = {"d": workers.step(self.d_optimizer, loss)}
        self.controller.update(float(workers.average(torch.stack(signs).mean())), config.batch)
        if lazy:
            def penalty(part):
                return config.r1 / 2 * config.r1_every * gradient_penalty(*reversed(real_logits(part, True)))
            figures["r1"] = workers.step(self.d_optimizer, penalty) / config.r1_every
        return figures | {"p": torch.tensor(self.controller.p)}

    @torch.no_grad()
    def sample(self, count: int, seed: int = 0, times: tuple[int, ...] | None = None) -> torch.Tensor:
        """Clips of the kept network, by default at `config.seen`, [count, T, 3, S, S];
        the same ones for the same seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            people = self._draw_people(count)
            noise = torch.randn(count, self.config.anchors, self.config.z_dim).to(self.workers.device)
        t = torch.tensor([times or self.config.seen]).expand(count, -1).to(noise)
        parts = [[x[i : i + 8] for x in (people, noise, t)] for i in range(0, count, 8)]
        return torch.cat([self._clip(self.average.network, *part)[3].cpu() for part in parts])

    def _seen(self, frames: VideoSet) -> torch.Tensor:
        """Real clips as the discriminator sees them, at `config.seen`, always the same."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            places = draw_places(frames, torch.tensor(self.config.seen).expand(MEASURED, -1), self.config.frames)
        return self._shown(frames, places).cpu()

    @cached_property
    def judge(self) -> MotionDistance:
        """Tells how far clips are from held-out ones."""
        if self.held_out is None:
            raise ValueError("There are no held-out clips to judge by.")
        return MotionDistance(self._seen(self.held_out))

    def bounds(self) -> dict[str, float]:
        """Distances to the held-out clips: of their halves, of clips that stand still,
        and of those that training sees."""
        return self.judge.bounds() | {"training clips": self.judge(self._seen(self.frames))["motion_distance"]}

    def measure(self) -> dict[str, float]:
        """Motion distance of as many clips as there are held-out ones to these."""
        return self.judge(self.sample(MEASURED)) if self.held_out else {}

    def snapshot(self, folder: Path) -> dict[str, float]:
        """The network that is kept, the discriminator, a sheet of eight clips' frames,
        and a clip of four side by side."""
        self.average.network.save_pretrained(folder / "motion")
        self.discriminator.save_pretrained(folder / "discriminator")
        save_sheet(folder / "sheet.png", self.sample(8).flatten(0, 1), columns=8)
        clips = self.sample(4, times=tuple(range(self.config.frames)))
        film = to_uint8(torch.cat(list(clips), dim=3))          # [T, S, 4 S, 3]
        write_mp4(folder / "clip.mp4", list(film.numpy()), self.config.fps, crf=16)
        return self.measure()
