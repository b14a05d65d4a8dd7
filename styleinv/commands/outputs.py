"""The names of what is written, decided and checked before any work: never an input, never a file that is not ours, no
two alike.
"""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import InputError
from ..files import same_file, unique_names

MAX_NAME = 255          # bytes that systems allow a name
OURS = {"seed", "version", "weights"}       # keys of every recipe that StyleInV wrote
GRID = {"grid", "columns"}                  # and of a grid's


def clip_paths(
    out: Path, stems: Sequence[str], kinds: Sequence[str], inputs: Iterable[Path], recipes: bool = False,
) -> list[Path]:
    """Where clips go: into the folder `out`, as STEM.mp4, or if it ends in one of `kinds`, the only one into that file.

    Args:
        out: a folder or a file, as it was asked for.
        stems: of the clips, one or more; those that would fall together, on any system, are numbered.
        kinds: the suffixes of files.
        inputs: files that must stay.
        recipes: a .json is written beside each clip.

    Raises:
        InputError: one of these cannot be, or would take the place of something that must stay.
    """
    folder = _is_folder(out, len(stems), kinds)
    paths = [out / f"{name}.mp4" for name in unique_names(map(_short, stems))] if folder else [out]
    check_paths(paths, inputs)
    if recipes:
        check_recipes([path.with_suffix(".json") for path in paths], inputs)
    return paths


def _is_folder(out: Path, count: int, kinds: Sequence[str]) -> bool:
    named, there = out.suffix.lower() in kinds, _is_dir(out)
    if named and not there and count > 1:
        raise InputError(f"{out} is one file for {count} clips: name a folder.")
    if not named and not there and os.path.lexists(out):
        raise InputError(f"{out} is a file: name a folder, or a file that ends in {', '.join(kinds)}.")
    if not named and not there and out.suffix:
        raise InputError(f"{out.name} is of no known kind: end the name in {', '.join(kinds)}, or name a folder.")
    return there or not named


def check_paths(paths: Sequence[Path], inputs: Iterable[Path]) -> None:
    """Raises InputError for a path that cannot be written, or is one of `inputs` by whatever name."""
    inputs = list(inputs)
    for path in paths:
        if len(os.fsencode(path.name)) > MAX_NAME:
            raise InputError(f"The name {path.name[:40]}... is too long: choose one of at most {MAX_NAME} bytes.")
        if _is_dir(path):
            raise InputError(f"{path} is a folder: name a file.")
        if kept := next((given for given in inputs if same_file(given, path)), None):
            raise InputError(f"{path} is {kept} itself, which would be lost: choose another name.")
    for folder in {path.parent for path in paths}:
        _check_folder(folder)


def check_recipes(paths: Sequence[Path], inputs: Iterable[Path]) -> None:
    """As :func:`check_paths`, and raises InputError for a file that is there and no recipe of ours."""
    check_paths(paths, inputs)
    for path in paths:
        if os.path.lexists(path) and not _is_recipe(path):
            raise InputError(f"{path} is there and no recipe of StyleInV: move it, or choose another name.")


def _is_recipe(path: Path) -> bool:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and (set(found) >= OURS or set(found) >= GRID)


def _check_folder(folder: Path) -> None:
    """Raises InputError unless files can be written there, or it can be made."""
    above = next(place for place in (folder.absolute(), *folder.absolute().parents) if _exists(place))
    if any(len(os.fsencode(part)) > MAX_NAME for part in folder.parts):
        raise InputError(f"The folder {str(folder)[:60]}... cannot be made: choose a shorter name.")
    if not above.is_dir():
        raise InputError(f"The folder {folder} cannot be made: choose another one.")
    if not os.access(above, os.W_OK | os.X_OK):
        raise InputError(f"The folder {folder} cannot be written to: choose another one.")


def _is_dir(path: Path) -> bool:
    return os.path.isdir(path)          # pathlib's raises for a name that is too long, or without rights


def _exists(path: Path) -> bool:
    return os.path.exists(path)


def _short(stem: str) -> str:
    """A stem that leaves room for a number and a suffix."""
    return (os.fsencode(stem)[: MAX_NAME - 20].decode(errors="ignore")
            if len(os.fsencode(stem)) > MAX_NAME - 20 else stem)
