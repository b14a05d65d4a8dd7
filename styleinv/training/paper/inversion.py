"""Stage `inversion-paper`: the pSp encoder into W as in StyleInV, section 3.1 (Richardson et al., arXiv:2008.00951).

Real images alone, through the frozen decoder: pixels, LPIPS and identity.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from ...data.video_set import VideoSet
from ...models.inversion import InversionEncoder
from ...models.ops import from_uint8, mirrored
from ..distributed import Workers
from ..fields import Above0, Body, Count, Noise, Side
from ..loop import Checkpointed, save_sheet
from ..optim import Ranger
from .clips import draw_mirrored


@dataclass(frozen=True)
class PaperInversionConfig:
    preset: Body = "irse50"     # body of the encoder
    size: Side = 256            # side of the images
    batch: Count = 64           # images a step, over all processes and rounds
    kimg: Count = 4000          # thousand images that the whole training sees
    ranger: bool = True         # its optimiser; else Adam
    lr: Above0 = 1e-4           # learning rate
    pixel: float = 1.0          # weight of the mean squared error
    perceptual: float = 0.8     # weight of LPIPS
    identity: float = 0.1       # weight of 1 - cosine of the identity embeddings; 0 leaves them out
    noise: Noise = "const"      # of the decoder
    mirror: bool = True         # images and their mirror images
    balance: bool = True        # a random video first, then a random frame of it

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.kimg * 1000 // self.batch


Distance = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]     # images [N, 3, S, S], twice -> [N]


def identity_distance(network: nn.Module | None) -> Distance | None:
    """1 - cosine of a recogniser's unit embeddings; None where there is none."""
    return network and (lambda x, y: 1 - (network(x) * network(y)).sum(dim=1))


class PaperInversionStage(Checkpointed):
    """Trains the encoder against a frozen decoder; batch norm sees the batch, and nothing is averaged over time."""

    parts = ("encoder", "optimizer")

    def __init__(
        self,
        decoder: nn.Module,                 # a StyleGAN2, or another decoder
        frames: VideoSet,                     # real images
        held_out: torch.Tensor,             # real images that training never sees, uint8 [N, S, S, 3]
        perceptual: Distance | None,        # LPIPS; None leaves it out
        identity: Distance | None,          # of faces; None leaves it out
        config: PaperInversionConfig = PaperInversionConfig(),
        workers: Workers = Workers(),
    ):
        self.decoder = decoder.eval().requires_grad_(False).to(workers.device)
        self.frames, self.config, self.workers = frames, config, workers
        self.held_out, self.distances = from_uint8(held_out), {"perceptual": perceptual, "identity": identity}
        w_dim = len(decoder.w_avg)
        self.encoder = InversionEncoder(
            config.preset, config.size, spatial=0, hidden=0, num_ws=decoder.num_ws, w_dim=w_dim
        )
        self.encoder.to(workers.device).train().w_avg.copy_(decoder.w_avg)
        kind = Ranger if config.ranger else torch.optim.Adam
        self.optimizer = kind(self.encoder.parameters(), config.lr)

    def step(self, step: int) -> dict[str, float]:
        config, workers, seen = self.config, self.workers, []
        places = self.frames.draw_images(config.batch, config.balance)
        which = draw_mirrored(config.batch, config.mirror)

        def loss(part: int) -> torch.Tensor:
            images = from_uint8(self.frames.images(workers.shard(places, part))).to(workers.device)
            images = mirrored(images, workers.shard(which, part))
            losses = self._losses(self.reconstruct(images), images)
            seen.append({name: value.item() for name, value in losses.items()})
            return sum(getattr(config, name) * value for name, value in losses.items())

        workers.step(self.optimizer, loss)
        workers.average_buffers(self.encoder)
        return {name: sum(losses[name] for losses in seen) / len(seen) for name in seen[0]}

    def reconstruct(self, images: torch.Tensor) -> torch.Tensor:
        """[N, 3, S, S] in [-1, 1] -> the same by encoder and decoder."""
        with self.workers.autocast():
            w = self.encoder(images)[0]
        return self._decode(w.float())

    def _decode(self, w: torch.Tensor) -> torch.Tensor:
        return self.decoder.synthesis(w, self.config.size, **_noise(self.decoder, self.config.noise))

    def _losses(self, fake: torch.Tensor, images: torch.Tensor) -> dict[str, torch.Tensor]:
        losses = {"pixel": F.mse_loss(fake, images)}
        return losses | {name: distance(fake, images).mean() for name, distance in self.distances.items() if distance}

    def measure(self) -> dict[str, float]:
        """The same losses on held-out images, with the statistics of the whole training."""
        self.encoder.eval()
        losses = self._held_losses(self.reconstruct)
        self.encoder.train()
        return losses

    def mean_image(self) -> dict[str, float]:
        """The losses of an encoder that answers every image with the mean latent."""
        with torch.no_grad():
            mean = self._decode(self.decoder.w_avg[None])
        return self._held_losses(lambda images: mean.expand_as(images))

    @torch.no_grad()
    def _held_losses(self, answer: Callable[[torch.Tensor], torch.Tensor]) -> dict[str, float]:
        parts = [x.to(self.workers.device) for x in self.held_out.split(16)]
        rows = [{name: float(value) * len(x) for name, value in self._losses(answer(x), x).items()} for x in parts]
        return {f"held_out_{name}": sum(row[name] for row in rows) / len(self.held_out) for name in rows[0]}

    @torch.no_grad()
    def snapshot(self, folder: Path) -> dict[str, float]:
        """The encoder, its held-out losses, and a sheet: held-out images above, their inversions below."""
        self.encoder.eval().save_pretrained(folder / "inversion")
        images = self.held_out[:: max(1, len(self.held_out) // 10)][:10]
        inversions = self.reconstruct(images.to(self.workers.device)).cpu()
        save_sheet(folder / "sheet.png", torch.cat([images, inversions]), len(images))
        self.encoder.train()
        return self.measure()


def _noise(decoder: nn.Module, kind: str) -> dict[str, str]:
    """The noise mode, for decoders that have one."""
    return {"noise": kind} if "noise" in decoder.config else {}
