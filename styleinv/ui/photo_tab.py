"""Your photo: faces, inversion, settings, clip."""

from pathlib import Path
from typing import Any

import gradio as gr

from ..errors import InputError
from ..pipeline import Inversion
from ..recipe import Recipe
from . import texts
from .controls import NETWORKS, Buttons, Player, advanced, motion_sliders, seed_row
from .studio import Order, Session, Studio, spoken

EXAMPLES = Path(__file__).parents[2] / "examples" / "faces"     # of people who do not exist; a wheel has none
KEPT = 3600                                                     # s that a session is remembered


class Preview:
    """Crop and inversion side by side, and how alike they are."""

    def __init__(self):
        with gr.Column(visible=False) as self.box:
            with gr.Row(elem_classes="pair"):
                self.crop, self.inversion = (
                    gr.Image(label=label, interactive=False, buttons=[], min_width=120) for label in (texts.CROP, texts.INVERSION)
                )
            self.likeness = gr.Markdown(elem_id="likeness")

    @property
    def outputs(self) -> list[Any]:
        """What :meth:`show` updates."""
        return [self.box, self.crop, self.inversion, self.likeness]

    def show(self, inversion: Inversion | None) -> list[Any]:
        """An inversion, or nothing."""
        if inversion is None:
            return [gr.update(visible=False), None, None, ""]
        return [gr.update(visible=True), inversion.crop, inversion.image, texts.likeness(inversion.likeness)]


class PhotoTab:
    """The tab, and what its events do."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self.session = gr.State(Session(), time_to_live=KEPT, delete_callback=Session.clear)
        with gr.Row():
            with gr.Column(scale=4, min_width=300):
                self._build_photo()
            with gr.Column(scale=4, min_width=300):
                settings = self._build_settings()
            with gr.Column(scale=5, min_width=300):
                self.player = Player()
        self._wire(settings)

    def _build_photo(self) -> None:
        self.photo = gr.Image(
            type="filepath", image_mode=None, sources=["upload", "webcam", "clipboard"], label=texts.PHOTO,
            placeholder=texts.PHOTO_HINT, height=260, buttons=[],
        )
        self.photo.preprocess = _path       # Gradio would open the file itself, and hide what is wrong with it
        if faces := sorted(map(str, EXAMPLES.glob("*.jpg"))):
            gr.Examples([[face] for face in faces], self.photo, label=texts.EXAMPLES, api_visibility="private")
        self.face = gr.Number(0, precision=0, minimum=0, visible=False, label=texts.FACES)
        self.faces = gr.Gallery(
            label=texts.FACES, visible=False, columns=4, height=170, allow_preview=False, interactive=False, buttons=[],
        )
        self.preview = Preview()

    def _build_settings(self) -> list[gr.components.Component]:
        """In the order of :meth:`animate`'s arguments."""
        self.likeness = gr.Radio(texts.LIKENESSES, value="close", label=texts.LIKENESS, info=texts.LIKENESS_INFO)
        rows = [*motion_sliders(), seed_row(texts.SEED), *advanced()]
        consent = gr.Checkbox(False, label=texts.CONSENT)
        self.buttons = Buttons()
        gr.Markdown(texts.RETENTION, elem_classes="quiet")
        return [self.likeness, consent, *rows]

    def _wire(self, settings: list[gr.components.Component]) -> None:
        found = [self.session, self.face, self.faces, *self.preview.outputs]
        private = {"api_visibility": "private", "concurrency_id": NETWORKS}
        self.photo.change(
            self.read, [self.photo, self.session], found, trigger_mode="always_last", show_progress_on=self.photo, **private
        )
        self.faces.select(self.choose, self.session, [self.face, *self.preview.outputs], **private)
        self.buttons.run(
            self.studio, "animate", self.animate, [self.photo, self.face, *settings, self.session],
            [self.session, *self.preview.outputs, *self.player.outputs], self.player,
        )

    @spoken
    def read(self, photo: str | None, session: Session) -> list[Any]:
        """A new photo: its faces, and the inversion of the largest."""
        if not photo:
            session.clear()
            return [session, 0, gr.update(value=None, visible=False), *self.preview.show(None)]
        self.studio.read(photo, session)
        several = len(session.crops) > 1
        faces = gr.update(value=session.crops if several else None, visible=several, selected_index=0 if several else None)
        return [session, 0, faces, *self.preview.show(self.studio.invert(session, 0, "fast"))]

    @spoken
    def choose(self, session: Session, chosen: gr.SelectData) -> list[Any]:
        """Another face of the photo."""
        return [chosen.index, *self.preview.show(self.studio.invert(session, chosen.index, "fast"))]

    @spoken
    def animate(
        self, photo: str | None, face: int, likeness: str, consent: bool, seconds: float, motion: float, seed: int, fps: float,
        size: int, loop: str, layout: str, kind: str, mark: bool, session: Session, request: gr.Request,
    ) -> list[Any]:
        """A clip of the person in a photo: crop, inversion, how alike they are, the clip to play, the clip, its recipe."""
        if not photo:
            raise InputError(texts.NO_PHOTO)
        if not consent:
            raise InputError(texts.NO_CONSENT)
        folder = self.studio.open(request.session_hash)
        self.studio.read(photo, session)
        inversion = self.studio.invert(session, face, likeness, folder)
        order = Order(Recipe(seconds, fps, seed, motion, size, loop, layout), kind, mark)
        return [session, *self.preview.show(inversion), *self.player.show(*self.studio.render(inversion, order, folder))]


def _path(upload: Any) -> str | None:
    return upload.path if upload else None
