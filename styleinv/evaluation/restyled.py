"""How near a style's picture of a photo is to the photo as the style's own teacher, a filter, draws it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..data.names import restyled_files
from ..data.video_set import open_image
from ..errors import StageProgress
from ..losses.lpips import LPIPSAlex
from ..losses.networks import network_file
from ..models.ops import from_uint8
from .table import Row, markdown_table

if TYPE_CHECKING:
    from ..pipeline import StyleInVPipeline

SIDE = 256              # px, of every image that is compared
NEARER = 0.3            # share of the distance that the photo's own detail must take away
ROWS = (
    Row("LPIPS-Alex to the filtered photo, as drawn, median", "drawn", ".3f"),
    Row("the same, with the photo's own detail", "shown", ".3f"),
    Row("nearer by", "nearer", ".0%"),
    Row("photos", "photos", "d"),
)


def evaluate_restyled(
    pipe: "StyleInVPipeline", photos: list[Path], restyled: Mapping[str, Path], networks: Path,
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Figures by style.

    Args:
        photos: aligned, held out; of them those that are restyled are looked at.
        restyled: by style, the folder of the photos as its teacher draws them, under their own names.
        networks: folder with `perceptual/lpips_alex.safetensors`.

    Raises:
        InputError: a style is not installed, or a folder has none of the photos.
    """
    lpips = LPIPSAlex.from_file(network_file(LPIPSAlex, networks))
    pairs = {style: restyled_files(photos, folder) for style, folder in restyled.items()}
    found: dict[str, list[list[float]]] = {style: [] for style in restyled}
    photos = [photo for photo in photos if any(photo in known for known in pairs.values())]
    for done, photo in enumerate(photos):
        inversion = pipe.invert(photo, "photo", aligned=True)
        for style, known in pairs.items():
            if photo in known:
                truth = _tensor(np.asarray(open_image(known[photo], known[photo].name).resize((SIDE, SIDE))))
                shown = (pipe.animate(inversion, seconds=0.04, size=SIDE, style=style, style_detail=share).frames[0]
                         for share in (0.0, 1.0))
                found[style].append([float(lpips(_tensor(frame), truth).mean()) for frame in shown])
        if progress:
            progress("restyled", done + 1, len(photos))
    return {style: _figures(np.array(rows)) for style, rows in found.items()}


def format_restyled_table(report: dict[str, Any]) -> str:
    """The report as a Markdown table, one column per style."""
    targets: dict[str, tuple[float | None, float | None]] = dict.fromkeys(report, (NEARER, None))
    rows = [Row(row.label, row.path, row.form, targets if row.path == "nearer" else {}) for row in ROWS]
    return markdown_table(rows, report, "filtered photos")


def _figures(rows: np.ndarray) -> dict[str, float]:
    drawn, shown = np.median(rows, axis=0).tolist()
    return {"drawn": drawn, "shown": shown, "nearer": 1 - shown / drawn, "photos": len(rows)}


def _tensor(image: np.ndarray) -> torch.Tensor:
    return from_uint8(torch.from_numpy(image.copy())[None])                 # [1, 3, S, S]
