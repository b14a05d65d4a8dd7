"""Your photo: faces, inversion, settings, clip."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from ...clip.recipe import LIKENESS, Recipe
from ...errors import InputError
from ...face.photo import load_photo
from ..controls import LOOKING, QUIET, RANDOM, Buttons, advanced, motion_sliders, seed_row
from ..gallery import gallery, wanted
from ..picker import example_files, examples, picked, picker
from ..pictures import pair
from ..player import Player, Shown
from ..results import Results
from ..session import Session
from ..spoken import spoken
from ..studio import Studio
from ..texts import say, t
from ..visitors import Visitors


class PhotoTab:
    """The tab, and what its events do."""

    def __init__(self, studio: Studio, session: gr.State, visitors: Visitors):
        self.studio, self.session, self.visitors = studio, session, visitors
        with gr.Row():
            with gr.Column(scale=4, min_width=300):
                self._build_photo()
            with gr.Column(scale=4, min_width=300):
                settings = self._build_settings()
            with gr.Column(scale=5, min_width=300, elem_classes="beside"):
                self.player = Player("photo-player")
                with gr.Row():
                    self.another = gr.Button(t("another_motion"), size="sm", min_width=100)
                    self.delete = gr.Button(t("delete_now"), size="sm", min_width=100, elem_id="delete")
                gr.Markdown(t("retention"), elem_classes="quiet")
        self._wire_photo()
        self._wire(settings)

    def _build_photo(self) -> None:
        with gr.Column() as self.chooser:
            self.photo = gr.Image(
                type="filepath", image_mode=None, sources=["upload", "webcam", "clipboard"], label=t("photo"),
                placeholder=t("photo_hint"), height=260, buttons=[],
            )
            self.photo.preprocess = _path       # Gradio would open the file itself, and hide what is wrong with it
            with gr.Column(visible=bool(example_files()), elem_classes="tight"):
                gr.HTML(t("examples"), elem_classes="quiet", apply_default_css=False)
                self.examples = examples()
        self.picker = picker()
        self.again = gr.Button(t("another_photo"), size="sm", visible=False)
        self.pair = gr.HTML(elem_id="pair", apply_default_css=False)

    def _build_settings(self) -> list[gr.components.Component]:
        """In the order of :meth:`animate`'s arguments."""
        self.style, self.strength = gallery(self.studio.pipeline.styles)
        sliders, self.seed = motion_sliders(), seed_row("seed")
        self.seconds = sliders[0]
        choices = [(t(f"likeness_choice_{name}"), name) for name in ("photo", "close", "fast")]
        likeness = gr.Radio(choices, value=LIKENESS.default, label=t("likeness"), info=t("likeness_info"))
        rest = advanced(whole=True)
        with gr.Column(elem_classes="actions"):
            consent = gr.Checkbox(False, label=t("consent"), elem_id="consent")
            self.buttons = Buttons("animate", "animate")
        return [consent, likeness, self.style, self.strength, *sliders, self.seed, *rest]

    @property
    def _found(self) -> list[Any]:
        """What :meth:`_look` updates."""
        return [self.session, self.chooser, self.picker, self.again, self.pair]

    def _wire_photo(self) -> None:
        looking = {"concurrency_id": LOOKING, "api_visibility": "private"}
        read = self.photo.input(
            self.read, [self.photo, self.session], self._found, trigger_mode="always_last",
            show_progress_on=self.photo, **looking
        )
        for ended in (read.success, read.failure):
            ended(lambda: None, None, self.photo, **QUIET)      # an empty place for the next photo
        self.examples.select(self.example, self.session, self._found, show_progress_on=self.photo, **looking)
        self.picker.select(self.choose, self.session, [self.session, self.pair], show_progress_on=self.pair, **looking)
        self.again.click(lambda: _places(empty=True), None, [self.chooser, self.picker, self.again], **QUIET)

    def _wire(self, settings: list[gr.components.Component]) -> None:
        outputs = [self.session, self.pair, *self.player.outputs]
        self.buttons.run(self.studio, self.animate, [self.session, *settings], outputs, self.player.screen)
        self.another.click(None, None, self.seed, js=RANDOM, api_visibility="private").then(
            None, None, None, js=self.buttons.press(), api_visibility="private"
        )
        shown = "document.querySelector('#photo-player video')"
        for changed in (self.style.input, self.strength.release):       # once there is a clip, it follows
            changed(None, None, None, js=self.buttons.press(shown), api_visibility="private")
        self.delete.click(self.forget, self.session, [*self._found, *self.player.outputs], **QUIET)

    @spoken
    def read(self, photo: str | None, session: Session) -> Iterator[list[Any]]:
        """A new photo, whose file is deleted as soon as it is read."""
        if photo:
            try:
                self.studio.read(Path(photo), session)
            finally:
                self.studio.folders.discard(Path(photo))
            yield from self._look(session)

    @spoken
    def example(self, session: Session, event: gr.EventData) -> Iterator[list[Any]]:
        """One of the people who do not exist."""
        self.studio.look(load_photo(example_files()[event.index]), session)
        yield from self._look(session)

    def _look(self, session: Session) -> Iterator[list[Any]]:
        """The faces at once, then the inversion of the largest."""
        chooser, box, again = _places(empty=False)
        yield [session, chooser, box | {"value": picked(session)}, again, ""]
        yield [*[gr.skip()] * 4, pair(self.studio.invert(session, "fast"))]

    @spoken
    def choose(self, session: Session, event: gr.EventData) -> list[Any]:
        """Another face of the photo."""
        session.face = int(event.index)
        return [session, pair(self.studio.invert(session, "fast"))]

    def forget(self, session: Session, request: gr.Request) -> list[Any]:
        """Delete all that there is of the visitor, now."""
        self.visitors.forget(request.session_hash)
        session.clear()
        chooser, box, again = _places(empty=True)
        return [session, chooser, box | {"value": None}, again, "", *self.player.show(Shown(note=say("deleted")))]

    @spoken
    def animate(
        self, session: Session, consent: bool, likeness: str, style: str, strength: float, seconds: float,
        motion: float, seed: int, fps: float, size: int, frame: str, loop: str, layout: str, kinds: list[str],
        mark: bool, request: gr.Request,
    ) -> Iterator[list[Any]]:
        """Refine the inversion if need be, then the clip; what was made before is not made again."""
        if not session.crops:
            raise InputError(say("no_photo"))
        if not consent:
            raise InputError(say("no_consent"))
        whole = likeness == "photo" and not wanted(style) and layout == "result"        # else there is no whole photo
        recipe = Recipe(seconds, fps, seed, motion, size, loop, frame if whole else "face", layout,
                        styles=wanted(style), style_strength=strength)
        order, made = self.studio.order(recipe, mark=mark), session.made(likeness)
        with self.studio.folders.work(request.session_hash) as folder:
            inversion = self.studio.invert(session, likeness, folder)
        yield [session, pair(inversion), *[gr.skip()] * len(self.player.outputs)]
        for shown in Results(self.studio, request.session_hash, inversion, order, kinds, made):
            yield [session, gr.skip(), *self.player.show(shown)]


def _places(empty: bool) -> list[dict[str, Any]]:
    """The place for a photo, the photo with its faces, and the way back: only what makes sense is shown."""
    return [gr.update(visible=empty), gr.update(visible=not empty), gr.update(visible=not empty)]


def _path(upload: Any) -> str | None:
    return upload.path if upload else None
