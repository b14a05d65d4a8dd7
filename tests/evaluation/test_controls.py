"""How controls are measured, in closed form."""

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


def eyes(right: float) -> np.ndarray:
    """Two almonds whose irises lie so many pixels to the right, uint8 [100, 200, 3]."""
    image = Image.new("RGB", (200, 100), "white")
    for x in (50, 150):
        ImageDraw.Draw(image).ellipse([x - 6 + right, 44, x + 6 + right, 56], fill="black")
    return np.asarray(image)


def test_gazes_follow_the_irises():
    points = np.zeros((68, 2))
    for first, x in ((36, 50), (42, 150)):
        points[first : first + 6] = [(x - 20, 50), (x - 10, 42), (x + 10, 42), (x + 20, 50), (x + 10, 58), (x - 10, 58)]
    found = gazes([eyes(0), eyes(4)], points)
    assert found[1] - found[0] == pytest.approx([0.1, 0], abs=0.01)


@pytest.mark.parametrize("name", list(CONTROLS))
def test_each_control_has_one_number_at_each_value(name):
    points = np.tile(np.random.default_rng(0).uniform(20, 80, (1, 68, 2)), (9, 1, 1))
    own, asked = controls._own(name, [eyes(at) for at in range(9)], points, ASKED, -0.5)
    assert own.shape == asked.shape == (9,)


def test_the_table_marks_what_misses(monkeypatch):
    monkeypatch.setattr(controls, "tried", lambda pipe, person, name: tried(ASKED * (0.5 if name == "turn" else 1)))
    report = control_report(None, [1, 2])
    assert set(report) == set(CONTROLS) and report["smile"]["photos"] == 2 and report["smile"]["which"] == "brows"
    table = format_control_table(report)
    assert table.count("(missed)") == 1 and "0.50 (missed)" in table
