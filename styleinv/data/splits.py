"""Which files train and which are kept for evaluation; faces, clips and directions to train on."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..clip.ffmpeg import read_frames
from ..errors import FaceError, InputError
from ..face.photo import load_photo
from .names import PICTURES, is_hidden, natural_order

# Directions of W along which poses and expressions change; published edits of this very space.
EDITS = ("interfacegan_pose", "interfacegan_smile", "latentdir_angle_pitch", "latentdir_eyes_open",
         "latentdir_emotion_happy", "latentdir_emotion_surprise")
TRAITS = ("latentdir_glasses", "interfacegan_age", "latentdir_age")     # what motion must not change
STRIDE = 16     # of the clips' frames that join the faces: neighbours look alike


def read_splits(file: Path) -> dict[str, list[str]]:
    """The lists of names in a splits.json.

    Raises:
        InputError: there is no such file, or it holds something else.
    """
    try:
        splits = {part: [str(name) for name in names] for part, names in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InputError(f"{file} is no splits.json with lists of names: check the name.") from error
    return splits


def listed_files(data: Path, part: str, place: str) -> list[Path]:
    """The files of a part of `data`/splits.json, one or more; a name's file lies at `place`, such as "faces/{}".

    Raises:
        InputError: there is no such part, or a file that it names is missing.
    """
    if not (data / "splits.json").is_file():
        raise InputError(f"{data} has no splits.json: name the folder that holds it, faces/ and clips/.")
    try:
        files = [data / place.format(name) for name in read_splits(data / "splits.json")[part]]
    except (InputError, KeyError) as error:
        raise InputError(f"{data / 'splits.json'} has no list {part}: name another folder.") from error
    if not files:
        raise InputError(f"The list {part} of {data / 'splits.json'} is empty: name another folder.")
    for file in files:
        if not file.is_file():
            raise InputError(f"{file} is listed in splits.json and missing: put it there.")
    return files


def listed_names(file: Path) -> set[str]:
    """All names in the lists of a splits.json, without suffix."""
    return {Path(name).stem for names in read_splits(file).values() for name in names}


def edit_directions(data: Path) -> torch.Tensor:
    """EDITS as unit vectors, [6, 512]."""
    return _directions(data, EDITS)


def trait_directions(data: Path) -> torch.Tensor:
    """TRAITS as unit vectors, [3, 512]; along the first, glasses vanish."""
    return _directions(data, TRAITS)


def _directions(data: Path, names: tuple[str, ...]) -> torch.Tensor:
    with np.load(data / "directions" / "directions.npz") as file:
        rows = np.stack([file[name].ravel() for name in names])
    return torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True)).float()


def training_clips(data: Path) -> list[Path]:
    """Clips outside the evaluation split, each content once."""
    held_out = read_splits(data / "splits.json")["clips_eval"]
    clips = [path for path in sorted((data / "clips").glob("*.mp4"), reverse=True) if path.stem not in held_out]
    return sorted({path.read_bytes(): path for path in clips}.values())


def read_clip(path: Path, side: int) -> np.ndarray:
    """All frames of a clip, uint8 [T, side, side, 3]."""
    return np.stack([_shrunk(Image.fromarray(frame), side) for frame in read_frames(path, 25)])


def read_faces(data: Path, side: int) -> torch.Tensor:
    """Photos outside the evaluation split, and every STRIDE-th frame of the training clips, uint8
    [N, side, side, 3].
    """
    held_out = read_splits(data / "splits.json")["faces_eval"]
    photos = [p for p in sorted((data / "faces").glob("*.jpg")) if p.name not in held_out]
    faces = [_picture(photo, side) for photo in photos]
    frames = [read_clip(clip, side)[::STRIDE] for clip in training_clips(data)]
    return torch.from_numpy(np.concatenate([np.stack(faces), *frames]))


def read_images(folder: Path, side: int) -> torch.Tensor:
    """All pictures of a folder in their natural order, uint8 [N, side, side, 3].

    Raises:
        InputError: no such folder, or a file in it is no picture.
    """
    files = picture_files(folder)
    return torch.from_numpy(np.stack([_picture(path, side) for path in files])
                            if files else np.zeros((0, side, side, 3), np.uint8))


def picture_files(folder: Path) -> list[Path]:
    """The pictures of a folder in their natural order, 2 before 10.

    Raises:
        InputError: no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"The folder {folder} was not found: check the path.")
    files = [path for path in folder.iterdir() if path.suffix.lower() in PICTURES and not is_hidden(path.name)]
    return sorted(files, key=lambda path: natural_order(path.name))


def _picture(path: Path, side: int) -> np.ndarray:
    try:
        return _shrunk(Image.fromarray(load_photo(path, min_side=1)), side)
    except FaceError as error:
        raise InputError(f"{path} cannot be read as a picture: take it out of the folder.") from error


def _shrunk(image: Image.Image, side: int) -> np.ndarray:
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))
