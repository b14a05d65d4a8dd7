"""Motion from a video: what is read, what is refused, and that another face follows it."""

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from styleinv import InputError
from styleinv.clip.ffmpeg import write_mp4
from styleinv.face.expression import SPANS, expression
from styleinv.face.landmarks import landmarks_of_crops
from styleinv.motion.driver import Driver, _cuts, driver, read_driver

NAMES = list(SPANS)


def face(yaw: float = 0.0, x: float = 300.0, scale: float = 1.0) -> np.ndarray:
    """Landmarks [68, 2] of a plain face, eyes 60 px apart, that turns and moves."""
    points = np.zeros((68, 2))
    points[:17] = [(60 * np.cos(a), 60 * np.sin(a)) for a in np.linspace(np.pi, 0, 17)]
    points[17:27] = [(8 * i - 36, -45) for i in range(10)]
    points[27:36] = [(30 * np.sin(np.radians(yaw)), 20)] * 9
    for first, centre in ((36, -30), (42, 30)):
        points[first : first + 6] = [(centre - 10, -20), (centre - 4, -24), (centre + 4, -24), (centre + 10, -20),
                                     (centre + 4, -16), (centre - 4, -16)]
    points[48:60] = [(20 * np.cos(a), 45 + 6 * np.sin(a)) for a in np.linspace(np.pi, 3 * np.pi, 12, endpoint=False)]
    points[60:68] = [(12 * np.cos(a), 45 + 2 * np.sin(a)) for a in np.linspace(np.pi, 3 * np.pi, 8, endpoint=False)]
    return scale * points + (x, 300)


def moving() -> Driver:
    return driver(np.stack([face(10 * np.sin(t / 5), 300 + t) for t in range(40)]), 25)


def test_a_turn_is_read_and_the_place_in_the_picture_is_not():
    found = moving()
    assert np.corrcoef(found.changes[:, NAMES.index("turn")], np.sin(np.arange(40) / 5))[0, 1] > 0.99
    still = driver(np.stack([face(0, 300 + t, 1 + t / 200) for t in range(40)]), 25)
    assert np.abs(still.moves).max() < 0.02 and not still.lean[0].any() and 0.04 < np.abs(still.lean).max() < 0.091


def test_a_cut_is_found():
    assert _cuts(np.stack([face(0, 300)] * 3 + [face(0, 360)] * 3)).tolist() == [2]
    assert not len(_cuts(np.stack([face(0, 300 + 5 * t) for t in range(9)])))


def test_after_the_last_frame_it_holds_still():
    moves, changes, lean = moving().at(np.array([39, 40, 999]))
    assert all((x == x[0]).all() for x in (moves, changes, lean))


def test_a_recipe_keeps_the_motion():
    found = moving()
    again = Driver.unpacked(json.loads(json.dumps(found.packed())))
    assert np.array_equal(again.landmarks, found.landmarks) and np.array_equal(again.lean, found.lean)
    assert again.fps == found.fps


@pytest.mark.parametrize("change", [{"lean": ""}, {"landmarks": "#"}, {"fps": 0}, {"fps": None}])
def test_a_damaged_recipe(change):
    with pytest.raises(InputError, match="The recipe holds no motion that fits"):
        Driver.unpacked(moving().packed() | change)


@pytest.fixture(scope="module")
def portrait(pipe) -> np.ndarray:
    """A person on grey, uint8 [320, 320, 3]."""
    frame = np.full((320, 320, 3), 128, np.uint8)
    frame[32:288, 32:288] = pipe.sample_face(5).image
    return frame


def video(folder: Path, frames: list[np.ndarray], fps: float) -> Path:
    write_mp4(folder / "video.mp4", iter(frames), fps, 18)
    return folder / "video.mp4"


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_driver(path)
    return str(caught.value)


def test_videos_that_show_nobody(tmp_path):
    blank = [np.full((240, 320, 3), 90, np.uint8)] * 12
    assert refusal(video(tmp_path, blank, 10)) == (
        "No face is seen in video.mp4: use a video of one person who faces the camera.")


def test_videos_that_are_none(tmp_path):
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(8000))
    (tmp_path / "notes.mp4").write_text("no video")
    for name in ("sound.wav", "notes.mp4", "missing.mp4"):
        assert refusal(tmp_path / name) == f"{name} is not a video that can be read: use an mp4, mov or webm file."


def test_videos_of_two_people(tmp_path, portrait):
    assert refusal(video(tmp_path, [np.concatenate([portrait, portrait], axis=1)] * 6, 10)) == (
        "video.mp4 shows 2 faces: cut it to the one that is meant.")


def test_videos_that_are_too_long(tmp_path, portrait):
    assert refusal(video(tmp_path, [portrait] * 33, 1)) == (
        "video.mp4 is longer than 30 seconds: cut it to the part that is meant.")


def test_videos_that_lose_the_face(tmp_path, portrait):
    assert refusal(video(tmp_path, [portrait] * 8 + [np.full_like(portrait, 60)] * 20, 10)).startswith(
        "The face in video.mp4 is not seen all the time (second")


def test_another_face_follows(pipe, tmp_path):
    """The real bundle: a sample looks around in a video; another one does the same."""
    seen = pipe.animate(pipe.sample_face(5), seconds=1.4, fps=8, seed=3, mood="look-around", size=256).frames
    frames = [np.pad(frame, ((40, 40), (64, 64), (0, 0)), mode="edge") for frame in seen]
    found = read_driver(video(tmp_path, frames, 8))
    clip = pipe.reenact(pipe.sample_face(2), found, size=256)
    assert len(clip.frames) == len(frames) and clip.fps == 8
    wanted, done = (expression(landmarks_of_crops(images))[:, NAMES.index("turn")] for images in (
        np.stack(list(seen)), np.stack(list(clip.frames))))
    assert np.corrcoef(wanted, done)[0, 1] > 0.8
    again = pipe.render(json.loads(json.dumps(clip.recipe)))
    assert np.array_equal(again.frames[9], clip.frames[9])
