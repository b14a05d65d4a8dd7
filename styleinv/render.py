"""Frames of a clip from its latents: motion, trunk, top, in pieces that always fall on the same grid."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from .clip.layout import grid, side_by_side
from .clip.recipe import Recipe
from .errors import InputError
from .models.dense_motion import DenseMotion
from .models.mobile_stylegan import MobileDecoder, Top
from .models.motion import MotionNetwork
from .models.ops import from_uint8, to_uint8
from .photo_layer import PhotoLayer, WholePhoto

if TYPE_CHECKING:
    from .inversion import Inversion

BLOCK = 8       # frames that one pass of the motion network makes; fixed, so that rounding never depends on the request


class MotionRender:
    """(start, stop) -> uint8 [stop - start, H, W, 3], the same frames however they are asked for."""

    @torch.no_grad()
    def __init__(
        self,
        decoder: MobileDecoder,
        motion: MotionNetwork,
        inversion: "Inversion",
        recipe: Recipe,
        styles: dict[str, Top] | None = None,   # tops by title; none: the raw decoder
        dense_motion: DenseMotion | None = None,    # for an inversion with its photo
    ):
        self.decoder, self.network, self.recipe, self.length = decoder, motion, recipe, recipe.frames
        self.styles = styles or {}
        self.w0, self.detail = inversion.w0[None].to(decoder.device), inversion.detail.to(decoder.device)
        first = decoder.synthesis(self.w0, min(decoder.config.sizes))   # the motion network reads G(w0), not the photo
        self.prefix = motion.prefix(first)                              # [1, C, h, w]
        self.rest = self._offsets(torch.zeros(1, 1))                    # what little the network adds at time 0
        self.steady = steady_light(decoder, inversion.ws.to(decoder.device))                    # [w_dim, w_dim]
        self.layer = self._photo_layer(dense_motion, inversion) if dense_motion and inversion.photo else None
        if recipe.whole and self.layer is None:
            raise InputError("frame is photo: that needs a photo, with likeness photo; choose that, or frame face.")
        self.whole = (WholePhoto(self.layer, inversion.photo)
                      if recipe.whole and self.layer and inversion.photo else None)
        self.stills = _stills(inversion, recipe.size, bool(self.styles)) if recipe.layout == "compare" else {}

    def _photo_layer(self, network: DenseMotion, inversion: "Inversion") -> PhotoLayer:
        """The layer over the crop, at the size of the frames."""
        crop = resized(inversion.image if inversion.crop is None else inversion.crop, self.recipe.size)
        photo = from_uint8(torch.from_numpy(crop.copy())[None]).to(self.w0.device)               # [1, 3, S, S]
        return PhotoLayer(self.decoder, network, photo, inversion.ws[None].to(self.w0.device))

    def __call__(self, start: int, stop: int) -> np.ndarray:
        blocks = range(start // BLOCK, (stop - 1) // BLOCK + 1)
        frames = np.concatenate([self._block(b) for b in blocks])
        return frames[start - blocks[0] * BLOCK :][: stop - start]

    @torch.no_grad()
    def latents(self, block: int) -> torch.Tensor:
        """w_t of the frames of one block, [BLOCK, w_dim]."""
        seconds = torch.arange(block * BLOCK, (block + 1) * BLOCK, dtype=torch.float64) / self.recipe.fps
        t = (seconds * self.recipe.speed * self.network.config.frame_rate).float()[None]        # in its frames
        offsets = torch.where(t[..., None] > 0, self._offsets(t) - self.rest, 0.0)              # at time 0 none at all
        return (self.w0[:, None] + self.recipe.motion * offsets @ self.steady)[0]

    def _offsets(self, t: torch.Tensor) -> torch.Tensor:
        """w_t - w0 as the network has it, [1, T, w_dim], for times t [1, T] in frames."""
        v = self.network.style.clip_motion(self.recipe.seed, t.to(self.w0.device))
        return self.network.frames(self.prefix, self.w0, v) - self.w0[:, None]

    @torch.no_grad()
    def _block(self, block: int) -> np.ndarray:
        ws = self.latents(block)[:, None] + self.detail                                         # [BLOCK, num_ws, w_dim]
        count = min(BLOCK, self.length - block * BLOCK)
        return np.stack([self._frame(w) for w in ws[:count].split(1)])

    def _frame(self, ws: torch.Tensor) -> np.ndarray:
        """ws [1, num_ws, w_dim] -> the frame: one trunk pass, and a top for each moving picture in it."""
        images, features = {}, self.decoder.trunk(ws)                                           # [1, C, T, T]
        if self.whole:
            return self.whole(ws, features)
        if not self.styles or self.recipe.layout == "compare":
            images["Original"] = self._raw(features, ws)
        images |= self._styled(features, ws)
        pictures = self.stills | {title: to_uint8(image)[0].cpu().numpy() for title, image in images.items()}
        if len(self.styles) < 2:
            return side_by_side(list(pictures.values()))
        return grid(list(pictures.values()), list(pictures))

    def _raw(self, features: torch.Tensor, ws: torch.Tensor) -> torch.Tensor:
        """[1, 3, size, size]: the photo, carried; or the face, drawn."""
        return self.layer(ws, features) if self.layer else self.decoder.top(features, ws, self.recipe.size)

    def _styled(self, features: torch.Tensor, ws: torch.Tensor) -> dict[str, torch.Tensor]:
        """By title, images [1, 3, size, size]; styles of one size share the stem too."""
        stems = {size: self.decoder.stem(features, ws, size) for size in {top.size for top in self.styles.values()}}
        return {title: self.decoder.styled(stems[top.size], ws, top, self.recipe.size)
                for title, top in self.styles.items()}


def steady_light(decoder: MobileDecoder, ws: torch.Tensor) -> torch.Tensor:
    """The projection [w_dim, w_dim] that takes out of an offset of w what would change the picture's mean colour.

    Real light does not change when a head moves. How colour follows w differs from person to person, so its gradient is
    taken at this one's ws [num_ws, w_dim]; it explains nine tenths of the pumping, and costs a few hundredths of the
    motion.
    """
    def colour(offset: torch.Tensor) -> torch.Tensor:
        return decoder.synthesis((ws + offset)[None], min(decoder.config.sizes)).mean((0, 2, 3))

    with torch.enable_grad():
        gradient = torch.autograd.functional.jacobian(colour, torch.zeros_like(ws[0]))          # [3, w_dim]
    return torch.eye(ws.shape[1], device=ws.device) - gradient.T @ torch.linalg.pinv(gradient).T


def _stills(inversion: "Inversion", size: int, styled: bool) -> dict[str, np.ndarray]:
    """By title, what does not move, uint8 [size, size, 3]: the crop, if there is one; without styles the inversion
    too.
    """
    images = {} if inversion.crop is None else {"Photo": inversion.crop}
    images |= {} if styled else {"Inversion": inversion.image}
    return {title: resized(image, size) for title, image in images.items()}


def resized(image: np.ndarray, size: int) -> np.ndarray:
    """uint8 [S, S, 3] -> [size, size, 3]."""
    if len(image) == size:
        return image
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS))
