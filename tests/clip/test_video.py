"""Clips render lazily, come back from their files as they went in, and leave nothing behind when they fail."""

import json
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from styleinv.clip import layout, provenance
from styleinv.clip.clip import Clip, Frames, looped, pingpong, read_recipe
from styleinv.clip.ffmpeg import read_frames
from styleinv.errors import InputError

RECIPE = {"seed": 7, "style": "a=b; c#d\\e \"f\"\né", "weights": [0.5, 2], "photo": None}


def picture(number: int) -> np.ndarray:
    """A disc on a soft ground that moves with the number, uint8 [96, 128, 3]."""
    y, x = np.mgrid[0:96, 0:128]
    ground = np.stack([x + 60, y + 80, 200 - x], -1)
    ground[np.hypot(x - 30 - 2 * number, y - 40) < 18] = (220, 170, 140)
    return ground.astype(np.uint8)


class Renderer:
    """Renders discs, and remembers what was asked of it."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    def __call__(self, start: int, stop: int) -> np.ndarray:
        self.calls.append((start, stop))
        return np.stack([picture(number) for number in range(start, stop)])


def clip(length: int = 20, fps: float = 25) -> Clip:
    return Clip(Renderer(), length, fps, RECIPE)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(a.astype(float) - b).mean()))


def test_frames_are_rendered_in_chunks_when_asked_for():
    render = Renderer()
    frames = Clip(render, 20, 25, {}).frames
    assert len(frames) == 20 and render.calls == []
    assert all(np.array_equal(frame, picture(i)) for i, frame in enumerate(frames))
    assert render.calls == [(0, 8), (8, 16), (16, 20)]
    assert np.array_equal(frames[-1], picture(19)) and len(render.calls) == 3
    assert np.array_equal(frames[3], picture(3)) and render.calls[3:] == [(0, 8)]


def test_slices_are_lazy_too():
    frames = clip().frames
    part = frames[15:2:-6]
    assert len(part) == 3 and isinstance(part, Frames)
    assert [np.array_equal(frame, picture(i)) for frame, i in zip(part, (15, 9, 3))] == [True] * 3
    assert np.array_equal(part[1:][0], picture(9))
    with pytest.raises(IndexError):
        frames[20]


def test_seconds():
    assert clip(50, 25).seconds == 2


@pytest.mark.parametrize("suffix, least", [("mp4", 34), ("gif", 30), ("webp", 32)])
def test_saved_clips_come_back(tmp_path, suffix, least):
    path = clip().save(tmp_path / f"out.{suffix}", mark=False)
    frames = np.stack(list(read_frames(path, 25)))
    assert frames.shape == (20, 96, 128, 3)
    assert min(psnr(frame, picture(i)) for i, frame in enumerate(frames)) > least
    assert read_recipe(path) == RECIPE
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", ["mp4", "gif", "webp"])
def test_smaller_quality_makes_smaller_files(tmp_path, suffix):
    sizes = [clip().save(tmp_path / f"{q}.{suffix}", quality=q).stat().st_size for q in ("high", "medium", "small")]
    assert sizes[0] > sizes[1] > sizes[2]


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_pictures_loop_for_ever_at_the_right_speed(tmp_path, suffix):
    with Image.open(clip(9, 30).save(tmp_path / f"out.{suffix}")) as image:
        durations = [image.seek(i) or (image.load(), image.info["duration"])[1] for i in range(image.n_frames)]
        assert image.info["loop"] == 0 and image.n_frames == 9
    assert sum(durations) == 300


def probe(path) -> str:
    return subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path)], capture_output=True, text=True).stderr


def test_mp4_is_what_browsers_play(tmp_path):
    path = clip(fps=30).save(tmp_path / "out.mp4")
    told = probe(path)
    assert "h264 (High)" in told and "yuv420p(tv, bt709, progressive)" in told and "30 fps" in told
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")            # it starts before it is loaded


def test_odd_sides_become_even(tmp_path):
    odd = Clip(lambda start, stop: np.stack([picture(i)[:95, :127] for i in range(start, stop)]), 3, 25, {})
    assert next(read_frames(odd.save(tmp_path / "odd.mp4"), 25)).shape == (96, 128, 3)


def test_progress(tmp_path):
    seen = []
    clip().save(tmp_path / "out.mp4", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(8, 20), (16, 20), (20, 20)]


def test_the_mark_is_on_by_default(tmp_path):
    marked, plain = (next(read_frames(clip(2).save(tmp_path / f"{mark}.mp4", mark=mark), 25)) for mark in (True, False))
    difference = np.abs(marked.astype(int) - plain).max(-1)
    assert difference[70:, 60:].max() > 60 and difference[:48].max() < 16


@pytest.mark.parametrize("ground", [0, 128, 255])
@pytest.mark.parametrize("size", [256, 1024])
def test_the_mark_is_small_calm_and_readable(ground, size):
    plain = np.full((size, size, 3), ground, np.uint8)
    marked = layout.add_mark(plain)
    touched = np.argwhere((marked != plain).any(-1))
    assert (plain == ground).all() and marked.shape == plain.shape
    assert touched.min() > 0.6 * size and (marked != plain).mean() < 0.02
    assert int(marked.max()) - int(marked.min()) > 90           # light text, dark shadow, on any ground


@pytest.mark.parametrize("error", [RuntimeError("lost"), KeyboardInterrupt()])
@pytest.mark.parametrize("suffix", ["mp4", "gif", "webp"])
def test_a_failure_leaves_what_was_there(tmp_path, suffix, error):
    def render(start: int, stop: int) -> np.ndarray:
        if start >= 8:
            raise error
        return Renderer()(start, stop)

    path = tmp_path / f"out.{suffix}"
    path.write_bytes(b"before")
    with pytest.raises(type(error)):
        Clip(render, 20, 25, {}).save(path)
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]


def test_bad_targets(tmp_path):
    (tmp_path / "file").touch()
    for path, options, sentence in (
        ("out.avi", {}, "out.avi is of no known kind: end the name in .mp4, .gif, .webp."),
        ("out", {}, "out is of no known kind: end the name in .mp4, .gif, .webp."),
        ("out.mp4", {"quality": "best"}, "There is no quality 'best': choose high, medium, small."),
        ("file/out.mp4", {}, f"The folder {tmp_path / 'file'} cannot be written to: choose another one."),
        ("none/out.gif", {}, f"The folder {tmp_path / 'none'} cannot be written to: choose another one."),
    ):
        with pytest.raises(InputError) as caught:
            clip().save(tmp_path / path, **options)
        assert str(caught.value) == sentence
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_recipes_from_json_and_from_what_holds_none(tmp_path):
    (tmp_path / "r.json").write_text(json.dumps(RECIPE))
    assert read_recipe(tmp_path / "r.json") == RECIPE
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    (tmp_path / "bad.json").write_bytes(b"\xff{")
    Image.new("RGB", (64, 64)).save(tmp_path / "plain.webp")
    for name in ("list.json", "bad.mp4", "bad.json", "plain.webp"):
        with pytest.raises(InputError) as caught:
            read_recipe(tmp_path / name)
        assert str(caught.value) == f"{name} holds no recipe: choose a clip that StyleInV saved, or a recipe in a .json file."
    with pytest.raises(InputError, match="^no.mp4 was not found: check the path.$"):
        read_recipe("no.mp4")


def test_pingpong():
    assert [pingpong(n) for n in (1, 2, 4)] == [[0], [0, 1], [0, 1, 2, 3, 2, 1]]


@pytest.mark.parametrize("chunk", [1, 3, 8])
def test_looped_is_the_same_in_any_chunks(chunk):
    render, length = looped(Renderer(), 6)
    frames = np.concatenate([render(i, min(i + chunk, length)) for i in range(0, length, chunk)])
    assert np.array_equal(frames, np.stack([picture(i) for i in (0, 1, 2, 3, 4, 5, 4, 3, 2, 1)]))


def test_layouts():
    a, b = picture(0), picture(9)
    assert np.array_equal(layout.side_by_side([a, b]), np.hstack([a, b]))
    with pytest.raises(ValueError):
        layout.side_by_side([a, b[1:]])
    sheet = layout.grid([a, b, a], ["one", "two", "three"], columns=2)
    height = sheet.shape[0] // 2
    assert sheet.shape[1] == 256 and height > 96
    assert np.array_equal(sheet[:96, 128:], b) and np.array_equal(sheet[height : height + 96, :128], a)
    assert sheet[96:height, :128].min() < 120 and (sheet[height:, 128:] == layout.PAPER).all()


def test_a_clip_is_signed_last(tmp_path):
    for suffix in ("mp4", "webp"):
        found = provenance.verify(clip(3).save(tmp_path / f"out.{suffix}"))
        assert found["intact"] and found["synthetic"]
