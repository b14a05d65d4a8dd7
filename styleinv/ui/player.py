"""Where a clip appears: the comparison player, and the files to save."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr
import numpy as np

from .pictures import data_url
from .session import KINDS
from .texts import say, t
from .web import asset

WORDS = ("play", "pause", "seek", "loops")
RECIPE = "recipe"


@dataclass(frozen=True)
class Shown:
    """What the player shows of one result, as far as it is made."""

    clip: Path | None = None            # mp4
    raw: Path | None = None             # the same motion without the style
    photo: np.ndarray | None = None     # uint8 [H, W, 3]
    files: tuple[Path, ...] = ()        # to save, by suffix
    note: str = ""                      # said where there is nothing to see

    def with_files(self, *paths: Path | None) -> "Shown":
        """And these to save."""
        return replace(self, files=(*self.files, *filter(None, paths)))


class Player:
    """One set of controls for all panes, and a button for each file."""

    def __init__(self, elem_id: str):
        self.screen = gr.HTML(
            None, html_template='<div class="stage"></div>', js_on_load=asset("player.js"), elem_id=elem_id,
            elem_classes="player", apply_default_css=False,
        )
        with gr.Row(elem_classes="saves"):
            self.saves = {
                kind: gr.DownloadButton(
                    t(f"save_{kind}"), interactive=False, size="md", min_width=60, elem_classes=f"save-{kind}"
                )
                for kind in (*KINDS, RECIPE)
            }

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What :meth:`show` updates."""
        return [self.screen, *self.saves.values()]

    def show(self, shown: Shown) -> list[Any]:
        """A result, or as much of it as there is."""
        files = {path.suffix[1:]: path for path in shown.files}
        if shown.files:
            files[RECIPE] = shown.files[0].with_suffix(".json")
        buttons = [gr.update(value=files.get(kind) and str(files[kind]), interactive=kind in files)
                   for kind in self.saves]
        return [_screen(shown), *buttons]


def nothing(note: str = "") -> dict[str, Any]:
    """The empty player."""
    return {"empty": note or say("no_clip")}


def _screen(shown: Shown) -> dict[str, Any]:
    panes = [] if shown.photo is None else [
        {"kind": "image", "label": say("pane_photo"), "src": data_url(shown.photo, 512)}]
    videos = [("pane_raw", shown.raw), ("pane_clip", shown.clip)]
    panes += [{"kind": "video", "label": say(key), "src": _address(path)} for key, path in videos if path]
    if not panes:
        return nothing(shown.note)
    words = {key: say(key) for key in WORDS} | {"enlarge": say("enlarge", label="{label}")}
    return {"panes": panes, "words": words}


def _address(path: Path) -> str:
    """Below the page's own address, wherever it is mounted."""
    return f"gradio_api/file={quote(str(path))}"
