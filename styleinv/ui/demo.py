"""The page: a header and the tabs."""

from collections.abc import Callable

import gradio as gr

from ..pipeline import StyleInVPipeline
from . import texts
from .photo_tab import PhotoTab
from .sample_tab import SampleTab
from .studio import Studio

QUEUE = 20              # visitors who may wait
EXPIRY = 600, 3600      # s: how often the cache is looked through, and how old a file may grow


def build_demo(pipeline: StyleInVPipeline, gpu: Callable[[Callable], Callable] | None = None) -> gr.Blocks:
    """The app of a pipeline.

    Args:
        pipeline: the networks; all visitors share them.
        gpu: wraps the calls that need an accelerator, as `spaces.GPU` does.
    """
    studio = Studio(pipeline, gpu)

    def leave(request: gr.Request) -> None:
        studio.remove(request.session_hash)

    with gr.Blocks(title=texts.TITLE, analytics_enabled=False, delete_cache=EXPIRY) as demo:
        gr.Markdown(f"# {texts.TITLE}\n{texts.TAGLINE}", elem_id="header")
        with gr.Tab(texts.PHOTO_TAB):
            PhotoTab(studio)
        with gr.Tab(texts.SAMPLE_TAB):
            SampleTab(studio)
        with gr.Tab(texts.ABOUT_TAB):
            gr.Markdown(texts.ABOUT, elem_classes="about")
        demo.unload(leave)
    return demo.queue(max_size=QUEUE, default_concurrency_limit=1)
