"""Folders become training sets: faces aligned, clips steady, and a bad file stops nothing."""

import json

import numpy as np
import pytest
from PIL import Image

from styleinv.clip.ffmpeg import read_frames, write_mp4
from styleinv.data import prepare
from styleinv.data.smoothing import smooth
from styleinv.data.track import longest_track
from styleinv.errors import InputError
from styleinv.face.detection import find_faces

NO_FACE = "No face was found: use a photo that shows a whole face from the front, in good light."
NO_TRACK = "No face is seen for 20 frames on end: use a video of one person facing the camera."


def moving(aligned: np.ndarray, frames: int) -> list[np.ndarray]:
    """The face at 160 px wanders to the right over grey, two pixels a frame."""
    small = np.asarray(Image.fromarray(aligned).resize((160, 160), Image.Resampling.LANCZOS))
    canvas = np.full((240, 320, 3), 128, np.uint8)
    pictures = [canvas.copy() for _ in range(frames)]
    for number, picture in enumerate(pictures):
        picture[40:200, 40 + 2 * number : 200 + 2 * number] = small
    return pictures


def test_faces(tmp_path, sample_photo, sample_faces):
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    Image.fromarray(sample_photo).save(source / "b.png")
    Image.fromarray(sample_photo).save(source / "b.jpg")
    (source / "a.jpg").write_bytes(b"no image")
    Image.new("RGB", (128, 128), "grey").save(source / "c.png")
    seen = []
    report = prepare.prepare_faces(source, target, progress=lambda done, total: seen.append((done, total)))
    assert report.done == 2 and seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert report.failed == [
        ("a.jpg", "a.jpg is not an image that can be read: use a JPEG, PNG or WebP photo."), ("c.png", NO_FACE),
    ]
    assert sorted(file.name for file in target.iterdir()) == ["b.jpg.jpg", "b.png.jpg"]
    crop = np.asarray(Image.open(target / "b.png.jpg"))
    own = np.asarray(Image.fromarray(sample_faces[0]).resize((256, 256), Image.Resampling.LANCZOS))
    assert crop.shape == (256, 256, 3) and np.abs(crop.astype(int) - own)[64:192, 64:192].mean() < 12


def test_clips(tmp_path, sample_faces):
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    write_mp4(source / "walk.mp4", moving(sample_faces[0], 24), 25, 16)
    write_mp4(source / "short.mp4", moving(sample_faces[0], 6), 25, 16)
    (source / "bad.mp4").write_bytes(b"no video")
    report = prepare.prepare_clips(source, target, size=128)
    assert report.done == 1 and report.failed == [
        ("bad.mp4", "bad.mp4 is not a video that can be read: use an mp4, mov or webm file."), ("short.mp4", NO_TRACK),
    ]
    frames = np.stack(list(read_frames(target / "walk.mp4", 25))).astype(int)
    assert frames.shape == (24, 128, 128, 3)
    assert np.abs(np.diff(frames, axis=0))[:, 32:96, 32:96].mean() < 5      # the walk is gone, the face stands still
    told = json.loads((target / "walk.json").read_text())
    assert told["frames"] == 24 and told["fps"] == 25 and told["file"] == "walk.mp4"
    assert told["crop_px"] == pytest.approx(160, rel=0.08)
    steps = np.diff(np.array(told["centre"]) * told["crop_px"], axis=0)
    assert np.allclose(steps[6:-6].mean(0), [2, 0], atol=0.25)


def test_a_track_ends_where_the_face_goes(sample_faces):
    walk, empty = moving(sample_faces[0], 12), [np.full((240, 320, 3), 128, np.uint8)] * 9
    start, landmarks = longest_track(walk[:5] + empty + walk)
    assert start == 14 and landmarks.shape == (12, 68, 2)
    start, landmarks = longest_track(walk + empty)
    assert start == 0 and len(landmarks) == 12
    assert longest_track(empty)[1].shape == (0, 68, 2)


def test_a_track_bridges_a_short_gap(sample_faces):
    walk = moving(sample_faces[0], 14)
    for picture in walk[6:8]:
        picture[:] = 128
    start, landmarks = longest_track(walk)
    assert start == 0 and len(landmarks) == 14


def test_smooth():
    assert np.allclose(smooth(np.full((9, 2), 3.0), 2.0), 3)
    spike = np.zeros(41)
    spike[20] = 1
    smoothed = smooth(spike, 2.0)
    assert smoothed[20] == pytest.approx(1 / (2 * np.sqrt(2 * np.pi)), rel=1e-3)
    assert smoothed[22] / smoothed[20] == pytest.approx(np.exp(-0.5))


def test_what_was_taken_out():
    points = np.zeros((68, 2))
    points[36:42], points[42:48], points[48], points[54] = (100, 120), (156, 120), (108, 180), (148, 180)
    turn = np.array([[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]])
    told = prepare.taken_out(np.stack([points, points, points @ turn.T * 1.5]))
    assert told["frames"] == 3 and told["crop_px"] == 224
    assert told["roll_deg"] == [0, 0, 5.73] and told["scale"] == [1, 1, 1.5]
    assert told["centre"][0] == [round(128 / 224, 4), round(126 / 224, 4)]


def test_bad_folders(tmp_path):
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    full.mkdir()
    (full / "a.jpg").touch()
    for source, target, sentence in (
        (tmp_path / "none", "out", f"The folder {tmp_path / 'none'} was not found: check the path."),
        (empty, "out", f"The folder {empty} is empty: put the files to prepare into it."),
        (full, "full/a.jpg", f"The folder {full / 'a.jpg'} cannot be made: choose another one."),
        (full, "full", "Source and target are one folder: choose another target, or the originals would be lost."),
    ):
        with pytest.raises(InputError) as caught:
            prepare.prepare_faces(source, tmp_path / target)
        assert str(caught.value) == sentence


def test_tracks_agree_with_detection(sample_faces):
    walk = moving(sample_faces[0], 8)
    _, landmarks = longest_track(walk)
    detected = find_faces(walk[-1])[0].landmarks
    assert np.hypot(*(landmarks[-1] - detected).T).mean() < 2
