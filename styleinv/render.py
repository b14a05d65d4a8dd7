"""Frames of a clip from its moments: trunk, top, photo layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from .clip.drawers import Drawn
from .clip.layout import grid, side_by_side
from .clip.recipe import Recipe
from .errors import InputError
from .face.landmarks import landmarks_of_crop
from .models.dense_motion import DenseMotion
from .models.matte import MatteNetwork
from .models.mobile_stylegan import MobileDecoder
from .models.motion import MotionNetwork
from .models.ops import from_uint8, to_uint8
from .models.residual import ResidualEncoder
from .models.steering import Steering
from .motion.driver import Driver
from .motion.expression import SIDE, Carry, Pose
from .motion.eyes import Irises
from .motion.path import BLOCK, Moment, Path
from .motion.photo_layer import Carried, PhotoLayer, WholePhoto, moved
from .motion.styled_layer import StyledLayer, find_residual
from .motion.sway import Sway, halves
from .styles import StyledTops

if TYPE_CHECKING:
    from .inversion import Inversion


@dataclass(frozen=True)
class Networks:
    """What a clip is drawn by."""

    decoder: MobileDecoder
    motion: MotionNetwork
    dense_motion: DenseMotion | None = None     # for an inversion with its photo
    steering: Steering | None = None            # for moods and poses
    residual: ResidualEncoder | None = None     # for styles that show the photo
    matte: MatteNetwork | None = None           # for styles in the whole photo; without it all of the crop is restyled


class MotionRender:
    """(start, stop) -> uint8 [stop - start, H, W, 3], the same frames however they are asked for."""

    @torch.no_grad()
    def __init__(
        self,
        networks: Networks,
        inversion: "Inversion",
        recipe: Recipe,                         # with a seed
        styles: dict[str, StyledTops] | None = None,    # by title; none: the raw decoder
        driver: Driver | None = None,           # whose motion it is, instead of a learned one
    ):
        self.decoder, self.recipe, self.length = networks.decoder, recipe, recipe.frames
        self.styles = {title: tops.full for title, tops in (styles or {}).items()}
        self.path = clip_path(networks, inversion, recipe, driver)
        self._last: tuple[int, list[Moment]] = (-1, [])
        self.layer = photo_layer(networks, inversion, recipe.size) if carries(networks, inversion) else None
        if recipe.whole and not (self.layer and inversion.photo):
            raise InputError("frame is photo: that needs a photo, with likeness photo; choose that, or frame face.")
        self.styled = self._styled_layers(networks.residual, inversion, styles or {})
        self.whole = (WholePhoto(self.layer, inversion.photo, networks.matte if self.styled else None)
                      if recipe.whole and self.layer and inversion.photo else None)
        self.stills = _stills(inversion, recipe.size, bool(self.styles)) if recipe.layout == "compare" else {}
        self.drawn = Drawn(self.moment, self.frame, self.length, beside=self.decoder.device.type == "cpu")

    def _styled_layers(
        self, network: ResidualEncoder | None, inversion: "Inversion", styles: dict[str, StyledTops]
    ) -> dict[str, StyledLayer]:
        """By title, styles that show the photo; the others are drawn."""
        layer, share, whole = self.layer, self.recipe.style_detail, self.recipe.whole
        if layer is None or not (styles and (share or whole) and (network or inversion.carried or whole)):
            return {}
        ws = inversion.ws[None].to(self.decoder.device)
        residual = torch.zeros_like(layer.source.trunk)
        if network and share and not inversion.carried:     # what is drawn lacks nothing
            residual = inversion.answers.get(f"residual at {self.recipe.size} px",
                                             lambda: find_residual(network, self.decoder, layer.photo, ws))
        return {title: StyledLayer(layer, tops.full, tops.small, ws, share * residual.to(ws))
                for title, tops in styles.items()}

    def __call__(self, start: int, stop: int) -> np.ndarray:
        return self.drawn(start, stop)

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
        if self.whole:
            return self.whole(*self.carried(moment), moment.gaze)
        pictures = self.stills | self.pictures(moment)
        if len(self.styles) < 2:
            return side_by_side(list(pictures.values()))
        return grid(list(pictures.values()), list(pictures))

    @torch.no_grad()
    def carried(self, moment: Moment) -> tuple[Carried, torch.Tensor | None]:
        """How the photo is carried in a frame, and its face in the style, if there is one, [1, 3, size, size]."""
        assert self.layer is not None
        features = self.decoder.trunk(moment.ws)                                                # [1 or 2, C, T, T]
        carried = self.layer.carry(moment.ws, features)
        restyled = self._shown(features, moment, carried) if self.styled else {}
        return carried.joined(moment.sway), next(iter(restyled.values()), None)

    @torch.no_grad()
    def pictures(self, moment: Moment) -> dict[str, np.ndarray]:
        """By title, what moves in a frame, uint8 [size, size, 3]."""
        images, features = {}, self.decoder.trunk(moment.ws)                                    # [1 or 2, C, T, T]
        raw = not self.styles or self.recipe.layout == "compare"
        carried = self.layer.carry(moment.ws, features, raw) if self.layer and (raw or self.styled) else None
        if raw:
            images["Original"] = self._raw(features, moment, carried)
        images |= self._shown(features, moment, carried) if self.styled else self._drawn(features, moment)
        return {title: to_uint8(image)[0].cpu().numpy() for title, image in images.items()}

    def looks(self) -> dict[str, np.ndarray]:
        """By title, how each style begins, uint8 [size, size, 3]."""
        return self.pictures(self.path.moment(self.path.w0, None))

    def _raw(self, features: torch.Tensor, moment: Moment, carried: Carried | None) -> torch.Tensor:
        """[1, 3, size, size]: the photo, carried; or the face, drawn."""
        if self.layer and carried:
            return self.layer.picture(carried.joined(moment.sway), moment.gaze)
        return _joined(self.decoder.top(features, moment.ws, self.recipe.size), moment.sway)

    def _shown(self, features: torch.Tensor, moment: Moment, carried: Carried | None) -> dict[str, torch.Tensor]:
        """By title, images [1, 3, size, size] of the photo in each style."""
        assert carried is not None
        return {title: layer(carried, features, moment.ws, moment.gaze, moment.sway)
                for title, layer in self.styled.items()}

    def _drawn(self, features: torch.Tensor, moment: Moment) -> dict[str, torch.Tensor]:
        """By title, images [1, 3, size, size] of the face in each style; styles of one size share the stem too."""
        ws, sizes = moment.ws, {top.size for top in self.styles.values()}
        stems = {size: self.decoder.stem(features, ws, size) for size in sizes}
        return {title: _joined(self.decoder.styled(stems[top.size], ws, top, self.recipe.size), moment.sway)
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
        self.drawn = Drawn(self.moments, self.frame, self.length, renders[0].drawn.beside)

    def __call__(self, start: int, stop: int) -> np.ndarray:
        return self.drawn(start, stop)

    def moments(self, number: int) -> list[Moment]:
        """One of each face."""
        return [render.moment(number) for render in self.renders]

    @torch.no_grad()
    def frame(self, moments: Sequence[Moment]) -> np.ndarray:
        """Of a moment of each face, uint8 [H, W, 3]."""
        carried = [render.carried(moment) for render, moment in zip(self.renders, moments)]
        flow = torch.zeros(*self.photo.shape[2:], 2)                                            # [H, W, 2]
        for whole, (one, _), moment in zip(self.wholes, carried, moments):
            flow[whole.box] += torch.from_numpy(whole.inside) * whole.flow(one, moment.gaze)
        picture = moved(self.photo, flow)                                                       # [1, 3, H, W]
        for whole, (one, restyled) in zip(self.wholes, carried):
            region = picture[..., *whole.box]                                                   # [1, 3, h, w]
            inside = torch.from_numpy(whole.inside).movedim(2, 0)                               # [1, h, w]
            made = whole.restyled(whole.filled(region, one), flow[whole.box], restyled)
            region.copy_(torch.where(inside, made, region))
        return to_uint8(picture)[0].numpy()


def clip_path(networks: Networks, inversion: "Inversion", recipe: Recipe, driver: Driver | None = None) -> Path:
    """A clip before it is drawn, of a recipe with a seed."""
    w0, detail = inversion.w0[None].to(networks.decoder.device), moved_detail(networks, inversion)
    return Path(networks.decoder, networks.motion, networks.steering, w0, detail, inversion.pose, recipe, driver,
                inversion.answers, carrying(networks, inversion))


def carries(networks: Networks, inversion: "Inversion") -> bool:
    """Clips carry the photo's pixels, or those of a sample's own picture; otherwise every pixel is drawn."""
    return networks.dense_motion is not None and bool(inversion.photo or inversion.carried)


def moved_detail(networks: Networks, inversion: "Inversion") -> torch.Tensor:
    """Offsets of the style rows while w moves, [num_ws, w_dim]; none where a photo is carried.

    A photo shows its own detail, and rows that fit the one picture break others: open mouths above all.
    """
    detail = inversion.detail.to(networks.decoder.device)
    return torch.zeros_like(detail) if inversion.photo and carries(networks, inversion) else detail


def photo_layer(networks: Networks, inversion: "Inversion", size: int) -> PhotoLayer:
    """The layer over the crop, or over a sample's own picture, at so many px."""
    assert networks.dense_motion is not None
    decoder = networks.decoder
    ws = (inversion.w0.to(decoder.device) + moved_detail(networks, inversion))[None]            # [1, num_ws, w_dim]
    crop = (to_uint8(decoder.synthesis(ws, size))[0].cpu().numpy() if inversion.crop is None
            else resized(inversion.crop, size))
    photo = from_uint8(torch.from_numpy(crop.copy())[None]).to(decoder.device)                  # [1, 3, S, S]
    return PhotoLayer(decoder, networks.dense_motion, photo, ws, Irises(landmarks_of_crop(crop) / len(crop)))


def carrying(networks: Networks, inversion: "Inversion") -> Carry | None:
    """The photo at other latents, small, for the finding out of how it answers; built when it is asked for."""
    if not carries(networks, inversion):
        return None
    layer = cache(lambda: photo_layer(networks, inversion, SIDE))
    return lambda ws: layer()(ws)


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
