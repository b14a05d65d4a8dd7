"""Makes the moving pictures of this folder, and what the app shows before there is a photo:

    python examples/make.py
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from styleinv import StyleInVPipeline
from styleinv.clip.clip import Clip
from styleinv.clip.layout import side_by_side
from styleinv.render import resized
from styleinv.ui.player import HERO

HERE = Path(__file__).parent
STYLES = ("cartoon", "painting", "ink", "sketch")
SHOWN = ((1, "calm", "cartoon"), (4, "talking", "painting"), (2, "look-around", "sketch"))       # by the first sight
SIDE, FPS = 480, 20             # of the first sight
LENGTH, FADE = 45, 6            # frames of each of its pictures, and of going over into the next one
INSET = 140                     # px of the photo in its corner


def in_step(clips: list[Clip], arrange: Callable[[list[np.ndarray]], np.ndarray]) -> Clip:
    """Clips of one length as one picture."""
    def render(start: int, stop: int) -> np.ndarray:
        return np.stack([arrange(list(images)) for images in zip(*(clip.frames[start:stop] for clip in clips))])

    return Clip(render, len(clips[0].frames), clips[0].fps, {"grid": [clip.recipe for clip in clips]})


def in_rows(images: list[np.ndarray], columns: int) -> np.ndarray:
    """Equal pictures [H, W, 3], so many in a row."""
    return np.concatenate([side_by_side(images[i : i + columns]) for i in range(0, len(images), columns)])


def with_inset(frame: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """The photo, framed in white, in the lower left corner."""
    frame, side = frame.copy(), INSET + 4
    frame[-side - 16 : -16, 16 : 16 + side] = 255
    frame[-side - 14 : -18, 18 : 14 + side] = resized(photo, INSET)
    return frame


def faded(parts: list[np.ndarray]) -> np.ndarray:
    """Parts [T, H, W, 3], each going over into the next one, the last into the first."""
    shares = np.linspace(0, 1, FADE + 2)[1:-1, None, None, None]
    pairs = zip(parts, [*parts[1:], parts[0]])
    joined = [np.concatenate([one[FADE:-FADE], (1 - shares) * one[-FADE:] + shares * other[:FADE]])
              for one, other in pairs]
    return np.concatenate(joined).round().astype(np.uint8)


def main() -> None:
    pipe = StyleInVPipeline.from_pretrained(HERE.parent / "checkpoints" / "ffhq")
    people = {number: pipe.invert(HERE / "faces" / f"{number}.jpg", size=512) for number in (1, 2, 3, 4)}

    clips = [pipe.animate(face, mood="lively", size=256, seconds=4, fps=15) for face in people.values()]
    in_step(clips, side_by_side).save(HERE / "photo.webp")

    kinds = [{}, *({"style": style} for style in STYLES)]
    clips = [pipe.animate(people[number], mood="smile", size=256, seconds=2.4, fps=10, **kind)
             for number in (1, 2, 4) for kind in kinds]
    in_step(clips, lambda images: in_rows([resized(x, 176) for x in images], len(kinds))).save(HERE / "styles.webp")

    parts = []
    for number, mood, style in SHOWN:
        for kind in ({}, {"style": style}):
            clip = pipe.animate(people[number], mood=mood, size=512, seconds=LENGTH / FPS, fps=FPS, seed=2, **kind)
            parts.append(np.stack([with_inset(resized(x, SIDE), people[number].crop) for x in clip.frames]))
    frames = faded(parts)
    Clip(lambda start, stop: frames[start:stop], len(frames), FPS, {}).save(HERO, mark=False, quality="medium")


if __name__ == "__main__":
    main()
