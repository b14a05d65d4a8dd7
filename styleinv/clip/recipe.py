"""The settings of a clip. Each is said once: its default, its range or choices, what it is for.

Command line, checks, the API's schema and the app's controls are built from here. A recipe is what a saved clip needs
to be made again: these settings, the latents (see `inversion`) and the sums of the weights.
"""

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import wraps
from typing import Any, Self

from ..errors import InputError
from ..version import __version__

MAX_FRAMES = 200_000
LATENTS = ("w0", "detail", "pose", "driver", "photo", "others")     # keys of a recipe that hold or name the face
ALL = "all"                     # of the faces of a photo
SAMPLE_SEED = 7                 # of a person who does not exist, if none is asked for
# What recipes of before a version mean by not saying it.
BEFORE: dict[tuple[int, ...], dict[str, Any]] = {
    (0, 3, 0): {"mood": "learned"},
    (0, 4, 0): {"size": 256, "style_detail": 0.0},
}
OTHERS = (*LATENTS, "carried", "weights", "version", "grid", "columns")        # and all that are no settings


@dataclass(frozen=True)
class Setting:
    """What one setting may be."""

    name: str                                           # for users
    default: Any
    help: str                                           # a phrase for `--help`, for the API and for docstrings
    kind: Any                                           # its type
    convert: Callable[[Any], Any]                       # from what is given; ValueError or TypeError if it cannot be
    low: float | None = None                            # the least number allowed,
    high: float | None = None                           # and the greatest
    choices: tuple[Any, ...] = ()                       # or all values allowed; of a number, those beside its range
    slider: tuple[float, float, float] = (0, 0, 0)      # what a slider offers: from, to, step; not each has one

    def check(self, value: Any) -> None:
        """Raises InputError for a value out of its range or choices."""
        if (value is None and self.default is None) or value in self.choices:
            return
        if self.choices and self.low is None:
            *most, last = map(str, self.choices)
            raise InputError(f"{self.name} is {value}: choose {', '.join(most)} or {last}.")
        if self.low is not None and self.high is not None and not (
                math.isfinite(value) and self.low <= value <= self.high):
            shown = f"{value:g}" if isinstance(value, float) else value
            raise InputError(f"{self.name} is {shown}: choose a number from {self.low:g} to {self.high:g}.")


def whole(value: Any) -> int:
    """A whole number; ValueError for another one."""
    number = int(value)
    if isinstance(value, float) and number != value:
        raise ValueError(f"{value} is not whole")
    return number


def whole_or_none(value: Any) -> int | None:
    """As :func:`whole`; None and an empty text stay nothing."""
    return None if value in (None, "") else whole(value)


def whole_or_all(value: Any) -> int | str:
    """As :func:`whole`; "all" stays."""
    return ALL if value == ALL else whole(value)


def style_names(value: str | Iterable[str]) -> tuple[str, ...]:
    """Names of styles: of a text joined by commas, or of a list."""
    names = value.split(",") if isinstance(value, str) else [str(name) for name in value]
    return tuple(name.strip() for name in names if name.strip())


def _setting(name: str, default: Any, help: str, kind: Any, convert: Callable | None = None, **limits: Any) -> Any:
    return field(default=default, metadata={"setting": Setting(name, default, help, kind, convert or kind, **limits)})


@dataclass(frozen=True)
class Recipe:
    """The settings of a clip."""

    seconds: float = _setting("seconds", 4.0, "length of the motion", float, low=0.04, high=3600, slider=(1, 60, 0.5))
    fps: float = _setting("fps", 25.0, "frames per second; motion looks the same at any rate", float, low=1, high=120,
                          slider=(5, 60, 1))
    seed: int | None = _setting("seed", None, "seed of the motion: the same seed gives the same clip; "
                                "by default the face's own", int | None, whole_or_none, low=0, high=2**63 - 1)
    motion: float = _setting("motion", 1.0, "strength of the motion: 0 still, 1 as learned", float, low=0, high=3,
                             slider=(0, 2, 0.05))
    size: int = _setting("size", 512, "side in pixels, at most what the decoder draws", int, whole,
                         choices=(256, 512, 1024))
    loop: str = _setting("loop", "none", "seamless: ends as it begins, from 2 s on; pingpong: forth and back", str,
                         choices=("none", "seamless", "pingpong"))
    frame: str = _setting("frame", "face", "face: the aligned square; photo: the whole picture, with likeness photo",
                          str, choices=("face", "photo"))
    layout: str = _setting("layout", "result",
                           "compare: crop | inversion | result, with a style crop | raw | styled", str,
                           choices=("result", "compare"))
    speed: float = _setting("speed", 1.0, "speed of the motion: 0.5 is slow motion", float, low=0.05, high=4)
    styles: tuple[str, ...] = _setting(
        "style", (), "an installed style, its folder or Hub id, several by commas, or all in a grid", str | list[str],
        style_names)
    style_strength: float = _setting("style_strength", 1.0, "from 0, raw, to 1", float, low=0, high=1,
                                     slider=(0, 1, 0.05))
    style_detail: float = _setting(
        "style_detail", 1.0, "how much of the photo itself a style shows, with likeness photo: 0 the face as drawn",
        float, low=0, high=1, slider=(0, 1, 0.05))
    mood: str = _setting("mood", "lively", "how the face moves; learned: as the network alone does", str,
                         choices=("learned", "calm", "lively", "talking", "listening", "look-around", "nod", "smile"))
    hold: bool = _setting("hold", False, "keep a pose over the whole clip, instead of starting in it", bool)

    @property
    def whole(self) -> bool:
        """The whole photo is shown, not the face's square alone."""
        return self.frame == "photo"

    @property
    def frames(self) -> int:
        """Frames before looping, at least 1."""
        return max(1, round(self.seconds * self.fps))

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        for name, setting in SETTINGS.items():
            setting.check(getattr(self, name))
        if self.whole and (len(self.styles) > 1 or ALL in self.styles or self.layout != "result"):
            raise InputError("frame is photo: one style at a time, and no other layout; choose one, or the frame face.")
        if self.frames > MAX_FRAMES:
            raise InputError(f"That would be {self.frames} frames, more than {MAX_FRAMES}: lower seconds or fps.")

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return vars(self) | {"styles": list(self.styles)}

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """This recipe with some settings changed, by their users' names.

        Raises:
            TypeError: there is no such setting.
            ValueError: a value cannot be converted.
        """
        names = {setting.name: name for name, setting in SETTINGS.items()}
        if unknown := set(settings) - set(names):
            raise TypeError(f"There is no setting {min(unknown)!r}: choose {', '.join(names)}.")
        changed = {names[name]: SETTINGS[names[name]].convert(value) for name, value in settings.items()}
        return type(self)(**vars(self) | changed)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The settings in a recipe, whatever else it holds; one that is missing has its default.

        Raises:
            InputError: a setting is of the wrong kind, or out of its range.
        """
        _check_known(values)
        for version, meant in BEFORE.items():
            if _numbers(str(values.get("version", __version__))) < version:
                values = meant | dict(values)
        if values.get("seed", 0) is None:
            raise InputError("The recipe is not whole: use one that StyleInV wrote.")
        given = {setting.name: values[key] for name, setting in SETTINGS.items() for key in (setting.name, name)
                 if key in values}
        try:
            recipe = cls().with_settings(given)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError("The recipe is not whole: use one that StyleInV wrote.") from error
        recipe.check()
        return recipe


def _check_known(values: Mapping[str, Any]) -> None:
    """Raises InputError for a recipe of a later version, or with a setting that this one does not know and would pass
    over.
    """
    version = str(values.get("version", __version__))
    if _numbers(version) > _numbers(__version__):
        raise InputError(f"The recipe is of version {version[:20]}, and this is {__version__}: install the later one.")
    names = {key for name, setting in SETTINGS.items() for key in (name, setting.name)} | set(OTHERS)
    if unknown := sorted(str(key) for key in set(values) - names):
        raise InputError(
            f"The recipe has the setting {unknown[0][:40]!r}, which this version does not know: install a later one.")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d{1,9}", version)[:3])


def without_latents(recipe: Any) -> Any:
    """A recipe, or a grid of several, without what shows whose face it is."""
    if isinstance(recipe, Mapping):
        return {key: without_latents(value) for key, value in recipe.items() if key not in LATENTS}
    return [without_latents(value) for value in recipe] if isinstance(recipe, list) else recipe


# By the recipe's names.
SETTINGS: dict[str, Setting] = {setting.name: setting.metadata["setting"] for setting in fields(Recipe)}

# Settings of how a face is found and drawn, beside those of its clip.
LIKENESS = Setting(
    "likeness", "photo", "paper: w0 alone; fast: one encoder pass; close: refined on the photo, some seconds; "
    "photo: the photo's own pixels, carried by the motion", str, str, choices=("paper", "fast", "close", "photo"))
FACE = Setting("face", 0, "which face of the photo, 0 is the largest; all: each moves in its own way, with frame photo",
               int | str, whole_or_all, low=0, high=999, choices=(ALL,))
PSI = Setting("psi", 0.7, "truncation: 0 the mean face, 1 the whole variety", float, float, low=0, high=2,
              slider=(0, 1, 0.05))


def check_face(face: int | str, recipe: Recipe, likeness: str) -> None:
    """Raises InputError for all faces where the photo is not seen."""
    if face == ALL and not (recipe.whole and likeness == LIKENESS.default):
        raise InputError("face is all: that needs frame photo and likeness photo; choose both, or one face.")


def takes_settings(function: Callable) -> Callable:
    """Show every setting of a clip in the signature and the docstring of a function that takes them as `**settings`."""
    shown = [inspect.Parameter(setting.name, inspect.Parameter.KEYWORD_ONLY, default=setting.default,
                               annotation=setting.kind)
             for setting in SETTINGS.values()]
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    call.__signature__ = signature.replace(parameters=[*own, *shown])           # type: ignore[attr-defined]
    call.__annotations__ = function.__annotations__ | {p.name: p.annotation for p in shown}
    call.__doc__ = _with_arguments(function.__doc__ or "")
    return call


def _with_arguments(text: str) -> str:
    """A docstring whose `Args:` go on with the settings, in the place of the line `**settings`."""
    lines = [f"            {setting.name}: {setting.help}." for setting in SETTINGS.values()]
    return text.replace("            **settings: of the clip.", "\n".join(lines))
