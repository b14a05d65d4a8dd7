"""StyleInV: a face photo brought to life, with no driver video."""

from typing import Any

__version__ = "0.1.0"
__all__ = ["Clip", "FaceError", "InputError", "StyleInVPipeline"]


def __getattr__(name: str) -> Any:
    """Import on first use: torch and diffusers take seconds, and `styleinv --help` needs neither."""
    if name == "StyleInVPipeline":
        from .pipeline import StyleInVPipeline
        return StyleInVPipeline
    if name == "Clip":
        from .video import Clip
        return Clip
    if name in ("FaceError", "InputError"):
        from . import errors
        return getattr(errors, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
