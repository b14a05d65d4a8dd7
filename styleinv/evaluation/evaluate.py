"""The measures of the model cards: likeness of inversions and life of clips, on the evaluation split of the data."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..clip.ffmpeg import read_frames
from ..data.splits import listed_files
from ..data.video_set import open_image
from ..errors import StageProgress
from ..face.descriptor import descriptor, descriptor_distance
from ..face.landmarks import landmarks_of_crops
from ..losses.lpips import LPIPSAlex
from ..losses.networks import network_file
from ..metrics.face_motion import SIGNALS, UNITS, motion_features, motion_stats
from ..metrics.psnr import psnr
from ..models.ops import from_uint8
from ..render import resized
from .photo_layer import MOMENTS, carried_figures
from .reenactment import ROWS as REENACTMENT_ROWS
from .reenactment import Reader, aligned, as_filmed, reenactment_report
from .summary import ClipFigures, summarise
from .table import Bounds, Row, markdown_table

if TYPE_CHECKING:
    from ..inversion import Inversion
    from ..pipeline import StyleInVPipeline

FPS = 25
FRAMES = 128            # of every clip, real or generated: spread grows with length
IDENTITY_STEP = 8       # descriptors are slow, and a person does not change between two frames
MAX_PSNR = 100.0        # dB, stands for equal images: JSON has no infinity
JUDGES = {
    "distance, identity": "dlib face recognition ResNet v1: Euclidean distance of descriptors",
    "lpips": "LPIPS v0.1, AlexNet",
    "motion": "dlib 68-point shape predictor; motion_distance: Frechet distance of 12 landmark-motion features",
}
GENERATED = ("photos", "samples")
REENACTED = {"reenactment": "re-enactment", "filmed": "re-enactment, as filmed"}      # titles


def _generated(low: float | None, high: float | None) -> dict[str, Bounds]:
    return dict.fromkeys(GENERATED, (low, high))


INVERSION_ROWS = (
    Row("descriptor distance, median", "distance.median", ".3f", {"fast": (None, 0.5), "close": (None, 0.4)}),
    Row("descriptor distance, lower quartile", "distance.q1", ".3f"),
    Row("descriptor distance, upper quartile", "distance.q3", ".3f"),
    Row("same person (distance below 0.6)", "same_person", ".0%"),
    Row("LPIPS-Alex, median", "lpips", ".3f"),
    Row("PSNR, median, dB", "psnr", ".1f"),
    Row("photos", "faces", "d"),
)
PHOTO_ROWS = (
    *(Row(f"descriptor distance, frame {moment}", f"distance.{moment}", ".3f") for moment in MOMENTS),
    Row("descriptor distance after frame 0, median", "median", ".3f", {"the photo, carried": (None, 0.15)}),
    Row("descriptor distance after frame 0, 90th percentile", "p90", ".3f", {"the photo, carried": (None, 0.28)}),
    Row("frame 0 to the photo, lowest PSNR, dB", "first_frame_psnr", ".1f", {"the photo, carried": (45.0, None)}),
    Row("ground to the photo's, median PSNR, dB", "ground.median", ".1f", {"the photo, carried": (38.0, None)}),
    Row("the same, lowest, where hair or a shoulder is taken for the ground", "ground.lowest", ".1f"),
    Row("no motion is the photo, bit for bit", "still_is_the_photo", "d", {"the photo, carried": (1, 1)}),
    Row("photos", "faces", "d"),
)
CLIP_ROWS = (
    Row("identity to the face at the start, median distance", "identity", ".3f", _generated(None, 0.35)),
    Row("frame 0 to that face, lowest PSNR, dB", "start", ".1f", _generated(35.0, None)),
    *(Row(f"spread of {name}, of real", f"ratio.spread.{name}", ".2f", _generated(0.5, 1.5)) for name in SIGNALS),
    *(Row(f"speed of {name}, of real", f"ratio.speed.{name}", ".2f", _generated(0.5, 1.5)) for name in SIGNALS),
    Row("jerk, of real", "ratio.jerk", ".2f", _generated(None, 1.5)),
    Row("flicker, of real", "ratio.flicker", ".2f", _generated(None, 1.5)),
    Row("colour pumping, of real", "ratio.pumping", ".2f", _generated(None, 1.5)),
    Row("torn frames", "torn", "d", _generated(None, 0)),
    *(Row(f"spread of {name}, {unit}", f"spread.{name}", ".3f") for name, unit in zip(SIGNALS, UNITS)),
    *(Row(f"speed of {name}, {unit} per second", f"speed.{name}", ".3f") for name, unit in zip(SIGNALS, UNITS)),
    Row("jerk, 1/s^2", "jerk", ".0f"),
    Row("flicker, levels of 255", "flicker", ".2f"),
    Row("colour pumping, levels of 255", "pumping", ".2f"),
    Row("blinks per minute", "blinks_per_minute", ".1f"),
    Row("motion distance to real (real: its halves)", "motion_distance", ".2f"),
    Row("clips", "clips", "d"),
)


def evaluate(
    pipe: "StyleInVPipeline",
    data: str | Path,
    networks: str | Path | None = None,
    faces: int | None = None,
    clips: int | None = None,
    likeness: Sequence[str] = ("paper", "fast", "close"),
    clip_likeness: str | None = None,
    mood: str = "talking",
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Every measure, as a dict that JSON can hold; the same arguments give the same figures.

    Args:
        pipe: the pipeline under test.
        data: folder with `splits.json`, `faces/` and `clips/`, and `wide/`, if videos as filmed are there.
        networks: folder with `perceptual/lpips_alex.safetensors`; without it LPIPS is left out.
        faces: photos to invert, spread over the split; None: all.
        clips: clips to make from photos and of samples; None: as many as real ones, which are measured all.
        likeness: modes of inversion to measure.
        clip_likeness: mode of inversion that clips start from; None: what people see, photo if there is dense motion.
        mood: of the clips; real ones show people who talk.
        progress: called with what is being done, how much is done, and of how much.

    Raises:
        InputError: the split or a file that it names is missing or cannot be read.
    """
    data, note = Path(data), progress or (lambda what, done, total: None)
    photos, paths = listed_files(data, "faces_eval", "faces/{}"), listed_files(data, "clips_eval", "clips/{}.mp4")
    lpips = LPIPSAlex.from_file(network_file(LPIPSAlex, Path(networks))) if networks else None
    inversions = {mode: inversion_figures(pipe, spread(photos, faces), mode, lpips, note) for mode in likeness}
    count = len(paths) if clips is None else clips
    mode = clip_likeness or ("photo" if pipe.dense_motion else "fast")
    wide = listed_files(data, "wide_eval", "wide/{}.mp4") if (data / "wide").is_dir() else []

    def reenacted(clips: Sequence[Path], read: Reader) -> dict[str, dict[str, Any]]:
        return reenactment_report(pipe, clips, lpips, note, read) if lpips and pipe.steering and clips else {}

    return {
        "judges": JUDGES,
        "inversion": inversions,
        "photo": {"the photo, carried": photo_report(pipe, spread(photos, faces), note)} if pipe.dense_motion else {},
        "reenactment": reenacted(spread(paths, clips), aligned),
        "filmed": reenacted(spread(wide, clips), as_filmed),
        "clips": clip_report(pipe, paths, spread(photos, count), count, mode, note, mood),
    }


def photo_report(pipe: "StyleInVPipeline", photos: Sequence[Path], progress: StageProgress) -> dict[str, Any]:
    """How near clips that carry a photo stay to it."""
    return carried_figures(pipe, map(_read_photo, photos), lambda done: progress("photos, carried", done, len(photos)))


def inversion_figures(
    pipe: "StyleInVPipeline",
    photos: Sequence[Path],
    likeness: str,
    lpips: LPIPSAlex | None,
    progress: StageProgress,
) -> dict[str, Any]:
    """Likeness of the inversions of aligned photos: descriptor distance, LPIPS, PSNR in dB, over all photos."""
    rows = []
    for photo in _counted(photos, f"inversion, {likeness}", progress, len(photos)):
        inversion = pipe.invert(_read_photo(photo), likeness, aligned=True)
        crop, image = _tensor(inversion.crop), _tensor(inversion.image)
        rows.append((inversion.likeness, lpips(crop, image).item() if lpips else np.nan, _fidelity(crop, image)))
    distance, perceptual, fidelity = np.array(rows).T
    q1, median, q3 = np.percentile(distance, (25, 50, 75)).tolist()
    return {
        "faces": len(rows),
        "distance": {"q1": q1, "median": median, "q3": q3},
        "same_person": float((distance < 0.6).mean()),
        "lpips": float(np.median(perceptual)) if lpips else None,
        "psnr": float(np.median(fidelity)),
    }


def clip_report(
    pipe: "StyleInVPipeline",
    real: Sequence[Path],
    photos: Sequence[Path],
    samples: int,
    likeness: str,
    progress: StageProgress,
    mood: str = "talking",
) -> dict[str, Any]:
    """Figures of clips made from photos, of samples and of real clips; the first two also as ratios to the last."""
    real_figures = [_measure(_read_clip(path)) for path in _counted(real, "real clips", progress, len(real))]
    inverted = (pipe.invert(_read_photo(photo), likeness, aligned=True) for photo in photos)
    imagined = (pipe.sample_face(seed) for seed in range(samples))
    generated = {
        "photos": _measure_animations(pipe, _counted(inverted, "clips from photos", progress, len(photos)), mood),
        "samples": _measure_animations(pipe, _counted(imagined, "samples", progress, samples), mood),
    }
    found = {kind: summarise(figures, real_figures) for kind, figures in generated.items()}
    return found | {"real": summarise(real_figures, real_figures)}


def _measure(frames: np.ndarray) -> ClipFigures:
    """frames uint8 [T, 256, 256, 3]."""
    landmarks = landmarks_of_crops(frames)       # [T, 68, 2]
    return ClipFigures(motion_stats(frames, landmarks, FPS), motion_features(landmarks, FPS))


def _measure_animations(pipe: "StyleInVPipeline", inversions: Iterable["Inversion"], mood: str) -> list[ClipFigures]:
    """A clip of FRAMES frames of each inversion, its number being the seed of its motion."""
    return [_measure_animation(pipe, inversion, seed, mood) for seed, inversion in enumerate(inversions)]


def _measure_animation(pipe: "StyleInVPipeline", inversion: "Inversion", seed: int, mood: str) -> ClipFigures:
    frames = _frames(pipe.animate(inversion, seconds=FRAMES / FPS, fps=FPS, seed=seed, mood=mood, size=256).frames)
    face = inversion.image if inversion.photo is None or inversion.crop is None else resized(inversion.crop, 256)
    start = _fidelity(_tensor(frames[0]), _tensor(face))
    return replace(_measure(frames), identity=_identity(frames, face), start=start)


def _fidelity(x: torch.Tensor, y: torch.Tensor) -> float:
    """PSNR of two images in dB, at most MAX_PSNR."""
    return psnr(x, y).clamp(max=MAX_PSNR).item()


def _identity(frames: np.ndarray, person: np.ndarray) -> float:
    """Median descriptor distance of every IDENTITY_STEP-th of the frames [T, H, W, 3] to an image of the person."""
    wanted = descriptor(person)
    return float(np.median([descriptor_distance(descriptor(f), wanted) for f in frames[::IDENTITY_STEP]]))


def format_table(report: dict[str, Any]) -> str:
    """The report of `evaluate` as Markdown: a table of inversions, one of clips, and who judged."""
    judges = "\n".join(f"- {what}: {judge}" for what, judge in report["judges"].items())
    return "\n\n".join([
        markdown_table(INVERSION_ROWS, report["inversion"], "inversion, photo to image"),
        *([markdown_table(PHOTO_ROWS, report["photo"], "photo to frame")] if report.get("photo") else []),
        *(markdown_table(REENACTMENT_ROWS, report[key], title) for key, title in REENACTED.items() if report.get(key)),
        markdown_table(CLIP_ROWS, report["clips"], "clips"),
        judges,
    ])


def evaluation_photos(data: Path, count: int | None) -> list[Path]:
    """Photos of the evaluation split, `count` of them spread over it; None: all."""
    return spread(listed_files(data, "faces_eval", "faces/{}"), count)


def evaluation_clips(data: Path, count: int | None) -> list[np.ndarray]:
    """The first frames of clips of the evaluation split, as `evaluation_photos`."""
    return [_read_clip(path)[:100] for path in spread(listed_files(data, "clips_eval", "clips/{}.mp4"), count)]


def _read_photo(path: Path) -> np.ndarray:
    return np.asarray(open_image(path, str(path)))


def _read_clip(path: Path) -> np.ndarray:
    """The first FRAMES of a video, uint8 [T, H, W, 3]."""
    return _frames(islice(read_frames(path, FPS), FRAMES))


def _frames(frames: Iterable[np.ndarray]) -> np.ndarray:
    """uint8 [H, W, 3] each -> [T, H, W, 3]."""
    return np.stack(list(frames))


def _tensor(image: np.ndarray) -> torch.Tensor:
    """uint8 [H, W, 3] -> [1, 3, H, W] in [-1, 1]."""
    return from_uint8(torch.tensor(image)[None])


def spread(items: Sequence[Any], count: int | None) -> list[Any]:
    """`count` items at equal steps over all of them; None: all."""
    count = min(len(items), len(items) if count is None else count)
    return [items[i * len(items) // count] for i in range(count)]


def _counted(items: Iterable[Any], what: str, progress: StageProgress, total: int) -> Iterator[Any]:
    for done, item in enumerate(items):
        progress(what, done, total)
        yield item
