"""Motion from a video: what a face in it does, to be done by the face of a photo."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..clip.ffmpeg import frame_rate, read_frames
from ..data.smoothing import smooth
from ..data.track import FIRST_SIDE, longest_track
from ..errors import FaceError, InputError
from ..face.alignment import crop_quad
from ..face.detection import frontal_boxes
from ..face.expression import SPANS, expression

MAX_SECONDS = 30.0
MAX_RATE = 30.0             # frames per second; faster videos are read at this rate
LEAST = 0.4                 # s
STEADY = 0.08               # s, Gaussian sigma: what of the head's place in the picture the crop follows
SHARP = 0.02                # s, of the landmarks: takes their trembling out
JUMP = 0.5                  # inter-ocular distances from one frame to the next: no head moves so, it is a cut
OTHER = 0.5                 # share of the largest face's area from which on another one could be meant
MOST_LEAN, MOST_SHIFT = 10.0, 0.09     # degrees and sides of the crop: beyond, a photo tears


@dataclass(frozen=True, eq=False)
class Driver:
    """How a face moves in a video, frame by frame."""

    landmarks: np.ndarray   # in its steadied crop, in sides of it, float32 [T, 68, 2]
    lean: np.ndarray        # since the first frame: degrees of roll, sides of the crop to the right and down, [T, 3]
    fps: float              # frames per second

    def at(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Moves, changes and lean in frames [N]; after the last one it holds still."""
        frames = np.minimum(frames, len(self.lean) - 1)
        return self.moves[frames], self.changes[frames], self.lean[frames]

    @cached_property
    def moves(self) -> np.ndarray:
        """Of the landmarks since the first frame, [T, 136]."""
        return (self.landmarks - self.landmarks[0]).reshape(len(self.landmarks), -1)

    @cached_property
    def changes(self) -> np.ndarray:
        """Of the measures since the first frame, in spans, [T, 7]; see `face.expression.SPANS`."""
        measures = expression(self.landmarks)
        return measures - measures[0]

    @cached_property
    def opening(self) -> float:
        """Of the eyes, when they are open, in spans."""
        return float(np.quantile(expression(self.landmarks)[:, list(SPANS).index("lids")], 0.8))

    @cached_property
    def digest(self) -> str:
        """Of all that it is."""
        return hashlib.sha256(self.landmarks.tobytes() + self.lean.tobytes()).hexdigest()

    def packed(self) -> dict[str, Any]:
        """As a recipe holds it."""
        return {"fps": self.fps, "landmarks": _pack(self.landmarks), "lean": _pack(self.lean)}

    @classmethod
    def unpacked(cls, packed: Mapping[str, Any]) -> "Driver":
        """Of a recipe.

        Raises:
            InputError: it is damaged.
        """
        try:
            landmarks, lean = _unpack(packed["landmarks"]).reshape(-1, 68, 2), _unpack(packed["lean"]).reshape(-1, 3)
            found = cls(landmarks, lean, float(packed["fps"]))
            whole = len(landmarks) == len(lean) > 0 and 1 <= found.fps <= MAX_RATE
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("The recipe holds no motion that fits: use one that StyleInV wrote.") from error
        if not (whole and np.isfinite(landmarks).all() and np.isfinite(lean).all()):
            raise InputError("The recipe holds no motion that fits: use one that StyleInV wrote.")
        return found


def read_driver(path: str | Path) -> Driver:
    """The motion of the one face of a video of up to 30 s; nothing of the video is kept.

    Raises:
        InputError: no video that can be read, one without pictures, or too long.
        FaceError: no face, two of them, one that is not seen all the time, or a cut.
    """
    name = Path(path).name
    fps = min(MAX_RATE, frame_rate(path) or 25.0)
    frames = _Watched(read_frames(path, fps), name, fps)
    start, landmarks = longest_track(frames)
    if len(landmarks) < LEAST * fps:
        raise FaceError(f"No face is seen in {name}: use a video of one person who faces the camera.")
    if start or len(landmarks) < frames.count:
        lost = start / fps if start else len(landmarks) / fps
        raise FaceError(f"The face in {name} is not seen all the time (second {lost:.1f}): cut the video to "
                        "where it is.")
    if len(cuts := _cuts(landmarks)):
        raise FaceError(f"{name} jumps at second {(cuts[0] + 1) / fps:.1f}: use a video without cuts.")
    return driver(landmarks, fps)


def driver(landmarks: np.ndarray, fps: float) -> Driver:
    """From landmarks [T, 68, 2] in pixels of a video."""
    quads = np.stack([crop_quad(points) for points in smooth(landmarks, STEADY * fps)])         # [T, 4, 2]
    across, down = quads[:, 3] - quads[:, 0], quads[:, 1] - quads[:, 0]                         # [T, 2]
    sides = np.linalg.inv(np.stack([across, down], axis=2))                                     # pixels -> sides
    steady = (landmarks - quads[:, :1]) @ sides.transpose(0, 2, 1)                              # [T, 68, 2]
    roll = np.degrees(np.unwrap(np.arctan2(across[:, 1], across[:, 0])))
    shift = quads.mean(1) / np.hypot(*across.T).mean()
    lean, most = np.concatenate([roll[:, None], shift], axis=1), np.array([MOST_LEAN, MOST_SHIFT, MOST_SHIFT])
    lean = most * np.tanh((lean - lean[0]) / most)      # no head stops all at once
    return Driver(_rounded(smooth(steady, SHARP * fps)), _rounded(lean), fps)


class _Watched:
    """Frames of a video that are counted as they pass; the first one shows one face, and there are not too many."""

    def __init__(self, frames: Iterator[np.ndarray], name: str, fps: float):
        self.frames, self.name, self.fps, self.count = frames, name, fps, 0

    def __iter__(self) -> Iterator[np.ndarray]:
        for frame in self.frames:
            if not self.count:
                self._check_first(frame)
            if self.count > MAX_SECONDS * self.fps:
                raise InputError(f"{self.name} is longer than {MAX_SECONDS:g} seconds: cut it to the part "
                                 "that is meant.")
            self.count += 1
            yield frame

    def _check_first(self, frame: np.ndarray) -> None:
        areas = sorted((box.area for box, _ in frontal_boxes(frame, FIRST_SIDE)), reverse=True)
        if len(areas) > 1 and areas[1] > OTHER * areas[0]:
            raise FaceError(f"{self.name} shows {len(areas)} faces: cut it to the one that is meant.")


def _cuts(landmarks: np.ndarray) -> np.ndarray:
    """Frames after which the face [T, 68, 2] jumps."""
    eyes = np.linalg.norm(landmarks[:, 42:48].mean(1) - landmarks[:, 36:42].mean(1), axis=1)
    moves = np.median(np.linalg.norm(np.diff(landmarks, axis=0), axis=2), axis=1) / np.median(eyes)
    return np.flatnonzero(moves > JUMP)


def _rounded(x: np.ndarray) -> np.ndarray:
    """As a recipe keeps it."""
    return x.astype(np.float16).astype(np.float32)


def _pack(x: np.ndarray) -> str:
    return base64.b64encode(x.astype("<f2").tobytes()).decode()


def _unpack(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32)
