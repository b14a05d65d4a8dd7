"""Data sets of images and videos: folders, zips and files, balance, and what is refused."""

import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from styleinv.clip.ffmpeg import read_frames, write_mp4
from styleinv.data.video_set import VideoSet
from styleinv.errors import InputError


def test_frames_of_folders_zips_and_images(images, videos, tmp_path):
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        for path in sorted(videos.rglob("*.png")):
            archive.write(path, path.relative_to(videos).as_posix())
    folder, packed = VideoSet(videos, 16), VideoSet(tmp_path / "v.zip", 16)
    assert folder.lengths.tolist() == packed.lengths.tolist() == [16] * 4
    assert (torch.equal(folder.read(2, [0, 5]), packed.read(2, [0, 5]))
            and folder.read(2, [0, 5]).shape == (2, 16, 16, 3))
    assert VideoSet(videos, 8).read(0, [3]).shape == (1, 8, 8, 3)
    assert len(VideoSet(images, 16).videos) == 1 and len(VideoSet(images, 16, clips=False).videos) == 24
    assert len(VideoSet(images, 16, clips=False, without={"03", "04"}).videos) == 22
    assert len(VideoSet(videos, 16, clips=False).videos) == 4             # folders stay videos, so that balance works


def test_frames_of_video_files(tmp_path):
    write_mp4(tmp_path / "a.mp4", [np.full((32, 48, 3), 12 * i, np.uint8) for i in range(10)], 25, 16)
    frames = VideoSet(tmp_path, 16)
    assert frames.lengths.tolist() == [10]
    assert frames.read(0, [9]).float().mean() == pytest.approx(108, abs=4)


def test_a_video_that_is_not_kept_is_decoded_once_a_call(tmp_path, monkeypatch):
    write_mp4(tmp_path / "a.mp4", [np.full((32, 48, 3), 12 * i, np.uint8) for i in range(10)], 25, 16)
    kept, calls = VideoSet(tmp_path, 16).read(0, [1, 7, 9]), []
    monkeypatch.setattr("styleinv.data.video_set.KEPT", 0)
    monkeypatch.setattr("styleinv.data.video_set.read_frames", lambda *args: calls.append(args) or read_frames(*args))
    assert torch.equal(VideoSet(tmp_path, 16).read(0, [1, 7, 9]), kept) and len(calls) == 1


def test_long_videos_do_not_dominate_unless_asked_to(tmp_path):
    for name, count in (("long", 90), ("short", 10)):
        (tmp_path / name).mkdir()
        for i in range(count):
            Image.new("RGB", (4, 4)).save(tmp_path / name / f"{i:03}.png")
    frames = VideoSet(tmp_path, 4)
    def share(balance):
        return np.mean([video for video, _ in frames.draw_images(2000, balance)])
    assert share(True) == pytest.approx(0.5, abs=0.05) and share(False) == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("make", [
    lambda p: p / "none", lambda p: p, lambda p: (p / "x.zip").write_bytes(b"no") and p / "x.zip",
])
def test_bad_data_ends_in_one_sentence(make, tmp_path):
    with pytest.raises(InputError):
        VideoSet(make(tmp_path), 16)


def test_too_short_videos_are_counted(videos):
    with pytest.raises(InputError, match="17 frames"):
        VideoSet(videos, 16, shortest=17)
    assert VideoSet(videos, 16, shortest=16).dropped == 0
