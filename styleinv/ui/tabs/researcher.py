"""Researcher: reproduce a recipe, lay out grids, export latents."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from ...clip.recipe import Recipe
from ...errors import InputError
from .. import research
from ..controls import DRAWING, QUIET
from ..gallery import NONE, style_choices, wanted
from ..player import Status
from ..session import Made, Order, Session
from ..spoken import spoken
from ..studio import Studio
from ..texts import say, t
from ..wishes import Stage, Updates, Wish, drawing


class LabTab:
    """The tab, and what its events do."""

    def __init__(self, studio: Studio, session: gr.State):
        self.studio, self.own = studio, gr.State(Session(), time_to_live=studio.folders.expiry.age)
        gr.Markdown(t("lab_intro"))
        with gr.Row():
            with gr.Column(scale=7, min_width=300, elem_classes="beside"):
                self.stage = Stage(studio, "lab-player")
                self.stage.add_cancel(gr.Button(t("cancel"), size="md", visible=False))
            with gr.Column(scale=5, min_width=300):
                again, recipe = self._build_recipe()
                drawn, settings = self._build_grid()
        recipe.upload(self.claim, recipe, None, **QUIET)
        waiting = {"concurrency_id": "waiting", "concurrency_limit": None, "api_visibility": "private",
                   "show_progress": "hidden", "trigger_mode": "multiple"}
        again.click(self.reproduce, [self.own, recipe], self.stage.outputs, **waiting)
        drawn.click(self.grid, [self.own, session, *settings], self.stage.outputs, **waiting)
        self.stage.wire(self.own)
        self.export.click(self.latents, recipe, self.npz, concurrency_id=DRAWING, api_visibility="private")

    def _build_recipe(self) -> tuple[gr.Button, gr.File]:
        gr.Markdown(t("reproduce_info"))
        recipe = gr.File(label=t("recipe_file"), file_types=[".json", ".mp4", ".gif", ".webp"], height=150)
        again = gr.Button(t("reproduce_start"), variant="primary", elem_id="reproduce", elem_classes="start")
        self.export = gr.Button(t("latents_start"), size="sm")
        self.npz = gr.File(label=t("latents_file"), interactive=False, visible=False)
        return again, recipe

    def _build_grid(self) -> tuple[gr.Button, list[gr.components.Component]]:
        """Settings in the order of :meth:`grid`'s arguments."""
        gr.Markdown(t("grid_info"))
        with gr.Row():
            people = gr.Textbox("1, 2, 3", label=t("people"), min_width=140)
            motions = gr.Textbox("7, 8", label=t("motions"), min_width=140)
        photo = gr.Checkbox(False, label=t("use_photo"))
        styles = self.studio.pipeline.styles
        chosen = gr.CheckboxGroup(style_choices(styles), value=[NONE], label=t("grid_styles"), visible=bool(styles))
        seconds = gr.Slider(1, 10, 2, step=0.5, label=t("seconds"), buttons=[])
        motion = gr.Slider(0, 2, 1, step=0.05, label=t("motion"), buttons=[])
        start = gr.Button(t("grid_start"), variant="primary", elem_id="grid", elem_classes="start")
        return start, [people, photo, motions, chosen, seconds, motion]

    def claim(self, file: str, request: gr.Request) -> None:
        """An upload goes when its visitor goes, read or not."""
        self.studio.folders.claim(request.session_hash, Path(file))

    @spoken
    def reproduce(self, own: Session, file: str | None, request: gr.Request) -> Updates:
        """The clip of a recipe again."""
        def work(wish: Wish) -> Updates:
            inversion, order = self._known(file)
            yield from self._show(wish, order, drawing(self.studio, inversion, order))

        yield from self.stage.fulfil(own, request.session_hash, work)

    @spoken
    def latents(self, file: str | None, request: gr.Request) -> dict[str, Any]:
        """The latents of a recipe as a file."""
        inversion, order = self._known(file)
        with self.studio.folders.work(request.session_hash) as folder:
            path = research.latents(self.studio.preview, inversion, order.recipe, folder / "latents.npz")
        return gr.update(value=str(path), visible=True)

    @spoken
    def grid(
        self, own: Session, session: Session, people: str, photo: bool, motions: str, styles: list[str],
        seconds: float, motion: float, request: gr.Request,
    ) -> Updates:
        """Many people, motions and styles in one picture."""
        def work(wish: Wish) -> Updates:
            order = self.studio.order(Recipe(seconds=seconds, motion=motion))
            known, columns = self._people(session, people, photo), research.seeds(motions)
            made = research.cells(known, columns, [wanted(style) for style in styles or [NONE]], order.recipe)
            yield from self._show(wish, order, lambda folder: self.studio.draw_grid(made, len(columns), order, folder))

        yield from self.stage.fulfil(own, request.session_hash, work)

    def _show(self, wish: Wish, order: Order, work: Any) -> Iterator[list[Any]]:
        path, poster = yield from self.stage.draw(wish, work)
        yield self.stage.show(wish.session, Made(path, order, poster), Status(say("ready"), "ready"))

    def _people(self, session: Session, text: str, photo: bool) -> list[tuple[str, research.Inversion]]:
        known = [(say("cell_photo"), self.studio.invert(session, "fast"))] if photo and session.ready else []
        return known + [
            (say("cell_person", seed=seed), self.studio.preview.sample_face(seed))
            for seed in research.seeds(text)[: research.MAX_CELLS]
        ]

    def _known(self, file: str | None) -> tuple[research.Inversion, Order]:
        if not file:
            raise InputError(say("no_recipe"))
        return research.known_recipe(self.studio, Path(file))
