"""Verify: what a file says of its origin."""

from html import escape
from pathlib import Path

import gradio as gr

from ...errors import InputError
from ..folders import Folders
from ..origin import origin
from ..spoken import spoken
from ..texts import say, t


class VerifyTab:
    """The tab, and what its event does."""

    def __init__(self, folders: Folders):
        self.folders = folders
        gr.Markdown(t("verify_intro"))
        with gr.Row():
            with gr.Column(min_width=300):
                file = gr.File(label=t("verify_file"), height=160)
            with gr.Column(min_width=300):
                finding = gr.HTML(elem_id="finding", min_height=80, apply_default_css=False)
        read = file.upload(self.verify, file, finding, api_visibility="private", show_progress_on=finding)
        read.failure(lambda: "", None, finding, queue=False, api_visibility="private")

    @spoken
    def verify(self, file: str | None) -> str:
        """One sentence; the uploaded file is deleted."""
        if not file:
            raise InputError(say("no_file"))
        try:
            return f'<p class="finding" role="status">{escape(origin(Path(file)))}</p>'
        finally:
            self.folders.discard(Path(file))
