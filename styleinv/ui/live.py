"""A face that answers to sliders and to the hand that drags it, while they move."""

from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from ..clip.layout import add_mark
from ..clip.provenance import sign
from ..clip.recipe import Recipe
from ..inversion import Inversion
from ..motion.controls import CONTROLS, PRESETS
from ..motion.expression import Pose
from ..pipeline import StyleInVPipeline
from .pictures import address
from .texts import say
from .web import asset

SIDE = 512          # px of a face whose photo is carried; one that is drawn has the half, to be as quick
QUALITY = 88        # of the JPEG that the page gets: a WebP takes ten times as long
WORDS = ("live_alt", "live_reset", "live_undo", "live_save", "live_animate", "live_presets", "live_hint")


class Live:
    """One face and its controls."""

    def __init__(self, pipeline: StyleInVPipeline, inversion: Inversion):
        self.face = pipeline.expression(inversion)
        size = SIDE if inversion.photo or inversion.carried else SIDE // 2
        self.render = pipeline.renderer(inversion, Recipe(seed=0, mood="learned", size=size))
        self.controls: dict[str, float] = {}        # the last ones
        self._lock = Lock()

    @property
    def presets(self) -> dict[str, dict[str, float]]:
        """By name, those of this face."""
        return {"neutral": self.face.preset("neutral"), **PRESETS}

    def pose(self) -> Pose | None:
        """Of the last controls; none if all are at rest."""
        return self.face.pose(self.controls) if any(self.controls.values()) else None

    def __call__(self, controls: dict[str, float]) -> np.ndarray:
        """uint8 [S, S, 3].

        Raises:
            InputError: a control out of its range.
        """
        with self._lock:
            pose = self.face.pose(controls)
            self.controls = dict(controls)
            return self.render.still(pose)


def live() -> gr.HTML:
    """The face with its sliders; its `select` event tells what is wished: `what` is draw, save or animate, with the
    controls and the wish's number.
    """
    return gr.HTML(None, html_template='<div class="live"></div>', js_on_load=asset("live.js"), elem_id="live",
                   apply_default_css=False)


def opened(face: Live) -> dict[str, Any]:
    """All that the page needs of a face."""
    controls = [{"name": control.name, "label": say(f"control_{control.name}"), "low": control.low,
                 "high": control.high, "step": control.slider[2]} for control in CONTROLS.values()]
    presets = [{"label": say(f"preset_{name}"), "controls": known} for name, known in face.presets.items()]
    return {"image": _jpeg(face(face.controls)), "number": 0, "controls": controls, "values": face.controls,
            "presets": presets, "words": {key: say(key) for key in WORDS}}


def drawn(face: Live, controls: dict[str, float], number: int) -> dict[str, Any]:
    """The picture of one wish."""
    return {"image": _jpeg(face(controls)), "number": number}


def saved(face: Live, controls: dict[str, float], mark: bool, path: Path) -> Path:
    """The picture of a wish as a file, signed; `mark` shows that it is generated."""
    picture = face(controls)
    Image.fromarray(add_mark(picture) if mark else picture).save(path)
    sign(path)
    return path


def _jpeg(image: np.ndarray) -> str:
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=QUALITY)
    return address("image/jpeg", buffer.getvalue())
