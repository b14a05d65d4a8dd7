"""The verdict on an inversion: good, doubtful with a reason, or refused before any drawing."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from styleinv.errors import FaceError
from styleinv.face.verdict import DOUBTFUL, GOOD, REFUSED, Signs, judge, likeness_percent, signs

FINE = Signs(score=2.2, moved=0.05, distance=0.48, psnr=20.0, contrast=45.0, yaw=0.06)


def test_likeness_in_percent_rises_with_likeness():
    assert [likeness_percent(x) for x in (0, 0.3, 0.45, 0.6, 0.8, 1, 1.5)] == [100, 92, 76, 50, 25, 0, 0]


def test_a_good_one_needs_no_word():
    assert judge(FINE) == judge(FINE, faces=3) and (judge(FINE).level, judge(FINE).sentence) == (GOOD, "")


@pytest.mark.parametrize("sign, value, words", [
    ("contrast", 3.0, "hardly lit"), ("yaw", 0.4, "looks to the side"), ("score", 0.4, "not wholly in view"),
    ("moved", 0.2, "could not be drawn as it is"), ("distance", 0.7, "hardly this person"), ("psnr", 9.0, "colours"),
])
def test_one_fault_is_doubtful_and_gives_the_reason(sign, value, words):
    verdict = judge(FINE._replace(**{sign: value}))
    assert verdict.level == DOUBTFUL and words in verdict.sentence and "may resemble another person" in verdict.sentence
    assert "another of its" not in verdict.sentence
    assert "or another of its 3 faces" in judge(FINE._replace(**{sign: value}), faces=3).sentence


def test_another_person_is_refused():
    for distance, fault in ((0.75, {"moved": 0.3}), (0.75, {"score": -1.0}), (0.61, {"score": 0.5})):
        verdict = judge(FINE._replace(distance=distance, **fault))
        assert verdict.level == REFUSED and "may resemble" not in verdict.sentence
    assert judge(FINE._replace(distance=0.75)).level == DOUBTFUL
    assert judge(FINE._replace(distance=0.59, score=0.5)).level == DOUBTFUL


def spoiled(photo: np.ndarray, kind: str) -> np.ndarray:
    """The face of the sample photo covered, in its lower half, or as a negative."""
    image = photo.copy()
    if kind == "lower":
        image[400:] = 128
    else:
        image = 255 - image
    return image


def test_people_are_good_and_halves_are_not(pipe, sample_photo):
    inversion = pipe.invert(sample_photo, "fast")
    assert inversion.verdict.level == GOOD
    found = signs(inversion.crop, inversion.image, inversion.likeness)
    assert found.score > 1 and found.moved < 0.1 and found.psnr > 15 and found.yaw < 0.3
    for kind in ("lower", "negative"):
        with suppress(FaceError):
            assert pipe.invert(spoiled(sample_photo, kind), "fast").verdict.level != GOOD, kind


@pytest.mark.parametrize("name", ["lion.jpg", "groot.jpeg"])
def test_animals_and_things_are_no_people(pipe, name):
    folder = Path(pytest.importorskip("gradio").__file__).parent / "media_assets" / "images"
    if not (folder / name).is_file():
        pytest.skip("this version of Gradio has another picture")
    with suppress(FaceError):
        assert pipe.invert(folder / name, "fast").verdict.level == REFUSED


def test_what_is_no_face_is_refused_before_the_refining(pipe, monkeypatch):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8))
    crop = np.asarray(noise.resize((256, 256), Image.Resampling.BICUBIC))
    monkeypatch.setattr("styleinv.pipeline.refine", lambda *_, **__: pytest.fail("refined"))
    with pytest.raises(FaceError, match="use a sharp photo"):
        pipe.invert_crop(crop, "close", faces=1)
    assert pipe.invert_crop(crop, "fast").verdict.level == REFUSED


def test_refining_that_leads_away_is_not_kept(pipe, sample_faces, monkeypatch):
    crop = sample_faces[1]
    fast = pipe.invert_crop(crop, "fast")
    monkeypatch.setattr("styleinv.pipeline.refine", lambda *given, **_: (given[3] + 9, given[4]))
    close = pipe.invert_crop(crop, "close")
    assert close.likeness == fast.likeness and np.array_equal(close.image, fast.image)
