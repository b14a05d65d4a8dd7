"""Frames of a clip from its moments: trunk, top, photo layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from .clip.layout import grid, side_by_side
from .clip.recipe import Recipe
from .errors import InputError
from .face.landmarks import landmarks_of_crop
from .models.dense_motion import DenseMotion
from .models.mobile_stylegan import MobileDecoder, Top
from .models.motion import MotionNetwork
from .models.ops import from_uint8, to_uint8
from .models.steering import Steering
from .motion.driver import Driver
from .motion.expression import Pose
from .motion.eyes import Irises
from .motion.path import BLOCK, Moment, Path
from .motion.photo_layer import PhotoLayer, WholePhoto, moved
from .motion.sway import Sway, halves

if TYPE_CHECKING:
    from .inversion import Inversion


@dataclass(frozen=True)
class Networks:
    """What a clip is drawn by."""

    decoder: MobileDecoder
    motion: MotionNetwork
    dense_motion: DenseMotion | None = None     # for an inversion with its photo
    steering: Steering | None = None            # for moods and poses


class MotionRender:
    """(start, stop) -> uint8 [stop - start, H, W, 3], the same frames however they are asked for."""

    @torch.no_grad()
    def __init__(
        self,
        networks: Networks,
        inversion: "Inversion",
        recipe: Recipe,                         # with a seed
        styles: dict[str, Top] | None = None,   # tops by title; none: the raw decoder
        driver: Driver | None = None,           # whose motion it is, instead of a learned one
    ):
        self.decoder, self.recipe, self.length, self.styles = networks.decoder, recipe, recipe.frames, styles or {}
        w0, detail = inversion.w0[None].to(self.decoder.device), inversion.detail.to(self.decoder.device)
        self.path = Path(self.decoder, networks.motion, networks.steering, w0, detail, inversion.pose, recipe, driver,
                         inversion.answers)
        self._last: tuple[int, list[Moment]] = (-1, [])
        self.layer = self._photo_layer(networks.dense_motion, inversion)
        if recipe.whole and self.layer is None:
            raise InputError("frame is photo: that needs a photo, with likeness photo; choose that, or frame face.")
        self.whole = (WholePhoto(self.layer, inversion.photo)
                      if recipe.whole and self.layer and inversion.photo else None)
        self.stills = _stills(inversion, recipe.size, bool(self.styles)) if recipe.layout == "compare" else {}

    def _photo_layer(self, network: DenseMotion | None, inversion: "Inversion") -> PhotoLayer | None:
        """The layer over the crop, at the size of the frames, if there is a photo."""
        if network is None or inversion.photo is None:
            return None
        crop = resized(inversion.image if inversion.crop is None else inversion.crop, self.recipe.size)
        photo = from_uint8(torch.from_numpy(crop.copy())[None]).to(self.decoder.device)         # [1, 3, S, S]
        irises = Irises(landmarks_of_crop(crop) / len(crop))
        return PhotoLayer(self.decoder, network, photo, inversion.ws[None].to(self.decoder.device), irises)

    def __call__(self, start: int, stop: int) -> np.ndarray:
        return np.stack([self.frame(self.moment(number)) for number in range(start, stop)])

    @torch.no_grad()
    def still(self, pose: Pose | None) -> np.ndarray:
        """The photo in a pose that may be another than the inversion's, uint8 [H, W, 3]."""
        return self.frame(self.path.moment(self.path.w0, pose))

    def moment(self, number: int) -> Moment:
        """Of one frame; its block is kept, for the next ones."""
        block, place = divmod(number, BLOCK)
        known, moments = self._last             # read at once: another thread may replace it
        if known != block:
            moments = self.path.moments(block)
            self._last = block, moments
        return moments[place]

    @torch.no_grad()
    def frame(self, moment: Moment) -> np.ndarray:
        """One trunk pass, and a top for each moving picture in it: uint8 [H, W, 3]."""
        ws = moment.ws
        images, features = {}, self.decoder.trunk(ws)                                           # [1 or 2, C, T, T]
        if self.whole:
            return self.whole(self.whole.layer.carry(ws, features).joined(moment.sway), moment.gaze)
        if not self.styles or self.recipe.layout == "compare":
            images["Original"] = self._raw(features, moment)
        images |= {title: _joined(image, moment.sway) for title, image in self._styled(features, ws).items()}
        pictures = self.stills | {title: to_uint8(image)[0].cpu().numpy() for title, image in images.items()}
        if len(self.styles) < 2:
            return side_by_side(list(pictures.values()))
        return grid(list(pictures.values()), list(pictures))

    def _raw(self, features: torch.Tensor, moment: Moment) -> torch.Tensor:
        """[1, 3, size, size]: the photo, carried; or the face, drawn."""
        if self.layer:
            return self.layer.picture(self.layer.carry(moment.ws, features).joined(moment.sway), moment.gaze)
        return _joined(self.decoder.top(features, moment.ws, self.recipe.size), moment.sway)

    def _styled(self, features: torch.Tensor, ws: torch.Tensor) -> dict[str, torch.Tensor]:
        """By title, images [1 or 2, 3, size, size]; styles of one size share the stem too."""
        stems = {size: self.decoder.stem(features, ws, size) for size in {top.size for top in self.styles.values()}}
        return {title: self.decoder.styled(stems[top.size], ws, top, self.recipe.size)
                for title, top in self.styles.items()}


class GroupRender:
    """As `MotionRender`, of several faces of one whole photo.

    Their motions add up before the photo is warped, once, so that nothing tears between neighbours.
    """

    def __init__(
        self,
        renders: Sequence[MotionRender],        # one of each face
    ):
        self.renders, self.length = renders, renders[0].length
        self.wholes = [render.whole for render in renders if render.whole]
        self.photo = from_uint8(torch.from_numpy(self.wholes[0].pixels.copy())[None])           # [1, 3, H, W]

    def __call__(self, start: int, stop: int) -> np.ndarray:
        return np.stack([self.frame([render.moment(number) for render in self.renders])
                         for number in range(start, stop)])

    @torch.no_grad()
    def frame(self, moments: Sequence[Moment]) -> np.ndarray:
        """Of a moment of each face, uint8 [H, W, 3]."""
        carried = [whole.layer.carry(moment.ws).joined(moment.sway) for whole, moment in zip(self.wholes, moments)]
        flow = torch.zeros(*self.photo.shape[2:], 2)                                            # [H, W, 2]
        for whole, one, moment in zip(self.wholes, carried, moments):
            flow[whole.box] += torch.from_numpy(whole.inside) * whole.flow(one, moment.gaze)
        picture = moved(self.photo, flow)                                                       # [1, 3, H, W]
        for whole, one in zip(self.wholes, carried):
            region = picture[..., *whole.box]                                                   # [1, 3, h, w]
            inside = torch.from_numpy(whole.inside).movedim(2, 0)                               # [1, h, w]
            region.copy_(torch.where(inside, whole.filled(region, one), region))
        return to_uint8(picture)[0].numpy()


def _joined(images: torch.Tensor, sway: Sway | None) -> torch.Tensor:
    """The picture whose halves are those of [1 or 2, 3, S, S], leaned: [1, 3, S, S]."""
    return sway(halves(images)) if sway else halves(images)


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
