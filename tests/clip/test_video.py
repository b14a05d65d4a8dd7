"""Clips render lazily, come back from their files as they went in, and leave nothing behind when they fail."""

import json
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from styleinv.clip import layout, provenance
from styleinv.clip.clip import Clip, Frames, looped, pingpong, read_recipe
from styleinv.clip.ffmpeg import read_frames, write_mp4
from styleinv.data.prepare import prepare_clips
from styleinv.errors import InputError

from .discs import RECIPE, Renderer, clip, picture, psnr


def test_frames_are_rendered_in_chunks_when_asked_for():
    render = Renderer()
    frames = Clip(render, 20, 25, {}).frames
    assert len(frames) == 20 and render.calls == []
    assert all(np.array_equal(frame, picture(i)) for i, frame in enumerate(frames))
    assert render.calls == [(0, 4), (4, 8), (8, 12), (12, 16), (16, 20)]
    assert np.array_equal(frames[-1], picture(19)) and len(render.calls) == 5
    assert np.array_equal(frames[3], picture(3)) and render.calls[5:] == [(0, 4)]


def test_what_was_rendered_last_is_there_for_slices_too():
    render = Renderer()
    frames = Clip(render, 20, 25, {}).frames
    for start in range(0, 20, 4):
        assert all(np.array_equal(frames[i], picture(i)) for i in range(start, start + 4))
        assert len(list(frames[start : start + 4])) == 4        # the app shows them while the file is written
    assert len(render.calls) == 5


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


def encoded(path, frames: int, *options: str) -> None:
    """A video of discs by ffmpeg, with its own options."""
    pixels = b"".join(picture(i).tobytes() for i in range(frames))
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "128x96", "-r", "25", "-i", "-"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *source, *options, str(path)],
                   input=pixels, check=True)


@pytest.mark.parametrize("kind", ["yuv420p10le", "yuv422p10le", "yuv444p12le", "gray10le", "gray", "yuva420p"])
def test_frames_have_8_bits_whatever_comes_in(tmp_path, kind):
    codec = "ffv1" if "12" in kind or "a" in kind[:4] else "libx264"
    plain = ("gray" if kind.startswith("gray") else "yuv444p" if "444" in kind
             else "yuv422p" if "422" in kind else "yuv420p")
    for name, pixels, coder in (("deep", kind, codec), ("plain", plain, "libx264")):
        quality = ["-c:v", coder, *(["-crf", "1"] if coder == "libx264" else [])]
        encoded(tmp_path / f"{name}.mkv", 5, "-vf", "scale=flags=accurate_rnd", "-pix_fmt", pixels, *quality)
    deep, same = (np.stack(list(read_frames(tmp_path / f"{name}.mkv", 25))) for name in ("deep", "plain"))
    assert deep.shape == same.shape == (5, 96, 128, 3) and deep.dtype == np.uint8
    assert np.abs(deep.astype(int) - same).mean() < 2


@pytest.mark.parametrize("curve", ["smpte2084", "arib-std-b67"])
def test_hdr_is_brought_to_a_screen(tmp_path, curve):
    to_hdr = f"zscale=tin=bt709:min=bt709:pin=bt709:rin=tv:t={curve}:m=bt2020nc:p=bt2020:npl=203,format=yuv420p10le"
    tags = ["-color_trc", curve, "-color_primaries", "bt2020", "-colorspace", "bt2020nc"]
    encoded(tmp_path / "hdr.mp4", 3, "-vf", f"scale=out_color_matrix=bt709:out_range=tv,format=yuv444p,{to_hdr}", *tags)
    frames = list(read_frames(tmp_path / "hdr.mp4", 25))
    assert len(frames) == 3 and np.abs(frames[0].astype(int) - picture(0)).mean() < 12


def test_a_batch_of_videos_goes_on_after_an_odd_one(tmp_path):
    (tmp_path / "set").mkdir()
    encoded(tmp_path / "set" / "deep.mp4", 3, "-pix_fmt", "yuv420p10le")
    (tmp_path / "set" / "text.mp4").write_text("no video")
    (tmp_path / "set" / "cut.mp4").write_bytes((tmp_path / "set" / "deep.mp4").read_bytes()[:900])
    report = prepare_clips(tmp_path / "set", tmp_path / "out")
    assert [name for name, _ in report.failed] == ["cut.mp4", "deep.mp4", "text.mp4"]       # no face is in deep.mp4
    assert "20 frames" in report.failed[1][1] and all(len(reason.splitlines()) == 1 for _, reason in report.failed)


def test_long_comments_and_odd_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    long = {"text": "ab=;#\\\n\"é " * 8000}                   # more than a system takes as one argument
    for name in ("a:b/c.mp4", "-x.mp4", "http:x.mp4"):
        Path(name).parent.mkdir(exist_ok=True)
        write_mp4(Path(name), map(picture, range(2)), 25, 30, json.dumps(long))
        assert read_recipe(name) == long and len(list(read_frames(name, 25))) == 2


def test_odd_sides_become_even(tmp_path):
    odd = Clip(lambda start, stop: np.stack([picture(i)[:95, :127] for i in range(start, stop)]), 3, 25, {})
    assert next(read_frames(odd.save(tmp_path / "odd.mp4"), 25)).shape == (96, 128, 3)


def test_progress(tmp_path):
    seen = []
    clip().save(tmp_path / "out.mp4", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(4, 20), (8, 20), (12, 20), (16, 20), (20, 20)]


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
        assert str(caught.value) == (
            f"{name} holds no recipe: choose a clip that StyleInV saved, or a recipe in a .json file.")
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
