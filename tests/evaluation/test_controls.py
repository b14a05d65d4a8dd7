"""How controls are measured, in closed form."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from styleinv.evaluation import controls
from styleinv.evaluation.controls import SHARES, Tried, control_report, format_control_table, gazes
from styleinv.motion.controls import CONTROLS

ASKED = 0.8 * np.array(SHARES)


def tried(own: np.ndarray, spill: float = 0.1) -> Tried:
    return Tried(own, ASKED, np.outer(ASKED, [spill, -2 * spill]), ("mouth", "brows"), 0.1, 0.2)


def test_a_control_that_does_what_was_asked():
    found = tried(ASKED)
    assert found.monotonic and found.answer == pytest.approx(1)
    assert found.spill == pytest.approx([0.1, 0.2])


def test_one_that_goes_back_and_one_that_goes_the_other_way():
    back = ASKED.copy()
    back[6] = back[5] - 0.1
    assert not tried(back).monotonic
    assert not tried(-ASKED).monotonic and tried(-ASKED).answer == pytest.approx(-1)
    assert tried(0.5 * ASKED).answer == pytest.approx(0.5)


def eyes(right: float, down: float = 0.0) -> np.ndarray:
    """Two almonds with dark upper lids that stay, whose irises lie so many pixels elsewhere, uint8 [100, 200, 3]."""
    image = Image.new("RGB", (800, 400), "peru")
    for x in (200, 600):
        almond, mask = [(x - 80, 200), (x - 40, 164), (x + 40, 164), (x + 80, 200), (x + 40, 236), (x - 40, 236)], (
            Image.new("L", image.size))
        ImageDraw.Draw(mask).polygon(almond, fill=255)
        ball = Image.new("RGB", image.size, "white")
        centre = x + 4 * right, 200 + 4 * down
        for radius, colour in ((36, "steelblue"), (16, "black")):
            ImageDraw.Draw(ball).circle(centre, radius, fill=colour)
        image.paste(ball, mask=mask)
        ImageDraw.Draw(image).line(almond[:4], fill="black", width=8)
    return np.asarray(image.resize((200, 100), Image.Resampling.BOX))


@pytest.mark.parametrize("right, down", [(4, 0), (-3, 0), (0, 2), (2, -2)])
def test_gazes_follow_the_irises_and_no_lashes(right, down):
    points = np.zeros((68, 2))
    for first, x in ((36, 50), (42, 150)):
        points[first : first + 6] = [(x - 20, 50), (x - 10, 41), (x + 10, 41), (x + 20, 50), (x + 10, 59), (x - 10, 59)]
    found = gazes([eyes(-right, -down), eyes(0), eyes(right, down)], points)
    assert (found[2] - found[0]) / 2 == pytest.approx([right / 40, down / 40], abs=0.012)


def test_a_wink_is_seen_as_if_both_eyes_did_it(monkeypatch):
    monkeypatch.setattr(controls, "steady_landmarks", lambda picture: np.full((68, 2), picture[0, :, 0].mean()))
    monkeypatch.setattr(controls, "eye_opening", lambda points: points[:, 0, 0])
    points = np.zeros((68, 2))
    points[36:42, 0], points[42:48, 0] = 30, 70
    picture = np.zeros((2, 100, 3), np.uint8)
    picture[:, 51:] = 200
    left, right = (controls.openings([picture], points, eye)[0] for eye in controls.EYES.values())
    assert left == 0 and right == pytest.approx(200, abs=3)


@pytest.mark.parametrize("name", list(CONTROLS))
def test_each_control_has_one_number_at_each_value(name):
    points = np.tile(np.random.default_rng(0).uniform(20, 80, (1, 68, 2)), (9, 1, 1))
    points[:, 36:48:3, 1] = 50          # eyes have a width
    face = SimpleNamespace(lowering=-0.5, opened=0.2)
    own, asked = controls._own(name, [eyes(at) for at in range(9)], points, ASKED, face)
    assert own.shape == asked.shape == (9,)
    assert (asked.min() == -0.2) == (name == "mouth")       # which is shut no further


def test_what_cannot_be_asked_has_no_spill():
    one = replace(tried(ASKED.clip(min=0)), asked=ASKED.clip(min=0))
    assert np.isfinite(one.spill).all() and one.answer == pytest.approx(1)


def test_the_table_marks_what_misses(monkeypatch):
    monkeypatch.setattr(controls, "tried", lambda pipe, person, name: tried(ASKED * (0.5 if name == "turn" else 1)))
    report = control_report(None, [1, 2])
    assert set(report) == set(CONTROLS) and report["smile"]["photos"] == 2 and report["smile"]["which"] == "brows"
    table = format_control_table(report)
    assert table.count("(missed)") == 1 and "0.50 (missed)" in table
