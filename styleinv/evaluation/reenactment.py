"""Re-enactment: a real clip's first frame, moved as the clip moves, beside its true frames.

Rows: the photo as it is, plain decoding, the photo warped by OpenCV's DIS flow between decoded frames (where OpenCV is
installed; nothing else needs it), and the photo layer's picture.

Clips are aligned ones, whose square follows the head, so that the room moves; or as filmed, in the square where the
first frame's face was, so that the head moves in the room, as in a photo that is animated.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..clip.ffmpeg import frame_rate, read_frames
from ..data.track import longest_track
from ..errors import StageProgress
from ..face.alignment import align
from ..face.descriptor import descriptor, descriptor_distance
from ..face.landmarks import landmarks_of_crops
from ..losses.lpips import LPIPSAlex
from ..metrics.face_motion import SIGNALS, face_signals, smoothed
from ..metrics.psnr import psnr
from ..models.dense_motion import warp
from ..models.ops import from_uint8
from ..motion.driver import Driver, driver
from .table import Row

if TYPE_CHECKING:
    from ..pipeline import StyleInVPipeline

FPS = 25
FRAMES, LEAST = 76, 24      # of a clip: the first three seconds; shorter ones are passed over
MOMENTS = 4                 # later frames that are compared, evenly spread
BLUR = 4.0                  # px, of the DIS flow
FIGURES = ("lpips", "psnr", "descriptor")
Frames = np.ndarray         # uint8 [T, S, S, 3]
Reader = Callable[[Path], tuple[Frames, Driver]]    # what of a clip is compared, and how it moves

ROWS = (
    Row("LPIPS-Alex to the true frame", "lpips", ".3f"),
    Row("PSNR to the true frame, dB", "psnr", ".1f"),
    Row("descriptor distance to the true frame", "descriptor", ".3f"),
    *(Row(f"correlation of {name} with the driver's, median", f"correlation.{name}", ".2f",
          {"the photo, carried": (least, None)}) for name, least in zip(SIGNALS, (0.9, 0.8, 0.9, 0.8))),
    Row("speed of the mouth, of the driver's, median", "mouth_speed", ".2f", {"the photo, carried": (0.8, None)}),
    Row("clips", "clips", "d"),
)


def aligned(path: Path) -> tuple[Frames, Driver]:
    """The first frames of a clip whose square follows the head, and their motion."""
    true = np.stack(list(islice(read_frames(path, FPS), FRAMES)))
    return true, driver(landmarks_of_crops(true), FPS)


def as_filmed(path: Path) -> tuple[Frames, Driver]:
    """The first frames of a video in the square of its first face, and their motion."""
    fps = frame_rate(path) or FPS
    frames = list(islice(read_frames(path, fps), FRAMES))
    start, points = longest_track(frames)
    true = np.stack([align(frame, points[0]) for frame in frames[start : start + len(points)]])
    return true, driver(points, fps)


def reenactment_report(
    pipe: "StyleInVPipeline",
    clips: Sequence[Path],
    lpips: LPIPSAlex,
    progress: StageProgress,
    read: Reader = aligned,
) -> dict[str, dict[str, Any]]:
    """Means over clips, by row: `lpips`, `psnr` in dB and `descriptor`; of the last one also how it follows its driver.

    Args:
        pipe: with dense motion and steering.
        clips: ones that training did not see.
        read: `aligned` or `as_filmed`.
    """
    found: dict[str, list[list[float]]] = {}
    followed = []
    for done, path in enumerate(clips):
        progress("re-enactment", done, len(clips))
        true, motion = read(path)
        if len(true) < LEAST:
            continue
        rows, made = _rows(pipe, true, motion)
        for row, images in rows.items():
            found.setdefault(row, []).append(_figures(images, true[_moments(true)], lpips))
        followed.append(_following(made, true))
    report: dict[str, dict[str, Any]] = {
        row: dict(zip(FIGURES, np.mean(figures, axis=0).tolist())) | {"clips": len(figures)}
        for row, figures in found.items()}
    *correlation, speed = np.median(followed, axis=0).tolist()
    report["the photo, carried"] |= {"correlation": dict(zip(SIGNALS, correlation)), "mouth_speed": speed}
    return report


def _rows(pipe: "StyleInVPipeline", true: Frames, motion: Driver) -> tuple[dict[str, Frames], Frames]:
    """Each row's pictures at the moments, and all frames of the carried photo."""
    at, face = _moments(true), pipe.invert_crop(true[0], "photo")
    made = np.stack(list(pipe.reenact(face, motion, size=256).frames))
    drawn = pipe.reenact(replace(face, photo=None), motion, size=256).frames
    rows = {"the photo as it is": np.stack([true[0]] * len(at)), "decoded": np.stack([drawn[i] for i in at.tolist()])}
    if find_spec("cv2"):
        rows["DIS"] = _dis(true[0], face.image, rows["decoded"])
    return rows | {"the photo, carried": made[at]}, made


def _moments(frames: Frames) -> np.ndarray:
    return np.linspace(0, len(frames) - 1, MOMENTS + 1).round().astype(int)[1:]


def _figures(images: Frames, targets: Frames, lpips: LPIPSAlex) -> list[float]:
    """Means of FIGURES."""
    x, y = (from_uint8(torch.from_numpy(pictures.copy())) for pictures in (images, targets))
    distance = [descriptor_distance(descriptor(a), descriptor(b)) for a, b in zip(images, targets)]
    return [lpips(x, y).mean().item(), psnr(x, y).clamp(max=100).mean().item(), float(np.mean(distance))]


def _following(made: Frames, true: Frames) -> list[float]:
    """Correlations of SIGNALS over time, then the mouth's speed over the driver's."""
    done, wanted = (face_signals(smoothed(landmarks_of_crops(frames))) for frames in (made, true))
    pairs = [(getattr(done, name), getattr(wanted, name)) for name in SIGNALS]
    speed = np.abs(np.diff(done.mouth)).mean() / np.abs(np.diff(wanted.mouth)).mean()
    return [*(float(np.corrcoef(a, b)[0, 1]) for a, b in pairs), float(speed)]


def _dis(photo: np.ndarray, first: np.ndarray, later: Frames) -> Frames:
    """The photo warped by OpenCV's dense inverse search from each decoded frame to the first one, blurred."""
    cv2 = import_module("cv2")
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, *later)]
    flows = np.stack([cv2.GaussianBlur(search.calc(image, grey[0], None), (0, 0), BLUR) for image in grey[1:]])
    flow = torch.from_numpy(flows).permute(0, 3, 1, 2) / len(photo)                     # [M, 2, S, S], sides
    source = from_uint8(torch.from_numpy(photo.copy())[None]).expand(len(later), -1, -1, -1)
    warped = warp(source, flow).add(1).mul(127.5).round().clamp(0, 255)
    return warped.byte().permute(0, 2, 3, 1).numpy()
