"""The work behind the app's buttons. Shared by all visitors, so it holds the networks and nothing of anybody."""

import json
import logging
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder

from .. import face
from ..errors import InputError
from ..photo import load_photo
from ..pipeline import Inversion, Progress, StyleInVPipeline
from ..recipe import Recipe
from . import texts

CROP = 512          # px, side of the crops that a session holds
MAX_FACES = 12      # of a photo, the largest
KINDS = ("mp4", "gif", "webp")

log = logging.getLogger(__name__)


@dataclass
class Session:
    """What one visitor's page knows of its photo: held in memory, forgotten when the page is left or after an hour."""

    photo: str = ""                                             # the upload that the rest belongs to
    crops: list[np.ndarray] = field(default_factory=list)       # uint8 [CROP, CROP, 3] each, the largest face first
    inversions: dict[tuple[int, str], Inversion] = field(default_factory=dict)      # by face and likeness

    def clear(self) -> None:
        """Forget everything."""
        self.photo = ""
        self.crops.clear()
        self.inversions.clear()


@dataclass(frozen=True)
class Order:
    """One clip as it was asked for."""

    recipe: Recipe
    kind: str       # one of KINDS
    mark: bool      # show 'AI-generated' in the picture


class Stopped(InputError):
    """The visitor pressed Cancel or left."""


def spoken(function: Callable) -> Callable:
    """Whatever goes wrong reaches the visitor as one sentence; a fault of ours goes to the log in full."""
    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except gr.Error:
            raise
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except Exception as error:
            log.exception("A request failed")
            raise gr.Error(texts.FAULT, print_exception=False) from error
    return call


class Studio:
    """Photos to faces, faces to inversions, inversions to files.

    A request works in a folder of its own and stops when the folder is gone, even if it runs in another process.
    """

    def __init__(
        self,
        pipeline: StyleInVPipeline,                             # networks
        gpu: Callable[[Callable], Callable] | None = None,      # wraps the calls that need an accelerator
    ):
        self.pipeline = pipeline
        self.folder = Path(get_upload_folder()) / "clips"       # below Gradio's cache, whose files expire
        wrap = gpu or (lambda function: function)
        self._invert, self._draw, self._render = wrap(self._invert), wrap(self._draw), wrap(self._render)

    def read(self, photo: str, session: Session) -> None:
        """Fill the session with the faces of a photo, unless it holds them."""
        if session.photo == photo:
            return
        session.clear()
        if not Path(photo).is_file():
            raise InputError(texts.EXPIRED)
        image = load_photo(photo)
        first, faces = face.find_and_align(image, 0, CROP)
        others = [f for f in faces[1:MAX_FACES] if face.interocular(f.landmarks) >= face.MIN_INTEROCULAR]
        session.crops = [first, *(face.align(image, f.landmarks, CROP) for f in others)]
        session.photo = photo

    def invert(self, session: Session, number: int, likeness: str, folder: Path | None = None) -> Inversion:
        """The inversion of one face, made once a session."""
        if not 0 <= number < len(session.crops):
            raise InputError(texts.NO_FACE)
        key = number, likeness
        if key not in session.inversions:
            session.inversions[key] = self._invert(session.crops[number], likeness, folder)
        return session.inversions[key]

    def sample(self, seed: int, psi: float) -> Inversion:
        """A person who does not exist."""
        return self._draw(seed, psi)

    def render(self, inversion: Inversion, order: Order, folder: Path) -> tuple[str, str]:
        """Paths of the clip and of its recipe, both in the folder."""
        return self._render(inversion, order, folder)

    def open(self, visitor: str) -> Path:
        """A new, empty folder for one request."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"{visitor}-", dir=self.folder))

    def remove(self, visitor: str) -> None:
        """Delete all folders of a visitor, which stops what works in them."""
        for folder in self.folder.glob(f"{visitor}-*"):
            shutil.rmtree(folder, ignore_errors=True)

    @spoken
    def _invert(self, crop: np.ndarray, likeness: str, folder: Path | None) -> Inversion:
        return self.pipeline.invert_crop(crop, likeness, folder and _reporter(folder))

    @spoken
    def _draw(self, seed: int, psi: float) -> Inversion:
        return self.pipeline.sample_face(seed, psi)

    @spoken
    def _render(self, inversion: Inversion, order: Order, folder: Path) -> tuple[str, str]:
        clip = self.pipeline.animate(inversion, **order.recipe.to_dict())
        path, report = folder / f"styleinv-{order.recipe.seed}.{order.kind}", _reporter(folder)
        report("frames", 0, len(clip.frames))
        clip.save(path, order.mark, progress=lambda done, total: report("frames", done, total))
        recipe = path.with_suffix(".json")
        recipe.write_text(json.dumps(clip.recipe, indent=1))
        return str(path), str(recipe)


def _reporter(folder: Path) -> Progress:
    """Shows the stage and its steps to the visitor; made where the work runs, which may be another process."""
    bar = gr.Progress()

    def report(stage: str, done: int, total: int) -> None:
        if not folder.is_dir():
            raise Stopped(texts.STOPPED)
        bar((done, total), desc=texts.STAGES[stage], unit=texts.UNITS[stage])

    return report
