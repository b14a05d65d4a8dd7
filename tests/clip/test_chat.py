"""Files that chats take: below a limit whatever the length, and what was lowered is said."""

import re
import weakref
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from styleinv.clip.chat import Fit, levels
from styleinv.clip.clip import CHAT, Clip, read_recipe
from styleinv.clip.ffmpeg import read_frames
from styleinv.clip.pictures import write_gif
from styleinv.errors import InputError

from .discs import RECIPE, clip, picture, psnr

SUFFIXES = ("mp4", "gif", "webp")
LIMIT = 90_000


def noisy(start: int, stop: int) -> np.ndarray:
    """Frames that no encoder makes small, uint8 [T, 96, 96, 3]."""
    return np.stack([np.random.default_rng(i).integers(0, 255, (96, 96, 3), np.uint8) for i in range(start, stop)])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_small_stays_as_it_was_asked_for(tmp_path, suffix):
    assert CHAT == 8_000_000
    assert clip().save_for_chat(tmp_path / f"a.{suffix}") == ""
    assert len(list(read_frames(tmp_path / f"a.{suffix}", 25))) == 20
    assert read_recipe(tmp_path / f"a.{suffix}") == RECIPE


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("length, fps", [(40, 25), (600, 60), (2000, 25)])
def test_nothing_is_larger_than_the_limit(tmp_path, suffix, length, fps):
    path = tmp_path / f"a.{suffix}"
    said = Clip(noisy, length, fps, {}).save_for_chat(path, limit=LIMIT)
    assert path.stat().st_size < LIMIT and re.fullmatch(r"To stay below 0\.09 MB: .*\.", said)
    assert len(list(read_frames(path, 10))) == pytest.approx(10 * length / fps, rel=0.1, abs=2)


def test_the_limit_is_used(tmp_path):
    for suffix in SUFFIXES:
        turning = Clip(lambda start, stop: np.stack([picture(i % 40) for i in range(start, stop)]), 900, 25, {})
        turning.save_for_chat(tmp_path / f"a.{suffix}", limit=LIMIT)
        assert (tmp_path / f"a.{suffix}").stat().st_size > 0.3 * LIMIT


def test_the_sentence_says_what_was_lowered(tmp_path):
    said = Clip(noisy, 200, 25, {}).save_for_chat(tmp_path / "a.gif", limit=LIMIT)
    sides, rate = re.search(r"(\d+)x\1 px instead of 96x96, ([\d.]+) frames per second instead of 25", said).groups()
    with Image.open(tmp_path / "a.gif") as image:
        assert image.size == (int(sides), int(sides)) and image.n_frames == pytest.approx(8 * float(rate), abs=1)
    assert said.endswith("a quality below high.")


def test_a_clip_that_can_be_made_again_is_not_drawn_in_full(tmp_path):
    drawn = []

    def render(start: int, stop: int) -> np.ndarray:
        drawn.extend(range(start, stop))
        return noisy(start, stop)

    def remake(fps: float, scale: float) -> Clip:
        return Clip(noisy, round(2000 / 25 * fps), fps, {})

    Clip(render, 2000, 25, {}, remake).save_for_chat(tmp_path / "a.gif", limit=LIMIT)
    assert len(drawn) <= 40


def test_levels_only_go_down():
    found = levels(Clip(noisy, 10, 60, {}), "medium")
    assert found[0] == ("medium", 60, 1.0) and found[-1].fps < 1
    for a, b in pairwise(found):
        assert b.fps <= a.fps and b.scale <= a.scale and a != b
    assert Fit(Clip(noisy, 10, 25, {}), ".gif", 1e9).first(found) == 0


def test_nothing_is_left_where_the_text_alone_is_too_long(tmp_path):
    whole = Clip(noisy, 10, 25, {"w0": "x" * 100_000})
    with pytest.raises(InputError, match="no recipe in it"):
        whole.save_for_chat(tmp_path / "a.webp", embed_recipe=True, limit=LIMIT)
    assert not list(tmp_path.iterdir())
    assert whole.save_for_chat(tmp_path / "a.webp", limit=LIMIT)


def test_a_gif_takes_its_frames_one_by_one(tmp_path):
    held: list[weakref.ref] = []
    palette = Image.fromarray(picture(0)).quantize(64)

    class Kept(Image.Image):
        pass

    def images():
        for number in range(60):
            image = Image.fromarray(picture(number)).quantize(palette=palette)
            kept = Kept()
            kept.__dict__.update(image.__dict__)
            held.append(weakref.ref(kept))
            assert sum(known() is not None for known in held) <= 3
            yield kept

    write_gif(tmp_path / "a.gif", images(), [40] * 60, b"told")
    shown = list(read_frames(tmp_path / "a.gif", 25))
    assert len(shown) == 60 and min(psnr(frame, picture(i)) for i, frame in enumerate(shown)) > 22
    with Image.open(tmp_path / "a.gif") as image:
        assert image.info["comment"] == b"told" and image.info["loop"] == 0
