"""Surprise me: a person who does not exist, and a clip of that person."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from ...clip.recipe import PSI, Recipe
from ..controls import Buttons, advanced, motion_sliders, seed_row
from ..gallery import gallery, wanted
from ..player import Player
from ..results import Results
from ..spoken import spoken
from ..studio import Studio
from ..texts import t


class SampleTab:
    """The tab, and what its event does."""

    def __init__(self, studio: Studio):
        self.studio = studio
        with gr.Row():
            with gr.Column(scale=4, min_width=300):
                settings = self._build_settings()
                with gr.Column(elem_classes="actions"):
                    self.buttons = Buttons("surprise", "surprise")
            with gr.Column(scale=5, min_width=300, elem_classes="beside"):
                self.player = Player("sample-player")
        self.buttons.run(studio, self.sample, settings, self.player.outputs, self.player.screen)

    def _build_settings(self) -> list[gr.components.Component]:
        """In the order of :meth:`sample`'s arguments."""
        self.seed = seed_row("person_seed")
        psi = gr.Slider(*PSI.slider[:2], PSI.default, step=PSI.slider[2], label=t("psi"), info=t("psi_info"))
        self.style, strength = gallery(self.studio.pipeline.styles)
        sliders = motion_sliders()
        self.seconds = sliders[0]
        return [self.seed, psi, self.style, strength, *sliders, *advanced()]

    @spoken
    def sample(
        self, seed: int, psi: float, style: str, strength: float, seconds: float, motion: float, fps: float, size: int,
        loop: str, layout: str, kinds: list[str], mark: bool, request: gr.Request,
    ) -> Iterator[list[Any]]:
        """A clip of a person who does not exist."""
        recipe = Recipe(seconds, fps, seed, motion, size, loop, layout=layout, styles=wanted(style),
                        style_strength=strength)
        order = self.studio.order(recipe, mark=mark)
        inversion = self.studio.preview.sample_face(seed, psi)
        for shown in Results(self.studio, request.session_hash, inversion, order, kinds):
            yield self.player.show(shown)
