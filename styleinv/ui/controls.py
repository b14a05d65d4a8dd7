"""The settings of a clip as controls: each is built from what `clip.recipe` says of it, so a new one appears by itself.

Those of most people come first; the others are folded away under Advanced.
"""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from ..clip.recipe import SETTINGS, Recipe, Setting
from ..errors import InputError
from ..styles import StyleInfo
from .gallery import NONE, gallery, wanted
from .texts import known_text, say, t

MAX_SEED, OWN_SEED = 2**31 - 1, 0       # a field for numbers cannot be empty: 0 means the face's own seed
DRAWING, LOOKING = "drawing", "looking"     # groups of events that take turns, so that a look never waits for a clip
QUIET = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
RANDOM = f"() => Math.floor(Math.random() * {MAX_SEED})"

HERE = {"size": 512, "frame": "photo", "loop": "seamless"}      # defaults of the page, where they are not the recipe's
# In sight, row by row, as far as they exist.
FIRST = (("frame",), ("style",), ("style_strength",), ("mood",), ("seconds", "motion"), ("seed",))

PICTURED = ("mood",)        # whose choices bear pictures
LOOK = ("frame", "mood", "style", "style_strength")     # on a phone these come right under the clip


class Controls:
    """By the recipe's names: `fields[name]` is the control of a setting."""

    def __init__(self, styles: Mapping[str, StyleInfo]):
        self.fields: dict[str, gr.components.Component] = {}
        keys = {setting.name: key for key, setting in SETTINGS.items()}
        for row in FIRST:
            if known := [keys[name] for name in row if name in keys]:
                with gr.Row(elem_classes="look" if row[0] in LOOK else ""):
                    for key in known:
                        self._build(key, styles)
        with gr.Accordion(t("advanced"), open=False):
            for key, setting in SETTINGS.items():
                if key not in self.fields and (setting.choices or setting.slider[1]):
                    self._build(key, styles)
            self.mark = gr.Checkbox(True, label=t("mark"), info=t("mark_info"))

    def _build(self, key: str, styles: Mapping[str, StyleInfo]) -> None:
        if key == "styles":
            self.fields[key], self.pictures = gallery(styles)
        elif key == "seed":
            self.fields[key] = seed_row()
        elif SETTINGS[key].choices:
            self.fields[key] = choice(key)
        else:
            self.fields[key] = slider(key)

    @property
    def inputs(self) -> list[gr.components.Component]:
        """In the order of :meth:`recipe`'s values."""
        return [*self.fields.values()]

    def recipe(self, values: tuple[Any, ...]) -> Recipe:
        """What the controls say.

        Raises:
            InputError: a field is empty, or out of its range; it is named, and what to do.
        """
        given = dict(zip(self.fields, values, strict=True))
        if "styles" in given:
            given["styles"] = wanted(given["styles"])
        return Recipe(**{key: checked(key, value) for key, value in given.items()})

    def updates(self, recipe: Recipe) -> list[Any]:
        """What lets the controls say a recipe."""
        known = vars(recipe) | {"styles": recipe.styles[0] if len(recipe.styles) == 1 else "all" if recipe.styles
                                else NONE}
        return [OWN_SEED if key == "seed" and known[key] is None else known[key] for key in self.fields]


def default(key: str) -> Any:
    """Of the page."""
    return HERE.get(key, SETTINGS[key].default)


def seed_row(key: str = "seed") -> gr.Number:
    """A seed and its dice."""
    with gr.Row(elem_classes="seed"):
        seed = gr.Number(OWN_SEED, label=t(key), info=t("seed_info"), precision=0, minimum=0,
                         maximum=MAX_SEED, scale=3, min_width=140)
        dice = gr.Button(t("dice"), size="sm", scale=0, min_width=100, elem_classes="dice")
    dice.click(None, None, seed, js=RANDOM, api_visibility="private")
    return seed


def slider(key: str) -> gr.Slider:
    """A slider of a setting."""
    low, high, step = SETTINGS[key].slider
    return gr.Slider(low, high, default(key), step=step, label=t(key), info=known_text(f"{key}_info"),
                     elem_classes=f"set-{key}", buttons=[])


def choice(key: str) -> gr.Radio:
    """The choices of a setting, by their titles where there are any."""
    titles = [(known_text(f"{key}_{value}") or str(value), value) for value in choices(key)]
    return gr.Radio(titles, value=default(key), label=known_text(key) or SETTINGS[key].name.capitalize(),
                    info=known_text(f"{key}_info"), elem_classes=f"set-{key} {'faces' if key in PICTURED else 'chips'}")


def choices(key: str) -> list[Any]:
    """Of a setting; where they are words the default is first."""
    values = [*SETTINGS[key].choices]
    return sorted(values, key=lambda value: value != default(key)) if isinstance(default(key), str) else values


def checked(key: str, value: Any) -> Any:
    """A value as the recipe has it; a complaint calls the field by the name that the visitor reads."""
    setting, name = SETTINGS[key], say(key) if known_text(key) else SETTINGS[key].name
    if setting.default is None and value in (None, "", OWN_SEED):
        return None
    try:
        value = setting.convert(value)
    except (TypeError, ValueError) as error:
        raise InputError(say("empty_field", name=name)) from error
    low, high = _range(setting)
    if low is not None and high is not None and not low <= value <= high:
        raise InputError(say("out_of_range", name=name, value=value, low=low, high=high))
    return value


def _range(setting: Setting) -> tuple[float | None, float | None]:
    """What the page allows."""
    if setting.name == "seed":
        return 0, MAX_SEED
    return (setting.slider[0], setting.slider[1]) if setting.slider[1] else (setting.low, setting.high)
