"""The last wish wins: what a visitor asks for takes the place of what is being drawn, and the page says which it shows.

A wish has a number. It draws in a folder of its own, so that it ends when the folder is taken away, and does nothing
more once there is a later one.
"""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, wait
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from ..errors import InputError
from ..inversion import Inversion
from ..motion.driver import Driver
from .pictures import webp_url
from .player import Player, Status, history, ready, saving, tiles
from .progress import progress, reel
from .session import Made, Order, Session
from .spoken import Stopped, spoken
from .studio import Studio
from .texts import said, say

STEP = 0.4      # s between two looks at work that goes on
Updates = Iterator[list[Any]]


@dataclass(frozen=True)
class Wish:
    """One press, or one change of the settings."""

    session: Session
    visitor: str
    number: int

    @property
    def last(self) -> bool:
        """None came after it."""
        return self.session.wishes == self.number

    def check(self) -> None:
        """Raises Stopped once it is not the last."""
        if not self.last:
            raise Stopped(say("stopped"))


class Stage:
    """A player, and what is wished of it."""

    def __init__(self, studio: Studio, elem_id: str, hero: bool = False, remembers: bool = False):
        self.studio, self.player = studio, Player(elem_id, hero)
        self.history = history() if remembers else gr.State()

    def add_cancel(self, cancel: gr.Button) -> None:
        """The button that stops; it is there while something is drawn."""
        self.cancel = cancel

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What all wishes update."""
        return [*self.player.outputs, self.history, self.cancel]

    def wire(self, session: gr.State) -> None:
        """Cancel, and files to save."""
        away = "() => { document.querySelector('button.start:not([disabled])')?.focus(); return []; }"
        self.cancel.click(self.stop, session, self.outputs, js=away, queue=False, show_progress="hidden",
                          api_visibility="private")
        self.player.saves.select(self.fetch, session, [self.player.saves, self.player.status], show_progress="hidden",
                                 api_visibility="private", concurrency_id="saving", concurrency_limit=2)

    def fulfil(self, session: Session, visitor: str, work: Callable[[Wish], Updates]) -> Updates:
        """Do some work in the place of all that was wished before; what is wrong is told in the status line."""
        wish = Wish(session, visitor, self.studio.supersede(session, visitor))
        try:
            yield from work(wish)
        except Stopped:                 # its last word may have come after that of the press on Cancel
            yield self.gave_up(session) if session.wishes == session.given_up else self.as_it_was()
        except InputError as error:
            yield self.complaint(session, said(error))

    def draw(
        self, wish: Wish, work: Callable[[Path], Path], of: str = "",
    ) -> Generator[list[Any], None, tuple[Path, str]]:
        """Work that writes a clip to a folder, shown while it goes on, perhaps with what it is of; returns the clip
        and its poster.
        """
        pictures: list[str] = []
        with self.studio.folders.work(wish.visitor) as folder:
            wish.check()
            future = self.studio.hands.submit(copy_context().run, work, folder)
            yield from self._watch(wish, folder, future, pictures, of)
            path = future.result()
        return path, pictures[0] if pictures else ""

    def _watch(self, wish: Wish, folder: Path, future: Future, pictures: list[str], of: str) -> Updates:
        """How far it is, and the frames as they come."""
        while not future.done():
            wait([future], STEP if pictures else STEP / 2)
            wish.check()
            known = progress(folder)
            new = [webp_url(data) for data in reel(folder, len(pictures))]
            status = Status(of + (known.words or say("starting")), "work", known.part)
            yield self.busy(self.player.working(status, new, len(pictures), wish.number))
            pictures += new

    def await_face(self, wish: Wish) -> Generator[list[Any], None, Inversion]:
        """The refined face of the session, which may be in the making; returns it."""
        session = wish.session
        if session.person is not None:
            return session.person
        future = self.studio.refining(session, wish.visitor)
        while not future.done():
            wait([future], STEP)
            wish.check()
            known = progress(session.places[-1]) if session.places else None
            words = known.words if known and known.words else say("starting")
            yield self.busy(self.player.working(Status(words, "work", known.part if known else 0)))
        return future.result()

    def show(self, session: Session, made: Made, status: Status) -> list[Any]:
        """A clip that is there."""
        session.keep(made)
        return [*self.player.playing(made, status), tiles(session), gr.update(visible=False)]

    def busy(self, shown: list[Any]) -> list[Any]:
        """While something is drawn."""
        return [*shown, gr.skip(), gr.update(visible=True)]

    def as_it_was(self) -> list[Any]:
        """A later wish shows what there is to see."""
        return [gr.skip()] * len(self.outputs)

    def complaint(self, session: Session, words: str) -> list[Any]:
        """What is wrong; the clip before plays on, and the line says that it is the one before."""
        if session.shown is None:
            return [gr.skip(), vars(Status(words, "error")), gr.skip(), gr.skip(), gr.update(visible=False)]
        shown = self.player.playing(session.shown, Status(f"{words} {say('old')}", "error"))
        return [*shown, gr.skip(), gr.update(visible=False)]

    @spoken
    def stop(self, session: Session, request: gr.Request) -> list[Any]:
        """Give the wish up; refining goes on."""
        session.given_up = self.studio.supersede(session, request.session_hash)
        return self.gave_up(session)

    def gave_up(self, session: Session) -> list[Any]:
        """After a press on Cancel: the clip before, which the settings do not say."""
        if session.shown is None:
            return [gr.skip(), vars(Status(say("cancelled"), "old")), None, gr.skip(), gr.update(visible=False)]
        shown = self.player.playing(session.shown, Status(say("old"), "old"))
        return [*shown, gr.skip(), gr.update(visible=False)]

    @spoken
    def fetch(self, session: Session, event: gr.EventData) -> Updates:
        """A file of the clip that plays."""
        made = session.shown
        if made is None:
            raise InputError(say("expired_clip"))
        yield [gr.skip(), vars(Status(say("saving"), "work", 1))]
        try:
            path = self.studio.export(made, event.kind, event.shape)
            yield [saving(made, **ready(path, event.number)), vars(Status(say("saved", name=path.name), "ready"))]
        except InputError as error:
            yield [saving(made), vars(Status(said(error), "error"))]


def drawing(
    studio: Studio, inversion: Inversion, order: Order, driver: Driver | None = None
) -> Callable[[Path], Path]:
    """The work of :meth:`Stage.draw` on one clip."""
    stage = "styled" if order.recipe.styles else "frames"
    return lambda folder: studio.draw(inversion, order, folder, stage, driver)
