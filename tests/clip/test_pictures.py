"""Gifs and webps that browsers and chats play as they should: times, memory, credentials."""

import weakref

import numpy as np
import pytest
from PIL import Image

from styleinv.clip import provenance
from styleinv.clip.clip import Clip, read_recipe
from styleinv.clip.ffmpeg import read_frames
from styleinv.clip.pictures import Reel, timing

from .discs import RECIPE, clip, picture, psnr


def durations(path) -> list[int]:
    with Image.open(path) as image:
        return [image.seek(i) or (image.load(), image.info["duration"])[1] for i in range(image.n_frames)]


@pytest.mark.parametrize("suffix, least", [("gif", 20), ("webp", 11)])
@pytest.mark.parametrize("fps", [1, 12.5, 29.97, 50, 51, 60, 90, 100, 120])
def test_no_frame_is_shorter_than_browsers_show(tmp_path, suffix, least, fps):
    length = round(fps * 1.1) + 1
    found = durations(clip(length, fps).save(tmp_path / f"a.{suffix}"))
    assert min(found) >= least and abs(sum(found) - 1000 * length / fps) <= 5
    if fps <= 50:
        assert len(found) == length


def test_fast_gifs_keep_their_ends_and_their_order():
    chosen, times = timing(120, 120, 10, 20)
    assert chosen[0] == 0 and chosen == sorted(set(chosen)) and chosen[-1] >= 117 and set(times) == {20}
    assert timing(1, 120, 10, 20) == ([0], [20])


def test_a_still_gif_of_any_length(tmp_path):
    still = Clip(lambda start, stop: np.full((stop - start, 64, 64, 3), 90, np.uint8), 1500, 1, {})
    found = durations(still.save(tmp_path / "still.gif", mark=False))
    assert sum(found) == 1_500_000 and max(found) < 655_350


def test_a_webp_takes_its_frames_one_by_one(tmp_path):
    held = []

    class Frame(np.ndarray):
        pass

    def frames():
        for number in range(60):
            frame = picture(number).view(Frame)
            held.append(weakref.ref(frame))
            assert sum(known() is not None for known in held) <= 3
            yield frame

    Reel(frames(), 60).save(tmp_path / "a.webp", save_all=True, duration=[40] * 60)
    shown = list(read_frames(tmp_path / "a.webp", 25))
    assert len(shown) == 60 and min(psnr(frame, picture(i)) for i, frame in enumerate(shown)) > 25


def test_one_frame_in_every_format(tmp_path):
    for suffix in ("gif", "webp", "mp4"):
        assert len(list(read_frames(clip(1).save(tmp_path / f"a.{suffix}"), None))) == 1


def test_credentials_have_no_thumbnail(tmp_path):
    path = clip(4).save(tmp_path / "a.webp")
    assert path.stat().st_size < 60_000 and b"thumbnail" not in path.read_bytes()


def test_bytes_behind_a_clip(tmp_path):
    path = clip(3).save(tmp_path / "a.mp4")
    with path.open("ab") as file:
        file.write(b"more")
    assert "was changed after it was signed" in provenance.describe(path)
    assert read_recipe(path) == RECIPE
