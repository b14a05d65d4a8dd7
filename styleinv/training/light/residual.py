"""Stage `residual`: the raw decoder must show the photo, styles the photo as their teachers restyle it, and no style
may become blotchy."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from ...losses.lpips import SqueezePerceptual
from ...models.mobile_stylegan import MobileDecoder, Top
from ...models.residual import SIDE, ResidualEncoder
from ..fields import Above0, Count, Share
from ..loop import Checkpointed, save_sheet
from ..optim import average_parameters, warm_half_cosine
from .planted import Landmarks, draw_details
from .residual_data import Photos


@dataclass(frozen=True)
class ResidualConfig:
    steps: Count = 4000         # length of the learning-rate schedule
    batch: Count = 2            # photos per step
    again: Share = 0.5          # share of steps that begin where the network itself had led
    planted: Share = 0.3        # share of steps on photos with planted detail
    lr: Above0 = 1e-3           # peak; half a cosine down to one percent
    pixel: float = 2.0          # weight of the mean absolute error of the raw picture
    perceptual: float = 2.0     # and of its perceptual distance
    styled: float = 1.0         # weight of the perceptual distance to the restyled photo, and half of its mean error
    clean: float = 2.0          # weight of edges in a style where the photo has none
    small: float = 0.02         # weight of the residual's mean square, of that of the features
    ema: float = 0.998          # of the network that is kept


def edges(images: torch.Tensor) -> torch.Tensor:
    """How much pictures [N, 3, S, S] change from pixel to pixel, [N, 1, S - 1, S - 1]."""
    down, right = images.diff(dim=2)[..., :-1], images.diff(dim=3)[..., :-1, :]
    return (down.abs() + right.abs()).mean(dim=1, keepdim=True)


def blotches(styled: torch.Tensor, before: torch.Tensor, photo: torch.Tensor) -> torch.Tensor:
    """The mean of edges in a styled picture that neither the style without a residual has around there nor the
    photo."""
    usual = F.avg_pool2d(edges(before), 17, stride=1, padding=8, count_include_pad=False)
    smooth = (-12 * F.max_pool2d(edges(photo), 5, stride=1, padding=2)).exp()
    return ((edges(styled) - usual).clamp(min=0) * smooth).mean()


class ResidualStage(Checkpointed):
    """Trains the network against a frozen decoder and its styles."""

    parts = ("network", "average", "optimizer")

    def __init__(
        self,
        network: ResidualEncoder,       # trained in place
        decoder: MobileDecoder,         # frozen
        styles: Mapping[str, Top],      # frozen tops for 256 px, by name
        photos: Photos,                 # for training
        held_out: Photos,               # and for the figures
        perceptual: SqueezePerceptual,  # frozen loss network
        landmarks: Landmarks | None = None,     # how they follow w: for planted detail
        config: ResidualConfig = ResidualConfig(),
    ):
        self.network, self.config = network.train().requires_grad_(True), config
        self.decoder, self.styles, self.photos, self.held_out = decoder, styles, photos, held_out
        self.perceptual, self.landmarks = perceptual, landmarks
        self.average = deepcopy(network).requires_grad_(False)
        self.optimizer = torch.optim.Adam(network.parameters(), config.lr, betas=(0.9, 0.99))

    def step(self, step: int) -> dict[str, float]:
        config = self.config
        self.optimizer.param_groups[0]["lr"] = config.lr * warm_half_cosine(step, config.steps)
        losses = self._losses()
        self.optimizer.zero_grad(set_to_none=True)
        sum(getattr(config, name) * loss for name, loss in losses.items()).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        average_parameters(self.average, self.network, min(config.ema, step / (step + 10)))
        return {name: loss.item() for name, loss in losses.items()}

    def _losses(self) -> dict[str, torch.Tensor]:
        planted = self.landmarks is not None and bool(torch.rand(()) < self.config.planted)
        style = list(self.styles)[int(torch.randint(len(self.styles), ()))]
        index = self._draw(None if planted else style)
        photo, ws = self.photos.photos(index), self.photos.ws(index)
        if planted and self.landmarks:
            points = self.landmarks(self.photos.w0[index])                              # [N, 68, 2]
            for kind in draw_details(points, SIDE):
                photo = kind.put(photo, points, points)
        with torch.no_grad():
            trunk = self.decoder.trunk(ws)                                              # [N, C, 32, 32]
            before = self._begun(photo, trunk, ws)
        residual = before + self.network(photo, self._raw(trunk + before, ws), trunk + before)
        image = self._raw(trunk + residual, ws)
        losses = {
            "pixel": (image - photo).abs().mean(),
            "perceptual": self.perceptual(image, photo).mean(),
            "small": residual.square().mean() / trunk.square().mean(),
        }
        return losses | ({} if planted else self._styled(style, index, photo, trunk, residual, ws))

    def _draw(self, style: str | None) -> list[int]:
        """Photos, restyled ones where the style has such."""
        known = list(self.photos.restyled.get(style or "", {})) or range(len(self.photos.images))
        return [known[int(i)] for i in torch.randint(len(known), (self.config.batch,))]

    def _begun(self, photo: torch.Tensor, trunk: torch.Tensor, ws: torch.Tensor) -> torch.Tensor:
        """The residual that the step goes on from."""
        if torch.rand(()) >= self.config.again:
            return torch.zeros_like(trunk)
        return self.network(photo, self._raw(trunk, ws), trunk)

    def _styled(
        self, style: str, index: list[int], photo: torch.Tensor, trunk: torch.Tensor, residual: torch.Tensor,
        ws: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """What the style must show, or must not."""
        image = self._style(style, trunk + residual, ws)
        if style in self.photos.restyled:
            truth = self.photos.truth(style, index)
            return {"styled": self.perceptual(image, truth).mean() + 0.5 * (image - truth).abs().mean()}
        with torch.no_grad():
            usual = self._style(style, trunk, ws)
        return {"clean": blotches(image, usual, photo)}

    def _raw(self, trunk: torch.Tensor, ws: torch.Tensor) -> torch.Tensor:
        return self.decoder.top(trunk, ws, SIDE)

    def _style(self, name: str, trunk: torch.Tensor, ws: torch.Tensor) -> torch.Tensor:
        return self.decoder.styled(self.decoder.stem(trunk, ws, SIDE), ws, self.styles[name], SIDE)

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Mean perceptual distance, of the training's own kind, of held-out photos to the raw picture, and of restyled
        ones to each style, without the residual and with it."""
        count = min(32, len(self.held_out.images))
        rows = [self._figures([i]) for i in range(count)]
        names = {name for row in rows for name in row}
        return {name: float(torch.tensor([row[name] for row in rows if name in row]).mean()) for name in sorted(names)}

    def _figures(self, index: list[int]) -> dict[str, float]:
        photo, ws, trunk, summed = self._shown(index)
        found = {"raw_before": self._raw(trunk, ws), "raw": self._raw(summed, ws)}
        row = {name: self.perceptual(image, photo).mean().item() for name, image in found.items()}
        row["psnr"] = -10 * ((found["raw"] - photo) / 2).square().mean().log10().item()
        for style, known in self.held_out.restyled.items():
            if index[0] in known:
                truth = self.held_out.truth(style, index)
                row[f"{style}_before"] = self.perceptual(self._style(style, trunk, ws), truth).mean().item()
                row[style] = self.perceptual(self._style(style, summed, ws), truth).mean().item()
        return row

    def _shown(self, index: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Held-out photos, their ws, and the trunk's features without the residual and with that of two passes."""
        photo, ws = self.held_out.photos(index), self.held_out.ws(index)
        trunk = summed = self.decoder.trunk(ws)
        for _ in range(2):
            summed = summed + self.average(photo, self._raw(summed, ws), summed)
        return photo, ws, trunk, summed

    @torch.no_grad()
    def snapshot(self, folder: Path) -> dict[str, float]:
        """The network, its figures, and a sheet of held-out people: photo, raw and each style without and with it."""
        self.average.save_pretrained(folder / "residual")
        index = list(range(0, len(self.held_out.images), max(1, len(self.held_out.images) // 8)))[:8]
        photo, ws, trunk, summed = self._shown(index)
        rows = [photo, self._raw(trunk, ws), self._raw(summed, ws)]
        rows += [self._style(name, x, ws) for name in self.styles for x in (trunk, summed)]
        save_sheet(folder / "sheet.png", torch.cat(rows), columns=len(index))
        return self.measure()
