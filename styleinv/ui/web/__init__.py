"""The page's own style sheet and scripts, as text; and the clip of its first sight."""

from functools import cache
from pathlib import Path

__all__ = ["FOLDER", "asset"]

FOLDER = Path(__file__).parent
SHARED = "shared.js"


@cache
def asset(name: str) -> str:
    """A file of this folder; a script comes after what all of them share."""
    text = (FOLDER / name).read_text("utf-8")
    return asset(SHARED) + text if name.endswith(".js") and name != SHARED else text
