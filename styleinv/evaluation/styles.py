"""The measures of styles: the same face, the same motion, near to the style set, and not all faces alike."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..data.splits import picture_files
from ..data.video_set import open_image
from ..errors import InputError
from ..face.landmarks import landmarks_of_crops
from ..losses.lpips import LPIPSAlex
from ..losses.networks import network_file
from ..metrics.face_motion import flicker, relative_flicker
from ..metrics.frechet import frechet_distance
from ..metrics.style import landmark_distance, opening_correlation, pooled_features, variety
from .table import Row, markdown_table

if TYPE_CHECKING:
    from ..inversion import Inversion
    from ..pipeline import StyleInVPipeline

FPS = 25
FRAMES = 64             # of each clip
SIDE = 256              # px, of every image that is compared
ROWS = (
    Row("landmarks raw to styled, median, inter-ocular distances", "landmarks", ".3f"),
    Row("opening of the mouth over time, median correlation with raw", "mouth", ".2f"),
    Row("opening of the eyes over time, median correlation with raw", "eyes", ".2f"),
    Row("flicker, of the picture's change, of raw's", "flicker", ".2f"),
    Row("flicker in levels, of raw's", "flicker_levels", ".2f"),
    Row("Frechet distance to the style set, of raw's", "distance_ratio", ".0%"),
    Row("variety, of the style set's", "variety_ratio", ".2f"),
)
TARGETS = {
    "landmarks": (None, 0.06), "mouth": (0.8, None), "eyes": (0.8, None),
    "flicker": (None, 1.2), "distance_ratio": (None, 0.4), "variety_ratio": (0.6, None),
}


def evaluate_styles(
    pipe: "StyleInVPipeline", sets: Path, networks: Path, people: Sequence["Inversion"], samples: int = 200
) -> dict[str, Any]:
    """Figures of every installed style whose set is there, by name.

    Args:
        sets: folder with the images of each style in NAME/, aligned.
        networks: folder with `perceptual/lpips_alex.safetensors`.
        people: inversions whose clips are compared, raw and styled.
        samples: people who do not exist, for the distances of sets.

    Raises:
        InputError: no installed style has a set in the folder, or a set has an unreadable image, or fewer than two.
    """
    names = [name for name in pipe.styles if (sets / name).is_dir()]
    if not names:
        installed = ", ".join(pipe.styles)
        raise InputError(f"{sets} has no folder of an installed style ({installed}): name the folder of style sets.")
    lpips = LPIPSAlex.from_file(network_file(LPIPSAlex, networks))
    style_sets = {name: read_set(sets / name) for name in names}
    faces = [pipe.sample_face(10_000 + seed) for seed in range(samples)]
    raw_features = pooled_features(lpips, [person.image for person in faces])
    raw_clips = [_frames(pipe, person, seed, "") for seed, person in enumerate(people)]
    raw_landmarks = [landmarks_of_crops(clip) for clip in raw_clips]
    report = {}
    for name in names:
        styled = [pipe.animate(person, seconds=1 / FPS, style=name, size=SIDE).frames[0] for person in faces]
        clips = [_frames(pipe, person, seed, name) for seed, person in enumerate(people)]
        of_set = set_figures(lpips, raw_features, styled, style_sets[name])
        report[name] = clip_figures(raw_clips, raw_landmarks, clips) | of_set
    return report


def clip_figures(
    raw: Sequence[np.ndarray], raw_landmarks: Sequence[np.ndarray], styled: Sequence[np.ndarray]
) -> dict[str, float]:
    """Medians over clips, uint8 [T, S, S, 3], raw and styled in the same order."""
    landmarks = [landmarks_of_crops(clip) for clip in styled]
    pairs = list(zip(raw_landmarks, landmarks))
    openings = [opening_correlation(a, b) for a, b in pairs]
    return {
        "landmarks": float(np.median([landmark_distance(a, b) for a, b in pairs])),
        "mouth": float(np.median([o["mouth"] for o in openings])),
        "eyes": float(np.median([o["eyes"] for o in openings])),
        "flicker": float(np.median([relative_flicker(b) / relative_flicker(a) for a, b in zip(raw, styled)])),
        "flicker_levels": float(np.median([flicker(b) / flicker(a) for a, b in zip(raw, styled)])),
    }


def set_figures(
    lpips: LPIPSAlex, raw_features: np.ndarray, styled: Sequence[np.ndarray], style: Sequence[np.ndarray]
) -> dict[str, float]:
    """Distances of sets of faces, uint8 [S, S, 3] each; of the raw ones by their `pooled_features`."""
    style_features = pooled_features(lpips, style)
    before, after = (frechet_distance(x, style_features) for x in (raw_features, pooled_features(lpips, styled)))
    own = variety(lpips, styled)
    return {
        "distance": after, "distance_raw": before, "distance_ratio": after / before,
        "variety": own, "variety_ratio": own / variety(lpips, style),
    }


def read_set(folder: Path) -> list[np.ndarray]:
    """The images of a style set, two or more, uint8 [SIDE, SIDE, 3] each."""
    files = picture_files(folder)
    if len(files) < 2:
        raise InputError(f"{folder} has {len(files)} images, too few for a distance: put the whole style set there.")
    return [np.asarray(open_image(path, str(path)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)) for path in files]


def format_style_table(report: dict[str, Any]) -> str:
    """The report as a Markdown table, one column per style."""
    return markdown_table([_row_for(report, row) for row in ROWS], report, "styles")


def _row_for(report: dict[str, Any], row: Row) -> Row:
    targets = dict.fromkeys(report, TARGETS[row.path]) if row.path in TARGETS else {}
    return replace(row, targets=targets)


def _frames(pipe: "StyleInVPipeline", person: "Inversion", seed: int, style: str) -> np.ndarray:
    clip = pipe.animate(person, seconds=FRAMES / FPS, fps=FPS, seed=seed, style=style, size=SIDE)
    return np.stack(list(clip.frames))
