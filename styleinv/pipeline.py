"""photo -> face -> inversion -> motion -> decoder -> clip."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from diffusers import DiffusionPipeline
from PIL import Image

from .checkpoint import BUNDLE, check_manifest, load_network, resolve, save_network, write_manifest
from .clip.clip import Clip, looped
from .clip.recipe import FACE, LIKENESS, PSI, SETTINGS, Recipe, takes_settings
from .errors import FaceError, InputError, StageProgress
from .face.alignment import crop_quad
from .face.descriptor import likeness_distance
from .face.detection import find_and_align
from .face.photo import Source, load_photo
from .face.verdict import REFUSED, judge, signs
from .inversion import Inversion, Photo, carried, read_latents, refine
from .memory import keep_large_blocks
from .models.dense_motion import DenseMotion
from .models.inversion import InversionEncoder
from .models.mobile_stylegan import MobileDecoder
from .models.motion import MotionNetwork
from .models.ops import from_uint8, to_uint8
from .render import MotionRender
from .styles import StyleInfo, StyleShelf, find_styles
from .version import __version__


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
        dense_motion: DenseMotion | None = None,        # how a photo's own pixels move; without it photo is close
    ):
        super().__init__()
        self.register_modules(decoder=decoder, inversion=inversion, motion=motion, dense_motion=dense_motion)
        self.weights: dict[str, str] = {}       # sha256 by file name, of the bundle that was loaded
        self._shelf = StyleShelf(decoder)

    @classmethod
    def from_pretrained(
        cls, name: str | Path = BUNDLE, torch_dtype: torch.dtype | None = None, **download: Any,
    ) -> Self:
        """Load a bundle: a folder, or a Hub id. Every file is checked against the manifest, every tensor must fit.

        Args:
            name: the bundle; the one that comes with the package, if not given, whatever the current folder.
            torch_dtype: float32 alone, in which the networks run; others are refused.
            **download: of a Hub id, as diffusers has them: `revision`, `cache_dir`, `local_files_only`, `token`.

        Raises:
            InputError: there is no such bundle, it is damaged, or another dtype.
        """
        if torch_dtype not in (None, torch.float32):
            raise InputError(f"torch_dtype is {torch_dtype}: the networks run in torch.float32, so leave it out.")
        keep_large_blocks()
        folder = resolve(name, **download)
        sums = check_manifest(folder)
        pipe = cls(
            load_network(MobileDecoder, folder / "decoder"),
            load_network(InversionEncoder, folder / "inversion"),
            load_network(MotionNetwork, folder / "motion"),
            load_network(DenseMotion, folder / "dense_motion") if (folder / "dense_motion").is_dir() else None,
        )
        pipe.weights = {file: digest for file, digest in sums.items() if file.endswith(".safetensors")}
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
            if network is not None:
                save_network(network, folder / name)
        self.save_config(folder)
        write_manifest(folder)

    @torch.no_grad()
    def invert(
        self,
        photo: Source,
        likeness: str = LIKENESS.default,
        face_index: int = FACE.default,
        aligned: bool = False,
        size: int = 256,
        progress: StageProgress | None = None,
    ) -> Inversion:
        """The face of a photo as a latent.

        Args:
            photo: path, bytes, file, PIL image or array of any size and mode.
            likeness: "paper" (w0 alone), "fast" (one encoder pass, with detail rows), "close" (refined on the photo) or
                "photo" (as close, and clips carry the photo's own pixels).
            face_index: which face, 0 is the largest.
            aligned: the photo is an FFHQ crop already; it is judged, and not refused.
            size: side of the crop that the result carries.
            progress: called with the stage, the steps done and the steps in all.

        Raises:
            FaceError: the photo cannot be read, or has no usable face: none that is found, or none that can be drawn.
            InputError: another likeness.
        """
        LIKENESS.check(likeness)
        image = load_photo(photo)
        if aligned:
            return self.invert_crop(image, likeness, progress)
        crop, faces = find_and_align(image, face_index, size)
        inversion = self.invert_crop(crop, likeness, progress, len(faces))
        if inversion.photo is None:
            return inversion
        return replace(inversion, photo=Photo(image, crop_quad(faces[face_index].landmarks), face_index))

    @torch.no_grad()
    def invert_crop(
        self,
        crop: np.ndarray,
        likeness: str = LIKENESS.default,
        progress: StageProgress | None = None,
        faces: int = 0,
    ) -> Inversion:
        """As :meth:`invert`, of an aligned crop uint8 [S, S, 3]; refused only as one of so many `faces` of a photo."""
        if crop.shape[0] != crop.shape[1]:
            raise InputError(f"The crop is {crop.shape[1]}x{crop.shape[0]} pixels, not square: align the photo first.")
        target = from_uint8(torch.from_numpy(crop.copy())[None]).to(self.device)        # [1, 3, S, S]
        w0, detail = self.inversion(target)
        inversion = self._drawn(crop, w0, detail)
        verdict = judge(signs(_at_least(crop, 256), inversion.image, inversion.likeness or 0.0), faces or 1)
        if faces and verdict.level == REFUSED:
            raise FaceError(verdict.sentence)
        if likeness == "paper":
            inversion = self._drawn(crop, w0, torch.zeros_like(detail))
        elif likeness != "fast":
            report = partial(progress, "likeness") if progress else None
            refined = self._drawn(crop, *refine(self.inversion, self.decoder, target, w0, detail, progress=report))
            inversion = min(refined, inversion, key=lambda found: found.likeness or 0.0)    # refining can lead away
        own = likeness == "photo" and self.dense_motion is not None
        return replace(inversion, verdict=verdict, photo=Photo.of_crop(crop) if own else None)

    def _drawn(self, crop: np.ndarray, w0: torch.Tensor, detail: torch.Tensor) -> Inversion:
        """Latents [1, w_dim] and [1, num_ws, w_dim] -> their face, compared with the crop."""
        inversion = self.decode(w0[0], detail[0])
        return replace(inversion, crop=crop, likeness=likeness_distance(_at_least(crop, 256), inversion.image))

    @torch.no_grad()
    def decode(self, w0: torch.Tensor, detail: torch.Tensor | None = None) -> Inversion:
        """Latents -> the face at 256 px. They are rounded to float16 first, as a recipe stores them."""
        detail = torch.zeros(self.decoder.num_ws, len(w0)).to(w0) if detail is None else detail
        w0, detail = w0.half().float(), detail.half().float()
        image = to_uint8(self.decoder.synthesis((w0 + detail)[None], 256))[0].cpu().numpy()
        return Inversion(w0.cpu(), detail.cpu(), image)

    @torch.no_grad()
    def sample_face(self, seed: int, psi: float = PSI.default) -> Inversion:
        """A person who does not exist; `psi` is the truncation, 0 the mean face, 1 the whole variety.

        Raises:
            InputError: a seed or a truncation out of its range.
        """
        SETTINGS["seed"].check(seed)
        PSI.check(psi)
        z = torch.randn(1, self.decoder.w_avg.numel(), generator=torch.Generator().manual_seed(seed))
        return self.decode(self.decoder.mapping(z.to(self.device), psi)[0])

    @takes_settings
    def animate(self, inversion: Inversion, recipe: Recipe | None = None, **settings: Any) -> Clip:
        """A clip that starts at an inversion.

        Args:
            inversion: of a photo, or of a sample.
            recipe: settings to begin with; those that are named change it.
            **settings: of the clip.

        Raises:
            InputError: a setting out of its range, or an unknown or unfit style.
        """
        recipe = self._recipe(recipe, settings)
        tops = self._shelf.tops(recipe.styles, recipe.size, recipe.style_strength)
        render = MotionRender(self.decoder, self.motion, inversion, recipe, tops, self.dense_motion)
        function, length = (looped(render, render.length) if recipe.loop == "pingpong" else (render, render.length))
        named = {} if inversion.photo is None else {"photo": inversion.photo.named()}
        return Clip(function, length, recipe.fps, recipe.to_dict() | inversion.latents() | named | {
            "version": __version__, "weights": self._sums(recipe, bool(named)),
        }, partial(self._remake, inversion, recipe))

    def _remake(self, inversion: Inversion, recipe: Recipe, fps: float, scale: float) -> Clip:
        """The same motion at another rate, and at the least size that has `scale` of the sides."""
        size = min(size for size in SETTINGS["size"].choices if size >= scale * recipe.size)
        return self.animate(inversion, replace(recipe, fps=max(1.0, fps), size=size))

    def _sums(self, recipe: Recipe, carried: bool) -> dict[str, str]:
        """sha256 of all weights on which the frames of a clip depend."""
        unused = ("matte/",) if carried else ("matte/", "dense_motion/")
        own = {file: digest for file, digest in self.weights.items() if not file.startswith(unused)}
        return own | self._shelf.weights(recipe.styles)

    def _recipe(self, recipe: Recipe | None, settings: dict[str, Any]) -> Recipe:
        """A checked recipe, whose styles are loaded and known by their names."""
        recipe = (recipe or Recipe()).with_settings(settings)
        recipe.check()
        return replace(recipe, styles=self._shelf.names(recipe.styles))

    @takes_settings
    def __call__(
        self,
        photo: Source,
        recipe: Recipe | None = None,
        likeness: str = LIKENESS.default,
        face_index: int = FACE.default,
        progress: StageProgress | None = None,
        **settings: Any,
    ) -> Clip:
        """A clip of the person in a photo: :meth:`invert`, then :meth:`animate`.

        Args:
            photo: path, bytes, file, PIL image or array of any size and mode.
            recipe: settings to begin with; those that are named change it.
            likeness: "paper", "fast" or "close", see :meth:`invert`.
            face_index: which face, 0 is the largest.
            progress: called with the stage, the steps done and the steps in all.
            **settings: of the clip.

        Raises:
            FaceError: the photo cannot be read, or has no usable face.
            InputError: a setting out of its range, or an unknown or unfit style.
        """
        recipe = self._recipe(recipe, settings)             # before the seconds that an inversion takes
        return self.animate(self.invert(photo, likeness, face_index, size=recipe.size, progress=progress), recipe)

    @takes_settings
    def sample(self, psi: float = PSI.default, recipe: Recipe | None = None, **settings: Any) -> Clip:
        """A clip of a person who does not exist; the seed chooses both the person and the motion.

        Args:
            psi: truncation, 0 the mean face, 1 the whole variety.
            recipe: settings to begin with; those that are named change it.
            **settings: of the clip.
        """
        recipe = self._recipe(recipe, settings)
        return self.animate(self.sample_face(recipe.seed, psi), recipe)

    def render(self, recipe: dict[str, Any], photo: Source | None = None) -> Clip:
        """The clip that a recipe describes, the same frames again.

        Args:
            recipe: of a clip.
            photo: the one that the clip carries, if it carries one: it is no part of the recipe, which only names it.

        Raises:
            InputError: the recipe is not whole, was made with other weights, or needs a photo that is missing or
                another one.
        """
        settings, named = Recipe.from_dict(recipe), recipe.get("photo")
        settings = replace(settings, styles=self._shelf.names(settings.styles))
        if recipe.get("weights") != self._sums(settings, bool(named)):
            raise InputError("The recipe was made with other weights: load the bundle and the styles that it names.")
        w0, detail = read_latents(recipe, self.decoder.num_ws, self.decoder.w_avg.numel())
        inversion = self.decode(w0.to(self.device), detail.to(self.device))
        if named:
            inversion = replace(inversion, **vars(carried(named, photo, settings.size)))
        return self.animate(inversion, settings)


def _at_least(crop: np.ndarray, side: int) -> np.ndarray:
    """A crop whose sides are `side` or more, as the descriptor wants it."""
    if min(crop.shape[:2]) >= side:
        return crop
    return np.asarray(Image.fromarray(crop).resize((side, side), Image.Resampling.LANCZOS))
