"""The work behind the app's buttons. Shared by all visitors, so it holds the networks and nothing of anybody."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image

from ..clip.clip import Clip
from ..clip.recipe import SETTINGS, Recipe
from ..errors import InputError
from ..face.alignment import align, crop_quad, interocular
from ..face.detection import MIN_INTEROCULAR, find_and_align
from ..face.landmarks import Box
from ..face.photo import load_photo
from ..inversion import Inversion, Photo
from ..motion.driver import Driver, read_driver
from ..pipeline import StyleInVPipeline
from .cost import Cost
from .export import WHOLE, export
from .folders import Folders, stopping_with
from .grid import Cell, grid_clip
from .pictures import SHOWN
from .progress import Waiter, reporter, show_frames
from .session import KINDS, Made, Order, Session, Spot
from .spoken import Stopped, spoken
from .texts import say
from .turns import Peace, Turns

PHOTO = 1280                # px, longer side of a photo that moves as a whole
CROP = 512                  # px, side of the crops that a session holds
MAX_FACES = 12              # of a photo, the largest
MAX_BYTES = 40e6            # of a photo
MAX_SECONDS = SETTINGS["seconds"].slider[1]     # a page is no place for more; the command line has no such limit
MAX_MINUTES = 10            # of work for one clip
MAX_WISHES = 32             # that are waited for at once

GPU = Callable[..., Callable[[Callable], Callable]]     # spaces.GPU


class Studio:
    """Photos to faces, faces to inversions, inversions to files.

    A request works in a folder of its own and stops when the folder is gone, even if it runs in another process.
    """

    def __init__(
        self,
        pipeline: StyleInVPipeline,                     # networks, on the fastest device
        folders: Folders,                               # files of visitors
        gpu: GPU | None = None,                         # wraps the calls that need an accelerator
        preview: StyleInVPipeline | None = None,        # networks on the CPU, where the others are not
    ):
        self.pipeline, self.preview, self.folders = pipeline, preview or pipeline, folders
        self.cost = Cost.on(pipeline.device.type)
        self.drawers = 1 if pipeline.device.type == "cpu" else 2      # clips at once: on a CPU two are no faster
        self.turns, self.peace, self.wishing = Turns(self.drawers), Peace(), Lock()
        self.refiners = ThreadPoolExecutor(self.drawers, "refining")
        self.hands = ThreadPoolExecutor(MAX_WISHES, "drawing")      # most of them wait for their turn
        self.idle = ThreadPoolExecutor(1, "idle")                   # what can wait
        wrap: GPU = gpu or (lambda duration: lambda work: work)
        self.refine = wrap(duration=lambda *_: self.cost.gpu_seconds_to_invert())(self._refine)
        self.render = wrap(duration=lambda _, order, *__: self._gpu_seconds(order))(self._render)
        self.render_grid = wrap(
            duration=lambda cells, _, order, *__: self._gpu_seconds(order, len(cells)))(self._render_grid)

    def read(self, photo: Path, session: Session) -> None:
        """Fill the session with the faces of an uploaded photo."""
        self.look(self.load(photo), session)

    def load(self, photo: Path) -> np.ndarray:
        """An uploaded photo, uint8 [H, W, 3]."""
        if not self.folders.holds(photo) or not photo.is_file():
            raise InputError(say("expired"))
        if (size := photo.stat().st_size) > MAX_BYTES:
            raise InputError(say("too_many_bytes", name=photo.name, size=size / 1e6, limit=MAX_BYTES / 1e6))
        return load_photo(photo)

    def look(self, image: np.ndarray, session: Session, consenting: bool = True) -> None:
        """Fill the session with the faces of an image, uint8 [H, W, 3]."""
        first, faces = find_and_align(image, 0, CROP)
        others = [f for f in faces[1:MAX_FACES] if interocular(f.landmarks) >= MIN_INTEROCULAR]
        session.leave_photo()
        session.photo, session.whole = small(image, SHOWN), small(image, PHOTO)
        scale = session.whole.shape[1] / image.shape[1]
        session.quads = [(crop_quad(f.landmarks) + 0.5) * scale - 0.5 for f in (faces[0], *others)]
        session.spots = [_spot(f.box, image.shape) for f in (faces[0], *others)]
        session.crops = [first, *(align(image, f.landmarks, CROP) for f in others)]
        session.consenting = consenting

    def drive(self, video: Path) -> Driver:
        """The motion of an uploaded video, which is deleted as soon as it is read."""
        try:
            if not self.folders.holds(video) or not video.is_file():
                raise InputError(say("expired"))
            return read_driver(video)
        finally:
            self.folders.discard(video)

    def invent(self, seed: int, session: Session) -> None:
        """Fill the session with a person who does not exist."""
        person = self.preview.sample_face(seed)
        session.leave_photo()
        session.person = person

    def invert(self, session: Session, likeness: str, folder: Path | None = None) -> Inversion:
        """The inversion of the chosen face, made once a session; the quick one needs no accelerator."""
        if session.person is not None:
            return session.person
        if not 0 <= session.face < len(session.crops):
            raise InputError(say("no_face"))
        return self.invert_face(session, session.face, likeness, folder)

    def supersede(self, session: Session, visitor: str) -> int:
        """A new wish, and the end of all before it; at once, so that an earlier one never ends a later one."""
        with self.wishing:
            number = session.wish()
            self.folders.stop(visitor)
            return number

    def refining(self, session: Session, visitor: str) -> Future[Inversion]:
        """The refined inversion of the chosen face, begun now if it was not before; it ends with its photo."""
        if session.face not in session.refining:
            session.refining[session.face] = self.refiners.submit(
                copy_context().run, self._refine_beside, session, session.face, visitor)
        return session.refining[session.face]

    def _refine_beside(self, session: Session, face: int, visitor: str) -> Inversion:
        crop = session.crops[face]
        with self.folders.work(visitor, lasting=True) as folder:
            session.places.append(folder)
            if not (face < len(session.crops) and session.crops[face] is crop):
                raise Stopped(say("stopped"))
            found = self.invert_face(session, face, "photo", folder)
            self.refiners.submit(self.study, found)         # while its owner looks at it
            return found

    def study(self, inversion: Inversion) -> None:
        """Find out what a clip will need of a face; all that can wait does."""
        with self.peace.broken():
            self.preview.study(inversion)

    def invert_face(self, session: Session, face: int, likeness: str, folder: Path | None) -> Inversion:
        """As :meth:`invert`, of any face of the photo."""
        key, crop = (face, likeness), session.crops[face]
        found = session.inversions.get(key)
        if found is None:
            slow = likeness in ("close", "photo")
            with self.peace.broken():
                found = (self.refine(crop, likeness, folder) if slow
                         else self.preview.invert_crop(crop, likeness, faces=len(session.crops)))
            if found.photo and session.whole is not None:
                found = replace(found, photo=Photo(session.whole, session.quads[face], face))
            if folder is None or folder.is_dir():
                session.inversions[key] = found
        return found

    def order(self, settings: Recipe, kind: str = "mp4", mark: bool = True) -> Order:
        """An order that can be met here.

        Raises:
            InputError: a setting out of its range, an unknown style, or too much work.
        """
        settings.check()
        if kind not in KINDS:
            raise InputError(say("no_kind", name=kind))
        if settings.seconds > MAX_SECONDS:
            raise InputError(say("too_long", seconds=settings.seconds, limit=MAX_SECONDS))
        settings = replace(settings, styles=self._installed(settings.styles))
        minutes = self.cost.frames(settings) / 60
        if minutes > MAX_MINUTES:
            raise InputError(say("too_much_work", minutes=minutes, limit=MAX_MINUTES))
        return Order(settings, kind, mark)

    def draw(
        self, inversion: Inversion, order: Order, folder: Path, stage: str = "frames", driver: Driver | None = None,
    ) -> Path:
        """The clip as a file in the folder, with its recipe beside it as .json; it does what the driver does."""
        with self.peace.broken(), self.turns.take(Waiter(folder)):
            started = time.monotonic()
            path = self.render(inversion, order, folder, stage, driver)
            self.cost.learn(order.recipe, time.monotonic() - started)
        return Path(path)

    def draw_grid(self, cells: Sequence[Cell], columns: int, order: Order, folder: Path) -> Path:
        """Many clips in one picture, as a file in the folder."""
        with self.peace.broken(), self.turns.take(Waiter(folder)):
            return Path(self.render_grid(cells, columns, order, folder))

    def export(self, made: Made, kind: str, shape: str = WHOLE) -> Path:
        """A clip in another format or shape."""
        return export(made, kind, shape)

    def _gpu_seconds(self, order: Order, cells: int = 1) -> int:
        return self.cost.gpu_seconds(order.recipe, cells)

    def _installed(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """The names of styles that are installed: a page must not make us load others, from a path or the Hub."""
        known = tuple(self.pipeline.styles)
        for name in wanted:
            if name not in (*known, "all"):
                raise InputError(say("no_style", name=name, choices=", ".join([*known, "all"]) if known else "none"))
        return known if wanted == ("all",) else wanted

    @spoken
    def _refine(self, crop: np.ndarray, likeness: str, folder: Path | None) -> Inversion:
        return self.pipeline.invert_crop(crop, likeness, folder and reporter(folder))

    @spoken
    def _render(self, inversion: Inversion, order: Order, folder: Path, stage: str, driver: Driver | None) -> str:
        make = partial(self.pipeline.reenact, driver=driver) if driver else self.pipeline.animate
        return save(make(inversion, recipe=order.recipe), folder, order, stage)

    @spoken
    def _render_grid(self, cells: Sequence[Cell], columns: int, order: Order, folder: Path) -> str:
        return save(grid_clip(self.pipeline, cells, columns), folder, order, "grid")


def save(clip: Clip, folder: Path, order: Order, stage: str) -> str:
    """Write a clip and its recipe, showing how far it is and its frames as they come; the clip's path."""
    report, style = reporter(folder, stage), "-".join(order.recipe.styles)
    path = folder / "-".join(filter(None, ["styleinv", str(clip.recipe.get("seed", "")), style[:40]]))
    path = path.with_name(f"{path.name}.{order.kind}")
    shown = 0

    def drawn(done: int, total: int) -> None:
        nonlocal shown
        report("frames", done, total)
        show_frames(folder, clip.frames[shown:done], shown)
        shown = done

    with stopping_with(folder):
        report("frames", 0, len(clip.frames))
        clip.save(path, order.mark, progress=drawn)
        path.with_suffix(".json").write_text(json.dumps(clip.recipe, indent=1))
    return str(path)


def small(image: np.ndarray, side: int) -> np.ndarray:
    """At most `side` pixels wide and high: the photo as it came is not kept."""
    picture = Image.fromarray(image)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def _spot(box: Box, shape: tuple[int, ...]) -> Spot:
    height, width = shape[:2]
    left, top = max(0.0, box.left / width), max(0.0, box.top / height)
    return Spot(left, top, min(1.0, box.right / width) - left, min(1.0, box.bottom / height) - top)
