"""photo -> face -> inversion -> motion -> decoder -> clip."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from diffusers import DiffusionPipeline
from PIL import Image

from . import __version__
from .checkpoint import check_manifest, load_network, resolve, save_network, write_manifest
from .clip.clip import Clip, looped
from .clip.recipe import Recipe, pack, unpack, within
from .errors import InputError
from .face.descriptor import descriptor, descriptor_distance
from .face.detection import find_and_align
from .face.photo import Source, load_photo
from .inversion import Inversion, refine
from .memory import keep_large_blocks
from .models.inversion import InversionEncoder
from .models.mobile_stylegan import MobileDecoder
from .models.motion import MotionNetwork
from .models.ops import from_uint8, to_uint8
from .progress import StageProgress
from .render import MotionRender
from .styles import StyleInfo, StyleShelf, find_styles

LIKENESS = ("paper", "fast", "close")
SIZES = (256, 512, 1024)


class StyleInVPipeline(DiffusionPipeline):
    """One photo to a clip of any length, with no driver: motion comes from a seed.

    Example:
        >>> pipe = StyleInVPipeline.from_pretrained("checkpoints/ffhq")
        >>> pipe("me.jpg", seconds=4, seed=7).save("me.mp4")
    """

    def __init__(
        self,
        decoder: MobileDecoder,         # latents -> faces
        inversion: InversionEncoder,    # face -> latent
        motion: MotionNetwork,          # latent, motion code, time -> latent
    ):
        super().__init__()
        self.register_modules(decoder=decoder, inversion=inversion, motion=motion)
        self.weights: dict[str, str] = {}       # sha256 by file name, of the bundle that was loaded
        self._shelf = StyleShelf(decoder)

    @classmethod
    def from_pretrained(cls, name: str | Path = "checkpoints/ffhq") -> Self:
        """Load a bundle: a folder, or a Hub id. Every file is checked against the manifest, every tensor must fit.

        Raises:
            InputError: there is no such bundle, or it is damaged.
        """
        keep_large_blocks()
        folder = resolve(name)
        sums = check_manifest(folder)
        pipe = cls(
            load_network(MobileDecoder, folder / "decoder"),
            load_network(InversionEncoder, folder / "inversion"),
            load_network(MotionNetwork, folder / "motion"),
        )
        pipe.weights = {file: known for file, known in sums.items() if file.endswith(".safetensors")}
        pipe._shelf.installed = find_styles(folder.parent / "styles")
        return pipe

    @property
    def styles(self) -> dict[str, StyleInfo]:
        """The installed styles by name; their weights are loaded when they are first asked for."""
        return self._shelf.installed

    def load_style(self, name: str | Path) -> str:
        """Add a style from a folder or a Hub id, unless one of that name is installed; returns its name.

        Raises:
            InputError: there is no such style, it is damaged, or it was made for another decoder.
        """
        return self._shelf.add(str(name))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the bundle in float16, with its manifest."""
        folder = Path(folder)
        for name, network in self.components.items():
            save_network(network, folder / name)
        self.save_config(folder)
        write_manifest(folder)

    @torch.no_grad()
    def invert(
        self,
        photo: Source,
        likeness: str = "fast",
        face_index: int = 0,
        aligned: bool = False,
        size: int = 256,
        progress: StageProgress | None = None,
    ) -> Inversion:
        """The face of a photo as a latent.

        Args:
            photo: path, bytes, file, PIL image or array of any size and mode.
            likeness: "paper" (w0 alone), "fast" (one encoder pass, with detail rows) or "close" (refined on the photo).
            face_index: which face, 0 is the largest.
            aligned: the photo is an FFHQ crop already.
            size: side of the crop that the result carries.
            progress: called with the stage, the steps done and the steps in all.

        Raises:
            FaceError: the photo cannot be read, or has no usable face.
            InputError: another likeness.
        """
        if likeness not in LIKENESS:
            raise InputError(f"There is no likeness {likeness!r}: choose {', '.join(LIKENESS)}.")
        image = load_photo(photo)
        crop = image if aligned else find_and_align(image, face_index, size)[0]
        return self.invert_crop(crop, likeness, progress)

    @torch.no_grad()
    def invert_crop(self, crop: np.ndarray, likeness: str = "fast", progress: StageProgress | None = None) -> Inversion:
        """As :meth:`invert`, of an aligned crop uint8 [S, S, 3]."""
        if crop.shape[0] != crop.shape[1]:
            raise InputError(f"The crop is {crop.shape[1]}x{crop.shape[0]} pixels, not square: align the photo first.")
        target = from_uint8(torch.from_numpy(crop.copy())[None]).to(self.device)        # [1, 3, S, S]
        w0, detail = self.inversion(target)
        if likeness == "paper":
            detail = torch.zeros_like(detail)
        if likeness == "close":
            report = progress and (lambda done, total: progress("likeness", done, total))
            w0, detail = refine(self.inversion, self.decoder, target, w0, detail, progress=report)
        inversion = self.decode(w0[0], detail[0])
        known = descriptor(_at_least(crop, 256))
        return replace(inversion, crop=crop, likeness=descriptor_distance(known, descriptor(inversion.image)))

    @torch.no_grad()
    def decode(self, w0: torch.Tensor, detail: torch.Tensor | None = None) -> Inversion:
        """Latents -> the face at 256 px. They are rounded to float16 first, as a recipe stores them."""
        detail = torch.zeros(self.decoder.num_ws, len(w0)).to(w0) if detail is None else detail
        w0, detail = w0.half().float(), detail.half().float()
        image = to_uint8(self.decoder.synthesis((w0 + detail)[None], 256))[0].cpu().numpy()
        return Inversion(w0.cpu(), detail.cpu(), image)

    @torch.no_grad()
    def sample_face(self, seed: int, psi: float = 0.7) -> Inversion:
        """A person who does not exist; `psi` is the truncation, 0 the mean face, 1 the whole variety.

        Raises:
            InputError: a seed or a truncation out of its range.
        """
        within("seed", seed, 0, 2**63 - 1)
        within("psi", psi, 0, 2)
        z = torch.randn(1, self.decoder.w_avg.numel(), generator=torch.Generator().manual_seed(seed))
        return self.decode(self.decoder.mapping(z.to(self.device), psi)[0])

    def animate(
        self,
        inversion: Inversion,
        seconds: float = 4.0,
        fps: float = 25.0,
        seed: int = 0,
        motion: float = 1.0,
        size: int = 256,
        loop: str = "none",
        layout: str = "result",
        speed: float = 1.0,
        style: str | Sequence[str] = "",
        style_strength: float = 1.0,
    ) -> Clip:
        """A clip that starts at an inversion.

        Args:
            seconds: length; any.
            fps: frames a second; time is continuous, so motion looks the same at any rate.
            seed: of the motion; the same seed gives the same motion.
            motion: strength, 0 still, 1 as learned.
            size: side in pixels, 256, 512 or 1024.
            loop: "none", or "pingpong" to run forth and back.
            layout: "result", or "compare" for crop | inversion | result, with a style crop | raw | styled.
            speed: of the motion, 0.5 is slow motion.
            style: name, folder or Hub id of a style, or several: one motion serves all, in a labelled grid. "all": every
                installed one. "": the raw decoder.
            style_strength: from 0, raw, to 1.

        Raises:
            InputError: a setting out of its range, or an unknown or unfit style.
        """
        names = self._shelf.names(style)
        recipe = Recipe(seconds, fps, seed, motion, size, loop, layout, speed, ",".join(names), style_strength)
        recipe.check()
        render = MotionRender(self.decoder, self.motion, inversion, recipe, self._shelf.tops(names, size, style_strength))
        function, length = (looped(render, render.length) if loop == "pingpong" else (render, render.length))
        return Clip(function, length, fps, recipe.to_dict() | pack(inversion) | {
            "version": __version__, "weights": self.weights | self._shelf.weights(names),
        })

    def __call__(
        self,
        photo: Source,
        seconds: float = 4.0,
        fps: float = 25.0,
        seed: int | None = None,
        motion: float = 1.0,
        size: int = 256,
        likeness: str = "fast",
        face_index: int = 0,
        progress: StageProgress | None = None,
        **settings: Any,
    ) -> Clip:
        """A clip of the person in a photo: :meth:`invert`, then :meth:`animate` with the other settings.

        Without a `seed` one is drawn; `clip.recipe` names it.
        """
        seed = _seed(seed)
        settings["style"] = self._shelf.names(settings.get("style", ""))
        known = settings | {"style": ",".join(settings["style"])}
        Recipe(seconds, fps, seed, motion, size, **known).check()           # before the seconds that an inversion takes
        inversion = self.invert(photo, likeness, face_index, size=size, progress=progress)
        return self.animate(inversion, seconds, fps, seed, motion, size, **settings)

    def sample(self, seed: int | None = None, psi: float = 0.7, **settings: Any) -> Clip:
        """A clip of a person who does not exist; `seed` chooses both the person and the motion."""
        seed = _seed(seed)
        return self.animate(self.sample_face(seed, psi), seed=seed, **settings)

    def render(self, recipe: dict[str, Any]) -> Clip:
        """The clip that a recipe describes, the same frames again. The crop of the photo is not part of a recipe.

        Raises:
            InputError: the recipe is not whole, or was made with other weights.
        """
        settings = Recipe.from_dict(recipe)
        if recipe.get("weights") != self.weights | self._shelf.weights(self._shelf.names(settings.style)):
            raise InputError("The recipe was made with other weights: load the bundle and the styles that it names.")
        w0, detail = unpack(recipe, self.decoder.num_ws, self.decoder.w_avg.numel())
        inversion = self.decode(w0.to(self.device), detail.to(self.device))
        return self.animate(inversion, **settings.to_dict())


def _at_least(crop: np.ndarray, side: int) -> np.ndarray:
    """A crop whose sides are `side` or more, as the descriptor wants it."""
    if min(crop.shape[:2]) >= side:
        return crop
    return np.asarray(Image.fromarray(crop).resize((side, side), Image.Resampling.LANCZOS))


def _seed(seed: int | None) -> int:
    return secrets.randbelow(2**31) if seed is None else seed
