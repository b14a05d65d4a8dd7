"""From latents to frames with tiny random networks: the same frames however they are asked for."""

import json
import math

import numpy as np
import pytest
import torch

from styleinv.clip.clip import Clip, read_recipe
from styleinv.clip.recipe import SAMPLE_SEED, Recipe
from styleinv.errors import InputError
from styleinv.inversion import Inversion

SHORT = {"seconds": 0.8, "seed": 7}     # 20 frames: two whole blocks and a part


@pytest.fixture(scope="module")
def person(tiny) -> Inversion:
    return tiny.sample_face(3)


def frames(clip: Clip) -> np.ndarray:
    return np.stack(list(clip.frames))


def refusal(function, *arguments, **named) -> str:
    with pytest.raises(InputError) as caught:
        function(*arguments, **named)
    return str(caught.value)


@pytest.fixture(scope="module")
def clip(tiny, person) -> np.ndarray:
    return frames(tiny.animate(person, **SHORT))


def test_clip_has_the_frames_asked_for(tiny, person, clip):
    assert clip.shape == (20, 256, 256, 3) and clip.dtype == np.uint8
    assert len(tiny.animate(person, seconds=0.5, fps=30).frames) == 15
    assert len(tiny.animate(person, seconds=0.04, fps=1).frames) == 1


def test_frame_0_is_the_inversion_and_then_it_moves(person, clip):
    assert np.abs(clip[0].astype(int) - person.image).max() <= 1
    assert np.abs(clip[19].astype(int) - person.image).max() > 1


def test_frames_are_the_same_in_any_order_and_pieces(tiny, person, clip):
    lazy = tiny.animate(person, **SHORT).frames
    for index in (19, 0, 8, 7, 16, 3):
        assert np.array_equal(lazy[index], clip[index]), index
    render = lazy._render
    for start, stop in ((0, 20), (5, 11), (8, 16), (15, 17), (19, 20)):
        assert np.array_equal(render(start, stop), clip[start:stop]), (start, stop)


def test_a_longer_clip_begins_with_the_shorter(tiny, person, clip):
    longer = tiny.animate(person, seconds=40, seed=7).frames
    assert len(longer) == 1000 and all(np.array_equal(longer[i], clip[i]) for i in (0, 9, 19))
    assert longer[999].shape == (256, 256, 3)


def test_same_seed_same_clip_other_seed_other_clip(tiny, person, clip):
    assert np.array_equal(frames(tiny.animate(person, **SHORT)), clip)
    assert not np.array_equal(tiny.animate(person, seconds=0.8, seed=8).frames[19], clip[19])


def test_no_motion_is_still(tiny, person):
    still = frames(tiny.animate(person, motion=0, **SHORT))
    assert (still == still[0]).all()


def test_strength_scales_the_way_in_latent_space(tiny, person):
    half, whole = (tiny.animate(person, motion=strength, **SHORT).frames._render.path.latents(1) - person.w0
                   for strength in (0.5, 1.0))
    assert torch.allclose(half, whole / 2, atol=1e-6)


def test_time_is_continuous(tiny, person, clip):
    twice = tiny.animate(person, seconds=0.8, fps=50, seed=7).frames
    slow = tiny.animate(person, seconds=0.8, seed=7, speed=0.5).frames
    for index in (1, 6, 9):
        assert np.abs(twice[2 * index].astype(int) - clip[index]).max() <= 1
        assert np.abs(slow[2 * index].astype(int) - clip[index]).max() <= 1


def test_batch_equals_single(tiny):
    ws = torch.randn(4, tiny.decoder.num_ws, 32)
    images, whole = torch.randn(4, 3, 64, 64), tiny.decoder.synthesis(ws)
    assert torch.allclose(whole, torch.cat([tiny.decoder.synthesis(w[None]) for w in ws]), atol=1e-5)
    singles = [tiny.inversion(image[None])[0] for image in images]
    assert torch.allclose(tiny.inversion(images)[0], torch.cat(singles), atol=1e-5)


def test_pingpong(tiny, person, clip):
    loop = tiny.animate(person, loop="pingpong", **SHORT)
    assert len(loop.frames) == 38
    for place, index in ((0, 0), (19, 19), (20, 18), (37, 1)):
        assert np.array_equal(loop.frames[place], clip[index])


def test_compare_layout_shows_crop_inversion_and_result(tiny, person, clip):
    assert frames(tiny.animate(person, layout="compare", **SHORT)).shape == (20, 256, 512, 3)
    crop = np.full((300, 300, 3), 77, np.uint8)
    whole = tiny.animate(Inversion(person.w0, person.detail, person.image, crop), layout="compare", **SHORT).frames[19]
    assert whole.shape == (256, 768, 3) and (whole[:, :256] == 77).all()
    assert np.array_equal(whole[:, 256:512], person.image) and np.array_equal(whole[:, 512:], clip[19])


def test_a_clip_for_chats_is_drawn_at_the_rate_and_size_of_its_file(tiny, person, tmp_path, monkeypatch):
    made, asked = tiny.animate(person, seconds=4), []
    remake = made._remake
    monkeypatch.setattr(made, "_remake", lambda *level: asked.append(remake(*level)) or asked[-1])
    assert "frames per second instead of 25" in made.save_for_chat(tmp_path / "a.gif", limit=400_000)
    again = asked[-1]
    assert again.recipe["size"] == 256 and again.fps < 25 and len(again.frames) == round(4 * again.fps)
    assert np.array_equal(again.frames[0], tiny.animate(person, seconds=1).frames[0])


def test_a_recipe_is_the_whole_clip(tiny, person, clip, tmp_path):
    made = tiny.animate(person, **SHORT)
    recipe = json.loads(json.dumps(made.recipe))
    assert np.array_equal(frames(tiny.render(recipe)), clip)
    for suffix in ("mp4", "gif", "webp"):
        again = tiny.render(read_recipe(made.save(tmp_path / f"clip.{suffix}", embed_recipe=True)))
        assert again.recipe == recipe and np.array_equal(again.frames[19], clip[19])


def test_a_recipe_keeps_detail_and_every_setting(tiny, person):
    torch.manual_seed(0)
    detailed = tiny.decode(person.w0, torch.randn(17, 32))
    made = tiny.animate(detailed, seconds=0.4, fps=20, seed=5, motion=0.5, loop="pingpong", layout="compare", speed=2.0)
    again = tiny.render(made.recipe)
    assert again.recipe == made.recipe and len(again.frames) == 14 and again.fps == 20
    assert np.array_equal(again.frames[7], made.frames[7])


@pytest.mark.parametrize("change, sentence", [
    ({"seed": None}, "The recipe is not whole: use one that StyleInV wrote."),
    ({"seconds": "long"}, "The recipe is not whole: use one that StyleInV wrote."),
    ({"size": math.inf}, "The recipe is not whole: use one that StyleInV wrote."),
    ({"motion": 9.0}, "motion is 9: choose a number from 0 to 3."),
    ({"w0": "AAAA"}, "The recipe holds no latents that fit: use one that StyleInV wrote."),
    ({"w0": "#"}, "The recipe holds no latents that fit: use one that StyleInV wrote."),
    ({"weights": {"a": "b"}}, "The recipe was made with other weights: load the bundle and the styles that it names."),
])
def test_recipes_that_cannot_be_rendered(tiny, person, change, sentence):
    assert refusal(tiny.render, tiny.animate(person).recipe | change) == sentence


@pytest.mark.parametrize("setting, value, sentence", [
    ("seconds", 0.0, "seconds is 0: choose a number from 0.04 to 3600."),
    ("seconds", math.nan, "seconds is nan: choose a number from 0.04 to 3600."),
    ("seconds", 3601, "seconds is 3601: choose a number from 0.04 to 3600."),
    ("fps", 0, "fps is 0: choose a number from 1 to 120."),
    ("seed", -1, "seed is -1: choose a number from 0 to 9.22337e+18."),
    ("motion", -0.1, "motion is -0.1: choose a number from 0 to 3."),
    ("speed", 5, "speed is 5: choose a number from 0.05 to 4."),
    ("size", 300, "size is 300: choose 256, 512 or 1024."),
    ("loop", "round", "loop is round: choose none, seamless or pingpong."),
    ("layout", "grid", "layout is grid: choose result or compare."),
])
def test_settings_out_of_range(tiny, person, setting, value, sentence):
    assert refusal(Recipe(**{setting: value}).check) == sentence
    assert refusal(tiny.animate, person, **{setting: value}) == sentence


def test_too_many_frames():
    assert refusal(Recipe(seconds=3600, fps=120).check) == (
        "That would be 432000 frames, more than 200000: lower seconds or fps."
    )


def test_samples_are_their_seeds(tiny):
    assert np.array_equal(tiny.sample_face(3).image, tiny.sample_face(3).image)
    assert not np.array_equal(tiny.sample_face(3).image, tiny.sample_face(4).image)
    assert tiny.sample(seed=3, seconds=0.1).recipe["seed"] == 3
    assert tiny.sample(seconds=0.1).recipe["seed"] == SAMPLE_SEED
    assert refusal(tiny.sample_face, -1) == "seed is -1: choose a number from 0 to 9.22337e+18."
    assert refusal(tiny.sample_face, 1, 3.0) == "psi is 3: choose a number from 0 to 2."


def test_unknown_likeness(tiny):
    assert refusal(tiny.invert, np.zeros((256, 256, 3), np.uint8), "exact") == (
        "likeness is exact: choose paper, fast, close or photo."
    )


def test_a_clip_is_as_large_as_its_decoder_draws(tiny, person):
    clip = tiny.animate(person, seconds=0.1, size=1024)
    assert clip.frames[0].shape == (256, 256, 3) and clip.recipe["size"] == 256
    assert tiny.animate(person, seconds=0.1).recipe["size"] == 256 and Recipe().size == 512
    assert tiny.still(person).shape == (256, 256, 3)
