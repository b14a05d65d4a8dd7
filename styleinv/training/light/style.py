"""Stage `style`: a top of the decoder learns a style, while what lies below it stays: the motion stays the parent's.

Paper, section 3.4: adversarial on the style set, with a perceptual and an identity term against the parent's image of
the same latent. Here the discriminator judges frozen features (see `projected`), so that a few hundred images and a CPU
suffice. Where each target is known (`pairs`), a pixel term and the perceptual distance to it take the parent's place.
Of images above 256 px the judges see the whole, shrunk, and a part; what they show is held to what the style shows at
its other size, if it has one.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from ...losses.encoder import EncoderIdentity, EncoderPerceptual
from ...losses.identity import MobileFaceNet
from ...losses.lpips import PerceptualDistance, unit
from ...models.light_discriminators import ProjectedDiscriminator, hinge_d, hinge_g
from ...models.mobile_stylegan import MobileDecoder, Top
from ...models.ops import from_uint8, resize, to_uint8
from ..fields import Above0, Count, OutputSide, Share
from ..loop import Checkpointed
from ..optim import average_parameters, half_cosine
from .augment import wander
from .checkerboard import checkerboard
from .style_data import StyleData
from .style_views import (
    JUDGED,
    colour_change,
    frame_flicker,
    inner_face,
    relative_tone,
    shrunk,
    view,
)


@dataclass(frozen=True)
class StyleConfig:
    size: OutputSide = 256      # side of the top that is trained
    batch: Count = 4            # images a step
    steps: Count = 300          # length of the learning-rate schedule
    lr: Above0 = 1e-3           # of the top at first; half a cosine down to zero
    d_lr: float = 1e-3          # of the discriminator
    adversarial: float = 1.0    # weight of the adversarial term
    perceptual: float = 2.0     # weight of the perceptual distance to the parent, or to the target
    face: float = 4.0           # weight of the same for eyes and mouth alone, where people look
    tone: float = 4.0           # weight of how skin and light differ between images, against the parent
    identity: float = 1.0       # weight of one minus the cosine to the parent's face
    steady: float = 1.0         # weight of what it flickers more than the parent, as a part of the parent's flicker
    pumping: float = 20.0       # weight of how much more the colours of a clip change than the parent's, squared
    pixel: float = 0.0          # weight of the mean squared error to the target; for pairs alone
    agree: float = 20.0         # weight of the mean squared error to the style's top of another size, shrunk
    grid: float = 2.0           # weight of the part of fine detail that is a grid
    parts: bool = True          # the discriminator sees parts of larger images too; not if the style set is less sharp
    clip: float = 1.0           # largest norm of the gradient
    ema: Share = 0.98           # of the top that is kept


def initial_top(raw: Top, start: Top | None) -> Top:
    """A copy of the raw top, with the blocks and the head of a style's top where it has the same ones."""
    top = deepcopy(raw)
    if start is not None:
        for name, block in start.blocks.items():
            top.blocks[name].load_state_dict(block.state_dict())
        if start.size == raw.size:
            top.to_rgb.load_state_dict(start.to_rgb.state_dict())
    return top


class StyleStage(Checkpointed):
    """Trains one top; the decoder below it is frozen."""

    parts = ("top", "average", "optimizer", "discriminator", "d_optimizer")

    def __init__(
        self,
        decoder: MobileDecoder,         # the parent
        data: StyleData,
        perceptual: PerceptualDistance | EncoderPerceptual,    # frozen; its features also feed the discriminator
        identity: MobileFaceNet | EncoderIdentity,      # frozen
        config: StyleConfig = StyleConfig(),
        start: Top | None = None,       # a style's top to start from, of this size or a smaller one; none: the parent's
        guide: Top | None = None,       # the style's top of another size, to agree with
        keep_best: "Callable[[StyleStage, Path], dict] | None" = None,     # measures a snapshot and keeps the best one
    ):
        self.decoder, self.data, self.config, self.guide = decoder.requires_grad_(False), data, config, guide
        self.keep_best = keep_best
        self.perceptual, self.identity = perceptual, identity
        self.raw = decoder.tops[str(config.size)]
        self.average = initial_top(self.raw, start)
        self.top = deepcopy(self.average).requires_grad_(True)
        for shared in self.top.stem_parameters():
            shared.requires_grad_(False)
        trained = [p for p in self.top.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(trained, config.lr, betas=(0.0, 0.99))
        with torch.no_grad():
            features = perceptual.features.raw(from_uint8(shrunk(data.style[:16])))
        self.scales = [x.square().mean().sqrt() for x in features]
        # Neighbouring depths of equal side and width say much the same: the discriminator reads the last of each.
        shapes = [x.shape[1:] for x in features]
        self.depths = [i for i, shape in enumerate(shapes) if shape not in shapes[i + 1 :]]
        self.discriminator = ProjectedDiscriminator(tuple(shapes[i][0] for i in self.depths))
        self.d_optimizer = torch.optim.Adam(
            [p for p in self.discriminator.parameters() if p.requires_grad], config.d_lr, betas=(0.0, 0.99))

    def step(self, step: int) -> dict[str, float]:
        config, index = self.config, torch.randint(len(self.data.ws), (self.config.batch,))
        w, parent = self.data.ws[index], from_uint8(self.data.parents[index])
        choice = index if self.data.paired else torch.randint(len(self.data.style), (config.batch,))
        real = from_uint8(self.data.style[choice])
        fake = self.render(self.top, w)
        target = real if self.data.paired else parent
        corner = torch.randint(max(1, config.size - JUDGED + 1), (2,)).tolist()
        raw = self.perceptual.features.raw(view(fake, corner))
        losses = {
            "perceptual": self._distance(raw, view(target, corner)),
            "face": self._distance(self.perceptual.features.raw(inner_face(fake)), inner_face(target)),
            "tone": F.mse_loss(relative_tone(fake), relative_tone(parent)),
            "identity": (1 - (self.identity(fake) * self.identity(parent)).sum(dim=1)).mean(),
            **self._flicker_losses(w[:1], fake[:1]),
            "pixel": F.mse_loss(fake, target),
            "agree": self._disagreement(self.guide, w, fake) if self.guide else fake.new_zeros(()),
            "grid": checkerboard(fake),
            "adversarial": hinge_g(self.discriminator(self._seen(fake, corner))),
        }
        self._descend(losses, step)
        losses["d"] = self._discriminator_step(fake.detach(), real, corner)
        return {name: loss.item() for name, loss in losses.items()}

    def render(self, top: Top, w: torch.Tensor) -> torch.Tensor:
        """w [N, w_dim] or [N, num_ws, w_dim] -> images [N, 3, S, S] through a top; trunk and stem get no gradient."""
        with torch.no_grad():
            x = self.decoder.stem(self.decoder.trunk(w), w, top.size)
        return self.decoder.styled(x, w, top, top.size)

    def _disagreement(self, guide: Top, w: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Mean squared difference to what the guide shows, at the smaller of both sizes."""
        side = min(guide.size, self.config.size)
        with torch.no_grad():
            guided = resize(self.render(guide, w), side)
        return F.mse_loss(resize(fake, side), guided)

    def _flicker_losses(self, w: torch.Tensor, frame: torch.Tensor) -> dict[str, torch.Tensor]:
        """What a frame [1, 3, S, S] of a clip, its latent w, flickers more than the raw one, as a part of the raw one's
        flicker; and how much more the colours of places change towards another moment, squared."""
        move = self.data.moves[torch.randint(len(self.data.moves), ())]                 # [3, w_dim]
        others = w + (move if w.ndim == 2 else move[:, None])                           # as w, but 3
        with torch.no_grad():
            raw = self.render(self.raw, torch.cat([w, others]))                         # [4, 3, S, S]
        styled = torch.cat([frame, self.render(self.top, others)])
        flicker, raw_flicker = (frame_flicker(x[:1], x[1:3]) for x in (styled, raw))
        pumping = colour_change(styled[::3]) - colour_change(raw[::3])
        return {"steady": F.relu(flicker / raw_flicker - 1), "pumping": F.relu(pumping).square().mean()}

    def _distance(self, raw: list[torch.Tensor], target: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            wanted = self.perceptual.features(target)
        return self.perceptual.compare([unit(x) for x in raw], wanted).mean()

    def _seen(self, images: torch.Tensor, corner: list[int]) -> list[torch.Tensor]:
        """What the discriminator reads: features of about unit size."""
        seen = view(images, corner) if self.config.parts else resize(images, JUDGED)
        raw = self.perceptual.features.raw(wander(seen))
        return [raw[i] / self.scales[i] for i in self.depths]

    def _descend(self, losses: dict[str, torch.Tensor], step: int) -> None:
        config = self.config
        self.optimizer.param_groups[0]["lr"] = config.lr * half_cosine(step / config.steps)
        self.optimizer.zero_grad(set_to_none=True)
        sum(getattr(config, name) * loss for name, loss in losses.items()).backward()
        losses["gradient"] = torch.nn.utils.clip_grad_norm_(self.top.parameters(), config.clip)
        self.optimizer.step()
        average_parameters(self.average, self.top, config.ema)

    def _discriminator_step(self, fake: torch.Tensor, real: torch.Tensor, corner: list[int]) -> torch.Tensor:
        with torch.no_grad():
            seen = [self._seen(images, corner) for images in (real, fake)]
        loss = hinge_d(*(self.discriminator(x) for x in seen))
        self.d_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.d_optimizer.step()
        return loss

    @torch.no_grad()
    def strip(self, count: int = 8) -> np.ndarray:
        """The parent above, the style below, of the first latents: uint8 [2 JUDGED, count JUDGED, 3]."""
        rows = shrunk(self.data.parents[:count]), self.styled(self.data.ws[:count])
        return torch.cat([torch.cat(list(row), dim=1) for row in rows]).numpy()

    @torch.no_grad()
    def styled(self, ws: torch.Tensor) -> torch.Tensor:
        """What the kept top makes of latents, shrunk for the judges: uint8 [N, JUDGED, JUDGED, 3]."""
        return torch.cat([to_uint8(resize(self.render(self.average, w), JUDGED)) for w in ws.split(4)])

    def snapshot(self, folder: Path) -> None:
        """A preview strip; and the top, if it is the best so far."""
        if self.keep_best:
            print(self.keep_best(self, folder), flush=True)
        Image.fromarray(self.strip()).save(folder / "preview.png")
