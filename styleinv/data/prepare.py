"""Folders of photos or videos -> aligned training sets."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..clip.ffmpeg import read_frames, write_mp4
from ..errors import FaceError, InputError, Progress, in_words
from ..face.alignment import align, crop_quad
from ..face.detection import find_and_align
from ..face.photo import load_photo
from ..files import replacing, same_file, unique_names
from .names import is_hidden, natural_order
from .smoothing import smooth
from .track import longest_track

MIN_FRAMES = 20                         # shorter clips teach no motion
SMOOTHING = 2.0                         # frames, sigma: takes the landmarks' jitter out and leaves the head's motion in
ENDINGS = (".jpg", ".mp4", ".json")     # of what is written
CRF = 16                                # nothing that a network could learn from is lost


@dataclass
class Report:
    """What became of the files of a folder."""

    done: int = 0                                                       # files written
    failed: list[tuple[str, str]] = field(default_factory=list)         # (name, reason), a sentence each


def prepare_faces(src: str | Path, dst: str | Path, size: int = 256, progress: Progress | None = None) -> Report:
    """A folder of photos -> `dst`/NAME.jpg, the largest face of each, FFHQ-aligned, `size` px.

    Raises:
        InputError: no such folder, an empty one, or `dst` cannot be written to. A bad photo is only reported.
    """
    def face(source: Path, target: Path) -> None:
        crop, _ = find_and_align(load_photo(source), size=size)
        with replacing(target.with_name(target.name + ".jpg")) as temporary:
            Image.fromarray(crop).save(temporary, quality=95)

    return _each_file(src, dst, face, progress)


def prepare_clips(
    src: str | Path, dst: str | Path, size: int = 256, fps: float = 25, progress: Progress | None = None
) -> Report:
    """A folder of videos -> `dst`/NAME.mp4, the longest stretch of each in which one face is seen, FFHQ-aligned.

    NAME.json beside it keeps what the alignment took out: the crop's centre, roll and scale in each frame.

    Raises:
        InputError: no such folder, an empty one, or `dst` cannot be written to. A bad video is only reported.
    """
    return _each_file(src, dst, lambda source, target: _prepare_clip(source, target, size, fps), progress)


def _each_file(
    src: str | Path, dst: str | Path, convert: Callable[[Path, Path], None], progress: Progress | None
) -> Report:
    """`convert` each file of a folder to a target without suffix; one bad file stops nothing."""
    files, report = _files(Path(src)), Report()
    targets = _targets(files, _made(Path(dst), Path(src)))
    for number, (source, target) in enumerate(zip(files, targets), start=1):
        try:
            convert(source, target)
            report.done += 1
        except Exception as error:
            report.failed.append((source.name, in_words(error)))
        if progress:
            progress(number, len(files))
    return report


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"The folder {folder} was not found: check the path.")
    files = [file for file in folder.iterdir() if file.is_file() and not is_hidden(file.name)]
    if not files:
        raise InputError(f"The folder {folder} is empty: put the files to prepare into it.")
    return sorted(files, key=lambda file: natural_order(file.name))


def _made(folder: Path, source: Path) -> Path:
    if same_file(folder, source):
        raise InputError("Source and target are one folder: choose another target, or the originals would be lost.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made: choose another one.") from error
    return folder


def _targets(files: list[Path], folder: Path) -> list[Path]:
    """The files' names without suffix, or with it where two would fall together, on any system.

    Raises:
        InputError: one of them leads to one of the files, by a link.
    """
    stems = [file.stem.casefold() for file in files]
    names = unique_names(file.stem if stems.count(file.stem.casefold()) == 1 else file.name for file in files)
    kept = {file.resolve() for file in files}
    if lost := next((name for name in names for end in ENDINGS if (folder / f"{name}{end}").resolve() in kept), None):
        raise InputError(f"{folder / lost} leads to one of the files themselves, which would be lost: choose another "
                         "target.")
    return [folder / name for name in names]


def _prepare_clip(source: Path, target: Path, size: int, fps: float) -> None:
    start, landmarks = longest_track(read_frames(source, fps))
    if len(landmarks) < MIN_FRAMES:
        raise FaceError(f"No face is seen for {MIN_FRAMES} frames on end: use a video of one person facing the camera.")
    landmarks = smooth(landmarks, SMOOTHING)
    with replacing(target.with_name(target.name + ".mp4")) as temporary:
        write_mp4(temporary, _aligned(read_frames(source, fps), start, landmarks, size), fps, CRF)
    with replacing(target.with_name(target.name + ".json")) as temporary:
        temporary.write_text(json.dumps({"file": source.name, "start": start, "fps": fps} | taken_out(landmarks)))


def _aligned(frames: Iterator[np.ndarray], start: int, landmarks: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The video is read twice, since its frames would not fit into memory."""
    for number, frame in enumerate(frames):
        if number >= start + len(landmarks):
            return
        if number >= start:
            yield align(frame, landmarks[number - start], size)


def taken_out(landmarks: np.ndarray) -> dict[str, Any]:
    """The motion in the picture's plane that alignment removes, from landmarks [T, 68, 2].

    Returns:
        frames: T; crop_px: median side of the crop in the video's pixels; and for each frame `centre`, x and y in crop
        sides; `roll_deg`, degrees, clockwise; `scale`, the crop's side over its median.
    """
    quads = np.stack([crop_quad(points) for points in landmarks])           # [T, 4, 2]
    across = quads[:, 3] - quads[:, 0]
    sides = np.hypot(*across.T)
    crop = float(np.median(sides))
    return {
        "frames": len(quads),
        "crop_px": round(crop, 1),
        "centre": (quads.mean(1) / crop).round(4).tolist(),
        "roll_deg": np.degrees(np.arctan2(across[:, 1], across[:, 0])).round(2).tolist(),
        "scale": (sides / crop).round(4).tolist(),
    }
