"""Surprise me: a person who does not exist, and a clip of that person."""

from typing import Any

import gradio as gr

from ..recipe import Recipe
from . import texts
from .controls import Buttons, Player, advanced, motion_sliders, seed_row
from .studio import Order, Studio, spoken


class SampleTab:
    """The tab, and what its event does."""

    def __init__(self, studio: Studio):
        self.studio = studio
        with gr.Row():
            with gr.Column(scale=4, min_width=300):
                seed = seed_row(texts.PERSON_SEED)
                psi = gr.Slider(0, 1, 0.7, step=0.05, label=texts.PSI, info=texts.PSI_INFO)
                settings = [seed, psi, *motion_sliders(), *advanced()]
                buttons = Buttons()
            with gr.Column(scale=5, min_width=300):
                self.player = Player()
        buttons.run(studio, "sample", self.sample, settings, self.player.outputs, self.player)

    @spoken
    def sample(
        self, seed: int, psi: float, seconds: float, motion: float, fps: float, size: int, loop: str, layout: str, kind: str,
        mark: bool, request: gr.Request,
    ) -> list[Any]:
        """A clip of a person who does not exist: the clip to play, the clip, its recipe."""
        folder = self.studio.open(request.session_hash)
        order = Order(Recipe(seconds, fps, seed, motion, size, loop, layout), kind, mark)
        return self.player.show(*self.studio.render(self.studio.sample(seed, psi), order, folder))
