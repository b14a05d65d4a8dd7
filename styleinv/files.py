"""Files appear whole or not at all."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError


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
        raise InputError(f"The folder {path.parent} cannot be written to: choose another one.") from error
    try:
        yield temporary
        os.replace(temporary, path)
    finally:                                                            # also after Ctrl-C
        temporary.unlink(missing_ok=True)
