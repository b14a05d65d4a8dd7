"""How often the verdict on an inversion is right: on photos as they are, turned, and spoiled on purpose.

Half of the photos, chosen by a hash of their names, set the limits of `face.verdict`; the other half tests them.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ..data.video_set import open_image
from ..errors import FaceError, StageProgress
from ..face.detection import find_and_align
from ..face.verdict import DOUBTFUL, GOOD, REFUSED
from .table import Row, markdown_table

if TYPE_CHECKING:
    from ..pipeline import StyleInVPipeline

Change = Callable[[Image.Image, np.random.Generator], Image.Image]
LEVELS = (GOOD, DOUBTFUL, REFUSED)
CHANGES = 5         # of each photo


def _filled(left: float, top: float, right: float, bottom: float, colour: str, round_: bool = False) -> Change:
    """A shape over a part of the picture, in shares of its sides."""
    def change(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        draw = ImageDraw.Draw(image)
        box = [left * image.width, top * image.height, right * image.width, bottom * image.height]
        (draw.ellipse if round_ else draw.rectangle)(box, fill=colour)
        return image

    return change


def _turned(degrees: float) -> Change:
    """The picture on grey, turned; whole."""
    return lambda image, rng: image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="grey")


def _noise(sigma: float) -> Change:
    def change(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        noisy = np.asarray(image, float) + sigma * rng.standard_normal((image.height, image.width, 3))
        return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))

    return change


def _levels(scale: float, base: float) -> Change:
    """Each level times a scale, above a base."""
    return lambda image, rng: image.point(lambda value: value * scale + base)


def _coarse(side: int) -> Change:
    return lambda image, rng: image.resize((side, side), Image.Resampling.BOX).resize(
        image.size, Image.Resampling.NEAREST)


def _blurred(sigma: float) -> Change:
    return lambda image, rng: image.filter(ImageFilter.GaussianBlur(sigma * image.width / 256))


USABLE: dict[str, Change] = {
    "as it is": lambda image, rng: image,
    "turned by 120 degrees": _turned(120),
    "upside down": _turned(180),
    "a little noise": _noise(40),
    "a little blurred": _blurred(3),
}
FAILURES: dict[str, Change] = {         # of whose face there is too little: another person would be drawn
    "a bar over the eyes": _filled(0, 0.42, 1, 0.54, "black"),
    "a mask": _filled(0.25, 0.58, 0.75, 0.92, "lightblue"),
    "the left half gone": _filled(0, 0, 0.5, 1, "black"),
    "the lower half gone": _filled(0, 0.56, 1, 1, "grey"),
    "the upper half gone": _filled(0, 0, 1, 0.5, "grey"),
    "cut off": lambda image, rng: image.crop((int(0.45 * image.width), 0, image.width, image.height)),
    "a negative": lambda image, rng: image.point(lambda value: 255 - value),
    "20 pixels": _coarse(20),
}
BETWEEN: dict[str, Change] = {          # what is right lies in the eye of the beholder
    "a hand on the chin": _filled(0.3, 0.62, 0.75, 1.1, "tan", True),
    "blurred": _blurred(6),
    "much noise": _noise(90),
    "dark": _levels(0.08, 0),
    "pale": _levels(0.08, 118),
}
KINDS = USABLE | FAILURES | BETWEEN
ROWS = (
    *(Row(name, f"kinds.{name}", "d") for name in KINDS),
    Row("all that are usable", "usable", ".1%", {REFUSED: (None, 0.02)}),
    Row("all that are failures", "failures", ".1%", {GOOD: (None, 0.02)}),
    Row("pictures", "count", "d"),
)


def tested(photos: Sequence[Path]) -> list[Path]:
    """The photos on which no limit was set."""
    return [photo for photo in photos if zlib.crc32(photo.name.encode()) % 2 == 0]


def verdict_report(
    pipe: "StyleInVPipeline", photos: Sequence[Path], progress: StageProgress | None = None
) -> dict[str, Any]:
    """By level of the verdict: pictures of each kind, and shares of the usable ones and of the failures.

    Each photo is judged as it is and changed in five ways, in turn.
    """
    counts: dict[str, Counter] = {name: Counter() for name in KINDS}
    for number, photo in enumerate(photos):
        for name in _kinds(number):
            rng = np.random.default_rng(zlib.crc32(f"{photo.name} {name}".encode()))
            counts[name][level(pipe, np.asarray(KINDS[name](open_image(photo, str(photo)), rng)))] += 1
        if progress:
            progress("verdicts", number + 1, len(photos))
    return {each: {"kinds": {name: count[each] for name, count in counts.items()},
                   "usable": _share(counts, USABLE, each), "failures": _share(counts, FAILURES, each),
                   "count": sum(count[each] for count in counts.values())} for each in LEVELS}


def level(pipe: "StyleInVPipeline", image: np.ndarray) -> str:
    """Of the verdict on a picture uint8 [H, W, 3]; one without a face is refused."""
    try:
        verdict = pipe.invert_crop(find_and_align(image)[0], "fast").verdict
    except FaceError:
        return REFUSED
    return verdict.level if verdict else REFUSED


def format_verdict_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    return markdown_table(ROWS, report, "verdict")


def _kinds(number: int) -> list[str]:
    """As it is, and five others, in turn."""
    as_it_is, *others = KINDS
    return [as_it_is, *(others[(CHANGES * number + i) % len(others)] for i in range(CHANGES))]


def _share(counts: dict[str, Counter], kinds: dict[str, Change], level: str) -> float:
    chosen = [counts[name] for name in kinds]
    return sum(count[level] for count in chosen) / max(1, sum(count.total() for count in chosen))
