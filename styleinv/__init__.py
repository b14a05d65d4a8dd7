"""StyleInV: a face photo brought to life, with no driver video."""

import os
from typing import Any

from .version import __version__

# Threads of torch that wait for each other spin, by default for milliseconds: on a machine that does anything else they
# take the core that the other one needs, and a frame costs up to twenty times as much. libgomp reads this when torch is
# imported.
os.environ.setdefault("GOMP_SPINCOUNT", "5000")

__all__ = ["Clip", "FaceError", "InputError", "StyleInVPipeline", "__version__"]


def __getattr__(name: str) -> Any:
    """Import on first use: torch and diffusers take seconds, and `styleinv --help` needs neither."""
    if name == "StyleInVPipeline":
        from .pipeline import StyleInVPipeline
        return StyleInVPipeline
    if name == "Clip":
        from .clip.clip import Clip
        return Clip
    if name in ("FaceError", "InputError"):
        from . import errors
        return getattr(errors, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
