"""Stage `inversion`: pairs (w, decoded face) teach w exactly; real faces teach likeness through the frozen decoder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from ...losses.identity import MobileFaceNet
from ...losses.lpips import SqueezePerceptual
from ...models.inversion import InversionEncoder
from ...models.mobile_stylegan import MobileDecoder
from ...models.ops import from_uint8, resize, to_uint8
from ..fields import Count, OutputSide, Side
from ..loop import Checkpointed
from ..optim import half_cosine
from .augment import photo_noise


@dataclass(frozen=True)
class InversionConfig:
    steps: Count = 6000         # length of the learning-rate schedule
    batch: Count = 12           # synthetic pairs a step
    lr: float = 1e-4            # peak, of the new layers: wide ones, so a small step goes far
    body_lr: float = 1e-4       # peak, of the warm-started body
    detail_lr: float = 1e-5     # peak, of the layer of the detail rows
    fixed_groups: int = 1       # groups of the body that stay as they are: the first costs most and is general
    warmup: int = 100           # steps of linear warm-up
    weight_decay: float = 0.01  # of AdamW
    faces: int = 6              # real faces a step, for the image losses; 0 trains on pairs alone
    pixel: float = 0.5          # weight of the mean squared error, real faces
    perceptual: float = 1.0     # weight of the perceptual distance, real faces
    identity: float = 1.0       # weight of 1 - cosine of the identity embeddings, real faces
    detail: float = 0.2         # weight of the mean square of the detail rows
    latent: float = 0.02        # weight of the distance of w from its mean, real faces, in units of its variance
    size: OutputSide = 256      # px at which real faces are decoded: the output that people see
    side: Side = 128            # px at which they are compared


def fit_new_layers(
    encoder: InversionEncoder, images: torch.Tensor, ws: torch.Tensor, epochs: int = 25, lr: float = 1e-3
) -> None:
    """Train what is new on the features of the warm-started body, computed once: minutes instead of an hour.

    Args:
        images: uint8 [N, S, S, 3]; ws: [N, w_dim], their latents.
    """
    with torch.no_grad():
        parts = [encoder.gather(encoder.features(photo_noise(from_uint8(x)))).half() for x in images.split(32)]
    features, variance = torch.cat(parts), ws.var(dim=0).mean()                         # [N, C, R, R]
    new = [p for name, p in encoder.named_parameters() if not name.startswith(("body.", "to_detail."))]
    steps, batch = epochs * (len(ws) // 64), 64
    optimizer = torch.optim.AdamW(new, lr, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=0.1)
    for step in range(steps):
        index = torch.randint(len(ws), (batch,))
        loss = F.mse_loss(encoder.w_from(features[index].float()), ws[index]) / variance
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"new layers, step {step} of {steps}: relative error {loss.sqrt().item():.3f}", flush=True)


class InversionStage(Checkpointed):
    """Trains the encoder against a frozen decoder."""

    parts = ("encoder", "optimizer")

    def __init__(
        self,
        encoder: InversionEncoder,          # trained in place
        decoder: MobileDecoder,             # frozen
        pairs: Path,                        # folder of `make_pairs`
        faces: torch.Tensor | None,         # real aligned faces, uint8 [N, side, side, 3]
        perceptual: SqueezePerceptual,      # frozen loss networks
        identity: MobileFaceNet,
        config: InversionConfig = InversionConfig(),
    ):
        self.encoder, self.decoder, self.config = encoder.train(), decoder.requires_grad_(False), config
        self.perceptual, self.identity, self.faces = perceptual, identity, faces
        encoder.fixed_groups = config.fixed_groups
        self.ws = torch.from_numpy(np.load(pairs / "ws.npy"))                           # [N, w_dim]
        self.images = torch.from_numpy(np.load(pairs / "images.npy", mmap_mode="c"))    # uint8 [N, S, S, 3]
        self.held_out = len(self.ws) // 50
        self.variance = self.ws.var(dim=0).mean()
        body, detail = list(encoder.body.parameters()), list(encoder.to_detail.parameters())
        rest = [p for name, p in encoder.named_parameters() if not name.startswith(("body.", "to_detail."))]
        self.peaks = (config.body_lr, config.detail_lr, config.lr)
        groups = [{"params": p} for p in (body, detail, rest)]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay)

    def step(self, step: int) -> dict[str, float]:
        for group, peak in zip(self.optimizer.param_groups, self.peaks):
            group["lr"] = peak * self._schedule(step)
        losses = self._pair_losses()
        if self.config.faces and self.faces is not None:
            losses |= self._face_losses(self.faces)
        self.optimizer.zero_grad(set_to_none=True)
        weighted = ("pixel", "perceptual", "identity", "detail", "latent")
        weights = {"w": 1.0} | {name: getattr(self.config, name) for name in weighted}
        sum(weights[name] * loss for name, loss in losses.items()).backward()
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        self.optimizer.step()
        return {name: loss.item() for name, loss in losses.items()}

    def _schedule(self, step: int) -> float:
        """Linear warm-up, then half a cosine down to one percent."""
        if step < self.config.warmup:
            return (step + 1) / self.config.warmup
        return 0.01 + 0.99 * half_cosine(step / self.config.steps)

    def _pair_losses(self) -> dict[str, torch.Tensor]:
        index = torch.randint(len(self.ws) - self.held_out, (self.config.batch,))
        w, _ = self.encoder(photo_noise(from_uint8(self.images[index])))
        return {"w": F.mse_loss(w, self.ws[index]) / self.variance}

    def _face_losses(self, faces: torch.Tensor) -> dict[str, torch.Tensor]:
        index = torch.randint(len(faces), (self.config.faces,))
        real = from_uint8(faces[index])                                            # [N, 3, S, S]
        if torch.rand(()) < 0.5:
            real = real.flip(-1)
        w, detail = self.encoder(real)
        fake = resize(self.decoder.synthesis(w[:, None] + detail, self.config.size), self.config.side)
        return {
            "pixel": F.mse_loss(fake, real),
            "perceptual": self.perceptual(fake, real).mean(),
            "identity": 1 - (self.identity(fake) * self.identity(real)).sum(dim=1).mean(),
            "detail": detail.square().mean() / self.variance,
            "latent": (w - self.encoder.w_avg).square().mean() / self.variance,
        }

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Relative error of w on held-out pairs: 0 is exact, 1 is no better than the mean."""
        self.encoder.eval()
        held = slice(len(self.ws) - self.held_out, len(self.ws))
        w = torch.cat([self.encoder(from_uint8(x))[0] for x in self.images[held].split(32)])
        self.encoder.train()
        return {"relative": ((w - self.ws[held]).square().mean() / self.ws[held].var(dim=0).mean()).sqrt().item()}

    @torch.no_grad()
    def snapshot(self, folder: Path) -> dict[str, float]:
        """The encoder, its figures, and a sheet: images above, inversions below; held-out pairs left,
        real faces right."""
        self.encoder.eval().save_pretrained(folder / "inversion")
        images = self.images[-5:]
        if self.faces is not None:
            images = torch.cat([self.images[-4:], self.faces[:: len(self.faces) // 8]])
        w, detail = self.encoder(from_uint8(images))
        result = to_uint8(resize(self.decoder.synthesis(w[:, None] + detail, self.config.size), self.config.side))
        self.encoder.train()
        sheet = torch.cat([torch.cat(list(images), 1), torch.cat(list(result), 1)])
        Image.fromarray(sheet.numpy()).save(folder / "sheet.png")
        return self.measure()
