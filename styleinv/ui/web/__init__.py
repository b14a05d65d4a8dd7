"""The page's own style sheet and scripts, as text; and the clip of its first sight."""

from functools import cache
from pathlib import Path

__all__ = ["FOLDER", "asset"]

FOLDER = Path(__file__).parent


@cache
def asset(name: str) -> str:
    """A file of this folder."""
    return (FOLDER / name).read_text("utf-8")
