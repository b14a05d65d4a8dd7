"""What programs and MCP clients can call: named, typed, and without a page."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, Literal

import gradio as gr
import numpy as np
from gradio.processing_utils import save_base64_to_cache
from PIL import Image
from pydantic import ConfigDict, validate_call

from ..clip.layout import side_by_side
from ..clip.provenance import sign
from ..clip.recipe import ALL, FACE, LIKENESS, PSI, SAMPLE_SEED, Recipe, check_face, takes_settings
from ..errors import InputError
from ..inversion import Inversion
from ..motion.controls import CONTROLS
from ..motion.driver import Driver
from . import research
from .controls import DRAWING, LOOKING
from .fetching import fetched
from .group import everyone
from .live import Live, saved
from .origin import origin
from .session import Order, Session
from .spoken import spoken
from .studio import Studio
from .texts import likeness as in_words
from .texts import say

Likeness = Literal["photo", "close", "fast"]
Kind = Literal["mp4", "gif", "webp"]
PAIR = 512      # px, side of the pictures of `invert`


def checked(function: Callable) -> Callable:
    """Programs send anything: types are checked, and what is wrong is told in a sentence."""
    validated, known = validate_call(config=ConfigDict(arbitrary_types_allowed=True))(function), signature(function)
    # Gradio sends all of them by their place.
    placed = known.replace(
        parameters=[p.replace(kind=Parameter.POSITIONAL_OR_KEYWORD) for p in known.parameters.values()])

    @wraps(function)
    def by_name(self: "Api", *arguments: Any, **named: Any) -> Any:     # so that a complaint names the setting
        settings = placed.bind(self, *arguments, **named).arguments
        return validated(settings.pop("self"), **settings)

    by_name.__signature__ = placed          # type: ignore[attr-defined]
    return spoken(by_name)


class Api:
    """The endpoints. Each request stands alone; its files are deleted within the hour, or by `delete_now`."""

    def __init__(self, studio: Studio):
        self.studio = studio
        for work in (self.animate, self.sample, self.pose, self.render):
            gr.api(work, api_name=work.__name__, concurrency_id=DRAWING, concurrency_limit=studio.drawers)
        for look in (self.faces, self.invert, self.verify, self.styles, self.delete_now):
            gr.api(look, api_name=look.__name__, concurrency_id=LOOKING)

    @checked
    @takes_settings
    def animate(
        self, photo: gr.FileData, consent: bool, likeness: Likeness = LIKENESS.default, face: int = FACE.default,
        kind: Kind = "mp4", mark: bool = True, video: gr.FileData | None = None, all_faces: bool = False,
        request: gr.Request = None, **settings: Any,
    ) -> tuple[gr.FileData, gr.FileData, str]:
        """Animate the face of a photo: motion comes from a seed and a mood, or from a video.

        Args:
            photo: a photo of a face; it must be yours, or its person must agree.
            consent: true if that is so; nothing is made without it.
            likeness: "photo" moves the photo's pixels, "close" draws a refined face, "fast" an unrefined one.
            face: which face of the photo, 0 is the largest.
            kind: format of the clip.
            mark: a visible "AI-generated" in the picture; the metadata says so either way.
            video: of one face, up to 30 seconds: the photo does what it does, for as long. It is not kept.
            all_faces: every face of the photo moves, each in its own way; with frame "photo" and likeness "photo".
            **settings: of the clip.

        Returns:
            The clip, its recipe, and how alike the face is, with who stays still of all faces.
        """
        if not consent:
            raise InputError(say("no_consent"))
        order = self.studio.order(Recipe().with_settings(settings), kind, mark)
        session = self._read(photo, request, face)
        driver = video and self.studio.drive(self._path(video, request))
        with self.studio.folders.work(request.session_hash) as folder:
            notes = list[str]()
            if all_faces:
                check_face(ALL, order.recipe, likeness)
                inversion, notes = everyone(self.studio, session, folder)
            else:
                inversion = self.studio.invert(session, likeness, folder)
            said = " ".join([in_words(inversion.likeness), *notes])
            return *self._files(inversion, order, folder, request, driver), said

    @checked
    def pose(
        self, photo: gr.FileData, consent: bool, controls: dict[str, float], face: int = FACE.default,
        mark: bool = True, request: gr.Request = None,
    ) -> gr.FileData:
        """Give the face of a photo another expression.

        Args:
            photo: a photo of a face; it must be yours, or its person must agree.
            consent: true if that is so; nothing is made without it.
            controls: any of turn, nod and tilt in degrees, and smile, mouth, pucker, lids, lid_left, lid_right, brows,
                gaze_x, gaze_y from -1 to 1, such as {"turn": 10, "smile": 0.5}.
            face: which face of the photo, 0 is the largest.
            mark: a visible "AI-generated" in the picture; the metadata says so either way.

        Returns:
            The picture.
        """
        if not consent:
            raise InputError(say("no_consent"))
        if unknown := sorted(set(controls) - set(CONTROLS)):
            raise InputError(say("no_control", name=unknown[0][:40], choices=", ".join(CONTROLS)))
        session = self._read(photo, request, face)
        with self.studio.folders.work(request.session_hash) as folder:
            live = Live(self.studio.preview, self.studio.invert(session, "photo", folder))
            return fetched(saved(live, controls, mark, folder / "expression.png"), request)

    @checked
    @takes_settings
    def sample(
        self, psi: float = PSI.default, kind: Kind = "mp4", mark: bool = True, request: gr.Request = None,
        **settings: Any,
    ) -> tuple[gr.FileData, gr.FileData]:
        """Animate a person who does not exist; the seed chooses the person and the motion.

        Args:
            psi: variety, from 0 (the average face) to 2.
            kind: format of the clip.
            mark: a visible "AI-generated" in the picture.
            **settings: of the clip.

        Returns:
            The clip and its recipe.
        """
        order = self.studio.order(Recipe().with_settings(settings), kind, mark)
        with self.studio.folders.work(request.session_hash) as folder:
            seed = SAMPLE_SEED if order.recipe.seed is None else order.recipe.seed
            return self._files(self.studio.preview.sample_face(seed, psi), order, folder, request)

    @checked
    def render(
        self, recipe: gr.FileData, photo: gr.FileData | None = None, kind: Kind = "mp4", mark: bool = True,
        request: gr.Request = None,
    ) -> tuple[gr.FileData, gr.FileData]:
        """Make a clip again.

        Args:
            recipe: a recipe, or a clip, that StyleInV made.
            photo: the photo whose pixels the clip carries, if it carries any: no recipe holds them.
            kind: format of the clip.
            mark: a visible "AI-generated" in the picture.

        Returns:
            The clip and its recipe.
        """
        source = photo and self._path(photo, request)
        inversion, order = research.known_recipe(self.studio, self._path(recipe, request), source)
        with self.studio.folders.work(request.session_hash) as folder:
            return self._files(inversion, Order(order.recipe, kind, mark), folder, request)

    @checked
    def faces(self, photo: gr.FileData, request: gr.Request = None) -> list[dict]:
        """Find the faces of a photo, the largest first: left, top, width and height in parts of its sides.

        Args:
            photo: any photo.
        """
        return [vars(spot) for spot in self._read(photo, request).spots]

    @checked
    def invert(
        self, photo: gr.FileData, face: int = 0, likeness: Likeness = "fast", request: gr.Request = None
    ) -> tuple[gr.FileData, float, str]:
        """Show a face as the network draws it.

        Args:
            photo: a photo of a face.
            face: which face of the photo, 0 is the largest.
            likeness: "close" refines the face on the photo, "fast" does not.

        Returns:
            A picture with the aligned photo on the left, the distance of face descriptors, and what it means.
        """
        session = self._read(photo, request, face)
        with self.studio.folders.work(request.session_hash) as folder:
            inversion = self.studio.invert(session, likeness, folder)
            picture = _pair(inversion, folder / "inversion.png")
        distance = inversion.likeness or 0.0
        return fetched(picture, request), round(distance, 4), in_words(distance)

    @checked
    def verify(self, file: gr.FileData, request: gr.Request = None) -> str:
        """Say what a file says of its own origin (C2PA content credentials).

        Args:
            file: a clip or a picture.
        """
        return origin(self._path(file, request))

    @checked
    def styles(self) -> list[dict]:
        """List the installed styles."""
        return [{"name": s.name, "title": s.title, "licence": s.licence} for s in self.studio.pipeline.styles.values()]

    @checked
    def delete_now(self, request: gr.Request = None) -> str:
        """Delete all files that were made for this client."""
        self.studio.folders.remove(request.session_hash)
        return say("deleted")

    def _path(self, file: gr.FileData, request: gr.Request) -> Path:
        path = self._decoded(file.path) if file.path.startswith("data:") else Path(file.path)
        if not self.studio.folders.holds(path) or not path.is_file():
            raise InputError(say("expired"))
        self.studio.folders.claim(request.session_hash, path)
        return path

    def _decoded(self, address: str) -> Path:
        """The file of a data: URL."""
        try:
            return Path(save_base64_to_cache(address, str(self.studio.folders.cache)))
        except (ValueError, OSError) as error:
            raise InputError(say("bad_data_url")) from error

    def _read(self, photo: gr.FileData, request: gr.Request, number: int = 0) -> Session:
        session = Session()
        self.studio.read(self._path(photo, request), session)
        session.face = number
        return session

    def _files(
        self, inversion: Inversion, order: Order, folder: Path, request: gr.Request, driver: Driver | None = None
    ) -> tuple[gr.FileData, gr.FileData]:
        clip = self.studio.draw(inversion, order, folder, driver=driver)
        return fetched(clip, request), fetched(clip.with_suffix(".json"), request)


def _pair(inversion: Inversion, file: Path) -> Path:
    pictures = [image for image in (inversion.crop, inversion.image) if image is not None]
    images = [np.asarray(Image.fromarray(image).resize((PAIR, PAIR))) for image in pictures]
    Image.fromarray(side_by_side(images)).save(file)
    sign(file)
    return file
