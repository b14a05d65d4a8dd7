"""Stage `image`: StyleGAN2-ADA on frames of videos, from scratch (StyleInV's first stage).

Karras et al., arXiv:1912.04958 and arXiv:2006.06676: non-saturating logistic loss, R1 and path length regularised
lazily, style mixing, adaptive augmentation, a running average of the generator that is kept.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from ...data.video_set import VideoSet
from ...errors import InputError
from ...models.ops import from_uint8, mirrored
from ...models.stylegan2 import StyleGAN2
from ...models.stylegan2_discriminator import StyleGAN2Discriminator
from ..distributed import Workers
from ..fields import Above0, Count, Half, Noise, Share, Side
from ..loop import Checkpointed, save_sheet
from ..optim import EMA, gradient_penalty, lazy_adam, path_lengths
from . import ada
from .clips import draw_mirrored
from .measures import FeatureDistance


@dataclass(frozen=True)
class ImageConfig:
    size: Side = 256            # side of the image
    base: Count = 16384         # width of both networks at R px is base / R,
    widest: Count = 512         # and at most this
    mapping_layers: Count = 8   # of the mapping
    noise_inputs: bool = True   # False builds the generator without them
    noise: Noise = "random"     # of the generator in training: "random", "const" or "none"
    half_blocks: int = 0        # so many of the highest resolutions compute in `half`
    half: Half = "float16"      # "float16" or "bfloat16"
    batch: Count = 64           # images a step, over all processes and rounds
    kimg: Count = 25_000        # thousand images that the whole training sees
    lr: Above0 = 0.0025         # of both
    r1: float = 1.0             # gamma of the gradient penalty,
    r1_every: Count = 16        # taken every so many steps
    path: float = 2.0           # weight of the path length penalty; 0 leaves it out,
    path_every: Count = 4       # taken every so many steps,
    path_shrink: Count = 2      # on a batch that is so many times smaller,
    path_decay: Share = 0.01    # by a mean length that moves so fast
    mixing: Share = 0.9         # share of the steps with two latents in each image
    ema_kimg: float = 20.0      # half-life of the generator that is kept
    w_avg_decay: Share = 0.995  # of the mean latent
    group: Count = 8            # images whose spread the discriminator sees
    ada_target: float = 0.6     # sign of the real logits at which augmentation stands still
    ada_kimg: float = 500.0     # thousand images in which its probability may reach 1; 0 leaves it out
    mirror: bool = True         # images and their mirror images
    balance: bool = True        # a random video first, then a random frame of it

    def __post_init__(self):
        if self.base < self.size:
            raise InputError(f"With base={self.base} no width is left at {self.size} px: at least {self.size}.")

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.kimg * 1000 // self.batch


class ImageStage(Checkpointed):
    """Trains generator and discriminator against each other; `average` is what is kept."""

    parts = ("generator", "discriminator", "average", "optimizer", "d_optimizer", "controller")

    def __init__(
        self,
        frames: VideoSet,                             # real images
        config: ImageConfig = ImageConfig(),
        workers: Workers = Workers(),
        judge: FeatureDistance | None = None,       # tells how far the images are from reals that training never sees
    ):
        self.frames, self.config, self.workers, self.judge = frames, config, workers, judge
        shape = {name: getattr(config, name) for name in ("size", "base", "widest", "half_blocks", "half")}
        self.generator, average = self._build(shape).to(workers.device), self._build(shape).to(workers.device)
        self.discriminator = StyleGAN2Discriminator(**shape, group=config.group).to(workers.device)
        self.average = EMA(self.generator, average)
        self.optimizer = lazy_adam(self.generator, config.lr, config.path_every if config.path else 0)
        self.d_optimizer = lazy_adam(self.discriminator, config.lr, config.r1_every)
        self.controller = ada.Controller(config.ada_target, config.ada_kimg)
        self.path_mean = torch.zeros([], device=workers.device)

    def _build(self, shape: dict) -> StyleGAN2:
        config, trunk = self.config, min(32, self.config.size // 2)
        return StyleGAN2(
            **shape, mapping_layers=config.mapping_layers, noise=config.noise_inputs, trunk_resolution=trunk
        )

    def step(self, step: int) -> dict[str, float]:
        config = self.config
        figures = self._generator_step()
        if config.path and step % config.path_every == 0:
            figures |= self._path_step()
        figures |= self._discriminator_step(lazy=step % config.r1_every == 0)
        self.average.update(self.generator, config.batch, 1000 * config.ema_kimg)
        return {name: float(value) for name, value in figures.items()}

    def _draw_latents(self, count: int) -> tuple[torch.Tensor, int]:
        """z of two latents, [count, 2, z_dim], and the style row from which on the second one holds."""
        rows = self.generator.num_ws
        z = torch.randn(count, 2, self.generator.config.z_dim)
        cut = int(torch.randint(1, rows, ()))
        return z, cut if torch.rand(()) < self.config.mixing else rows

    def _draw_transforms(self) -> ada.Transform:
        return ada.draw(self.config.batch, self.config.size, self.controller.p)

    def _mapped(self, z: torch.Tensor, cut: int) -> torch.Tensor:
        """z [N, 2, z_dim] -> ws [N, num_ws, w_dim]."""
        rows = self.generator.num_ws
        first, second = (self.generator.mapping(x)[:, None].expand(-1, rows, -1) for x in z.unbind(1))
        return torch.cat([first[:, :cut], second[:, cut:]], dim=1)

    def _logits(self, images: torch.Tensor, transform: ada.Transform) -> torch.Tensor:
        """Logits [N] of images [N, 3, S, S] in [-1, 1], augmented."""
        return self.discriminator(ada.augment(images, transform) if self.controller.p else images)

    def _generator_step(self) -> dict[str, torch.Tensor]:
        workers, transforms, seen = self.workers, self._draw_transforms(), []
        z, cut = self._draw_latents(self.config.batch)

        def loss(part: int) -> torch.Tensor:
            ws = self._mapped(workers.shard(z, part), cut)
            seen.append(ws[:, 0].detach().mean(dim=0))
            images = self.generator(ws, noise=self.config.noise)
            logits = self._logits(images, workers.shard(transforms, part))
            return F.softplus(-logits).mean() + self._further_loss(images, ws)

        figures = {"g": workers.step(self.optimizer, loss)}
        self._update_w_avg(workers.average(torch.stack(seen).mean(dim=0)))
        return figures

    def _further_loss(self, images: torch.Tensor, ws: torch.Tensor) -> torch.Tensor | float:
        """What a stage that goes on from another adds to the generator's loss of images made of ws."""
        return 0.0

    @torch.no_grad()
    def _update_w_avg(self, w: torch.Tensor) -> None:
        """The mean latent follows a step's mean w [w_dim]."""
        self.generator.w_avg.lerp_(w, 1 - self.config.w_avg_decay)

    def _path_step(self) -> dict[str, torch.Tensor]:
        config, workers, seen = self.config, self.workers, []
        z, cut = self._draw_latents(config.batch // config.path_shrink)
        noise = torch.randn(len(z), 3, config.size, config.size)

        def loss(part: int) -> torch.Tensor:
            ws = self._mapped(workers.shard(z, part), cut)
            lengths = path_lengths(self.generator(ws, noise=config.noise), ws, workers.shard(noise, part))
            seen.append(lengths.detach().mean())
            return config.path * config.path_every * (lengths - self.path_mean).square().mean()

        workers.step(self.optimizer, loss)     # by the mean of the steps before, which all parts share
        self.path_mean = self.path_mean.lerp(workers.average(torch.stack(seen).mean()), config.path_decay)
        return {"path": self.path_mean}

    def _discriminator_step(self, lazy: bool) -> dict[str, torch.Tensor]:
        config, workers = self.config, self.workers
        z, cut = self._draw_latents(config.batch)
        places = self.frames.draw_images(config.batch, config.balance)
        which = draw_mirrored(config.batch, config.mirror)
        transforms, fake_transforms, signs = self._draw_transforms(), self._draw_transforms(), []

        def real(part: int) -> torch.Tensor:
            images = from_uint8(self.frames.images(workers.shard(places, part))).to(workers.device)
            return mirrored(images, workers.shard(which, part))

        def loss(part: int) -> torch.Tensor:
            with torch.no_grad():
                fake = self.generator(self._mapped(workers.shard(z, part), cut), noise=config.noise)
            logits = self._logits(real(part), workers.shard(transforms, part))
            signs.append(logits.detach().sign().mean())
            fake_logits = self._logits(fake, workers.shard(fake_transforms, part))
            return F.softplus(-logits).mean() + F.softplus(fake_logits).mean()

        def penalty(part: int) -> torch.Tensor:
            images = real(part).requires_grad_()
            logits = self._logits(images, workers.shard(transforms, part))
            return config.r1 / 2 * config.r1_every * gradient_penalty(logits, images)

        figures = {"d": workers.step(self.d_optimizer, loss)}
        sign = workers.average(torch.stack(signs).mean())
        self.controller.update(float(sign), config.batch)
        if lazy:
            figures["r1"] = workers.step(self.d_optimizer, penalty) / config.r1_every
        return figures | {"sign": sign, "p": torch.tensor(self.controller.p)}

    @torch.no_grad()
    def sample(self, count: int, seed: int = 0, psi: float = 1.0) -> torch.Tensor:
        """Images of the kept generator, [count, 3, S, S] in about [-1, 1]; the same ones for the same seed."""
        z = torch.randn(count, self.generator.config.z_dim, generator=torch.Generator().manual_seed(seed))
        network = self.average.network
        ws = network.mapping(z.to(self.workers.device), psi)
        return torch.cat([network(w) for w in ws.split(16)])

    def measure(self) -> dict[str, float]:
        """Distance of as many images as there are held-out ones to these."""
        return self.judge(self.sample(self.judge.count)) if self.judge else {}

    def state_dict(self) -> dict:
        return super().state_dict() | {"path_mean": self.path_mean}

    def load_state_dict(self, state: dict) -> None:
        super().load_state_dict(state)
        self.path_mean = state["path_mean"].to(self.workers.device)

    def snapshot(self, folder: Path) -> dict[str, float]:
        """The generator that is kept, the discriminator, and a sheet of samples; the held-out measure."""
        self.average.network.save_pretrained(folder / "decoder")
        self.discriminator.save_pretrained(folder / "discriminator")
        save_sheet(folder / "sheet.png", self.sample(40), columns=8)
        return self.measure()
