"""photo -> face -> inversion -> motion -> decoder -> clip."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .bundle import Bundle
from .clip.clip import Clip, looped
from .clip.recipe import ALL, FACE, LIKENESS, PSI, SAMPLE_SEED, SETTINGS, Recipe, check_face, takes_settings
from .errors import FaceError, InputError, StageProgress
from .face.alignment import at_least
from .face.descriptor import likeness_distance
from .face.detection import Face, align_one, find_faces
from .face.photo import Source, load_photo
from .face.verdict import REFUSED, judge, signs
from .inversion import (
    Inversion,
    Photo,
    RefineConfig,
    read_latents,
    read_others,
    read_pose,
    refine,
    together,
    with_photo,
)
from .models.ops import from_uint8, to_uint8
from .motion.driver import Driver, read_driver
from .render import clip_path
from .version import __version__


class StyleInVPipeline(Bundle):
    """One photo to a clip of any length, with no driver: motion comes from a seed.

    Example:
        >>> pipe = StyleInVPipeline.from_pretrained("checkpoints/ffhq")
        >>> pipe("me.jpg", seconds=4, seed=7).save("me.mp4")
    """

    refining = RefineConfig()       # of the likenesses close and photo

    @torch.no_grad()
    def invert(
        self,
        photo: Source,
        likeness: str = LIKENESS.default,
        face_index: int | str = FACE.default,
        aligned: bool = False,
        size: int = 256,
        progress: StageProgress | None = None,
    ) -> Inversion:
        """The face of a photo as a latent.

        Args:
            photo: path, bytes, file, PIL image or array of any size and mode.
            likeness: "paper" (w0 alone), "fast" (one encoder pass, with detail rows), "close" (refined on the photo) or
                "photo" (as close, and clips carry the photo's own pixels).
            face_index: which face, 0 is the largest; "all": each that can be drawn, for clips of the whole photo.
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
        faces = find_faces(image)
        if face_index == ALL:
            return self._invert_all(image, faces, likeness, size, progress)
        inversion = self.invert_crop(align_one(image, faces, int(face_index), size), likeness, progress, len(faces))
        return replace(inversion, photo=inversion.photo and Photo.of_face(image, faces, int(face_index)))

    def _invert_all(
        self, image: np.ndarray, faces: list[Face], likeness: str, size: int, progress: StageProgress | None
    ) -> Inversion:
        """Every face that can be drawn; the verdict names the others."""
        found, refused = [], {}
        for number in range(max(1, len(faces))):                # of none, the first is refused
            try:
                inversion = self.invert_crop(align_one(image, faces, number, size), likeness, progress, 1)
                photo = inversion.photo and Photo.of_face(image, faces, number, alone=False)
                found.append(replace(inversion, photo=photo))
            except FaceError as error:
                refused[number] = error
        if not found:
            raise refused[0]
        return together(found, [f"Face {number} stays still: {error}" for number, error in refused.items()])

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
        verdict = judge(signs(at_least(crop, 256), inversion.image, inversion.likeness or 0.0), faces or 1)
        if faces and verdict.level == REFUSED:
            raise FaceError(verdict.sentence)
        if likeness == "paper":
            inversion = self._drawn(crop, w0, torch.zeros_like(detail))
        elif likeness != "fast":
            report = progress and partial(progress, "likeness")
            found = refine(self.inversion, self.decoder, target, w0, detail, self.refining, report)
            refined = self._drawn(crop, *found)
            inversion = min(refined, inversion, key=lambda found: found.likeness or 0.0)    # refining can lead away
        own = likeness == "photo" and self.dense_motion is not None
        return replace(inversion, verdict=verdict, photo=Photo.of_crop(crop) if own else None)

    def _drawn(self, crop: np.ndarray, w0: torch.Tensor, detail: torch.Tensor) -> Inversion:
        """Latents [1, w_dim] and [1, num_ws, w_dim] -> their face, compared with the crop."""
        inversion = self.decode(w0[0], detail[0])
        return replace(inversion, crop=crop, likeness=likeness_distance(at_least(crop, 256), inversion.image))

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
        face = self.decode(self.decoder.mapping(z.to(self.device), psi)[0])
        return replace(face, carried=self.dense_motion is not None)     # so that hair and ground hold still

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
        return self._clip(inversion, recipe)

    @takes_settings
    def reenact(
        self, inversion: Inversion, driver: Driver | str | Path, recipe: Recipe | None = None, **settings: Any
    ) -> Clip:
        """A clip in which a face does what another one does in a video, since that one's first frame.

        Args:
            inversion: of a photo, or of a sample.
            driver: the video, or what `motion.driver.read_driver` says of it.
            recipe: settings to begin with; those that are named change it. Length and rate are the video's.
            **settings: of the clip.

        Raises:
            InputError: a setting out of its range, a video that cannot be used, or the bundle has no steering.
        """
        recipe = self._recipe(recipe, settings)
        self.expression(inversion)
        driver = driver if isinstance(driver, Driver) else read_driver(driver)
        recipe = replace(recipe, fps=driver.fps, seconds=len(driver.lean) / driver.fps, speed=1.0, mood="learned")
        return self._clip(inversion, recipe, driver)

    def _clip(self, inversion: Inversion, recipe: Recipe, driver: Driver | None = None) -> Clip:
        """Of a checked recipe."""
        recipe = replace(recipe, seed=inversion.seed if recipe.seed is None else recipe.seed)
        render = self._drawn_by(inversion, recipe, driver)
        function, length = (looped(render, render.length) if recipe.loop == "pingpong" else (render, render.length))
        needed: dict[str, Any] = {"photo": inversion.named()} if inversion.photo else {}
        needed |= {"carried": True} if inversion.carried else {}
        needed |= {"driver": driver.packed()} if driver else {}
        return Clip(function, length, recipe.fps, recipe.to_dict() | inversion.latents() | needed | {
            "version": __version__, "weights": self._sums(recipe, needed),
        }, None if driver else partial(self._remake, inversion, recipe))

    def _remake(self, inversion: Inversion, recipe: Recipe, fps: float, scale: float) -> Clip:
        """The same motion at another rate, and at the least size that has `scale` of the sides."""
        size = min(size for size in SETTINGS["size"].choices if size >= scale * recipe.size)
        return self.animate(inversion, replace(recipe, fps=max(1.0, fps), size=size))

    def study(self, inversion: Inversion) -> None:
        """Find out ahead of the first clip how a face answers, which takes about a second and is kept in it."""
        recipe = self._recipe(None, {"seed": 0})
        for face in inversion.faces:
            face.answers.get("studied", clip_path(self._networks(), face, recipe).study)

    def pose(self, inversion: Inversion, expression: str | None = None, **controls: float) -> Inversion:
        """The face in another pose: clips begin there, or keep it with `hold=True`.

        Args:
            inversion: of a photo, or of a sample.
            expression: a preset to begin with: neutral, smile, surprised, wink or sleepy.
            **controls: see `motion.controls.CONTROLS`, such as turn in degrees, smile or lids; the others are at rest.

        Raises:
            InputError: a control out of its range, no such preset, or the bundle has no steering.
        """
        face, others = self.expression(inversion), (self.pose(one, expression, **controls) for one in inversion.others)
        return replace(inversion, pose=face.pose(face.preset(expression) | controls), others=tuple(others))

    def still(self, inversion: Inversion, recipe: Recipe | None = None) -> np.ndarray:
        """The first frame of its clips, uint8 [H, W, 3]: the photo, in the inversion's pose."""
        return self._drawn_by(inversion, self._recipe(recipe, {"seed": 0, "mood": "learned"}))(0, 1)[0]

    @takes_settings
    def __call__(
        self,
        photo: Source,
        recipe: Recipe | None = None,
        likeness: str = LIKENESS.default,
        face_index: int | str = FACE.default,
        progress: StageProgress | None = None,
        **settings: Any,
    ) -> Clip:
        """A clip of the person in a photo: :meth:`invert`, then :meth:`animate`.

        Args:
            photo: path, bytes, file, PIL image or array of any size and mode.
            recipe: settings to begin with; those that are named change it.
            likeness: "paper", "fast" or "close", see :meth:`invert`.
            face_index: which face, 0 is the largest; "all": each in its own way, with frame "photo".
            progress: called with the stage, the steps done and the steps in all.
            **settings: of the clip.

        Raises:
            FaceError: the photo cannot be read, or has no usable face.
            InputError: a setting out of its range, or an unknown or unfit style.
        """
        recipe = self._recipe(recipe, settings)
        check_face(face_index, recipe, likeness)            # before the seconds that an inversion takes
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
        seed = SAMPLE_SEED if recipe.seed is None else recipe.seed
        return self.animate(self.sample_face(seed, psi), replace(recipe, seed=seed))

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
        settings = replace(settings, styles=self.shelf.names(settings.styles))
        needed = {key: value for key, value in recipe.items() if key in ("photo", "carried", "driver") and value}
        if recipe.get("weights") != self._sums(settings, needed):
            raise InputError("The recipe was made with other weights: load the bundle and the styles that it names.")
        inversion = replace(self._read(recipe), others=tuple(map(self._read, read_others(recipe))))
        inversion = replace(inversion, carried="carried" in needed)
        if named:
            inversion = with_photo(inversion, named, photo, settings.size)
        driver = Driver.unpacked(recipe["driver"]) if recipe.get("driver") else None
        return self._clip(inversion, settings, driver)

    def _read(self, recipe: Mapping[str, Any]) -> Inversion:
        """The face in a recipe."""
        w0, detail = read_latents(recipe, self.decoder.num_ws, self.decoder.w_avg.numel())
        inversion = self.decode(w0.to(self.device), detail.to(self.device))
        return replace(inversion, pose=read_pose(recipe, self.decoder.w_avg.numel()))
