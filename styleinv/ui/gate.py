"""The gate: a file that is too large is refused before it is sent, in the visitor's language."""

from html import escape

import gradio as gr

from ..errors import InputError
from .spoken import spoken
from .texts import say
from .web import asset

MAX_UPLOAD = 64_000_000     # bytes, of any file; photos have a lower limit of their own


def gate() -> None:
    """Watches every place for files on the page; Gradio's server holds to the same limit."""
    watch = gr.HTML(
        MAX_UPLOAD, html_template="", js_on_load=asset("gate.js"), elem_classes="unseen", container=False,
        apply_default_css=False
    )
    watch.select(_refuse, None, None, api_visibility="private", show_progress="hidden")


@spoken
def _refuse(event: gr.EventData) -> None:
    name = escape(event.name)       # as the visitor's machine has it; the page shows a sentence as HTML
    raise InputError(say("too_many_bytes", name=name, size=event.size / 1e6, limit=MAX_UPLOAD / 1e6))
