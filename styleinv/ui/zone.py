"""The way in: one place that takes a photo by a press, a drop, a paste or the camera, an example, or a surprise."""

import time
from typing import Any

import gradio as gr

from .batch import MOST
from .picker import example_files
from .pictures import thumbnail
from .texts import say
from .web import asset

WORDS = ("drop_title", "drop_hint", "drop_busy", "choose", "camera", "take", "close", "no_camera", "upload_failed",
         "examples", "surprise", "camera_title")


def zone() -> gr.HTML:
    """Its `select` event tells what was brought: `what` is photos, with their paths, example, with its index,
    or surprise.
    """
    return gr.HTML(
        None, html_template='<div class="zone"></div>', js_on_load=asset("zone.js"), elem_id="zone",
        apply_default_css=False,
    )


def place(opened: bool, wrong: str = "") -> dict[str, Any]:
    """The zone open or folded away, perhaps with a sentence of what is wrong with what was brought."""
    people = [{"image": thumbnail(path, 160), "label": say("example_alt", number=number)}
              for number, path in enumerate(example_files(), start=1)]
    # What comes twice must be seen twice.
    words = {key: say(key) for key in WORDS} | {"too_many_photos": say("too_many_photos", most=MOST)}
    return {"open": opened, "wrong": wrong, "number": time.monotonic(), "people": people, "words": words, "most": MOST}
