"""The page: a header and the tabs."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from .. import __version__
from ..memory import give_back_blocks
from ..pipeline import StyleInVPipeline
from .address import Address
from .api import Api
from .controls import QUIET
from .folders import Expiry, Folders
from .gate import gate
from .session import Session
from .studio import Studio
from .tabs.photo import PhotoTab
from .tabs.researcher import LabTab
from .tabs.sample import SampleTab
from .tabs.verify import VerifyTab
from .texts import t
from .visitors import Visitors

QUEUE = 32              # visitors who may wait


def build_demo(
    pipeline: StyleInVPipeline,
    gpu: Callable[..., Any] | None = None,
    preview: StyleInVPipeline | None = None,
    expiry: Expiry = Expiry(),
) -> gr.Blocks:
    """The app of a pipeline.

    Args:
        pipeline: the networks; all visitors share them.
        gpu: wraps the calls that need an accelerator, as `spaces.GPU` does.
        preview: the same networks on the CPU, where `pipeline` is on an accelerator: for what must not wait for it.
        expiry: when files of visitors are deleted.
    """
    folders = Folders(expiry)
    studio = Studio(pipeline, folders, gpu, preview)

    def tidy() -> None:
        visitors.forget_idle()
        give_back_blocks()

    def leave(request: gr.Request) -> None:
        visitors.forget(request.session_hash)

    with gr.Blocks(title="StyleInV", analytics_enabled=False) as demo:
        visitors = Visitors(demo, folders)
        session = gr.State(Session(), time_to_live=expiry.age, delete_callback=Session.clear)
        Api(studio)             # first, so that its names are its own
        gate()
        page = _build_page(studio, session, visitors)
        demo.load(Address(tuple(studio.pipeline.styles)).open, None, page, **QUIET)
        demo.unload(leave)
    folders.keep_sweeping(tidy)
    return demo.queue(max_size=QUEUE, default_concurrency_limit=2)


def _build_page(studio: Studio, session: gr.State, visitors: Visitors) -> list[gr.components.Component]:
    """Returns what an :class:`Address` sets."""
    with gr.Column(elem_id="header"):
        gr.HTML("<h1>StyleInV</h1>", apply_default_css=False)
        gr.Markdown(t("tagline"))
    with gr.Tab(t("photo_tab")):
        photo = PhotoTab(studio, session, visitors)
    with gr.Tab(t("sample_tab")):
        sample = SampleTab(studio)
    with gr.Tab(t("lab_tab")):
        lab = LabTab(studio, session)
    with gr.Tab(t("verify_tab")):
        VerifyTab(studio.folders)
    with gr.Tab(t("about_tab")):
        gr.Markdown(t("about"), elem_classes="about")
        gr.Markdown(f"StyleInV {__version__}", elem_classes="quiet")
    screens = [tab.player.screen for tab in (photo, sample, lab)]
    return [photo.examples, *screens] + [
        setting for tab in (photo, sample) for setting in (tab.seed, tab.style, tab.seconds)]
