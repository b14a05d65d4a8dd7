"""What the tabs share: the settings of a clip, its player, and the buttons that start and stop the work."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from . import texts
from .studio import KINDS, Studio

MAX_SECONDS = 60        # a page is no place for more; the command line has no such limit
MAX_SEED = 2**31 - 1
NETWORKS = "networks"   # events of this name take turns: two clips at once are no faster, and dlib is not reentrant


def seed_row(label: str) -> gr.Number:
    """A seed and its dice."""
    with gr.Row(elem_classes="seed"):
        seed = gr.Number(7, label=label, info=texts.SEED_INFO, precision=0, minimum=0, maximum=MAX_SEED, scale=3, min_width=140)
        dice = gr.Button(texts.DICE, scale=2, min_width=110)
    dice.click(None, None, seed, js=f"() => Math.floor(Math.random() * {MAX_SEED})", api_visibility="private")
    return seed


def motion_sliders() -> list[gr.Slider]:
    """Seconds and motion strength."""
    return [
        gr.Slider(1, MAX_SECONDS, 4, step=0.5, label=texts.SECONDS),
        gr.Slider(0, 2, 1, step=0.05, label=texts.MOTION, info=texts.MOTION_INFO),
    ]


def advanced() -> list[gr.components.Component]:
    """Frames a second, size, loop, layout, format and mark, folded away."""
    with gr.Accordion(texts.ADVANCED, open=False):
        with gr.Row():
            fps = gr.Slider(5, 60, 25, step=1, label=texts.FPS, min_width=180)
            size = gr.Radio([256, 512, 1024], value=256, label=texts.SIZE, min_width=180)
        with gr.Row():
            loop = gr.Radio(texts.LOOPS, value="none", label=texts.LOOP, min_width=180)
            layout = gr.Radio(texts.LAYOUTS, value="result", label=texts.LAYOUT, min_width=180)
        kind = gr.Radio(KINDS, value=KINDS[0], label=texts.KIND)
        mark = gr.Checkbox(True, label=texts.MARK, info=texts.MARK_INFO)
    return [fps, size, loop, layout, kind, mark]


class Player:
    """Where a clip appears, with its downloads."""

    def __init__(self):
        self.video = gr.Video(label=texts.CLIP, autoplay=True, loop=True, interactive=False, buttons=[], elem_classes="clip")
        self.picture = gr.Image(label=texts.CLIP, visible=False, interactive=False, buttons=[], elem_classes="clip")
        with gr.Row():
            self.clip = gr.DownloadButton(texts.DOWNLOAD, interactive=False, min_width=140)
            self.recipe = gr.DownloadButton(texts.RECIPE, interactive=False, min_width=140)

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What :meth:`show` gives values and :meth:`reveal` makes usable."""
        return [self.video, self.picture, self.clip, self.recipe]

    def show(self, clip: str, recipe: str) -> list[str | None]:
        """A browser plays mp4 as a video, gif and webp as a picture."""
        return [clip, None, clip, recipe] if _is_video(clip) else [None, clip, clip, recipe]

    def reveal(self, clip: str) -> list[dict[str, Any]]:
        """Apart from :meth:`show`, whose values clients get as they are."""
        video = _is_video(clip)
        return [gr.update(visible=video), gr.update(visible=not video), *[gr.update(interactive=True)] * 2]


class Buttons:
    """Start and cancel; only the one that makes sense can be pressed."""

    def __init__(self):
        with gr.Row():
            self.start = gr.Button(texts.ANIMATE, variant="primary", size="lg", scale=3, min_width=160)
            self.cancel = gr.Button(texts.CANCEL, size="lg", interactive=False, scale=1, min_width=90)

    def run(
        self, studio: Studio, name: str, work: Callable, inputs: Sequence[Any], outputs: Sequence[Any], player: Player
    ) -> None:
        """Let start do `work`, which clients call by `name`, and cancel stop it."""
        quiet = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        both = [self.start, self.cancel]

        def stop(request: gr.Request) -> list[dict[str, Any]]:
            studio.remove(request.session_hash)
            return _states(busy=False)

        begun = self.start.click(lambda: _states(busy=True), None, both, **quiet)
        done = begun.then(
            work, inputs, outputs, api_name=name, concurrency_id=NETWORKS, show_progress_on=[player.video, player.picture],
        )
        done.success(player.reveal, player.clip, player.outputs, **quiet)
        for ended in (done.success, done.failure):
            ended(lambda: _states(busy=False), None, both, **quiet)
        self.cancel.click(stop, None, both, cancels=[done], **quiet)


def _is_video(clip: str) -> bool:
    return clip.endswith(".mp4")


def _states(busy: bool) -> list[dict[str, Any]]:
    return [gr.update(interactive=not busy), gr.update(interactive=busy)]
