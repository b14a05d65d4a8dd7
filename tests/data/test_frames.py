"""Video files as rows of frames: the same from memory and from the file, at their own rate and at another, damaged ones
named.
"""

import subprocess
import zipfile
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import torch

from styleinv.clip.ffmpeg import read_frames, write_mp4
from styleinv.data import video_set as module
from styleinv.data.video_set import VideoSet
from styleinv.errors import InputError


def film(path: Path, count: int, fps: float = 25) -> Path:
    """A video of noise, so that no two frames are alike."""
    write_mp4(path, np.random.default_rng(count).integers(0, 256, (count, 32, 48, 3), np.uint8), fps, 16)
    return path


@pytest.fixture
def decoded(monkeypatch) -> list[int]:
    """Frames that each decoding of a video file gave."""
    counts = []

    def counted(path, fps):
        counts.append(0)
        for frame in read_frames(path, fps):
            counts[-1] += 1
            yield frame

    monkeypatch.setattr(module, "read_frames", counted)
    return counts


def test_a_file_beyond_memory_gives_the_same_frames_from_the_part_that_is_needed(tmp_path, monkeypatch, decoded):
    for count in (20, 30):
        film(tmp_path / f"{count}.mp4", count)
    kept = VideoSet(tmp_path, 16)
    assert kept.lengths.tolist() == [20, 30] and len(decoded) == 2
    whole = kept.read(1, list(range(30)))
    assert len(decoded) == 2                                                # from memory
    monkeypatch.setattr(module, "KEPT", 25 * 16 * 16 * 3)                   # the first file alone
    few = VideoSet(tmp_path, 16)
    assert few.lengths.tolist() == [20, 30] and few.lengths.tolist() == [20, 30] and decoded[2:] == [20, 30]
    assert torch.equal(few.read(0, [19, 3]), kept.read(0, [19, 3])) and len(decoded) == 4
    assert torch.equal(few.read(1, [12, 5, 12]), whole[[12, 5, 12]]) and decoded[4:] == [13]
    assert all(not torch.equal(a, b) for a, b in pairwise(whole))


def test_images_of_one_file_are_decoded_together(tmp_path, monkeypatch, decoded):
    for count in (10, 12):
        film(tmp_path / f"{count}.mp4", count)
    places = [(1, 3), (0, 9), (1, 0), (1, 3)]
    frames = VideoSet(tmp_path, 16)
    frames.lengths
    expected = frames.images(places)
    monkeypatch.setattr(module, "KEPT", 0)
    assert torch.equal(VideoSet(tmp_path, 16).images(places), expected) and decoded[2:] == [4, 10]


@pytest.mark.parametrize("fps, length", [(None, 18), (25, 15), (60, 36)])
def test_videos_at_their_own_rate_and_at_another(fps, length, tmp_path):
    film(tmp_path / "a.mp4", 18, fps=30)
    assert VideoSet(tmp_path, 16, fps=fps).lengths.tolist() == [length]


def test_a_video_whose_rate_changes_gives_each_of_its_frames(tmp_path):
    film(tmp_path / "even.mp4", 12)
    path = tmp_path / "uneven" / "a.mkv"
    path.parent.mkdir()
    late = "select=not(eq(n\\,3)+eq(n\\,4)+eq(n\\,8))"                         # 9 frames, some twice as far apart
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", tmp_path / "even.mp4", "-vf", late,
               "-fps_mode", "vfr", path]
    subprocess.run(command, check=True)
    assert VideoSet(path.parent, 16, fps=None).lengths.tolist() == [9]
    assert VideoSet(path.parent, 16, fps=25).lengths.tolist() == [12]


@pytest.mark.parametrize("data", [b"", b"no video", bytes(9999), "cut"])
def test_a_damaged_video_is_named(data, tmp_path):
    whole = film(tmp_path / "a.mp4", 12).read_bytes()
    (tmp_path / "a.mp4").write_bytes(whole[:800] if data == "cut" else data)
    with pytest.raises(InputError, match="a.mp4"):
        VideoSet(tmp_path, 16).lengths


def test_a_zip_of_videos_says_what_to_do(tmp_path):
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        archive.write(film(tmp_path / "a.mp4", 3), "a.mp4")
    with pytest.raises(InputError, match="unpack"):
        VideoSet(tmp_path / "v.zip", 16)


def test_a_damaged_image_of_a_zip_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        archive.writestr("a.png", bytes(100))
    packed = (tmp_path / "v.zip").read_bytes()
    (tmp_path / "v.zip").write_bytes(packed.replace(bytes(100), bytes(99) + b"x"))              # its sum is another
    with pytest.raises(InputError, match="a.png"):
        VideoSet(tmp_path / "v.zip", 16).read(0, [0])
