"""What the tabs share: the settings of a clip, and the buttons that start and stop the work."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from ..clip.recipe import SETTINGS
from .session import KINDS
from .studio import Studio
from .texts import t

MAX_SEED = 2**31 - 1
DRAWING, LOOKING = "drawing", "looking"     # groups of events that take turns, so that a look never waits for a clip
QUIET = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
RANDOM = f"() => Math.floor(Math.random() * {MAX_SEED})"


def seed_row(key: str) -> gr.Number:
    """A seed and its dice."""
    with gr.Row(elem_classes="seed"):
        seed = gr.Number(SETTINGS["seed"].default, label=t(key), info=t("seed_info"), precision=0, minimum=0,
                         maximum=MAX_SEED, scale=3, min_width=140)
        dice = gr.Button(t("dice"), size="sm", scale=0, min_width=100)
    dice.click(None, None, seed, js=RANDOM, api_visibility="private")
    return seed


def motion_sliders() -> list[gr.Slider]:
    """Seconds and motion strength."""
    return [slider("seconds"), slider("motion", info=t("motion_info"))]


def slider(name: str, **look: Any) -> gr.Slider:
    """A slider of a setting."""
    setting = SETTINGS[name]
    low, high, step = setting.slider
    return gr.Slider(low, high, setting.default, step=step, label=t(name), **look)


def choice(name: str, titles: bool = True) -> gr.Radio:
    """The choices of a setting, by their titles or as they are."""
    setting = SETTINGS[name]
    choices = [(t(f"{name}_{value}") if titles else str(value), value) for value in setting.choices]
    return gr.Radio(choices, value=setting.default, label=t(name), min_width=180)


def advanced(whole: bool = False) -> list[gr.components.Component]:
    """Frames per second, size, the whole photo if there is one, loop, layout, formats and mark, folded away."""
    with gr.Accordion(t("advanced"), open=False):
        with gr.Row():
            fps, size = slider("fps", min_width=180), choice("size", titles=False)
        frame = [choice("frame")] if whole else []
        with gr.Row():
            loop, layout = choice("loop"), choice("layout")
        kinds = gr.CheckboxGroup(list(KINDS), value=list(KINDS), label=t("kinds"))
        mark = gr.Checkbox(True, label=t("mark"), info=t("mark_info"))
    return [fps, size, *frame, loop, layout, kinds, mark]


class Buttons:
    """Start and cancel; only the one that makes sense can be pressed."""

    def __init__(self, key: str, elem_id: str):
        self.elem_id = elem_id
        with gr.Row():
            self.start = gr.Button(t(key), variant="primary", size="lg", scale=3, min_width=160, elem_id=elem_id)
            self.cancel = gr.Button(t("cancel"), size="lg", interactive=False, scale=1, min_width=90)

    def run(
        self, studio: Studio, work: Callable, inputs: Sequence[Any], outputs: Sequence[Any], screen: gr.HTML,
    ) -> None:
        """Let start do `work`, a generator of outputs, and cancel stop it."""
        both = [self.start, self.cancel]

        def stop(request: gr.Request) -> list[dict[str, Any]]:
            studio.folders.stop(request.session_hash)
            return _states(busy=False)

        def rest(request: gr.Request) -> list[dict[str, Any]]:
            return _states(busy=studio.folders.busy(request.session_hash))

        begun = self.start.click(lambda: _states(busy=True), None, both, js=_reveal(screen), **QUIET)
        done = begun.then(
            work, inputs, outputs, concurrency_id=DRAWING, show_progress_on=[screen], api_visibility="private",
            trigger_mode="multiple",        # a cancelled run may still be ending when the next one begins
        )
        for ended in (done.success, done.failure):
            ended(rest, None, both, **QUIET)
        self.cancel.click(stop, None, both, cancels=[done], **QUIET)

    def press(self, when: str = "true") -> str:
        """JavaScript that presses start on a condition."""
        return f"() => {{ if ({when}) document.querySelector('#{self.elem_id}').click(); }}"


def _reveal(screen: gr.HTML) -> str:
    """On a phone the player is far below the button."""
    show = f"document.querySelector('#{screen.elem_id}').scrollIntoView({{behavior: 'smooth'}})"
    return f"() => {{ if (innerWidth < 800) {show}; return []; }}"


def _states(busy: bool) -> list[dict[str, Any]]:
    return [gr.update(interactive=not busy), gr.update(interactive=busy)]
