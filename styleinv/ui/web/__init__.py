"""The page's own style sheet and scripts, as text."""

from functools import cache
from pathlib import Path

__all__ = ["asset"]


@cache
def asset(name: str) -> str:
    """A file of this folder."""
    return (Path(__file__).parent / name).read_text("utf-8")
