"""Forgetting visitors: their files, and what Gradio remembers of their pages."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import gradio as gr

from .folders import Folders


@dataclass(frozen=True)
class Visitors:
    """Those of one app."""

    demo: gr.Blocks
    folders: Folders

    def forget(self, visitor: str) -> None:
        """Leave nothing of a visitor; Gradio itself would keep all that the page showed, the photo too."""
        self.folders.remove(visitor)
        pages = self.demo.state_holder
        pages.delete_state(visitor)
        for known in (pages.session_data, pages.time_last_used):
            known.pop(visitor, None)

    def forget_idle(self) -> None:
        """Forget those who did nothing for as long as a file is kept."""
        now, oldest = datetime.now(), self.folders.expiry.age
        for visitor, used in list(self.demo.state_holder.time_last_used.items()):
            if (now - used).total_seconds() > oldest:
                with suppress(RuntimeError):        # the visitor is back this moment
                    self.forget(visitor)
