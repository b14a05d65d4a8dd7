"""Where a clip appears: the player, what is going on, what to save, and the clips before."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr
import numpy as np

from ..clip.recipe import SETTINGS, Recipe
from .export import CHAT, ZIP, shapes
from .fetching import address
from .pictures import data_url
from .session import KINDS, Made, Session
from .texts import say
from .web import FOLDER, asset

HERO = FOLDER / "hero.mp4"      # of people who do not exist, for the player while it is empty
PLAY = ("play", "pause", "seek", "loops")
SAVE = ("save", "share", "link", "linked", "shape", "saving", *(f"shape_{shape}" for shape in (
    "whole", "square", "portrait", "story", "beside")), *(f"save_{kind}" for kind in (*KINDS, CHAT, ZIP)))
NOT_LINKED = ("speed",)         # settings that no control of the page shows


@dataclass(frozen=True)
class Status:
    """What is going on, in a sentence: `kind` is work, ready, old or error."""

    words: str = ""
    kind: str = ""
    part: float = 0.0       # of the work, from 0 to 1


class Player:
    """A screen with its controls, a line that tells how far the work is, and what to save."""

    def __init__(self, elem_id: str, hero: bool = False):
        self.hero = hero and HERO.is_file()
        if self.hero:
            gr.set_static_paths([HERO])
        self.screen = _html("player", "stage", elem_id, "player")
        self.status = _html("status", "status", f"{elem_id}-status")
        self.saves = _html("saves", "saves", f"{elem_id}-saves")

    @property
    def outputs(self) -> list[gr.components.Component]:
        """Screen, status and what to save."""
        return [self.screen, self.status, self.saves]

    def nothing(self, words: str = "") -> list[Any]:
        """Before there is anything to show: the clip of the first sight."""
        hero = {"hero": address(HERO)} if self.hero else {}
        return [hero | {"empty": words or say("no_clip"), "alt": say("hero_alt")}, None, None]

    def still(self, image: np.ndarray, status: Status, rough: bool = False) -> list[Any]:
        """A face that does not move yet."""
        screen = {"still": data_url(image, 768), "alt": say("still_alt"), "rough": rough}
        return [screen, asdict(status), None]

    def working(self, status: Status, frames: Sequence[str] = (), start: int = 0, number: int = 0) -> list[Any]:
        """Something is being drawn: its first frames move already, what was there before plays until they come."""
        reel = {"reel": [*frames], "start": start, "number": number, "alt": say("drawn_alt")} if frames else gr.skip()
        return [reel, asdict(status), None]

    def playing(self, made: Made, status: Status) -> list[Any]:
        """A clip."""
        words = {key: say(key) for key in PLAY}
        screen = {"clip": address(made.clip), "poster": made.poster, "alt": say("pane_clip"), "words": words}
        return [screen, asdict(status), saving(made)]


def saving(made: Made, **file: Any) -> dict[str, Any]:
    """What can be done with a clip, and perhaps a file that is ready."""
    words, kinds = {key: say(key) for key in SAVE}, [*KINDS, CHAT, *([ZIP] if made.mates else ())]
    return {"clip": address(made.clip), "name": made.clip.name, "kinds": kinds, "shapes": shapes(made),
            "link": link(made.order.recipe), "words": words, **file}


def ready(path: Path, number: int) -> dict[str, Any]:
    """A file to save now."""
    return {"file": file_address(path) | {"number": number}}


def file_address(path: Path) -> dict[str, Any]:
    """Where a file is fetched, and its name."""
    return {"url": address(path), "name": path.name}


def link(recipe: Recipe) -> str:
    """The settings as a page's address has them; no face and nothing of one."""
    known = {setting.name: getattr(recipe, key) for key, setting in SETTINGS.items()}
    known["style"] = ",".join(recipe.styles) or "none"
    if len(recipe.styles) > 1:
        known["style"] = "all"
    return urlencode({name: value for name, value in known.items() if name not in NOT_LINKED and value is not None})


def history() -> gr.HTML:
    """The clips before; its `select` event tells the number of the chosen one."""
    return _html("history", "history", "history")


def tiles(session: Session) -> dict[str, Any] | None:
    """What :func:`history` shows: nothing where there is but one clip."""
    if len(session.history) < 2:
        return None
    clips = [{"poster": made.poster, "label": say("history_label", number=number),
              "current": session.shown is not None and made.clip == session.shown.clip}
             for number, made in enumerate(session.history, start=1)]
    return {"title": say("history"), "clips": clips}


def _html(script: str, css: str, elem_id: str, classes: str = "") -> gr.HTML:
    return gr.HTML(None, html_template=f'<div class="{css}"></div>', js_on_load=asset(f"{script}.js"), elem_id=elem_id,
                   elem_classes=classes, apply_default_css=False)
