"""Expression: sliders and dragging on a still of the visitor's own face, and a clip that begins there."""

from concurrent.futures import wait
from typing import Any

import gradio as gr

from ...errors import InputError
from ..controls import LOOKING
from ..live import Live, drawn, live, opened, saved
from ..player import file_address
from ..session import Session
from ..spoken import spoken
from ..studio import Studio
from ..texts import say, t
from ..wishes import STEP, Updates

BUSY = 1.5      # s after a wish in which the next one is likely

# The photo's tab, and its Animate.
ANIMATE = "() => { document.querySelector('#photo-tab-button')?.click(); document.querySelector('#animate')?.click(); }"


class ExpressionTab:
    """The tab, and what its events do."""

    def __init__(self, studio: Studio, session: gr.State, tab: gr.Tab, delete: gr.Button):
        self.studio = studio
        gr.Markdown(t("live_intro"), elem_classes="quiet")
        self.note = gr.Markdown(t("live_no_photo"))
        self.face = live()
        quick = {"api_visibility": "private", "show_progress": "hidden"}
        tab.select(self.open, session, [self.note, self.face], concurrency_id=LOOKING, **quick)
        delete.click(lambda: None, None, self.face, queue=False, **quick)
        answered = self.face.select(self.answer, session, self.face, queue=False, trigger_mode="multiple", **quick)
        answered.success(None, self.face, None, api_visibility="private",
                         js=f"(value) => {{ if (value?.animate) ({ANIMATE})(); }}")

    @spoken
    def open(self, session: Session, request: gr.Request) -> Updates:
        """The face as it is, or as it was left."""
        if not session.ready:
            yield [gr.update(value=say("live_no_photo"), visible=True), None]
            return
        if session.face not in session.lives:
            yield [gr.update(value=say("live_opening"), visible=True), gr.skip()]
            future = self.studio.refining(session, request.session_hash) if session.person is None else None
            while future and not future.done():
                wait([future], STEP)
            inversion = future.result() if future else self.studio.invert(session, "fast")
            session.lives[session.face] = Live(self.studio.preview, inversion)
        yield [gr.update(visible=False), opened(session.lives[session.face])]

    @spoken
    def answer(self, session: Session, request: gr.Request, event: gr.EventData) -> dict[str, Any]:
        """A wish of the page."""
        face = session.lives.get(session.face)
        if face is None:
            raise InputError(say("no_photo"))
        self.studio.peace.disturb(BUSY)
        shown = drawn(face, {str(name): value for name, value in event.controls.items()}, int(event.number))
        if event.what == "save":
            with self.studio.folders.work(request.session_hash) as folder:
                shown["file"] = file_address(saved(face, face.controls, True, folder / "styleinv-expression.png"))
        if event.what == "animate":
            session.begin_in(face.pose())
            shown["animate"] = True
        return shown
