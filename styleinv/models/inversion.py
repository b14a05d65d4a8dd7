"""Inversion encoder: face image -> w, and small offsets of the decoder's style rows.

pSp (Richardson et al., arXiv:2008.00951) reduced to a W encoder as in StyleInV; the offsets ("detail") go beyond it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .irse import IRSE
from .layers import EqualLinear
from .mobileface import MobileFaceBody
from .ops import resize

BODIES: dict[str, Callable[[], nn.Module]] = {
    "irse50": IRSE,                 # the paper's
    "irse18": partial(IRSE, stem=32, widths=(32, 64, 128, 256), units=(2, 2, 2, 2)),
    "irse10": partial(IRSE, stem=16, widths=(16, 32, 64, 128), units=(1, 1, 1, 1)),
    "mobileface": MobileFaceBody,   # the default bundle's
    # For tests. Sixteen channels, since oneDNN crashes in the backward pass of a 1x1 convolution of eight
    # on processors with AVX512.
    "tiny": partial(IRSE, stem=16, widths=(16, 16, 16, 16), units=(1, 1, 1, 1)),
}


class InversionEncoder(ModelMixin, ConfigMixin):
    """image [N, 3, S, S] -> w [N, w_dim] and detail [N, num_ws, w_dim]; the decoder's input is w + detail.

    `spatial=0` is global average pooling; with `hidden=0` too, one linear layer gives w and there is no detail: with
    preset "irse50" and input_size 256 that is the paper's encoder, 31.21 M parameters.
    """

    @register_to_config
    def __init__(
        self,
        preset: str = "mobileface", # one of BODIES
        input_size: int = 128,      # side that images are resized to
        spatial: int = 96,          # channels kept at each position before the linear layers, 0 for global pooling
        hidden: int = 512,          # width between the linear layers, 0 for a single one without detail
        num_ws: int = 23,           # style rows of the decoder
        w_dim: int = 512,           # width of w
    ):
        super().__init__()
        self.body = BODIES[preset]()
        width = self.body.widths[-1]
        side = input_size // self.body.reductions[-1]
        absent: Any = None
        self.squeeze = self.to_hidden = self.activation = self.to_detail = absent
        if spatial:
            self.squeeze = nn.Conv2d(width + self.body.widths[1], spatial, 1)
            self.to_hidden = nn.Linear(spatial * side * side, hidden)
        elif hidden:
            self.to_hidden = nn.Linear(width, hidden)
        self.to_w = EqualLinear(hidden or width, w_dim)
        self.register_buffer("w_avg", torch.zeros(w_dim))
        self.fixed_groups = 0       # the first groups that training leaves as they are
        if hidden:
            self.activation = nn.PReLU(hidden)
            self.to_detail = nn.Linear(hidden, num_ws * w_dim)
            nn.init.zeros_(self.to_detail.weight)
            nn.init.zeros_(self.to_detail.bias)

    def features(self, images: torch.Tensor) -> list[torch.Tensor]:
        """The four groups' features of images [N, 3, S, S] in [-1, 1]; they also serve as a perceptual distance."""
        x, features = resize(images, self.config.input_size), []
        for index in range(4):
            with torch.set_grad_enabled(torch.is_grad_enabled() and index >= self.fixed_groups):
                x = self.body.group(index, x)
            features.append(x)
        return features

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.embed(self.gather(self.features(images)))                      # [N, hidden]
        w = self.w_avg + self.to_w(x)
        if self.to_detail is None:
            return w, w.new_zeros(len(w), self.config.num_ws, w.shape[1])
        return w, self.to_detail(x).unflatten(1, (self.config.num_ws, -1))

    def gather(self, features: list[torch.Tensor]) -> torch.Tensor:
        """What the head reads of the groups' features: [N, C, R, R], or [N, C] with global pooling."""
        if self.squeeze is None:
            return features[-1].mean(dim=(2, 3))                                # [N, C]
        fine = F.adaptive_avg_pool2d(features[1], features[-1].shape[-1])       # [N, C1, R, R]
        return torch.cat([features[-1], fine], dim=1)                           # [N, C3 + C1, R, R]

    def embed(self, gathered: torch.Tensor) -> torch.Tensor:
        """Gathered features -> [N, hidden], or as they are where there is a single layer."""
        if self.to_hidden is None:
            return gathered
        x = gathered if self.squeeze is None else self.squeeze(gathered).flatten(1)
        return self.activation(self.to_hidden(x))

    def w_from(self, gathered: torch.Tensor) -> torch.Tensor:
        """Gathered features -> w [N, w_dim]."""
        return self.w_avg + self.to_w(self.embed(gathered))
