"""Stage `style-paper`: style transfer by fine-tuning StyleGAN2's upper blocks, the paper's fourth stage (section 3.4).

The image stage goes on from a parent; below `from_side` nothing moves, so latents keep their meaning
and motion its course.
"""

from dataclasses import dataclass, replace

import torch

from ...data.video_set import VideoSet
from ...models.stylegan2 import StyleGAN2
from ...models.stylegan2_discriminator import StyleGAN2Discriminator
from ..distributed import Workers
from .image import ImageConfig, ImageStage
from .inversion import Distance
from .measures import FeatureDistance


@dataclass(frozen=True)
class PaperStyleConfig(ImageConfig):
    path: float = 0.0           # no path length penalty
    ada_kimg: float = 100.0     # augmentation rises faster on a small set
    perceptual: float = 30.0    # weight of LPIPS to the parent's image of the same latent
    identity: float = 1.0       # weight of the identity distance to it
    from_side: int = 64         # blocks from this resolution on are trained; 4 or less for all of synthesis


class PaperStyleStage(ImageStage):
    """Trains the upper blocks of a copy of the parent on a style's images."""

    def __init__(
        self,
        parent: StyleGAN2,                                      # stays as it is
        frames: VideoSet,                                         # the style set
        perceptual: Distance | None,                            # LPIPS-VGG in the paper; None leaves it out
        identity: Distance | None,                              # of faces; None leaves it out
        config: PaperStyleConfig = PaperStyleConfig(),
        workers: Workers = Workers(),
        judge: FeatureDistance | None = None,
        discriminator: StyleGAN2Discriminator | None = None,    # the parent's, to start from
    ):
        self.parent = parent.eval().requires_grad_(False).to(workers.device)
        self.distances = {"perceptual": perceptual, "identity": identity}
        parent.compute_in(getattr(torch, config.half), config.half_blocks)
        shape = {name: parent.config[name] for name in ("size", "base", "widest")}
        super().__init__(frames, replace(config, **shape), workers, judge)
        self.generator.load_state_dict(parent.state_dict())
        self.average.network.load_state_dict(parent.state_dict())
        if discriminator:
            self.discriminator.load_state_dict(discriminator.state_dict())
        for name, parameter in self.generator.named_parameters():
            parameter.requires_grad_(block_side(self.generator, name) >= max(4, config.from_side))

    def _build(self, shape: dict) -> StyleGAN2:
        return StyleGAN2.from_config(self.parent.config, half_blocks=shape["half_blocks"], half=shape["half"])

    def _further_loss(self, images: torch.Tensor, ws: torch.Tensor) -> torch.Tensor | float:
        with torch.no_grad():
            raw = self.parent(ws, noise=self.config.noise)
        used = {name: distance for name, distance in self.distances.items() if distance}
        return sum(getattr(self.config, name) * distance(images, raw).mean() for name, distance in used.items())

    def _update_w_avg(self, w: torch.Tensor) -> None:
        """The mapping is the parent's, and so is its mean."""


def block_side(network: StyleGAN2, parameter: str) -> int:
    """The resolution of the block that a parameter belongs to; 4 for the first one, 0 for the mapping."""
    parts = parameter.split(".")
    if parts[0] == "mapping":
        return 0
    if parts[0] == "tops":
        return int(parts[3])
    return 8 << int(parts[1]) if parts[0] == "blocks" else 4
