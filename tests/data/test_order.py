"""Files of a set: in natural order, and without what systems leave beside data."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from styleinv.data.names import natural_order
from styleinv.data.prepare import prepare_faces
from styleinv.data.splits import read_images
from styleinv.data.video_set import VideoSet
from styleinv.errors import InputError


def png(level: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (level,) * 3).save(file, "PNG")
    return file.getvalue()


def levels(frames) -> list[int]:
    return np.asarray(frames)[:, 0, 0, 0].tolist()


@pytest.fixture(params=["{}.png", "frame{}.png", "v2-{}a.png", "0{}.png"])
def frames(request) -> dict[str, bytes]:
    return {request.param.format(i): png(i) for i in range(1, 13)}


def test_natural_order():
    names = ["a1", "a2", "a10", "b", "b1.5", "b1.10"]
    assert sorted(reversed(names), key=natural_order) == names
    assert sorted(["²", "1", "x"], key=natural_order)           # a digit that is no number


def test_frames_of_folders_and_zips(frames, tmp_path):
    (tmp_path / "set" / "clip").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name, data in frames.items():
            (tmp_path / "set" / "clip" / name).write_bytes(data)
            archive.writestr(f"clip/{name}", data)
    for source in ("set", "set.zip"):
        assert levels(VideoSet(tmp_path / source, 8).read(0, list(range(12)))) == list(range(1, 13))
    assert levels(read_images(tmp_path / "set" / "clip", 8)) == list(range(1, 13))


def test_what_systems_leave_is_no_data(tmp_path):
    left = {"__MACOSX/._1.png": b"x", "._1.png": b"x", "clip/._1.png": b"x", ".hidden/1.png": b"x"}
    with zipfile.ZipFile(tmp_path / "mac.zip", "w") as archive:
        for name, data in ({"clip/1.png": png(1)} | left).items():
            archive.writestr(name, data)
            (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "set" / name).write_bytes(data)
    for source in ("set", "mac.zip"):
        assert VideoSet(tmp_path / source, 8).videos == [["clip/1.png"]]
    assert levels(read_images(tmp_path / "set" / "clip", 8)) == [1]
    (tmp_path / "set" / "clip" / "1.png").unlink()
    with pytest.raises(InputError, match="is empty"):
        prepare_faces(tmp_path / "set" / "clip", tmp_path / "out")


def test_whatever_one_file_raises_the_rest_is_done(tmp_path, monkeypatch):
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(png(1))
    monkeypatch.setattr("styleinv.data.prepare.load_photo", lambda path: 1 / 0)
    report = prepare_faces(tmp_path, tmp_path / "out")
    assert [name for name, _ in report.failed] == ["1.png", "2.png"]
    assert report.failed[0][1] == (
        "It could not be worked on (ZeroDivisionError: division by zero): leave it out, or report this.")
