"""Names of files: their kinds, their natural order, and those that are no data."""

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ..errors import InputError

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff", ".bmp")   # that are read
VIDEOS = (".mp4", ".mov", ".avi", ".mkv", ".webm")


def natural_order(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """A key that sorts 1, 2, ... 10: numbers by their value, texts between them as texts."""
    parts = re.split(r"([0-9]+)", name)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts if part], name


def is_hidden(name: str) -> bool:
    """Whether a path, relative to its set, is what systems leave beside data: dot files, and __MACOSX of macOS's
    zips.
    """
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def restyled_files(photos: Iterable[Path], folder: Path) -> dict[Path, Path]:
    """Of photos that a folder holds restyled, under their own names, the restyled ones.

    Raises:
        InputError: it holds none of them.
    """
    known = {path.stem: path for path in folder.iterdir() if path.suffix.lower() in PICTURES}
    found = {photo: known[photo.stem] for photo in photos if photo.stem in known}
    if not found:
        raise InputError(f"{folder} has no restyled photo under its own name: check the folder.")
    return found
