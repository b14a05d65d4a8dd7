"""Motion from a video: uploaded or filmed by the visitor, read, and gone."""

from pathlib import Path

import gradio as gr

from ..errors import InputError
from .controls import LOOKING
from .session import Session
from .spoken import spoken
from .studio import Studio
from .texts import said, say, t


class Driving:
    """The place for a video, folded away; what is read of it is remembered in the session."""

    def __init__(self, studio: Studio, session: gr.State):
        self.studio = studio
        with gr.Accordion(t("drive"), open=False, elem_classes="aside"):
            self.video = gr.Video(sources=["upload", "webcam"], label=t("drive_video"), height=200, include_audio=False,
                                  webcam_options=gr.WebcamOptions(mirror=False), buttons=[])
            self.video.preprocess = _path       # Gradio would look into the file, and hide what is wrong with it
            self.note = gr.Markdown(t("drive_info"), elem_classes="quiet")
            forget = gr.Button(t("drive_forget"), size="sm", visible=False)
        outputs, quick = [self.video, self.note, forget], {"api_visibility": "private", "show_progress_on": self.note}
        for brought in (self.video.upload, self.video.stop_recording):
            brought(self.read, [session, self.video], outputs, concurrency_id=LOOKING, **quick)
        forget.click(self.forget, session, outputs, queue=False, api_visibility="private")

    @spoken
    def read(self, session: Session, video: str | None) -> list:
        """The motion of a video, in which the clips move from now on; or why it will not do."""
        if not video:
            return [gr.skip()] * 3
        try:
            driver = self.studio.drive(Path(video))
        except InputError as error:
            return [None, said(error), gr.skip()]
        session.move_as(driver)
        return [None, say("drive_read", seconds=len(driver.lean) / driver.fps), gr.update(visible=True)]

    def forget(self, session: Session) -> list:
        """Back to the mood."""
        session.move_as(None)
        return [None, say("drive_info"), gr.update(visible=False)]


def _path(upload: object) -> str | None:
    return getattr(upload, "path", None) or getattr(getattr(upload, "video", None), "path", None)
