"""Measures against values that are known in closed form."""

import numpy as np
import pytest

from styleinv.face import expression as fe
from styleinv.metrics import face_motion as fm
from styleinv.metrics.frechet import frechet_distance, gaussian_distance, kernel_distance, symmetric_root

FPS = 25


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def whitened(n: int, width: int) -> np.ndarray:
    """Samples [n, width] whose sample mean is exactly 0 and whose sample covariance is exactly the identity."""
    x = rng().standard_normal((n, width))
    x -= x.mean(0)
    return x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / (n - 1))).T


def test_frechet_of_two_known_gaussians():
    mean, cov = np.array([1.0, -2.0]), np.diag([4.0, 9.0])
    # |mean|^2 + sum over axes of (standard deviation - 1)^2
    assert gaussian_distance(np.zeros(2), np.eye(2), mean, cov) == pytest.approx(5 + 1 + 4, abs=1e-9)


def test_frechet_of_samples_is_the_closed_form():
    x = whitened(200, 3)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x * [2, 1, 0.5] + [3, 0, 0]) == pytest.approx(9 + 1 + 0.25, abs=1e-9)


def test_frechet_of_rotated_gaussians_that_do_not_commute():
    turn = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
    a, b = np.diag([4.0, 1.0]), turn @ np.diag([4.0, 1.0]) @ turn.T
    # for 2x2 matrices tr (AB)^(1/2) = sqrt(tr AB + 2 sqrt(det AB)); tr AB = 12.5, det AB = 16
    assert gaussian_distance(np.zeros(2), a, np.zeros(2), b) == pytest.approx(10 - 2 * np.sqrt(12.5 + 8), abs=1e-9)


def test_frechet_of_fewer_samples_than_features_is_finite_and_symmetric():
    a, b = rng().standard_normal((8, 40)), rng().standard_normal((9, 40)) + 1
    assert np.isfinite(frechet_distance(a, b))
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-6)


def test_symmetric_root_squares_back():
    x = rng().standard_normal((5, 5))
    np.testing.assert_allclose(symmetric_root(x @ x.T) @ symmetric_root(x @ x.T), x @ x.T, atol=1e-9)


def test_kernel_distance_of_hand_computed_sets():
    a, b = np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])
    # pairs within a: k = 1; within b: (2*3 + 1)^3 = 343; across: 1, 1, 27, 64
    assert kernel_distance(a, b) == pytest.approx(1 + 343 - 2 * (1 + 1 + 27 + 64) / 4)


def test_kernel_distance_tells_one_distribution_from_two():
    x = rng().standard_normal((400, 4))
    assert abs(kernel_distance(x[:200], x[200:])) < 0.1
    assert kernel_distance(x[:200], x[200:] + 1) > 1


def face(yaw: float = 0.0, mouth: float = 0.0, eyes: float = 0.3, shift: tuple[float, float] = (0, 0)) -> np.ndarray:
    """Landmarks [68, 2] of a drawn face, eyes 60 px apart: yaw in degrees, mouth in inter-ocular distances."""
    points = np.full((68, 2), (128.0, 128.0))
    turn = np.cos(np.radians(yaw))
    for first, x in ((36, 98.0), (42, 158.0)):
        x = 128 + (x - 128) * turn
        half, lid = 10 * turn, 10 * turn * eyes
        points[first : first + 6] = [
            (x - half, 110), (x - 4, 110 - lid), (x + 4, 110 - lid), (x + half, 110), (x + 4, 110 + lid),
            (x - 4, 110 + lid)
        ]
    drop, depth = 60 * fe.NOSE_DROP, 60 * fe.NOSE_DEPTH
    points[30:36] = (128 + depth * np.sin(np.radians(yaw)), 110 + drop)
    points[60:68] = (128, 170)
    points[61:64, 1] -= 30 * mouth
    points[65:68, 1] += 30 * mouth
    return points + shift


def test_signals_of_a_drawn_face():
    clip = np.stack([face(), face(yaw=20), face(yaw=-20), face(mouth=0.3), face(eyes=0.1)])
    signals = fm.face_signals(clip)
    np.testing.assert_allclose(signals.yaw, [0, 20, -20, 0, 0], atol=1e-6)
    np.testing.assert_allclose(signals.pitch, 0, atol=1e-6)
    np.testing.assert_allclose(signals.roll, 0, atol=1e-6)
    np.testing.assert_allclose(signals.mouth, [0, 0, 0, 0.3, 0], atol=1e-6)
    np.testing.assert_allclose(signals.eyes[[0, 4]], [0.3, 0.1], atol=1e-6)


def test_signals_do_not_depend_on_place_size_or_roll():
    angle = np.radians(15)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    clip = face(yaw=10, mouth=0.2)[None]
    a, b = fm.face_signals(clip), fm.face_signals(clip @ turn * 3 + 50)
    assert b.roll[0] == pytest.approx(15)
    for name in fm.SIGNALS:
        assert getattr(a, name)[0] == pytest.approx(getattr(b, name)[0], abs=1e-6), name


def test_nodding_down_raises_pitch():
    down = face()
    down[30:36, 1] += 3                                     # a twentieth of the distance of the eyes
    assert fm.face_signals(down[None]).pitch[0] == pytest.approx(np.degrees(0.05 / fe.NOSE_DEPTH))


def nods(seconds: float = 4, hertz: float = 1, degrees: float = 10) -> np.ndarray:
    """A head turning to and fro, [T, 68, 2]."""
    time = np.arange(round(seconds * FPS)) / FPS
    return np.stack([face(yaw=degrees * np.sin(2 * np.pi * hertz * t)) for t in time])


def black(frames: int) -> np.ndarray:
    return np.zeros((frames, 8, 8, 3), np.uint8)


def test_motion_of_a_swing():
    stats = fm.motion_stats(black(100), nods(), FPS)
    assert stats.spread["yaw"] == pytest.approx(10 / np.sqrt(2), rel=0.05)
    assert stats.speed["yaw"] == pytest.approx(4 * 10, rel=0.08)        # four amplitudes a period
    assert stats.spread["mouth"] < 1e-6 and stats.flicker == stats.pumping == stats.blinks == 0


def test_a_still_clip_has_no_motion():
    stats = fm.motion_stats(black(20), np.repeat(face()[None], 20, 0), FPS)
    assert max(stats.spread.values()) < 1e-9 and max(stats.speed.values()) < 1e-9
    assert stats.jerk < 1e-3 and stats.jump == stats.torn == 0


def test_jerk_of_a_sine_is_its_squared_frequency():
    time = np.arange(500) / FPS
    points = np.sin(2 * np.pi * 1.5 * time)[:, None, None] * np.ones((1, 68, 2))
    assert fm.jerk(points, FPS) == pytest.approx((2 * np.pi * 1.5) ** 2, rel=0.03)


def test_trembling_raises_jerk():
    trembling = nods() + rng().normal(0, 0.5, (100, 68, 2))
    assert fm.jerk(trembling, FPS) > 5 * fm.jerk(nods(), FPS)


def test_a_torn_frame_jumps_and_an_opening_mouth_does_not():
    clip = np.stack([face(mouth=m) for m in (0, 0.3, 0, 0.3, 0)])
    assert fm.jumps(clip).max() == 0
    clip[2] += (0, 30)
    np.testing.assert_allclose(fm.jumps(clip), [0, 0.5, 0.5, 0])
    stats = fm.motion_stats(black(5), clip, FPS)
    assert stats.torn == 2 and stats.jump == pytest.approx(0.5)


def test_blinks_are_counted_once_each():
    eyes = np.full(100, 0.3)
    eyes[20:24] = eyes[60:65] = 0.1
    assert fm.count_blinks(eyes) == 2
    assert fm.count_blinks(np.full(100, 0.3)) == 0


def test_smoothing_keeps_constants_and_lowers_noise():
    np.testing.assert_allclose(fm.smoothed(np.full((10, 2), 3.0), FPS), 3)
    noise = rng().standard_normal((2000, 1))
    assert fm.smoothed(noise, FPS).std() == pytest.approx((2 * np.sqrt(np.pi)) ** -0.5, rel=0.05)


def test_relative_flicker_forgives_contrast_and_not_what_jumps_back():
    ramp = np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    noise = np.random.default_rng(0).integers(100, 104, (60, 16, 16, 3), np.uint8)
    assert fm.relative_flicker(10 * ramp) == 0
    assert fm.relative_flicker(ramp % 2) == pytest.approx(1)
    assert fm.relative_flicker(noise) == pytest.approx(0.87, abs=0.05)
    assert fm.relative_flicker(20 * (noise - 100)) == pytest.approx(fm.relative_flicker(noise), rel=1e-3)


def test_flicker_counts_deviation_from_neighbours_only():
    ramp = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    assert fm.flicker(ramp) == 0
    ramp[5] += 6
    assert fm.flicker(ramp) == pytest.approx((6 + 3 + 3) / 8)


def test_pumping_sees_fast_changes_of_colour_only():
    frames = np.full((100, 8, 8, 3), 100, np.uint8)
    pulsing = frames + 10 * (np.arange(100) % 2).astype(np.uint8)[:, None, None, None]
    slow = frames + np.linspace(0, 50, 100).astype(np.uint8)[:, None, None, None]
    assert fm.colour_pumping(pulsing, FPS) == pytest.approx(5, rel=0.05)
    assert fm.colour_pumping(slow, FPS) < 1


def test_motion_features_tell_still_from_moving():
    moving, faster = fm.motion_features(nods()), fm.motion_features(nods(hertz=2))
    still = fm.motion_features(np.repeat(face()[None], 100, 0))
    assert moving.shape == still.shape == (5, 12) and fm.motion_features(nods(0.4)).shape == (0, 12)
    assert frechet_distance(moving, still) > frechet_distance(moving, moving)
    assert frechet_distance(moving, faster) > 0.1
