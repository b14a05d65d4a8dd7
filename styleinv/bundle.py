"""The bundle: the networks that work together, and the styles beside them, loaded, checked and saved."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from diffusers import DiffusionPipeline

from .checkpoint import BUNDLE, check_manifest, load_network, resolve, save_network, write_manifest
from .clip.recipe import ALL, Recipe, check_face
from .errors import InputError
from .inversion import Inversion
from .memory import keep_large_blocks
from .models.dense_motion import DenseMotion
from .models.inversion import InversionEncoder
from .models.matte import MatteNetwork
from .models.mobile_stylegan import MobileDecoder
from .models.motion import MotionNetwork
from .models.residual import ResidualEncoder
from .models.steering import Steering
from .motion.driver import Driver
from .motion.expression import Expression
from .render import GroupRender, MotionRender, Networks, carrying, moved_detail
from .styles import StyleInfo, StyleShelf, find_styles

# Folders of the networks that a bundle may lack, in the order of its arguments.
OPTIONAL = {DenseMotion: "dense_motion", Steering: "steering", ResidualEncoder: "residual", MatteNetwork: "matte"}


class Bundle(DiffusionPipeline):
    """Networks and styles, before anything is made with them."""

    _optional_components: ClassVar = [*OPTIONAL.values()]       # diffusers would leave them out of `components`

    def __init__(
        self,
        decoder: MobileDecoder,         # latents -> faces
        inversion: InversionEncoder,    # face -> latent
        motion: MotionNetwork,          # latent, motion code, time -> latent
        dense_motion: DenseMotion | None = None,        # how a photo's own pixels move; without it photo is close
        steering: Steering | None = None,   # wanted movements of a face -> latents; without it no moods and poses
        residual: ResidualEncoder | None = None,    # what a photo shows and its latent does not, for styles
        matte: MatteNetwork | None = None,  # where in a photo a person is, for styles in the whole photo
    ):
        super().__init__()
        self.register_modules(decoder=decoder, inversion=inversion, motion=motion, dense_motion=dense_motion,
                              steering=steering, residual=residual, matte=matte)
        self.weights: dict[str, str] = {}       # sha256 by file name, of the bundle that was loaded
        self.shelf = StyleShelf(decoder)

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
            *(load_network(kind, folder / part) if (folder / part).is_dir() else None
              for kind, part in OPTIONAL.items()),
        )
        pipe.weights = {file: known for file, known in sums.items() if file.endswith(".safetensors")}
        pipe.shelf.installed = find_styles(folder.parent / "styles")
        return pipe

    @property
    def styles(self) -> dict[str, StyleInfo]:
        """The installed styles by name; their weights are loaded when they are first asked for."""
        return self.shelf.installed

    def load_style(self, name: str | Path) -> str:
        """Add a style from a folder or a Hub id, unless one of that name is installed; returns its name.

        Raises:
            InputError: there is no such style, it is damaged, or it was made for another decoder.
        """
        return self.shelf.add(str(name))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the bundle in float16, with its manifest."""
        folder = Path(folder)
        for name, network in self.components.items():
            if network is not None:
                save_network(network, folder / name)
        self.save_config(folder)
        write_manifest(folder)

    def expression(self, inversion: Inversion) -> Expression:
        """A face and its controls.

        Raises:
            InputError: the bundle has no steering.
        """
        if self.steering is None:
            raise InputError("This bundle has no steering, so its faces take no pose: load one with a steering folder.")
        networks = self._networks()
        ws = inversion.w0.to(self.decoder.device) + moved_detail(networks, inversion)
        return Expression(self.decoder, self.steering, ws, inversion.answers, carrying(networks, inversion))

    def _drawn_by(
        self, inversion: Inversion, recipe: Recipe, driver: Driver | None = None
    ) -> MotionRender | GroupRender:
        """What draws the frames of all that move."""
        if not inversion.others:
            return self.renderer(inversion, recipe, driver)
        check_face(ALL, recipe, "photo" if inversion.photo else "close")
        return GroupRender([self.renderer(face, replace(recipe, seed=seed), driver)
                            for face, seed in zip(inversion.faces, inversion.seeds(recipe.seed))])

    def renderer(self, inversion: Inversion, recipe: Recipe, driver: Driver | None = None) -> MotionRender:
        """What draws one face in the frames of a checked recipe with a seed."""
        tops = self.shelf.tops(recipe.styles, recipe.size, recipe.style_strength)
        return MotionRender(self._networks(), inversion, recipe, tops, driver)

    def _networks(self) -> Networks:
        return Networks(self.decoder, self.motion, self.dense_motion, self.steering, self.residual, self.matte)

    def _sums(self, recipe: Recipe, needed: Mapping[str, Any]) -> dict[str, str]:
        """sha256 of all weights on which the frames of a clip depend, which has a photo or a driver, or neither."""
        steered, unused = recipe.mood != "learned" or "driver" in needed, list[str]()
        unused += [] if recipe.whole and recipe.styles else ["matte/"]
        unused += [] if "photo" in needed or "carried" in needed else ["dense_motion/"]
        unused += [] if steered else ["steering/"]
        unused += [] if "photo" in needed and recipe.styles and recipe.style_detail else ["residual/"]
        own = {file: known for file, known in self.weights.items() if not file.startswith(tuple(unused))}
        return own | self.shelf.weights(recipe.styles)

    def _recipe(self, recipe: Recipe | None, settings: dict[str, Any]) -> Recipe:
        """A checked recipe, whose styles are loaded and known by their names, of a size that can be drawn."""
        recipe = (recipe or Recipe()).with_settings(settings)
        recipe.check()
        return replace(recipe, styles=self.shelf.names(recipe.styles), size=min(recipe.size, self.decoder.resolution))
