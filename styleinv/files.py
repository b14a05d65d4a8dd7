"""Files appear whole or not at all, each under a name of its own."""

import errno
import os
import unicodedata
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError


def included(package: Path) -> Path:
    """The folder of the bundle and the styles that come with a package: beside it in a clone, in it when installed."""
    beside = package.parent / "checkpoints"
    return beside if beside.is_dir() else package / "checkpoints"


CHECKPOINTS = included(Path(__file__).resolve().parent)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A new, empty file beside `path` that takes its place when the block succeeds, and vanishes when it does not.

    Raises:
        InputError: nothing can be written to the folder.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")     # the suffix tells encoders the format
    try:
        temporary.touch(exist_ok=False)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise InputError(f"The folder {path.parent} cannot be written to: choose another one.") from error
    try:
        yield temporary
        os.replace(temporary, path)
    finally:                                                            # also after Ctrl-C
        temporary.unlink(missing_ok=True)


def unique_names(names: Iterable[str]) -> list[str]:
    """The names, of which one that is taken becomes NAME-2, NAME-3, ...; systems differ in whether A is a, or accents
    one letter.
    """
    taken: set[str] = set()
    found = []
    for name in names:
        number, chosen = 1, name
        while _folded(chosen) in taken:
            number += 1
            chosen = f"{name}-{number}"
        taken.add(_folded(chosen))
        found.append(chosen)
    return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def same_file(a: Path, b: Path) -> bool:
    """Whether two paths lead to one file, by links or by another spelling."""
    try:
        return os.path.samefile(a, b)
    except (OSError, ValueError):       # one is not there
        return os.path.realpath(a) == os.path.realpath(b)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")
