"""How each mood moves the visitor's own face: small pictures on the buttons, drawn while nobody waits for a clip."""

import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import wait
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from ..clip.recipe import Recipe
from ..inversion import Inversion
from ..pipeline import StyleInVPipeline
from ..render import resized
from .controls import choices
from .pictures import data_url
from .session import Session
from .spoken import Stopped, spoken
from .studio import Studio
from .texts import say
from .web import asset
from .wishes import STEP

SIDE, DRAWN = 112, 256      # px of a picture, and the least that a clip has
SECONDS, FPS = 2.0, 8.0     # page.css knows them; it runs forth and back, which has no seam


class Moods:
    """The pictures of the page: the face as it is, then moving in one mood after the other."""

    def __init__(self, studio: Studio):
        self.studio, self.names = studio, choices("mood")
        self.pictures = gr.HTML(None, html_template="", js_on_load=asset("moods.js"), elem_classes="unseen",
                                container=False, apply_default_css=False)

    @spoken
    def show(self, session: Session) -> Iterator[Any]:
        """Until all of them move, or another face is looked at."""
        look = session.looked
        if not session.ready:
            return
        yield self._shown(session)
        try:
            inversion = yield from self._sharp(session, look)
            for name in self.names:
                session.moods[name] = yield from self._moving(session, look, inversion, name)
                yield self._shown(session)
        except Stopped:
            yield gr.skip()

    def _sharp(self, session: Session, look: int) -> Generator[Any, None, Inversion]:
        """Returns the refined face, when it is there."""
        while session.person is None:
            check(session, look)
            future = session.refining.get(session.face)
            wait([future], STEP) if future else time.sleep(STEP)
            if future and future.done():
                return future.result()
            yield gr.skip()
        return session.person

    def _moving(self, session: Session, look: int, inversion: Inversion, name: str) -> Generator[Any, None, str]:
        """Returns the address of a strip."""
        rest = partial(self.studio.peace.wait, partial(check, session, look))
        future = self.studio.idle.submit(strip, self.studio.preview, inversion, name, rest)
        while not future.done():
            wait([future], STEP)
            yield gr.skip()
        picture = future.result()
        check(session, look)
        return data_url(picture, picture.shape[1], 60)

    def _shown(self, session: Session) -> dict[str, Any]:
        face = session.crops[session.face] if session.person is None else session.person.image
        return {"still": data_url(face, SIDE, 80), "strips": [session.moods.get(name) for name in self.names]}


def strip(pipe: StyleInVPipeline, inversion: Inversion, mood: str, rest: Callable[[], None]) -> np.ndarray:
    """Frames side by side, uint8 [SIDE, frames * SIDE, 3]; `rest` is called before each."""
    rest()
    recipe, frames = Recipe(SECONDS, FPS, inversion.seed, mood=mood, size=DRAWN), []
    render = pipe.renderer(inversion, recipe)
    for number in range(recipe.frames):
        rest()
        frames.append(resized(render(number, number + 1)[0], SIDE))
    return np.hstack(frames)


def check(session: Session, look: int) -> None:
    """Raises Stopped when another face is looked at."""
    if session.looked != look:
        raise Stopped(say("stopped"))
