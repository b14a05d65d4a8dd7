"""Reading the training data: faces, clips, directions, always without the evaluation split."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..errors import InputError
from ..ffmpeg import read_frames

# Directions of W along which poses and expressions change; published edits of this very space.
EDITS = ("interfacegan_pose", "interfacegan_smile", "latentdir_angle_pitch", "latentdir_eyes_open",
         "latentdir_emotion_happy", "latentdir_emotion_surprise")
TRAITS = ("latentdir_glasses", "interfacegan_age", "latentdir_age")     # what motion must not change
PICTURES = (".jpg", ".jpeg", ".png", ".webp")
STRIDE = 16     # of the clips' frames that join the faces: neighbours look alike


def edit_directions(data: Path) -> torch.Tensor:
    """EDITS as unit vectors, [6, 512]."""
    return _directions(data, EDITS)


def trait_directions(data: Path) -> torch.Tensor:
    """TRAITS as unit vectors, [3, 512]."""
    return _directions(data, TRAITS)


def _directions(data: Path, names: tuple[str, ...]) -> torch.Tensor:
    with np.load(data / "directions" / "directions.npz") as file:
        rows = np.stack([file[name].ravel() for name in names])
    return torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True)).float()


def training_clips(data: Path) -> list[Path]:
    """Clips outside the evaluation split, each content once."""
    held_out = set(json.loads((data / "splits.json").read_text())["clips_eval"])
    clips = [path for path in sorted((data / "clips").glob("*.mp4"), reverse=True) if path.stem not in held_out]
    return sorted({path.read_bytes(): path for path in clips}.values())


def read_clip(path: Path, side: int) -> np.ndarray:
    """All frames of a clip, uint8 [T, side, side, 3]."""
    return np.stack([_shrunk(Image.fromarray(frame), side) for frame in read_frames(path, 25)])


def read_faces(data: Path, side: int) -> torch.Tensor:
    """Photos outside the evaluation split, and every STRIDE-th frame of the training clips, uint8 [N, side, side, 3]."""
    held_out = set(json.loads((data / "splits.json").read_text())["faces_eval"])
    photos = [p for p in sorted((data / "faces").glob("*.jpg")) if p.name not in held_out]
    faces = [_shrunk(Image.open(photo).convert("RGB"), side) for photo in photos]
    frames = [read_clip(clip, side)[::STRIDE] for clip in training_clips(data)]
    return torch.from_numpy(np.concatenate([np.stack(faces), *frames]))


def read_images(folder: Path, side: int) -> torch.Tensor:
    """All pictures of a folder in the order of their names, uint8 [N, side, side, 3].

    Raises:
        InputError: no such folder, or a file in it is no picture.
    """
    if not folder.is_dir():
        raise InputError(f"The folder {folder} was not found: check the path.")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    return torch.from_numpy(np.stack([_picture(path, side) for path in files]) if files else np.zeros((0, side, side, 3), np.uint8))


def _picture(path: Path, side: int) -> np.ndarray:
    try:
        return _shrunk(Image.open(path).convert("RGB"), side)
    except OSError as error:
        raise InputError(f"{path} cannot be read as a picture: take it out of the folder.") from error


def _shrunk(image: Image.Image, side: int) -> np.ndarray:
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))
