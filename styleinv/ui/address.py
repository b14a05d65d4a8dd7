"""The page as it opens: settings can be named in its address, as in ?seed=7&style=pencil&seconds=6."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ..clip.recipe import SETTINGS
from ..errors import InputError
from .controls import Controls, checked
from .gallery import ALL, NONE
from .player import Player
from .zone import place

TABS = ("photo", "expression", "lab", "verify", "about")      # that the address may name


@dataclass(frozen=True)
class Address:
    """What the page's address may say. No photo and no clip: an address is not a place for faces."""

    styles: tuple[str, ...]     # names of those installed
    controls: Controls
    players: tuple[Player, ...]

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What :meth:`open` updates, beside the way in and the tabs."""
        return [*(player.screen for player in self.players), *self.controls.inputs]

    def open(self, request: gr.Request) -> list[Any]:
        """The way in and the players in the visitor's language, the tab, and the settings that make sense."""
        query = request.query_params
        tab = gr.Tabs(selected=query["tab"]) if query.get("tab") in TABS else gr.skip()
        values = [self.value(key, query) for key in self.controls.fields]
        return [place(True), tab, *(player.nothing()[0] for player in self.players),
                *(gr.skip() if value is None else value for value in values)]

    def value(self, key: str, query: Mapping[str, str]) -> Any:
        """Of a setting; None if the address does not say it, or says what makes no sense."""
        text = query.get(SETTINGS[key].name)
        if key == "styles":
            known = (NONE, *self.styles) + ((ALL,) if len(self.styles) > 1 else ())
            return text if text in known else None
        try:
            value = None if text is None else checked(key, text)
            SETTINGS[key].check(value) if value is not None else None
        except InputError:
            return None
        return value
