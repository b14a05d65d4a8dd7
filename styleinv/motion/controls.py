"""What can be asked of a face. Each control is said once, as a setting: its range, its unit, what it is for."""

from collections.abc import Mapping
from typing import Any

from ..clip.recipe import Setting
from ..errors import InputError


def _control(name: str, low: float, high: float, help: str) -> Setting:
    step = 1.0 if high > 2 else 0.05
    return Setting(name, 0.0, help, float, float, low=low, high=high, slider=(low, high, step))


CONTROLS: dict[str, Setting] = {setting.name: setting for setting in (
    _control("turn", -20, 20, "turn of the head in degrees, to the right of the picture"),
    _control("nod", -12, 12, "degrees by which the head looks down"),
    _control("tilt", -12, 12, "degrees by which the head leans clockwise in the picture"),
    _control("smile", -1, 1, "1 lifts the corners of the mouth by a tenth of the eyes' distance"),
    _control("mouth", -1, 1, "1 opens the mouth by a quarter of the eyes' distance"),
    _control("pucker", -1, 1, "1 narrows the mouth by 0.08 of the eyes' distance"),
    _control("lids", -0.5, 1, "share by which both eyes close: 1 is shut, below 0 is wider"),
    _control("lid_left", -0.5, 1, "the same of the eye on the left of the picture alone"),
    _control("lid_right", -0.5, 1, "the same of the eye on the right of the picture alone"),
    _control("brows", -1, 1, "1 raises the brows by 0.08 of the eyes' distance"),
    _control("gaze_x", -1, 1, "1 moves the irises by 0.15 of the eye's width to the right of the picture"),
    _control("gaze_y", -1, 1, "the same, downwards"),
)}

PRESETS: dict[str, dict[str, float]] = {
    "smile": {"smile": 0.7, "lids": 0.15},
    "surprised": {"brows": 0.9, "mouth": 0.6, "lids": -0.35},
    "wink": {"lid_right": 1.0, "smile": 0.4},
    "sleepy": {"lids": 0.55, "nod": 4.0, "brows": -0.2},
}


def checked(controls: Mapping[str, Any]) -> dict[str, float]:
    """All controls, those that are not named at rest.

    Raises:
        InputError: a value out of its range, or no number.
        TypeError: there is no such control.
    """
    if unknown := set(controls) - set(CONTROLS):
        raise TypeError(f"There is no control {min(unknown)!r}: choose {', '.join(CONTROLS)}.")
    found = {}
    for name, control in CONTROLS.items():
        try:
            found[name] = control.convert(controls.get(name, control.default))
        except (TypeError, ValueError) as error:
            raise InputError(f"{name} is {controls[name]!r}: choose a number from {control.low:g} to "
                             f"{control.high:g}.") from error
        control.check(found[name])
    return found
