"""The photo's own pixels, carried by the motion; the decoder draws what the photo cannot show."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F

from ..inversion import Photo
from ..models.dense_motion import NOTHING, SEEN, SIDE, DenseMotion, blend, border_window, gap_box, matched, warp
from ..models.matte import MatteNetwork
from ..models.mobile_stylegan import MobileDecoder, Top
from ..models.ops import from_uint8, to_uint8, unwoven
from .eyes import AHEAD, Gaze, Irises
from .group import share_of
from .sway import Sway, halves, resampled

EYE, MOUTH = 0.24, 0.14     # the decoder's change, in [-1, 1], at which half is its own
PARTS = (                   # of an aligned face: middle, half height and half width in sides, and that change
    ((0.471, 0.380), 0.07, 0.11, EYE), ((0.471, 0.618), 0.07, 0.11, EYE), ((0.740, 0.500), 0.12, 0.19, MOUTH))
FULL = 0.6                  # of these half sides: within it changes count wholly, at the rim not at all
SLOPE = 60.0        # of the logit over that change
START = -5.0        # logit from which on it counts
MARGIN = 3          # cells of 64: what is drawn of a part alone is wrong in two of them, and the filter reaches another
FADING = 0.18       # share of the side over which a restyled person goes over into the photo


@dataclass(frozen=True)
class Carried:
    """What one pass says of N frames; the flow carries anything that lies on the photo, a styled one too."""

    flow: torch.Tensor      # backward, in sides of the crop, [N, 2, 64, 64]
    hidden: torch.Tensor    # logit of 1 - V, [N, 1, 64, 64]
    filling: torch.Tensor   # what the gaps show, such as G(w_t); only there is it drawn, [N, 3, s, s]

    def joined(self, sway: Sway | None = None) -> "Carried":
        """One frame of the two whose halves it shows, or of one; leaned."""
        flow, hidden, filling = halves(self.flow), halves(self.hidden), halves(self.filling)
        return Carried(sway.after(flow), sway(hidden), sway(filling)) if sway else Carried(flow, hidden, filling)


@dataclass(frozen=True)
class Still:
    """What the flow carries: the photo, or a style's picture of it."""

    pixels: torch.Tensor    # [1, 3, S, S] in [-1, 1], S >= 64
    gain: Callable[[], torch.Tensor]    # by it what fills the gaps is brought into its light, [1, 4, 64, 64]


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
        ws: torch.Tensor,       # the latents from which it moves, [1, num_ws, w_dim]
        irises: Irises | None = None,   # of the crop, if its eyes are to look elsewhere
        drawn: int = 256,       # px, side of the decoder's picture: it is seen in the gaps alone
    ):
        self.decoder, self.network, self.photo, self.irises, self.drawn = decoder, network, photo, irises, drawn
        self.ws = ws
        self.top = decoder.tops[str(drawn)]
        trunk = decoder.trunk(ws)
        stem = decoder.stem(trunk, ws, drawn)
        self.source = network.prepare(trunk, stem, photo, decoder.styled(stem, ws, self.top, drawn))
        self.still = Still(photo, lambda: self.source.gain)

    @torch.no_grad()
    def __call__(self, ws: torch.Tensor, trunk: torch.Tensor | None = None) -> torch.Tensor:
        """ws [N, num_ws, w_dim], and the decoder's trunk at it if known -> [N, 3, S, S] in [-1, 1]."""
        return self.picture(self.carry(ws, trunk))

    @torch.no_grad()
    def carry(self, ws: torch.Tensor, trunk: torch.Tensor | None = None, filled: bool = True) -> Carried:
        """The motion of N frames, and what fills the gaps; or nothing, if they are to be filled otherwise."""
        trunk = self.decoder.trunk(ws) if trunk is None else trunk
        stem = self.decoder.stem(trunk, ws, self.drawn)
        flow, hidden, thumbnail = self.network(self.source.repeat(len(ws)), trunk, stem)
        hidden = torch.maximum(hidden, self._unexplained(flow, thumbnail))
        filling = self.filling(hidden, stem, ws, self.top) if filled else torch.zeros_like(thumbnail)
        return Carried(flow, hidden, filling)

    def filling(self, hidden: torch.Tensor, stem: torch.Tensor, ws: torch.Tensor, top: Top) -> torch.Tensor:
        """What a top draws in the gaps [N, 1, 64, 64], from its stem's features: [N, 3, s, s], elsewhere 0."""
        gaps = gap_box(hidden).grown(MARGIN)
        return unwoven(self.decoder.styled_part(stem, ws, top, gaps).clamp(-1, 1))

    def _unexplained(self, flow: torch.Tensor, thumbnail: torch.Tensor) -> torch.Tensor:
        """Logit of 1 - V, [N, 1, 64, 64], by the decoder's own pictures.

        What their flow does not explain at mouth and eyes, such as teeth that come into view, no flow finds in the
        photo. Where most of a part gets lighter or darker, that is the light, which the photo keeps.
        """
        before = warp(self.source.thumbnail.expand(len(flow), -1, -1, -1), flow)                # [N, 3, 64, 64]
        change = thumbnail - before                                                             # [N, 3, 64, 64]
        logit = torch.full_like(change[:, :1], NOTHING)
        for rows, columns, window, least in _parts():
            part = change[:, :, rows, columns]
            light = part.flatten(2).median(dim=2).values[:, :, None, None]                      # [N, 3, 1, 1]
            size = window.to(part) * (part - light).abs().mean(dim=1, keepdim=True)             # [N, 1, h, w]
            here = logit[:, :, rows, columns]
            here.copy_(torch.maximum(here, SLOPE * (F.avg_pool2d(size, 3, 1, 1) - least)))
        return torch.where(
            logit > START, F.avg_pool2d(F.max_pool2d(logit, 3, 1, 1).clamp(START, -START), 3, 1, 1), NOTHING)

    @torch.no_grad()
    def picture(self, carried: Carried, gaze: Gaze = AHEAD, still: Still | None = None) -> torch.Tensor:
        """[N, 3, S, S]: the photo warped, or another still; its gaps filled; with one frame, its eyes may look
        elsewhere.
        """
        still = still or self.still
        picture = warp(still.pixels.expand(len(carried.flow), -1, -1, -1), carried.flow)
        if self.irises and gaze != AHEAD:
            self._look(picture, still.pixels, carried.flow, gaze)
        box = gap_box(carried.hidden)
        if not box:
            return picture
        gain = warp(still.gain().expand(len(carried.flow), -1, -1, -1), carried.flow)
        if picture.shape[-1] % SIDE:
            return blend(picture, carried.filling, gain, carried.hidden)[0]
        parts = [box.of(x) for x in (picture, carried.filling, gain, carried.hidden)]
        parts[0].copy_(blend(*parts)[0])        # the gaps are small: the rest is not touched
        return picture

    def _look(self, picture: torch.Tensor, still: torch.Tensor, flow: torch.Tensor, gaze: Gaze) -> None:
        """Take the eyes of the one picture [1, 3, S, S] from where their irises are; the rest is not touched."""
        side, irises = picture.shape[-1], self.irises
        assert irises is not None
        (left, top), (right, bottom) = ((x * side).round().long().clamp(0, side).tolist()
                                        for x in (irises.low, irises.high))
        at = (torch.arange(side, device=flow.device) + 0.5) / side
        places = torch.stack(torch.meshgrid(at[left:right], at[top:bottom], indexing="xy"), dim=2)      # [h, w, 2]
        source = places + resampled(flow, places)[0].permute(1, 2, 0)
        picture[..., top:bottom, left:right] = resampled(still, source + irises.flow(source, gaze))


@cache
def _parts() -> list[tuple[slice, slice, torch.Tensor, float]]:
    """Of each of PARTS: rows and columns of the cells, how much a change counts in each, and the change."""
    found = []
    for (y, x), height, width, least in PARTS:
        rows, columns = (slice(round((at - half) * SIDE), round((at + half) * SIDE))
                         for at, half in ((y, height), (x, width)))
        down, across = ((torch.arange(SIDE)[span] + 0.5) / SIDE for span in (rows, columns))
        radius = torch.hypot((down[:, None] - y) / height, (across - x) / width)                # [h, w]
        found.append((rows, columns, ((1 - radius) / (1 - FULL)).clamp(0, 1), least))
    return found


class WholePhoto:
    """A carried frame -> the whole photo at that moment: only what lies in the square of the face moves, all else stays
    bit for bit.

    Flow, gaps and light are known in the crop's own coordinates; here they are read at each pixel of the photo, so that
    its pixels are resampled once.
    """

    def __init__(
        self,
        layer: PhotoLayer,
        photo: Photo,
        matte: MatteNetwork | None = None,  # says what of a restyled crop is seen; without it all of it
    ):
        self.layer, self.pixels = layer, photo.pixels
        height, width = photo.pixels.shape[:2]
        low = np.clip(np.floor(photo.quad.min(0)).astype(int), 0, (width, height))
        high = np.clip(np.ceil(photo.quad.max(0)).astype(int) + 1, 0, (width, height))
        self.box = slice(low[1], high[1]), slice(low[0], high[0])
        self.region = from_uint8(torch.from_numpy(photo.pixels[self.box].copy())[None])         # [1, 3, h, w]
        across, down = photo.quad[3] - photo.quad[0], photo.quad[1] - photo.quad[0]             # the crop's sides
        x, y = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
        sides = np.linalg.inv(np.stack([across, down], axis=1))                                 # pixels -> sides
        self.share = share_of(photo.quad, photo.neighbours, np.stack([x, y], axis=2))           # [h, w, 1]
        at = (np.stack([x, y], axis=2) - photo.quad[0]) @ sides.T                               # [h, w, 2], 0 to 1
        self.inside = ((at > 0) & (at < 1)).all(axis=2, keepdims=True)                          # [h, w, 1]
        self.places = torch.from_numpy(2 * at - 1).float()[None]                                # [1, h, w, 2]
        self.sides = torch.from_numpy(np.stack([across, down])).float()                         # [2, 2]: flow -> pixels
        fading = self._read(border_window(FADING)[None, None])                                  # [1, 1, h, w]
        people = torch.from_numpy(matte.of_photo(photo.pixels))[self.box] if matte else 1.0     # [h, w]
        self.people = fading * people * self.share.movedim(2, 0)                                # [1, 1, h, w]

    @torch.no_grad()
    def __call__(
        self, carried: Carried, restyled: torch.Tensor | None = None, gaze: Gaze = AHEAD
    ) -> np.ndarray:
        """One frame, perhaps with the face in a style, [1, 3, S, S] -> uint8 [H, W, 3]."""
        flow = self.flow(carried, gaze)
        picture = self.restyled(self.filled(moved(self.region, flow), carried), flow, restyled)
        frame = self.pixels.copy()
        np.copyto(frame[self.box], to_uint8(picture)[0].numpy(), where=self.inside)
        return frame

    def flow(self, carried: Carried, gaze: Gaze) -> torch.Tensor:
        """Where each pixel of the region comes from, in pixels from there, [h, w, 2]."""
        flow = self._read(carried.flow)[0].permute(1, 2, 0)
        if self.layer.irises and gaze != AHEAD:
            flow = flow + self.layer.irises.flow((self.places[0] + 1) / 2 + flow, gaze)
        return self.share * (flow @ self.sides)

    def filled(self, picture: torch.Tensor, carried: Carried) -> torch.Tensor:
        """The region after its motion, [1, 3, h, w], its gaps drawn."""
        gain = warp(self.layer.source.gain, carried.flow)                                       # [1, 4, 64, 64]
        drawn = matched(carried.filling, gain)                                                  # [1, 3, s, s]
        share = self._read(carried.hidden).sigmoid() * self.share.movedim(2, 0)                 # [1, 1, h, w]
        return picture + share * (share > SEEN) * (self._read(drawn) - picture)

    def restyled(self, picture: torch.Tensor, flow: torch.Tensor, crop: torch.Tensor | None) -> torch.Tensor:
        """The region [1, 3, h, w], whose people are as in the restyled crop [1, 3, S, S]; flow [h, w, 2] in pixels."""
        return picture if crop is None else torch.lerp(picture, self._read(crop), moved(self.people, flow))

    def _read(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps of the crop, [1, C, s, s], at each pixel of the region: [1, C, h, w]."""
        return F.grid_sample(maps.cpu(), self.places, mode="bilinear", padding_mode="border", align_corners=False)


def moved(picture: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """[1, 3, h, w], each pixel taken from where it was: flow [h, w, 2] in pixels -> [1, 3, h, w]."""
    height, width = picture.shape[2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    size = torch.tensor([width, height])
    grid = (2 * (torch.stack([x, y], dim=2) + flow) + 1) / size - 1
    return F.grid_sample(picture, grid[None], mode="bilinear", padding_mode="border", align_corners=False)
