"""Which snapshot of a style is the best, by measures; and its installation."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ...face.landmarks import landmarks_of_crops
from ...metrics.frechet import frechet_distance
from ...metrics.style import landmark_distance
from ...models.ops import from_uint8
from ...styles import Style, load_style, save_style
from .checkerboard import checkerboard
from .style import StyleStage
from .style_views import shrunk

SAMPLES = 48        # latents at the end of the cache on which snapshots are compared
CLOSE = 0.06        # inter-ocular distances that landmarks may move; beyond, expression and gaze get lost
CLEAN = 0.005       # part of fine detail that may be a grid; beyond, it shows on skin


@torch.no_grad()
def figures(stage: StyleStage) -> dict[str, float]:
    """Frechet distance to the style set, of the parent's; landmarks' distance to the parent; checkerboard;
    the score, lower is better."""
    data = stage.data
    styled, parents = stage.styled(data.ws[-SAMPLES:]), shrunk(data.parents[-SAMPLES:])
    wanted = _features(stage, shrunk(data.style[:SAMPLES * 4]))
    distance = frechet_distance(_features(stage, styled), wanted) / frechet_distance(_features(stage, parents), wanted)
    landmarks = landmark_distance(*(landmarks_of_crops(x.numpy()) for x in (parents, styled)))
    grid = checkerboard(from_uint8(styled)).item()
    score = distance + max(0.0, landmarks / CLOSE - 1) + 0.1 * max(0.0, grid / CLEAN - 1)
    return {"distance": distance, "landmarks": landmarks, "grid": grid, "score": score}


def keep_best(stage: StyleStage, folder: Path) -> dict[str, float]:
    """Measure the stage as it stands; keep its top as best.pt if no snapshot scored lower. Returns the best figures."""
    found, path = figures(stage), folder / "best.pt"
    with open(folder / "snapshots.jsonl", "a") as file:
        file.write(json.dumps(found) + "\n")
    if path.exists():
        best = torch.load(path, weights_only=True)["figures"]
        if best["score"] <= found["score"]:
            return best
    torch.save({"figures": found, "top": stage.average.state_dict()}, path)
    return found


def install(stage: StyleStage, folder: Path, target: Path, title: str, licence: str) -> dict[str, float]:
    """Write the best snapshot of a run as a style, with a preview, a sheet (raw above, styled below) and a card;
    returns its figures.

    Tops of other sizes of the style that is installed there stay if this one was held to agree with one.
    """
    best = torch.load(folder / "best.pt", weights_only=True)
    stage.average.load_state_dict(best["top"])
    agreed = stage.guide and (target / "config.json").is_file()
    installed = load_style(target, stage.decoder)[0].tops.values() if agreed else []
    tops = [stage.average, *(top for top in installed if top.size != stage.average.size)]
    save_style(Style.of(stage.decoder, sorted(tops, key=lambda top: top.size), title, licence), target)
    strip = stage.strip(4)
    Image.fromarray(strip).save(target / "sheet.webp", quality=85)
    side = strip.shape[0] // 2
    Image.fromarray(strip[side:, :side]).save(target / "preview.webp", quality=85)
    if not (target / "README.md").exists():
        (target / "README.md").write_text(_card(stage, title, licence, best["figures"]))
    return best["figures"]


def _card(stage: StyleStage, title: str, licence: str, best: dict[str, float]) -> str:
    data = stage.data
    kind = "pairs of a decoded face and the same face restyled" if data.paired else "images"
    return (
        f"# {title}\n\nA style of StyleInV: a top of its decoder, fine-tuned on {len(data.style)} {kind}.\n\n"
        f"- Licence: {licence}\n"
        f"- Frechet distance to the style set (training's own features), of the raw decoder's: {best['distance']:.0%}\n"
        f"- Landmarks, raw to styled, in inter-ocular distances: {best['landmarks']:.3f}\n"
    )


def _features(stage: StyleStage, images: torch.Tensor) -> np.ndarray:
    """Means of the unit features of every depth, [N, D], of uint8 [N, S, S, 3]."""
    rows = [stage.perceptual.features(from_uint8(x)) for x in images.split(8)]
    return torch.cat([torch.cat([x.mean((2, 3)) for x in row], 1) for row in rows]).numpy()
