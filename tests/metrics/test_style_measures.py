"""Measures of styles in closed form, and their table."""

import numpy as np
import pytest

from styleinv.evaluation.styles import format_style_table
from styleinv.metrics.style import correlation, landmark_distance, opening_correlation


def test_measures_in_closed_form():
    points = np.random.default_rng(0).uniform(60, 200, (30, 68, 2))
    points[:, 36:42], points[:, 42:48] = (100, 100), (150, 100)                     # the eyes lie 50 px apart
    points[:, 36:48] += np.random.default_rng(1).normal(0, 0.01, (30, 12, 2))
    assert landmark_distance(points, points + np.array([3, 4])) == pytest.approx(0.1, rel=1e-3)
    assert opening_correlation(points, points) == pytest.approx({"mouth": 1, "eyes": 1})
    assert correlation(np.arange(5.0), -np.arange(5.0)) == pytest.approx(-1)
    assert correlation(np.ones(5), np.ones(5)) == 1 and correlation(np.arange(5.0), np.ones(5)) == 0


def test_the_table_marks_what_misses_its_target():
    table = format_style_table({"ink": {"landmarks": 0.07, "flicker": 1.1, "flicker_levels": 1.4}}).splitlines()
    assert [line.split(" | ")[1:] for line in table[2:]] == [
        ["0.070 (missed)", "<= 0.060 |"], ["1.10", "<= 1.20 |"], ["1.40", " |"]]
