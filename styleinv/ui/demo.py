"""The page: a header and the tabs."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from .. import __version__
from ..memory import give_back_blocks
from ..pipeline import StyleInVPipeline
from .address import Address
from .agents import serve_agents
from .api import Api
from .controls import QUIET
from .folders import Expiry, Folders
from .gate import gate
from .session import Session
from .studio import Studio
from .tabs.expression import ExpressionTab
from .tabs.photo import PhotoTab
from .tabs.researcher import LabTab
from .tabs.verify import VerifyTab
from .texts import t
from .visitors import Visitors

QUEUE = 32              # visitors who may wait
MARK = '<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="11"/>' \
       '<path d="M9.6 7.6 16.8 12l-7.2 4.4z"/></svg>'


# Gradio keeps a style sheet to what is within the page's own frame.
FRAME = "<style>@media (max-width: 640px) { .main.fillable.app { padding: 12px !important; } }</style>"


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
        address, page = _build_page(studio, session, visitors)
        demo.load(address.open, None, page, **QUIET)
        demo.unload(leave)
    folders.keep_sweeping(tidy)
    serve_agents()
    return demo.queue(max_size=QUEUE, default_concurrency_limit=2)


def _build_page(studio: Studio, session: gr.State, visitors: Visitors) -> tuple[Address, list[Any]]:
    """What the address can say, and what it sets."""
    with gr.Column(elem_id="header"):
        gr.HTML(f"{FRAME}<h1>{MARK}StyleInV</h1>", apply_default_css=False)
        gr.Markdown(t("tagline"))
    with gr.Tabs(elem_id="tabs") as tabs:
        with gr.Tab(t("photo_tab"), id="photo", elem_id="photo-tab"):
            photo = PhotoTab(studio, session, visitors)
        with gr.Tab(t("live_tab"), id="expression") as expression:
            ExpressionTab(studio, session, expression, photo.delete)
        with gr.Tab(t("lab_tab"), id="lab"):
            lab = LabTab(studio, session)
        with gr.Tab(t("verify_tab"), id="verify"):
            VerifyTab(studio.folders)
        with gr.Tab(t("about_tab"), id="about"):
            gr.Markdown(t("about"), elem_classes="about")
            gr.Markdown(f"StyleInV {__version__}", elem_classes="quiet")
    address = Address(tuple(studio.pipeline.styles), photo.controls, (photo.player, lab.stage.player))
    return address, [photo.zone, tabs, *address.outputs]
