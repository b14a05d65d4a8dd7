"""Who is animated: a photo's face, looked at until it is sharp, or a person who does not exist."""

import random
from collections.abc import Iterator
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from ...errors import FaceError, InputError
from ...face.photo import load_photo
from ...inversion import Inversion
from ..batch import pixels, taken, told
from ..controls import MAX_SEED, Controls
from ..gallery import own, previews
from ..moods import Moods, check
from ..picker import example_files, picked
from ..pictures import meter
from ..player import Player, Status, tiles
from ..progress import progress
from ..session import Session
from ..spoken import Stopped, spoken
from ..stills import stills
from ..studio import Studio
from ..texts import said, say
from ..visitors import Visitors
from ..wishes import STEP, Stage, Updates, wait
from ..zone import place


class Looking:
    """The half of the tab that comes before a clip."""

    studio: Studio
    visitors: Visitors
    stage: Stage
    controls: Controls
    moods: Moods
    found: list[Any]        # what a new photo updates

    @property
    def player(self) -> Player:
        """Of the stage."""
        return self.stage.player

    def wish(self, session: Session, request: gr.Request, *settings: Any) -> Updates:
        """The clip that the controls say."""
        raise NotImplementedError

    @spoken
    def bring(self, session: Session, event: gr.EventData, request: gr.Request) -> Iterator[list[Any]]:
        """A photo, whose file is deleted as soon as it is read; an example; or a surprise. If it will not do, all
        stays as it was.
        """
        try:
            if event.what == "photos":
                self._read([Path(path) for path in event.paths], session)
            elif event.what == "example":
                self.studio.look(load_photo(example_files()[event.index]), session, consenting=False)
            else:
                self.studio.invent(random.randrange(MAX_SEED), session)
        except InputError as error:
            rest = [gr.skip()] * (len(self.found) - 2)
            yield [session, place(not session.ready, said(error)), *rest]
            raise gr.Error(said(error), visible=False, print_exception=False) from error
        self.studio.folders.stop(request.session_hash)
        yield self._seen(session)

    @spoken
    def invent(self, session: Session, request: gr.Request) -> list[Any]:
        """Another person who does not exist."""
        self.studio.invent(random.randrange(MAX_SEED), session)
        self.studio.folders.stop(request.session_hash)
        return self._seen(session)

    def _read(self, paths: list[Path], session: Session) -> None:
        """A photo, and a quick look at its first face; of several the first that will do."""
        if len(paths) == 1:
            try:
                return self._look(self.studio.load(paths[0]), session)
            finally:
                self.studio.folders.discard(paths[0])
        shots, wrong = taken(self.studio, paths), []
        for shot in shots:
            try:
                self._look(pixels(shot), session)
                session.batch[:] = shots
                return None
            except InputError as error:
                wrong.append(told(shot.name, said(error)))
        raise InputError(" ".join(wrong))

    def _look(self, image: np.ndarray, session: Session) -> None:
        """A face that cannot be drawn is refused."""
        self.studio.look(image, session)
        try:
            self.studio.invert(session, "fast")
        except FaceError:
            session.leave_photo()
            raise

    def _seen(self, session: Session) -> list[Any]:
        """The faces, and the quick look at the first."""
        inversion = self.studio.invert(session, "fast")
        rough, consent = session.person is None, "consent_all" if session.batch else "consent"
        status = Status(say("rough") if rough else say("stage_frames"), "work" if not rough else "")
        face = session.crops[session.face] if rough else inversion.image
        return [session, place(False), picked(session), meter(inversion, rough),
                gr.update(value=False, visible=session.consenting, label=say(consent)),
                gr.update(value=False, visible=len(session.crops) > 1 and not session.batch),
                previews(self.studio.pipeline.styles, face),
                *self.player.still(inversion.image, status, rough), tiles(session), gr.update(visible=False)]

    @spoken
    def choose(self, session: Session, event: gr.EventData, request: gr.Request) -> list[Any]:
        """Another face of the photo."""
        session.look_at(int(event.index))
        self.studio.folders.stop(request.session_hash)
        seen = self._seen(session)
        return [session, seen[3], *seen[6:]]

    @spoken
    def sharpen(self, session: Session, request: gr.Request, *settings: Any) -> Updates:
        """The look gets sharp by itself; a person who does not exist moves at once."""
        if session.person is not None:
            yield [gr.skip(), self._looks(session, session.person), *self.stage.as_it_was()]
            for shown in self.wish(session, request, True, *settings[1:]):
                yield [gr.skip(), gr.skip(), *shown]
        elif session.ready:
            yield from self._sharpen(session, request.session_hash)

    def _sharpen(self, session: Session, visitor: str) -> Updates:
        look, rough = session.looked, self.studio.invert(session, "fast")
        future = self.studio.refining(session, visitor)
        looks = self._looks(session, rough)
        yield [gr.skip(), looks if session.looked == look else gr.skip(), *self.stage.as_it_was()]
        while not future.done():
            wait([future], STEP)
            known = progress(session.places[-1]).part if session.places else 0
            told = vars(Status(say("rough"), "work", known)) if session.untouched else gr.skip()
            if session.looked == look:
                yield [meter(rough, True), gr.skip(), gr.skip(), told, *[gr.skip()] * 3]
        if session.looked == look and not future.cancelled() and not isinstance(future.exception(), Stopped):
            yield self._sharp(session, future.result())
            yield from self._sharp_looks(session, future.result(), look)

    def _sharp(self, session: Session, inversion: Inversion) -> list[Any]:
        """The refined face; the player is left to a wish that came meanwhile."""
        shown = self.player.still(inversion.image, Status(say("sharp"), "")) if session.untouched else [gr.skip()] * 3
        return [meter(inversion, False), gr.skip(), *shown, gr.skip(), gr.skip()]

    def _sharp_looks(self, session: Session, inversion: Inversion, look: int) -> Updates:
        """The refined face in every style, after what a clip needs, which may be wished for already."""
        def draw() -> str:
            self.studio.study(inversion)
            self.studio.peace.wait(partial(check, session, look))
            looks = self._looks(session, inversion)
            check(session, look)                    # they take seconds, in which another face may be chosen
            return looks

        future = self.studio.hands.submit(copy_context().run, draw)         # a thread that is waited for at the end
        wait([future])
        with suppress(Stopped):
            yield [gr.skip(), future.result(), *self.stage.as_it_was()]

    def _looks(self, session: Session, inversion: Inversion) -> str:
        """The face in every style."""
        face = session.crops[session.face] if session.crops else inversion.image
        return own(face, stills(self.studio.preview, inversion))

    def forget(self, session: Session, request: gr.Request) -> list[Any]:
        """Delete all that there is of the visitor, now."""
        session.clear()
        self.visitors.forget(request.session_hash)
        nothing = self.player.nothing()
        return [session, place(True), None, "", *[gr.update(value=False, visible=False)] * 2, gr.skip(),
                nothing[0], vars(Status(say("deleted"), "ready")), None, None, gr.update(visible=False)]
