"""A style's picture of the photo, carried by the photo's motion: cap and hand are in it, and no texture crawls over a
moving face."""

from dataclasses import replace
from functools import cache

import torch
import torch.nn.functional as F

from ..models.dense_motion import SIDE, colour_gain, warp
from ..models.mobile_stylegan import MobileDecoder, Top
from ..models.ops import resize
from ..models.residual import ResidualEncoder
from .eyes import Gaze
from .photo_layer import Carried, PhotoLayer, Still
from .sway import Sway

KEPT = 0.5      # of the residual where the decoder draws: it has the colour of lips, and teeth that are not seen now
PASSES = 3      # of the residual encoder: each sees what those before it left


@torch.no_grad()
def find_residual(
    network: ResidualEncoder, decoder: MobileDecoder, photo: torch.Tensor, ws: torch.Tensor
) -> torch.Tensor:
    """What to add to the trunk of ws [1, num_ws, w_dim] to see the photo [1, 3, S, S]: [1, C, 32, 32]."""
    trunk = decoder.trunk(ws)
    summed = trunk
    for _ in range(PASSES):
        summed = summed + network(photo, decoder.top(summed, ws, 256), summed)
    return summed - trunk


class StyledLayer:
    """ws_t -> the styled photo at that moment."""

    @torch.no_grad()
    def __init__(
        self,
        layer: PhotoLayer,
        top: Top,                   # of the style, for the size of the frames
        small: Top,                 # and for what fills the gaps
        ws: torch.Tensor,           # the photo's inversion, [1, num_ws, w_dim]
        residual: torch.Tensor,     # and what that lacks of the photo, [1, C, 32, 32]
    ):
        self.layer, self.decoder, self.small, self.residual = layer, layer.decoder, small, residual
        first = self._draw(layer.decoder.trunk(ws) + residual, ws, top, layer.photo.shape[-1])
        self.still = Still(first, cache(lambda: self._gain(first)))

    @torch.no_grad()
    def __call__(
        self, carried: Carried, trunk: torch.Tensor, ws: torch.Tensor, gaze: Gaze, sway: Sway | None
    ) -> torch.Tensor:
        """One frame, of one face or of two whose halves it shows: [1, 3, S, S] in [-1, 1].

        Args:
            carried: what the photo layer says of it.
            trunk, ws: the decoder's, [1 or 2, C, 32, 32] and [1 or 2, num_ws, w_dim].
        """
        residual = warp(self.residual.expand(len(ws), -1, -1, -1), carried.flow)
        hidden = F.avg_pool2d(carried.hidden.sigmoid(), 2)                                      # [1 or 2, 1, 32, 32]
        seen = 1 - (1 - KEPT) * hidden
        stem = self.decoder.stem(trunk + seen * residual, ws, self.small.size)
        filling = self.layer.filling(carried.hidden, stem, ws, self.small)
        return self.layer.picture(replace(carried, filling=filling).joined(sway), gaze, self.still)

    @torch.no_grad()
    def _gain(self, first: torch.Tensor) -> torch.Tensor:
        """What fills the gaps has less of the photo's colours than the picture [1, 3, S, S]: [1, 4, 64, 64]."""
        trunk = self.layer.source.trunk + KEPT * self.residual
        filling = self._draw(trunk, self.layer.ws, self.small, self.small.size)
        return colour_gain(resize(first, SIDE), resize(filling, SIDE))

    def _draw(self, trunk: torch.Tensor, ws: torch.Tensor, top: Top, size: int) -> torch.Tensor:
        return self.decoder.styled(self.decoder.stem(trunk, ws, top.size), ws, top, size).clamp(-1, 1)
