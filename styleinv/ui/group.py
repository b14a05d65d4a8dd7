"""All faces of a photo, for clips in which each moves in its own way."""

from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np

from ..errors import InputError
from ..inversion import Inversion, together
from .session import Session
from .studio import Studio
from .texts import said, say


def everyone(studio: Studio, session: Session, folder: Path) -> tuple[Inversion, list[str]]:
    """Those that can be drawn, the chosen one first and in its expression; and who stays still, and why.

    Raises:
        InputError: none can be drawn, or the folder is gone.
    """
    found, refused = list[Inversion](), list[str]()
    for face in sorted(range(len(session.crops)), key=lambda face: face != session.face):
        try:
            one = studio.invert_face(session, face, "photo", folder)
        except (InputError, gr.Error) as error:
            if not folder.is_dir():         # the visitor wants it no more
                raise
            why = said(error) if isinstance(error, InputError) else error.message
            refused.append(say("stays_still", number=face + 1, why=why))
            continue
        neighbours = np.delete(np.stack(session.quads), face, axis=0)
        found.append(replace(one, photo=one.photo and replace(one.photo, neighbours=neighbours)))
    if not found:
        raise InputError(" ".join(refused))
    return replace(together(found, refused), pose=session.pose), refused
