"""All that makes a clip again: settings, latents, and the weights' sums. Kept in the clip's metadata and as JSON."""

import base64
import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from ..errors import InputError

if TYPE_CHECKING:
    from ..inversion import Inversion

MAX_SECONDS = 3600.0
MAX_FRAMES = 200_000


@dataclass(frozen=True)
class Recipe:
    """The settings of a clip."""

    seconds: float = 4.0        # length of the motion
    fps: float = 25.0           # frames a second
    seed: int = 0               # of the motion
    motion: float = 1.0         # strength
    size: int = 256             # side in pixels
    loop: str = "none"          # "none" or "pingpong"
    layout: str = "result"      # "result" or "compare"
    speed: float = 1.0          # of the motion
    style: str = ""             # names of styles, joined by commas; "" is the raw decoder
    style_strength: float = 1.0 # from 0, raw, to 1, the whole style

    @property
    def frames(self) -> int:
        """Frames before looping, at least 1."""
        return max(1, round(self.seconds * self.fps))

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        within("seconds", self.seconds, 0.04, MAX_SECONDS)
        within("fps", self.fps, 1, 120)
        within("seed", self.seed, 0, 2**63 - 1)
        within("motion", self.motion, 0, 3)
        within("speed", self.speed, 0.05, 4)
        within("style_strength", self.style_strength, 0, 1)
        _among("size", self.size, (256, 512, 1024))
        _among("loop", self.loop, ("none", "pingpong"))
        _among("layout", self.layout, ("result", "compare"))
        if self.frames > MAX_FRAMES:
            raise InputError(f"That would be {self.frames} frames, more than {MAX_FRAMES}: lower seconds or fps.")

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The settings in a recipe, whatever else it holds; InputError if one is missing or of the wrong kind."""
        try:
            return cls(**{field.name: field.type(values[field.name]) for field in fields(cls)})
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError("The recipe is not whole: use one that StyleInV wrote.") from error


def within(name: str, value: float, low: float, high: float) -> None:
    """Raises InputError for a number out of its range."""
    if not (math.isfinite(value) and low <= value <= high):
        raise InputError(f"{name} is {value}: choose a number from {low:g} to {high:g}.")


def _among(name: str, value: Any, choices: tuple) -> None:
    if value not in choices:
        raise InputError(f"{name} is {value}: choose {', '.join(map(str, choices[:-1]))} or {choices[-1]}.")


def pack(inversion: "Inversion") -> dict[str, str]:
    """The latents of an inversion, float16 in base64."""
    encode = lambda x: base64.b64encode(x.cpu().numpy().astype("<f2").tobytes()).decode()
    latents = {"w0": encode(inversion.w0)}
    return latents | ({"detail": encode(inversion.detail)} if inversion.detail.any() else {})


def unpack(recipe: dict[str, Any], num_ws: int, w_dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    """w0 [w_dim] and detail [num_ws, w_dim] of a recipe; InputError if they are missing or damaged."""
    try:
        decode = lambda text: torch.from_numpy(np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32))
        w0 = decode(recipe["w0"]).view(w_dim)
        detail = decode(recipe["detail"]).view(num_ws, w_dim) if "detail" in recipe else torch.zeros(num_ws, w_dim)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError("The recipe holds no latents that fit: use one that StyleInV wrote.") from error
    return w0, detail
