"""The photo itself comes alive: its own pixels, frame 0 exactly, nothing outside of the face's square, and again from
its recipe.
"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from styleinv import InputError
from styleinv.inversion import Photo, with_photo
from styleinv.render import Networks, photo_layer

ROOT = Path(__file__).parent.parent
SHORT = {"seconds": 0.4, "seed": 7}


@pytest.fixture(scope="module")
def person(alive, sample_photo):
    """The photo, and where its face is; the latents are a sample's, so that nothing is refined."""
    return with_photo(alive.sample_face(3), Photo.of_crop(sample_photo).named(), sample_photo, 256)


def refusal(call, *arguments, **named) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments, **named)
    return str(caught.value)


def test_the_first_frame_is_the_photo_and_later_ones_are_not(alive, person):
    frames = alive.animate(person, **SHORT).frames
    assert np.array_equal(frames[0], person.crop)
    assert frames[9].shape == (256, 256, 3) and not np.array_equal(frames[9], person.crop)


def test_a_sample_is_its_own_photo(alive):
    face = alive.sample_face(1)
    clip = alive.animate(face, **SHORT)
    assert np.array_equal(clip.frames[0], face.image) and clip.recipe["carried"] is True
    assert any(name.startswith("dense_motion/") for name in clip.recipe["weights"]) or not alive.weights
    again = alive.render(json.loads(json.dumps(clip.recipe)))
    assert np.array_equal(again.frames[9], clip.frames[9])
    drawn = alive.animate(replace(face, carried=False), **SHORT)
    assert "carried" not in drawn.recipe and not np.array_equal(drawn.frames[9], clip.frames[9])


def test_detail_is_of_what_is_drawn_and_a_carried_photo_moves_without(alive, person):
    torch.manual_seed(1)
    detailed = replace(person, detail=torch.randn_like(person.detail))
    plain, carried = (alive.animate(one, **SHORT).frames[9] for one in (person, detailed))
    assert np.array_equal(plain, carried)
    drawn = [alive.animate(replace(one, photo=None), **SHORT).frames[9] for one in (person, detailed)]
    assert not np.array_equal(*drawn)


def test_no_motion_is_the_photo(alive, person):
    assert np.array_equal(alive.animate(person, motion=0, **SHORT).frames[9], person.crop)


def test_the_whole_photo_moves_in_the_square_of_the_face_alone(alive, person):
    frames, photo = alive.animate(person, frame="photo", **SHORT).frames, person.photo
    assert np.array_equal(frames[0], photo.pixels)
    changed = np.argwhere((frames[9] != photo.pixels).any(axis=2))[:, ::-1]             # x, y
    assert len(changed) > 1000
    assert (changed >= photo.quad.min(0) - 1).all() and (changed <= photo.quad.max(0) + 1).all()


def test_a_recipe_names_the_photo_and_gives_the_same_frames_with_it(alive, person, sample_photo):
    clip = alive.animate(person, frame="photo", **SHORT)
    recipe = json.loads(json.dumps(clip.recipe))
    assert recipe["photo"] == Photo.of_crop(sample_photo).named()
    again = alive.render(recipe, sample_photo)
    assert again.recipe == clip.recipe and np.array_equal(again.frames[9], clip.frames[9])
    assert refusal(alive.render, recipe).startswith("The clip carries its photo's own pixels")
    assert refusal(alive.render, recipe, sample_photo[:, ::-1].copy()).startswith("That is another photo")


def test_what_needs_a_photo_says_so(alive, tiny, person, sample_photo):
    assert refusal(alive.animate, alive.sample_face(1), frame="photo").startswith("frame is photo: that needs a photo")
    assert refusal(alive.animate, person, frame="photo", layout="compare").startswith(
        "frame is photo: one style at a time")
    assert tiny.invert(person.crop, "photo", aligned=True).photo is None      # without dense motion, drawn as by close


def test_the_bundle_carries_a_face(pipe, sample_photo):
    """Real weights: the person stays, and moves."""
    from styleinv.face.descriptor import descriptor, descriptor_distance

    inversion = pipe.invert(sample_photo, "photo")
    frames = pipe.animate(inversion, seconds=1, seed=1, size=256).frames
    known = descriptor(inversion.crop)
    assert np.array_equal(frames[0], inversion.crop)
    assert all(descriptor_distance(known, descriptor(frames[at])) < 0.4 for at in (8, 16, 24))
    assert np.abs(frames[24].astype(int) - frames[0]).mean() > 0.5


PEAK = """
import resource, sys
import torch
sys.path.insert(0, "tests")
from conftest import make_alive
torch.set_num_threads(2)
pipe = make_alive()
for frames in (60, 360):
    for _ in pipe.sample(seed=1, seconds=frames / 25, size=256).frames:
        pass
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_length():
    pytest.importorskip("resource")
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True, cwd=ROOT)
    short, long = map(int, done.stdout.split())
    assert long - short < 20_000        # KB; 300 more frames held would take 59,000


def test_teeth_that_come_into_view_are_drawn_and_another_light_is_not(alive, person):
    layer = photo_layer(Networks(alive.decoder, alive.motion, alive.dense_motion), person, 256)
    flow, before = torch.zeros(1, 2, 64, 64), layer.source.thumbnail
    mouth = slice(46, 49), slice(28, 37)
    assert (layer._unexplained(flow, before + 0.5).sigmoid() < 0.01).all()
    teeth = before.clone()
    teeth[..., mouth[0], mouth[1]] += 0.6
    drawn = layer._unexplained(flow, teeth).sigmoid()
    assert drawn[..., 47, 29:36].min() > 0.9 and drawn[..., :40, :].max() < 0.01
