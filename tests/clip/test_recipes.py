"""Recipes that were changed, are damaged, of a later version or without a face are refused in a sentence."""

import base64
import json

import numpy as np
import pytest
import torch

from styleinv import __version__
from styleinv.clip.clip import read_recipe
from styleinv.clip.recipe import Recipe, without_latents
from styleinv.errors import InputError
from styleinv.inversion import read_latents

SHORT = {"seconds": 0.2, "fps": 10, "seed": 7}


@pytest.fixture
def made(tiny):
    return tiny.animate(tiny.decode(tiny.sample_face(1).w0, torch.ones(17, 32)), **SHORT)


def packed(value: float, count: int = 32) -> str:
    return base64.b64encode(np.full(count, value, "<f2").tobytes()).decode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 100.0, -60000.0])
@pytest.mark.parametrize("key, count", [("w0", 32), ("detail", 32 * 17)])
def test_latents_that_are_no_face(tiny, made, value, key, count):
    with pytest.raises(InputError, match="latents that are no numbers below 100"):
        tiny.render(made.recipe | {key: packed(value, count)})


@pytest.mark.parametrize("changed, sentence", [
    ({"camera": "orbit"}, "has the setting 'camera', which this version does not know"),
    ({"version": "9.9.0"}, f"is of version 9.9.0, and this is {__version__}"),
    ({"version": "0.10"}, "is of version 0.10"),
    ({"fps": float("nan")}, "fps is nan"), ({"seed": None}, "is not whole"), ({"size": 300}, "size is 300"),
])
def test_what_this_version_cannot_meet(tiny, made, changed, sentence):
    with pytest.raises(InputError, match=sentence):
        tiny.render(made.recipe | changed)


def test_missing_settings_have_their_defaults(tiny, made):
    older = {key: value for key, value in made.recipe.items() if key not in ("styles", "style_strength", "speed")}
    assert tiny.render(older).recipe == made.recipe
    assert Recipe.from_dict({"style": " cartoon, ink "}).styles == ("cartoon", "ink")


@pytest.mark.parametrize("suffix", ["mp4", "gif", "webp"])
def test_a_clip_holds_the_face_only_when_asked_for(tiny, made, tmp_path, suffix):
    plain, whole = made.save(tmp_path / f"a.{suffix}"), made.save(tmp_path / f"b.{suffix}", embed_recipe=True)
    assert (read_recipe(plain) == without_latents(json.loads(json.dumps(made.recipe)))
            and read_recipe(plain)["seed"] == 7)
    assert made.recipe["w0"].encode() not in plain.read_bytes()
    assert tiny.render(read_recipe(whole)).recipe == made.recipe
    with pytest.raises(InputError, match="without the face's latents: use the .json"):
        tiny.render(read_recipe(plain))


def test_a_grid_without_its_faces():
    grid = {"grid": [{"seed": 1, "w0": "x", "detail": "y"}], "columns": 1}
    assert without_latents(grid) == {"grid": [{"seed": 1}], "columns": 1}


@pytest.mark.parametrize("suffix", ["mp4", "gif", "webp", "json"])
def test_recipes_are_known_by_content(tiny, made, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_text(json.dumps(made.recipe)) if suffix == "json" else made.save(path, embed_recipe=True)
    for other in ("x.json", "x.mp4", "x.webp", "x"):
        (tmp_path / other).write_bytes(path.read_bytes())
        assert read_recipe(tmp_path / other) == made.recipe


def test_random_damage_is_one_sentence(tiny, made, tmp_path):
    random, path = np.random.default_rng(0), tmp_path / "r"
    files = [made.save(tmp_path / f"a.{suffix}", embed_recipe=True).read_bytes() for suffix in ("mp4", "gif", "webp")]
    for data in [*files[:1] * 6, *files[1:] * 30, *[json.dumps(made.recipe).encode()] * 60]:
        broken = bytearray(data[: random.integers(1, len(data))] if random.random() < 0.3 else data)
        for _ in range(random.integers(1, 20)):
            broken[random.integers(min(len(broken), 400))] = random.integers(256)
        path.write_bytes(broken)
        try:
            tiny.render(read_recipe(path))
        except InputError as error:
            assert len(str(error).splitlines()) == 1


def test_latents_of_another_decoder():
    with pytest.raises(InputError, match="no latents that fit"):
        read_latents({"w0": packed(1.0, 31)}, 17, 32)
