"""Researcher: reproduce a recipe, lay out grids, export latents."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from ...clip.recipe import Recipe
from ...errors import InputError
from .. import research
from ..controls import DRAWING, QUIET, Buttons
from ..gallery import NONE, style_choices, wanted
from ..player import Player, Shown
from ..results import Results
from ..session import Order, Session
from ..spoken import spoken
from ..studio import Studio
from ..texts import say, t


class LabTab:
    """The tab, and what its events do."""

    def __init__(self, studio: Studio, session: gr.State):
        self.studio = studio
        gr.Markdown(t("lab_intro"))
        with gr.Row():
            with gr.Column(scale=4, min_width=300):
                again, recipe = self._build_recipe()
                drawn, settings = self._build_grid()
            with gr.Column(scale=5, min_width=300, elem_classes="beside"):
                self.player = Player("lab-player")
        recipe.upload(self.claim, recipe, None, **QUIET)
        again.run(studio, self.reproduce, [recipe], self.player.outputs, self.player.screen)
        drawn.run(studio, self.grid, [session, *settings], self.player.outputs, self.player.screen)
        self.export.click(self.latents, recipe, self.npz, concurrency_id=DRAWING, api_visibility="private")

    def _build_recipe(self) -> tuple[Buttons, gr.File]:
        gr.Markdown(t("reproduce_info"))
        recipe = gr.File(label=t("recipe_file"), file_types=[".json", ".mp4", ".gif", ".webp"], height=150)
        again = Buttons("reproduce_start", "reproduce")
        self.export = gr.Button(t("latents_start"), size="sm")
        self.npz = gr.File(label=t("latents_file"), interactive=False, visible=False)
        return again, recipe

    def _build_grid(self) -> tuple[Buttons, list[gr.components.Component]]:
        """Settings in the order of :meth:`grid`'s arguments."""
        gr.Markdown(t("grid_info"))
        with gr.Row():
            people = gr.Textbox("1, 2, 3", label=t("people"), min_width=140)
            motions = gr.Textbox("7, 8", label=t("motions"), min_width=140)
        photo = gr.Checkbox(False, label=t("use_photo"))
        styles = self.studio.pipeline.styles
        chosen = gr.CheckboxGroup(style_choices(styles), value=[NONE], label=t("grid_styles"), visible=bool(styles))
        seconds = gr.Slider(1, 10, 2, step=0.5, label=t("seconds"))
        motion = gr.Slider(0, 2, 1, step=0.05, label=t("motion"))
        return Buttons("grid_start", "grid"), [people, photo, motions, chosen, seconds, motion]

    def claim(self, file: str, request: gr.Request) -> None:
        """An upload goes when its visitor goes, read or not."""
        self.studio.folders.claim(request.session_hash, Path(file))

    @spoken
    def reproduce(self, file: str | None, request: gr.Request) -> Iterator[list[Any]]:
        """The clip of a recipe again."""
        inversion, order = self._known(file)
        for shown in Results(self.studio, request.session_hash, inversion, order):
            yield self.player.show(shown)

    @spoken
    def latents(self, file: str | None, request: gr.Request) -> dict[str, Any]:
        """The latents of a recipe as a file."""
        inversion, order = self._known(file)
        with self.studio.folders.work(request.session_hash) as folder:
            path = research.latents(self.studio.preview, inversion, order.recipe, folder / "latents.npz")
        return gr.update(value=str(path), visible=True)

    @spoken
    def grid(
        self, session: Session, people: str, photo: bool, motions: str, styles: list[str], seconds: float,
        motion: float, request: gr.Request,
    ) -> Iterator[list[Any]]:
        """Many people, motions and styles in one picture."""
        order = self.studio.order(Recipe(seconds=seconds, motion=motion))
        known, columns = self._people(session, people, photo), research.seeds(motions)
        made = research.cells(known, columns, [wanted(style) for style in styles or [NONE]], order.recipe)
        with self.studio.folders.work(request.session_hash) as folder:
            clip = self.studio.draw_grid(made, len(columns), order, folder)
        yield self.player.show(Shown(clip).with_files(clip))

    def _people(self, session: Session, text: str, photo: bool) -> list[tuple[str, research.Inversion]]:
        known = [(say("cell_photo"), self.studio.invert(session, "fast"))] if photo and session.crops else []
        return known + [
            (say("cell_person", seed=seed), self.studio.preview.sample_face(seed))
            for seed in research.seeds(text)[: research.MAX_CELLS]
        ]

    def _known(self, file: str | None) -> tuple[research.Inversion, Order]:
        if not file:
            raise InputError(say("no_recipe"))
        return research.known_recipe(self.studio, Path(file))
