"""What a run keeps to go on with: reused only if it was made of the same, and to its end."""

import json
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import write_text


def sources_key(folder: Path | None, **settings: Any) -> str:
    """What a cache is made of: the names and sizes of the files of a folder, and whatever else matters."""
    files = [] if folder is None else [
        path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    return json.dumps({"sources": sorted((path.name, path.stat().st_size) for path in files)} | settings, indent=1)


def is_made(cache: Path, key: str) -> bool:
    """Whether a cache is whole and of these sources."""
    note = _note(cache)
    return cache.exists() and note.is_file() and note.read_text("utf-8") == key


def note_made(cache: Path, key: str) -> None:
    """Say that a cache is whole, and of what."""
    write_text(_note(cache), key)


def clear(folder: Path) -> None:
    """Remove the pictures that an earlier or a broken-off run aligned."""
    _note(folder).unlink(missing_ok=True)
    for path in folder.glob("*.jpg"):
        path.unlink()


def _note(cache: Path) -> Path:
    return cache.with_name(f"{cache.name}.sources.json")


def check_free(style: Path, run: Path, size: int, kept: bool) -> None:
    """Raises InputError if a style is installed there that the run would replace.

    Args:
        style: the folder of the style.
        run: that of the run; what it installed itself it may install again.
        size: the side that is trained.
        kept: tops of other sizes stay.
    """
    config = style / "config.json"
    own = _text(run / INSTALLED)
    if not config.is_file() or (own and own == _sums(style)):
        return
    try:
        sizes = json.loads(config.read_text("utf-8"))["sizes"]
    except (ValueError, KeyError, TypeError):
        sizes = [size]
    if size in sizes or not kept:
        raise InputError(
            f"The style {style.name} is installed in {style.parent}: choose another --name, or add --replace.")


INSTALLED = "installed.txt"         # in a run's folder: the sums of the style as it installed it


def note_installed(style: Path, run: Path) -> None:
    """Remember what a run installed."""
    write_text(run / INSTALLED, _sums(style))


def _sums(style: Path) -> str:
    return _text(style / "SHA256SUMS")


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""
