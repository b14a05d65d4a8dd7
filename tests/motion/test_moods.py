"""Named motions: what each lays over the learned motion."""

import numpy as np
import pytest

from styleinv.clip.recipe import SETTINGS
from styleinv.motion.moods import HELD, MOODS, NAMES, Laid

SECONDS = np.arange(0, 60, 0.04)
NAMED = [name for name, mood in MOODS.items() if mood]


def laid(name: str, seed: int = 1, seconds: np.ndarray = SECONDS, strength: float = 1.0) -> Laid:
    mood = MOODS[name]
    assert mood is not None
    return mood.at(seed, seconds, 60.0, np.full(len(seconds), strength))


def spread(name: str, measure: str) -> float:
    return float(np.median([laid(name, seed).amounts[:, NAMES.index(measure)].std() for seed in range(8)]))


def test_the_moods_of_a_clip_are_these():
    assert SETTINGS["mood"].choices == tuple(MOODS) and MOODS["learned"] is None


@pytest.mark.parametrize("name", NAMED)
def test_all_begin_at_the_photo_and_are_their_seeds(name):
    one, again, other = laid(name), laid(name), laid(name, seed=2)
    assert not one.amounts[0].any() and not one.closed[0] and not one.gaze[0].any() and not one.sway[0].any()
    assert np.array_equal(one.amounts, again.amounts) and np.array_equal(one.sway, again.sway)
    assert not np.array_equal(one.closed, other.closed) and not np.array_equal(one.gaze, other.gaze)


@pytest.mark.parametrize("name", NAMED)
def test_time_is_continuous_and_independent_of_the_rate(name):
    coarse, fine = laid(name), laid(name, seconds=np.arange(0, 60, 0.01))
    assert np.allclose(coarse.amounts, fine.amounts[::4]) and np.allclose(coarse.gaze, fine.gaze[::4])
    assert np.abs(np.diff(fine.amounts, axis=0)).max() < 0.2 and np.abs(np.diff(fine.sway, axis=0)).max() < 0.1


@pytest.mark.parametrize("mood, measure, least", [
    ("look-around", "turn", 0.25), ("nod", "nod", 0.08), ("smile", "smile", 0.15), ("talking", "mouth", 0.1),
])
def test_each_does_what_its_name_says_more_than_the_others(mood, measure, least):
    spreads = {name: spread(name, measure) for name in NAMED}
    assert spreads[mood] > least and max(spreads, key=lambda name: spreads[name]) == mood


def test_weaker_motion_still_blinks():
    weak = laid("talking", strength=0.5)
    assert np.allclose(weak.amounts[:, NAMES.index("mouth")], 0.5 * laid("talking").amounts[:, NAMES.index("mouth")])
    assert np.array_equal(weak.closed, laid("talking").closed) and weak.closed.max() > 0.9


@pytest.mark.parametrize("name", NAMED)
def test_seeds_hold_head_and_face_in_ways_of_their_own(name):
    means = np.array([laid(name, seed, SECONDS[:100]).amounts.mean(0) for seed in range(32)])      # of 4 s
    mood = MOODS[name]
    for measure, spread in HELD.items():
        assert means[:, NAMES.index(measure)].std() > 0.5 * mood.postures * spread
