"""Several photos at once: each becomes a clip with the same settings, and all clips one file."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import InputError
from ..face.photo import load_photo
from .session import Shot
from .studio import Studio, small
from .texts import said, say

MOST = 12           # photos
SIDE = 2560         # px, longer side in which they wait for their turn


def taken(studio: Studio, paths: Sequence[Path]) -> list[Shot]:
    """Uploaded photos in memory, without their metadata; the files are deleted.

    Raises:
        InputError: there are too many.
    """
    try:
        if len(paths) > MOST:
            raise InputError(say("too_many_photos", most=MOST))
        return [_taken(studio, path) for path in paths]
    finally:
        for path in paths:
            studio.folders.discard(path)


def _taken(studio: Studio, path: Path) -> Shot:
    buffer = BytesIO()
    try:
        Image.fromarray(small(studio.load(path), SIDE)).save(buffer, "JPEG", quality=95)
    except InputError as error:
        return Shot(path.name, wrong=told(path.name, said(error)))
    return Shot(path.name, buffer.getvalue())


def pixels(shot: Shot) -> np.ndarray:
    """uint8 [H, W, 3].

    Raises:
        InputError: it could not be read when it came.
    """
    if shot.wrong:
        raise InputError(shot.wrong)
    return load_photo(BytesIO(shot.data))


def told(name: str, sentence: str) -> str:
    """A sentence that says of which photo it is."""
    return sentence if name in sentence else f"{name}: {sentence}"
