"""The photo with its faces, and the files of the examples."""

from pathlib import Path
from typing import Any

import gradio as gr

from .pictures import data_url
from .session import Session
from .texts import say
from .web import asset

EXAMPLES = Path(__file__).parents[2] / "examples" / "faces"     # of people who do not exist; a wheel has none


def example_files() -> list[Path]:
    """The example photos, if they are installed."""
    return sorted(EXAMPLES.glob("*.jpg"))


def picker() -> gr.HTML:
    """The photo with a box on every face; its `select` event tells the number of the chosen one."""
    return gr.HTML(
        None, html_template='<div class="photo"></div>', js_on_load=asset("picker.js"),
        elem_id="picker", apply_default_css=False,
    )


def picked(session: Session) -> dict[str, Any] | None:
    """What :func:`picker` shows of a session."""
    if session.photo is None:
        return None
    count = len(session.spots)
    faces = [
        {"left": spot.left, "top": spot.top, "width": spot.width, "height": spot.height,
         "label": say("face_label", number=number, count=count)}
        for number, spot in enumerate(session.spots, start=1)
    ]
    hint = say("one_face") if count == 1 else say("several_faces", count=count)
    if session.batch:
        hint = say("several_photos", count=len(session.batch))
    return {"image": data_url(session.photo), "alt": say("photo_alt"), "faces": faces, "chosen": session.face,
            "hint": hint}
