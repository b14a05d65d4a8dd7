"""Your photo: it sharpens, it moves, you choose how, you send it."""

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from ...clip.recipe import Recipe
from ...errors import InputError
from ...inversion import Inversion
from ...motion.driver import Driver
from ..batch import pixels, told
from ..controls import LOOKING, QUIET, Controls
from ..driving import Driving
from ..gallery import ALL as GRID
from ..group import everyone
from ..moods import Moods
from ..picker import picker
from ..player import Status, tiles
from ..session import ALL, Made, Order, Session, Shot
from ..spoken import spoken
from ..studio import Studio
from ..texts import say, t
from ..visitors import Visitors
from ..web import asset
from ..wishes import Stage, Updates, Wish, drawing
from ..zone import zone
from .looking import Looking

SHARP = ("photo", "close")      # how a face is drawn: its photo's own pixels, or anew


class PhotoTab(Looking):
    """The tab, and what its events do."""

    def __init__(self, studio: Studio, session: gr.State, visitors: Visitors):
        self.studio, self.session, self.visitors = studio, session, visitors
        with gr.Row(elem_id="desk"):
            with gr.Column(scale=7, min_width=320, elem_classes="beside"):
                self.stage = Stage(studio, "photo-player", hero=True, remembers=True)
            with gr.Column(scale=5, min_width=320, elem_id="path"):
                self.zone = zone()
                self._build_person()
                self._build_settings(session)
        self.found = [session, self.zone, self.picker, self.likeness, self.consent, self.everyone,
                      self.controls.pictures, *self.stage.outputs]
        self._wire_person()
        self._wire_wishes()

    def _build_person(self) -> None:
        with gr.Column(elem_id="person"):
            self.picker = picker()
            self.likeness = gr.HTML(elem_id="likeness", apply_default_css=False)
            with gr.Row(elem_classes="ways"):
                again = gr.Button(t("another_photo"), size="sm", min_width=90, elem_id="again")
                self.surprise = gr.Button(t("surprise_again"), size="sm", min_width=90, elem_id="surprise")
            again.click(None, None, None, js=_UNFOLD, api_visibility="private")
            self.everyone = gr.Checkbox(False, label=t("everyone"), info=t("everyone_info"), visible=False,
                                        elem_id="everyone")
            self.consent = gr.Checkbox(False, label=t("consent"), elem_id="consent", visible=False)
            with gr.Row(elem_classes="actions"):
                self.start = gr.Button(t("animate"), variant="primary", size="lg", scale=3, min_width=140,
                                       elem_id="animate", elem_classes="start")
                self.stage.add_cancel(gr.Button(t("cancel"), size="lg", scale=1, min_width=90, visible=False,
                                                elem_id="cancel"))

    def _build_settings(self, session: gr.State) -> None:
        with gr.Column(elem_id="settings"):
            self.controls, self.moods = Controls(self.studio.pipeline.styles), Moods(self.studio)
            self.driving = Driving(self.studio, session)
            self.drawn = gr.Radio([(t(f"likeness_choice_{name}"), name) for name in SHARP], value=SHARP[0],
                                  label=t("likeness"), elem_classes="chips")
            with gr.Row(elem_classes="ways aside"):
                self.delete = gr.Button(t("delete_now"), size="sm", min_width=100, elem_id="delete")
            gr.Markdown(t("retention"), elem_classes="quiet")
        self.changes = gr.HTML(None, html_template="", js_on_load=asset("wishes.js"), elem_classes="unseen",
                               container=False, apply_default_css=False)

    @property
    def _wanted(self) -> list[Any]:
        """What :meth:`wish` reads."""
        return [self.session, self.consent, self.everyone, self.drawn, self.controls.mark, *self.controls.inputs]

    def _wire_person(self) -> None:
        looking = {"concurrency_id": LOOKING, "api_visibility": "private", "show_progress": "hidden"}
        waiting = looking | {"concurrency_id": "waiting", "concurrency_limit": None}
        sharp = [self.likeness, self.controls.pictures, *self.stage.outputs]
        for brought in (self.zone.select(self.bring, self.session, self.found, trigger_mode="always_last", **looking),
                        self.surprise.click(self.invent, self.session, self.found, **looking),
                        self.picker.select(self.choose, self.session, [self.session, *sharp], **looking)):
            brought.success(self.sharpen, self._wanted, sharp, trigger_mode="multiple", **waiting)
            brought.success(self.moods.show, self.session, self.moods.pictures, trigger_mode="multiple", **waiting)
        self.delete.click(self.forget, self.session, self.found, **QUIET)

    def _wire_wishes(self) -> None:
        waiting = {"concurrency_id": "waiting", "concurrency_limit": None, "api_visibility": "private",
                   "show_progress": "hidden", "trigger_mode": "multiple"}
        self.start.click(self.wish, self._wanted, self.stage.outputs, js=_REVEAL, **waiting)
        self.changes.input(self.follow, self._wanted, self.stage.outputs, **waiting)
        fields = self.controls.fields
        self.stage.wire(self.session)
        self.consent.input(lambda: None, None, self.player.status, **QUIET)         # what was missing is there
        self.stage.history.select(self.look_back, self.session, [*self.stage.outputs, *self.controls.inputs], **QUIET)
        style, frame, layout = fields["styles"], fields["frame"], fields["layout"]
        square = {"api_visibility": "private", "queue": False}
        whole = [frame, self.everyone]
        style.input(None, [style, *whole], whole, **square,
                    js="(it, frame, all) => it === 'all' ? ['face', false] : [frame, all]")
        layout.input(None, [layout, *whole], whole, **square,
                     js="(it, frame, all) => it === 'result' ? [frame, all] : ['face', false]")
        frame.input(None, [*whole, style, layout], [self.everyone, style, layout], **square,
                    js="(it, all, style, layout) => it === 'photo' ? [all, style === 'all' ? 'none' : style, 'result'] "
                       ": [false, style, layout]")
        self.everyone.input(None, [self.everyone, frame, style, layout], [frame, style, layout], **square,
                            js="(all, frame, style, layout) => !all ? [frame, style, layout] "
                               ": ['photo', style === 'all' ? 'none' : style, 'result']")

    @spoken
    def follow(self, session: Session, request: gr.Request, *settings: Any) -> Updates:
        """A setting was changed: once there is a clip, or one is being drawn, it follows."""
        if session.shown is None and not self.studio.folders.busy(request.session_hash):
            return
        if session.batch:           # too much work for a change that may not be the last
            yield [gr.skip(), vars(Status(say("old"), "old")), *[gr.skip()] * 3]
            return
        yield from self.wish(session, request, *settings)

    @spoken
    def wish(
        self, session: Session, request: gr.Request, consent: bool, together: bool, likeness: str, mark: bool,
        *values: Any,
    ) -> Updates:
        """The clip that the controls say, in the place of any that is being drawn."""
        def work(wish: Wish) -> Updates:
            if not session.ready:
                raise InputError(say("no_photo"))
            if session.consenting and not consent:
                raise InputError(say("no_consent"))
            order = self.studio.order(self._fit(session, self.controls.recipe(values), likeness), mark=mark)
            face = ALL if together and order.recipe.whole and len(session.crops) > 1 else session.face
            if session.batch:
                yield from self._draw_all(wish, likeness, order)
                return
            made = session.made(face, likeness).get(order)
            if made is None or not made.clip.is_file():
                made = yield from self._draw(wish, face, likeness, order)
            wish.check()
            yield self.stage.show(session, made, Status(" ".join([say("ready"), *made.notes]), "ready"))

        yield from self.stage.fulfil(session, request.session_hash, work)

    def _draw(self, wish: Wish, face: int, likeness: str, order: Order) -> Generator[list[Any], None, Made]:
        """Returns the clip, which the session remembers."""
        session, chosen = wish.session, wish.session.face
        inversion = yield from self.stage.await_face(wish)
        inversion = replace(_drawn(inversion, likeness), pose=session.pose)
        notes = list[str]()
        work = (self._work_on_all(session, order, notes) if face == ALL
                else drawing(self.studio, inversion, order, session.driver))
        path, poster = yield from self.stage.draw(wish, work)
        made = Made(path, order, poster, *_surroundings(session, chosen, order.recipe.whole), notes=notes)
        session.made(face, likeness)[order] = made
        return made

    def _draw_all(self, wish: Wish, likeness: str, order: Order) -> Updates:
        """A clip of each of several photos; one that will not do is told of, and the others go on."""
        session, clips, wrong = wish.session, list[Made](), list[str]()
        for number, shot in enumerate(session.batch, start=1):
            of = say("batch_part", number=number, count=len(session.batch), name=shot.name)
            own = Session()
            work = self._work(own, shot, likeness, order, session.driver)
            try:
                path, poster = yield from self.stage.draw(wish, work, of)
            except gr.Error as error:
                wrong.append(told(shot.name, error.message))
                continue
            clips.append(Made(path, order, poster, *_surroundings(own, 0, order.recipe.whole), shot.name, clips))
            session.keep(clips[-1])
        wish.check()
        if not clips:
            raise InputError(" ".join(wrong))
        words = say("batch_ready", done=len(clips), count=len(session.batch))
        yield self.stage.show(session, clips[-1], Status(" ".join([words, *wrong]), "ready"))

    def _work_on_all(self, session: Session, order: Order, notes: list[str]) -> Callable[[Path], Path]:
        """The clip in which all faces of the photo move; who stays still is added to the notes."""
        @spoken
        def work(folder: Path) -> Path:
            inversion, refused = everyone(self.studio, session, folder)
            notes.extend(refused)
            return drawing(self.studio, inversion, order, session.driver)(folder)

        return work

    def _work(
        self, own: Session, shot: Shot, likeness: str, order: Order, driver: Driver | None
    ) -> Callable[[Path], Path]:
        """The clip of one photo, whose faces fill a session of its own."""
        @spoken
        def work(folder: Path) -> Path:
            self._look(pixels(shot), own)
            inversion = _drawn(self.studio.invert(own, "photo", folder), likeness)
            return drawing(self.studio, inversion, order, driver)(folder)

        return work

    def _fit(self, session: Session, recipe: Recipe, likeness: str) -> Recipe:
        """Only a photo's own pixels can be seen in the whole photo."""
        carried = session.person is None and likeness == "photo" and self.studio.pipeline.dense_motion is not None
        square = not carried or recipe.styles == (GRID,) or recipe.layout != "result"
        return replace(recipe, frame="face") if square else recipe

    @spoken
    def look_back(self, session: Session, event: gr.EventData) -> list[Any]:
        """A clip from before, and the settings that made it."""
        made = session.history[int(event.index)]
        if not made.clip.is_file():
            raise InputError(say("expired_clip"))
        session.wish()
        session.shown = made
        shown = self.player.playing(made, Status(say("looked_back"), "ready"))
        return [*shown, tiles(session), gr.update(visible=False), *self.controls.updates(made.order.recipe)]


def _drawn(inversion: Inversion, likeness: str) -> Inversion:
    """With its photo's own pixels, or anew."""
    return replace(inversion, photo=None) if likeness == "close" else inversion


def _surroundings(session: Session, face: int, whole: bool) -> tuple[tuple[float, float], Any]:
    """What a cut keeps in its middle, and what was before."""
    if not session.crops:
        return (0.5, 0.5), None
    if not whole or session.whole is None:
        return (0.5, 0.5), session.crops[face]
    height, width = session.whole.shape[:2]
    x, y = session.quads[face].mean(axis=0)
    return (float(x) / width, float(y) / height), session.whole


_UNFOLD = "() => { const zone = document.querySelector('#zone .zone'); zone.hidden = !zone.hidden; }"
_REVEAL = """(...given) => {
    if (innerWidth < 800) document.querySelector('#photo-player').scrollIntoView({ behavior: 'smooth' });
    return given;
}"""
