"""Blinks, glances and tracks: rates, shapes, and the same at any frame rate and length."""

import numpy as np
import pytest
import torch

from styleinv.motion.eyes import LEAST_PAUSE, Blinks, Irises, glances
from styleinv.motion.tracks import Track, randomness, smooth, waves


def per_minute(rate: float) -> float:
    """Over 40 people of ten minutes each."""
    return float(np.mean([len(Blinks.drawn(seed, rate, 600).starts) / 10 for seed in range(40)]))


@pytest.mark.parametrize("rate, low, high", [(17, 14, 20), (25, 22, 28)])
def test_people_blink_as_often_as_people_do(rate, low, high):
    assert low < per_minute(rate) < high


def test_a_blink_closes_twice_as_fast_as_it_opens():
    blinks = Blinks(np.array([1.0]), np.array([0.32]))
    seconds = np.arange(0, 2, 0.001)
    closed = blinks(seconds)
    rises, falls = np.diff(closed) > 1e-9, np.diff(closed) < -1e-9
    assert closed.max() == 1 and 1.8 < falls.sum() / rises.sum() < 2.6
    assert not closed[seconds < 1].any() and not closed[seconds > 1.33].any()


def test_blinks_keep_apart_and_end_in_time():
    blinks = Blinks.drawn(3, 25, 300)
    assert (np.diff(blinks.starts) - blinks.lengths[:-1] >= LEAST_PAUSE).all()
    assert (blinks.starts + blinks.lengths <= 300).all() and (blinks.starts > 0.5).all()
    assert ((blinks.lengths >= 0.24) & (blinks.lengths <= 0.36)).all()


def test_no_blinks_in_no_time():
    assert not Blinks.drawn(3, 25, 0.1)(np.arange(5.0)).any()


@pytest.mark.parametrize("make", [lambda until: Blinks.drawn(5, 20, until), lambda until: glances(5, 0.5, until)])
def test_longer_clips_begin_alike_at_any_rate(make):
    seconds = np.arange(0, 20, 0.04)
    short, long = make(25.0)(seconds), make(600.0)(seconds)
    assert np.array_equal(short, long)
    assert np.array_equal(make(25.0)(seconds[::5]), short[::5])


def test_glances_return_to_the_camera():
    track = glances(1, 0.6, 120)
    aside, lasts = (track.values != 0).any(1), np.diff(track.starts)
    assert aside[::2].all() and not aside[1::2].any()
    assert ((lasts[1::2] >= 4) & (lasts[1::2] <= 9)).all() and (np.abs(track.values) <= 0.6).all()


def test_tracks_ease_from_value_to_value():
    track = Track(np.array([1.0, 2.0]), np.array([[1.0], [3.0]]), 0.5)
    assert track(np.array([0.5, 1.0, 1.25, 1.7, 2.25, 9.0])).ravel().tolist() == [0, 0, 0.5, 1, 2, 3]


def test_smooth_is_at_rest_at_its_ends():
    assert smooth(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [0, 0, 0.5, 1, 1]


def test_waves_begin_at_nothing_with_the_spread_that_is_said():
    seconds = np.arange(0, 4000, 0.1)
    sway = waves(randomness(2, 9), seconds, 3)
    assert not sway[0].any()
    assert np.allclose(sway.std(0), 1, atol=0.05)


def eyes() -> np.ndarray:
    """68 landmarks of which the eyes alone matter, in sides of the crop."""
    points = np.full((68, 2), 0.5, np.float32)
    for first, x in ((36, 0.4), (42, 0.6)):
        points[first : first + 6] = [(x - 0.05, 0.48), (x - 0.02, 0.46), (x + 0.02, 0.46), (x + 0.05, 0.48),
                                     (x + 0.02, 0.5), (x - 0.02, 0.5)]
    return points


def test_irises_move_and_lids_stay():
    irises = Irises(eyes())
    at = torch.tensor([[0.4, 0.48], [0.6, 0.48], [0.4, 0.44], [0.34, 0.48], [0.5, 0.48]])
    moved = irises.flow(at, (1.0, 0.0))
    assert torch.allclose(moved[:2], torch.tensor([[-0.015, 0.0]] * 2), atol=1e-6)     # 0.15 of a width of 0.1
    assert not moved[2:].any()
    assert torch.allclose(irises.flow(at[:1], (0.0, 1.0)), torch.tensor([[0.0, -0.015]]), atol=1e-6)


def test_no_place_is_passed_by_another():
    """The warp does not fold: along an eye, where things come from rises."""
    irises, x = Irises(eyes()), torch.linspace(0.3, 0.7, 2001)
    source = x + irises.flow(torch.stack([x, torch.full_like(x, 0.48)], 1), (1.0, 0.0))[:, 0]
    assert (source.diff() > 0).all()
