"""Stage `tops`: tops for 128, 256 and 512 px that equal the 1024 px image, area-downsampled.

A head is first fitted by least squares on the features of the imported network, then fine-tuned together with all above
the stem, which styles share: mean squared error, a perceptual distance, no grid, and a light adversarial term.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from ...losses.lpips import SqueezePerceptual
from ...models.light_discriminators import ImageDiscriminator
from ...models.mobile_stylegan import MobileDecoder
from ...models.ops import from_uint8, haar_dwt, resize, to_uint8
from ..fields import Above0, Count, OutputSide
from ..loop import Checkpointed
from ..optim import gradient_penalty, half_cosine
from .checkerboard import checkerboard


@dataclass(frozen=True)
class TopsConfig:
    size: OutputSide = 256      # side of the top that is trained
    batch: Count = 8            # images a step
    steps: Count = 1000         # length of the learning-rate schedule
    lr: Above0 = 3e-4           # of the top at first; half a cosine down to zero
    d_lr: Above0 = 1e-3         # of the discriminator
    pixel: float = 20.0         # weight of the mean squared error
    perceptual: float = 1.0     # weight of the perceptual distance
    grid: float = 2.0           # weight of the part of fine detail that is a grid
    adversarial: float = 0.0    # weight of the adversarial term; 0 leaves the discriminator out
    clip: float = 1.0           # largest norm of the gradient
    r1: float = 1.0             # gradient penalty of the discriminator
    held_out: Count = 64        # pairs at the end of the cache that training never sees


@torch.no_grad()
def make_targets(decoder: MobileDecoder, folder: Path, count: int, side: int = 512, seed: int = 11) -> None:
    """Cache `count` pairs: ws.npy [count, w_dim] and images.npy uint8 [count, side, side, 3],
    from the 1024 px image."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(count, decoder.w_avg.numel(), generator=generator)
    psi = 0.5 + 0.5 * torch.rand(count, 1, generator=generator)
    ws = decoder.w_avg + psi * (decoder.mapping(z) - decoder.w_avg)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (count, side, side, 3))
    for i, w in enumerate(ws):
        images[i] = to_uint8(resize(decoder.synthesis(w[None], 1024), side))[0].numpy()
    np.save(folder / "ws.npy", ws.numpy())


@torch.no_grad()
def fit_head(decoder: MobileDecoder, size: int, ws: torch.Tensor, images: torch.Tensor) -> None:
    """Least squares from the features to the wavelet coefficients of the target image; modulation starts as one.

    Args:
        ws: [N, w_dim]; images: uint8 [N, S, S, 3], S a multiple of `size`.
    """
    top = decoder.tops[str(size)]
    top.to_rgb.affine.weight.zero_()
    top.to_rgb.affine.bias.fill_(1.0)
    channels = top.to_rgb.conv.in_channels
    gram, cross = torch.zeros(channels + 1, channels + 1).double(), torch.zeros(channels + 1, 12).double()
    for w, image in zip(ws.split(1), images.split(1)):
        rows = w[:, None].expand(-1, top.num_ws, -1)
        x = top.features(top.stem(decoder.trunk(w), rows), rows).flatten(2)[0].T.double()           # [R*R, C]
        x = F.pad(x, (0, 1), value=1.0)                                             # [R*R, C + 1]
        y = haar_dwt(resize(from_uint8(image), size)).flatten(2)[0].T.double()      # [R*R, 12]
        gram += x.T @ x
        cross += x.T @ y
    ridge = 1e-6 * gram.diagonal().mean() * torch.eye(channels + 1).double()
    solution = torch.linalg.solve(gram + ridge, cross).float()                      # [C + 1, 12]
    top.to_rgb.conv.weight.copy_(solution[:-1].T[:, :, None, None])
    top.to_rgb.conv.bias.copy_(solution[-1])


class TopsStage(Checkpointed):
    """Fine-tunes one top above its stem on cached targets."""

    parts = ("top", "optimizer", "discriminator", "d_optimizer")

    def __init__(
        self,
        decoder: MobileDecoder,             # its top for `config.size` is trained in place
        perceptual: SqueezePerceptual,      # frozen loss network
        folder: Path,                       # of `make_targets`
        config: TopsConfig = TopsConfig(),
    ):
        self.decoder, self.perceptual, self.config = decoder.requires_grad_(False), perceptual, config
        self.ws = torch.from_numpy(np.load(folder / "ws.npy"))                      # [N, w_dim]
        self.images = torch.from_numpy(np.load(folder / "images.npy", mmap_mode="c"))  # uint8 [N, S, S, 3]
        self.top = decoder.tops[str(config.size)]
        self.top.requires_grad_(True)
        for shared in self.top.stem_parameters():
            shared.requires_grad_(False)
        parameters = [p for p in self.top.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(parameters, config.lr, betas=(0.9, 0.99))
        self.discriminator = ImageDiscriminator()
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), config.d_lr, betas=(0.0, 0.99))

    def _batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        index = torch.randint(len(self.ws) - self.config.held_out, (self.config.batch,))
        return self.ws[index], resize(from_uint8(self.images[index]), self.config.size)

    def step(self, step: int) -> dict[str, float]:
        config = self.config
        w, real = self._batch()
        with torch.no_grad():
            x = self.decoder.trunk(w)
        fake = self.decoder.top(x, w, config.size)
        losses = {
            "pixel": F.mse_loss(fake, real),
            "perceptual": self.perceptual(fake, real).mean(),
            "grid": checkerboard(fake),
        }
        if config.adversarial:
            losses["adversarial"] = F.softplus(-self.discriminator(fake)).mean()
        self.optimizer.param_groups[0]["lr"] = config.lr * half_cosine(step / config.steps)
        self.optimizer.zero_grad(set_to_none=True)
        sum(getattr(config, name) * loss for name, loss in losses.items()).backward()
        # A rare latent far out decodes to huge values; unclipped, its gradient once undid an hour of training.
        losses["gradient"] = torch.nn.utils.clip_grad_norm_(self.optimizer.param_groups[0]["params"], config.clip)
        self.optimizer.step()
        if config.adversarial:
            losses["d"] = self._discriminator_step(fake.detach(), real, step)
        return {name: loss.item() for name, loss in losses.items()}

    def _discriminator_step(self, fake: torch.Tensor, real: torch.Tensor, step: int) -> torch.Tensor:
        lazy = step % 8 == 0                                    # gradient penalty at every eighth step
        real = real.requires_grad_(lazy)
        logits = self.discriminator(real)
        loss = F.softplus(-logits).mean() + F.softplus(self.discriminator(fake)).mean()
        if lazy:
            loss = loss + 8 * self.config.r1 / 2 * gradient_penalty(logits, real)
        self.d_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.d_optimizer.step()
        return loss

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """PSNR in dB, perceptual distance and checkerboard, the target's beside it, on the held-out pairs."""
        rows = []
        for i in range(len(self.ws) - self.config.held_out, len(self.ws)):
            real = resize(from_uint8(self.images[i][None]), self.config.size)
            fake = self.decoder.synthesis(self.ws[i][None], self.config.size).clamp(-1, 1)
            psnr = -10 * ((fake - real).square().mean() / 4).log10()
            rows.append(torch.stack([psnr, self.perceptual(fake, real)[0], checkerboard(fake), checkerboard(real)]))
        return dict(zip(("psnr", "perceptual", "grid", "grid_of_target"), torch.stack(rows).mean(dim=0).tolist()))

    @torch.no_grad()
    def snapshot(self, folder: Path) -> None:
        """The decoder, and a sheet: target above, result below, of held-out pairs."""
        self.decoder.save_pretrained(folder / "decoder")
        index = range(len(self.ws) - 6, len(self.ws))
        target = torch.cat([resize(from_uint8(self.images[i][None]), self.config.size) for i in index])
        result = self.decoder.synthesis(self.ws[list(index)], self.config.size)
        rows = [torch.cat(list(to_uint8(row)), dim=1) for row in (target, result)]
        Image.fromarray(torch.cat(rows).numpy()).save(folder / "sheet.png")
