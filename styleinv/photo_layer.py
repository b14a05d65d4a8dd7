"""The photo's own pixels, carried by the motion; the decoder draws what the photo cannot show."""

from dataclasses import dataclass

import torch

from .models.dense_motion import SIDE, DenseMotion, blend, gap_box, warp
from .models.mobile_stylegan import MobileDecoder


@dataclass(frozen=True)
class Carried:
    """What one pass says of N frames; the flow carries anything that lies on the photo, a styled one too."""

    flow: torch.Tensor      # backward, in sides of the crop, [N, 2, 64, 64]
    hidden: torch.Tensor    # logit of 1 - V, [N, 1, 64, 64]
    decoded: torch.Tensor   # G(w_t), drawn small, [N, 3, s, s]


class PhotoLayer:
    """ws_t -> the photo at that moment. Where ws_t is ws_0 that is the photo itself, bit for bit.

    Example:
        >>> layer = PhotoLayer(pipe.decoder, network, from_uint8(crop), inversion.ws[None])
        >>> frame = to_uint8(layer(ws_t))
    """

    @torch.no_grad()
    def __init__(
        self,
        decoder: MobileDecoder,
        network: DenseMotion,
        photo: torch.Tensor,    # the aligned crop, or G(w_0) of a sample, [1, 3, S, S] in [-1, 1], S >= 64
        ws: torch.Tensor,       # its inversion, [1, num_ws, w_dim]
        drawn: int = 256,       # px, side of the decoder's picture: it is seen in the gaps alone
    ):
        self.decoder, self.network, self.photo, self.drawn = decoder, network, photo, drawn
        trunk = decoder.trunk(ws)
        stem, decoded = self._draw(trunk, ws)
        self.source = network.prepare(trunk, stem, photo, decoded)

    @torch.no_grad()
    def __call__(self, ws: torch.Tensor, trunk: torch.Tensor | None = None) -> torch.Tensor:
        """ws [N, num_ws, w_dim], and the decoder's trunk at it if known -> [N, 3, S, S] in [-1, 1]."""
        return self.picture(self.carry(ws, trunk))

    @torch.no_grad()
    def carry(self, ws: torch.Tensor, trunk: torch.Tensor | None = None) -> Carried:
        """The motion of N frames, and the small pictures that fill the gaps."""
        trunk = self.decoder.trunk(ws) if trunk is None else trunk
        stem, decoded = self._draw(trunk, ws)
        flow, hidden = self.network(self.source.repeat(len(ws)), trunk, stem, decoded)
        return Carried(flow, hidden, decoded)

    @torch.no_grad()
    def picture(self, carried: Carried) -> torch.Tensor:
        """[N, 3, S, S]: the photo warped, its gaps filled."""
        picture = warp(self.photo.expand(len(carried.flow), -1, -1, -1), carried.flow)
        gain = warp(self.source.gain.expand(len(carried.flow), -1, -1, -1), carried.flow)
        box = gap_box(carried.hidden)
        if picture.shape[-1] % SIDE or box[0].start == box[0].stop:
            return blend(picture, carried.decoded, gain, carried.hidden)[0]
        parts = [_cut(x, box) for x in (picture, carried.decoded, gain, carried.hidden)]
        parts[0].copy_(blend(*parts)[0])        # the gaps are small: the rest is not touched
        return picture

    def _draw(self, trunk: torch.Tensor, ws: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features of the stem, and the picture."""
        stem = self.decoder.stem(trunk, ws, self.drawn)
        return stem, self.decoder.styled(stem, ws, self.decoder.tops[str(self.drawn)], self.drawn).clamp(-1, 1)


def _cut(images: torch.Tensor, box: tuple[slice, slice]) -> torch.Tensor:
    """The part of [N, C, S, S], S a multiple of 64, that lies in a box of cells; a view."""
    cell = images.shape[-1] // SIDE
    rows, columns = (slice(span.start * cell, span.stop * cell) for span in box)
    return images[..., rows, columns]
