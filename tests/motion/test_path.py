"""Moments of a clip: the seamless loop, moods over the learned motion, and what depends on the seed."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from styleinv.clip.recipe import Recipe
from styleinv.motion.expression import FARTHEST, NAMES, bounded
from styleinv.motion.moods import MOODS
from styleinv.motion.path import ASLEEP, NARROWED, OPEN, RELAX, WIDEST, Path
from styleinv.motion.sway import SIDE, Sway, halves


def latents(pipe, seconds: float, **settings) -> torch.Tensor:
    """w_t of all frames."""
    clip = pipe.animate(pipe.sample_face(1), seconds=seconds, **{"seed": 3, "mood": "learned"} | settings)
    path, blocks = clip.frames._render.path, range(-(-len(clip.frames) // 8))
    moments = [moment.ws[:, 0] for block in blocks for moment in path.moments(block)]
    return torch.cat(moments)[: len(clip.frames)]


@pytest.mark.parametrize("seconds", [2, 4, 10])
@pytest.mark.parametrize("settings", [{}, {"fps": 10}, {"speed": 0.5}])
def test_a_seamless_loop_ends_where_it_begins(tiny, seconds, settings):
    plain, looped = (latents(tiny, seconds, loop=loop, **settings) for loop in ("none", "seamless"))
    steps = looped.diff(dim=0).norm(dim=1)
    assert (looped[0] - looped[-1]).norm() <= steps.median()
    kept = len(plain) - int(1.5 * settings.get("fps", 25)) - 1
    assert torch.equal(plain[: min(kept, len(plain) // 2)], looped[: min(kept, len(plain) // 2)])


def test_the_seed_is_the_faces_own(tiny):
    one, other = tiny.sample_face(1), tiny.sample_face(2)
    assert tiny.animate(one, seconds=0.1).recipe["seed"] == one.seed != other.seed
    assert tiny.animate(one, seconds=0.1, seed=5).recipe["seed"] == 5
    assert Recipe().seed is None


def test_moves_of_w_stay_within_reason():
    offsets = torch.tensor([[0.1, 0.0], [3.0, 4.0], [300.0, 400.0], [0.0, 0.0]])
    lengths = bounded(offsets).norm(dim=1)
    assert torch.allclose(lengths[0], torch.tensor(0.1), rtol=1e-3) and lengths[3] == 0
    assert lengths[1] < 5 and (lengths <= FARTHEST + 1e-4).all()
    assert torch.allclose(bounded(offsets)[2] / lengths[2], torch.tensor([0.6, 0.8]))


def test_a_lean_turns_about_the_neck_and_leaves_the_border():
    flow = Sway(5.0).flow[0]
    assert not flow[:, [0, -1]].any() and not flow[:, :, [0, -1]].any()
    middle = flow[:, 20, SIDE // 2]                     # above the neck: comes from the left when it leans right
    assert middle[0] < 0 and middle[0].abs() > 10 * middle[1].abs()
    shift = Sway(0.0, right=0.02, down=0.01).flow[0, :, SIDE // 2, SIDE // 2]
    assert np.allclose(shift, [-0.02, -0.01], atol=1e-6)


def test_halves():
    one, two = torch.zeros(1, 1, 8, 100), torch.ones(1, 1, 8, 100)
    assert halves(one) is one
    mixed = halves(torch.cat([one, two]))[0, 0, 0]
    assert not mixed[:47].any() and (mixed[53:] == 1).all() and (mixed.diff() >= 0).all()


def amounts(mood: str, mouth: float, lids: float, learned: float = 0.0) -> np.ndarray:
    """What a mood lays over the measures of a face in 8 s, [T, 7], where the learned motion opens the mouth."""
    seconds = np.arange(0, 8, 0.04)
    path = Path.__new__(Path)
    path.mood, path.recipe = MOODS[mood], Recipe(seconds=8, mood=mood)
    measures = np.where([name == "mouth" for name in NAMES], mouth, lids)
    path.steering = SimpleNamespace(response=torch.eye(len(NAMES)))
    path.expression = SimpleNamespace(measures=measures, closing=-0.5)
    offsets = learned * torch.eye(len(NAMES))[NAMES.index("mouth")].expand(len(seconds), -1)
    ones = np.ones(len(seconds))
    return path._amounts(MOODS[mood].at(3, seconds, 8.0, ones), seconds, ones, offsets).numpy()


@pytest.mark.parametrize("mood", ["lively", "talking", "smile"])
@pytest.mark.parametrize("mouth, learned", [(0.0, 1.5), (0.5, 0.8), (1.6, 0.3)])
def test_no_mouth_opens_wider_than_of_those_who_talk(mood, mouth, learned):
    opened = mouth + learned + amounts(mood, mouth, 1.2, learned)[:, NAMES.index("mouth")]
    assert opened.max() <= max(WIDEST, mouth) + 1e-4


def test_a_mouth_that_a_photo_caught_wide_open_rests():
    seconds, mouth = np.arange(0, 8, 0.04), NAMES.index("mouth")
    held, open_wide = amounts("calm", 0.9, 1.2)[:, mouth], amounts("calm", 1.6, 1.2)[:, mouth]
    assert open_wide[0] == 0 and np.allclose((held - open_wide)[seconds > RELAX], 0.6, atol=1e-4)


def test_small_eyes_narrow_less():
    lids = NAMES.index("lids")
    laid = MOODS["lively"].at(3, np.arange(0, 8, 0.04), 8.0, np.ones(200))
    between = laid.closed == 0
    assert laid.amounts[between, lids].min() < -0.15
    assert amounts("lively", 0, 1.0)[between, lids].min() == pytest.approx(-NARROWED, abs=1e-4)


def test_eyes_that_a_photo_caught_shut_open_and_still_blink():
    lids = NAMES.index("lids")
    awake, asleep = amounts("calm", 0, ASLEEP + 0.01)[:, lids], amounts("calm", 0, ASLEEP - 0.25)[:, lids]
    opened = asleep - awake
    assert opened[0] == 0 and opened.max() == pytest.approx(OPEN - ASLEEP + 0.25, abs=0.05)    # they narrow too
    assert opened[np.arange(200) > 25 * RELAX].min() == pytest.approx(0, abs=0.03)     # when both are shut
