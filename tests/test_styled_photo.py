"""A style shows the photo: its picture of it is carried by the photo's own motion, and again from its recipe."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import make_tiny
from style_folders import make_style

from styleinv import InputError, StyleInVPipeline
from styleinv.clip.recipe import Recipe
from styleinv.face.detection import find_faces
from styleinv.inversion import Photo, with_photo
from styleinv.models.dense_motion import SIDE, DenseMotion, matched
from styleinv.models.ops import resize
from styleinv.models.residual import ResidualEncoder
from styleinv.motion.styled_layer import KEPT

SHORT = {"seconds": 0.4, "seed": 7, "style": "blue"}


@pytest.fixture(scope="module")
def alive(tmp_path_factory) -> StyleInVPipeline:
    """Tiny random networks with two styles, a dense motion that moves visibly, and a residual that is seen."""
    root, tiny = tmp_path_factory.mktemp("checkpoints"), make_tiny()
    torch.manual_seed(0)
    network, residual = DenseMotion(16, 16, 8, 8, (8, 8), (16, 16, 16)), ResidualEncoder(16, 8, 16, 1)
    torch.nn.init.normal_(network.to_flow.weight, std=0.2)
    torch.nn.init.normal_(residual.to_residual.weight, std=0.2)
    parts = {"dense_motion": network, "residual": residual}
    StyleInVPipeline(tiny.decoder, tiny.inversion, tiny.motion, **parts).save_pretrained(root / "tiny")
    for seed, name in enumerate(("blue", "green")):
        make_style(StyleInVPipeline.from_pretrained(root / "tiny").decoder, root / "styles" / name, seed)
    return StyleInVPipeline.from_pretrained(root / "tiny")


@pytest.fixture(scope="module")
def person(alive, sample_photo):
    """The photo, and where its face is; the latents are a sample's, so that nothing is refined."""
    return with_photo(alive.sample_face(3), Photo.of_crop(sample_photo).named(), sample_photo, 256)


def frames(alive, person, **changed) -> np.ndarray:
    return np.stack(alive.animate(person, **SHORT | changed).frames)


def test_the_first_frame_shows_what_the_photo_has_and_the_latent_lacks(alive, person):
    shown, drawn = frames(alive, person), frames(alive, person, style_detail=0)
    assert shown.shape == drawn.shape == (10, 256, 256, 3)
    assert not np.array_equal(shown[0], drawn[0]) and not np.array_equal(shown[0], shown[9])
    half = frames(alive, person, style_detail=0.5)
    assert not np.array_equal(half[0], shown[0]) and not np.array_equal(half[0], drawn[0])


def test_without_motion_the_style_holds_still(alive, person):
    still = frames(alive, person, motion=0)
    assert all(np.array_equal(frame, still[0]) for frame in still)


def test_what_fills_the_gaps_has_the_colours_of_the_picture(alive, person):
    recipe = alive._recipe(None, SHORT)
    [layer] = alive.renderer(person, recipe).styled.values()
    ws = person.ws[None]
    lacking = layer._draw(alive.decoder.trunk(ws) + KEPT * layer.residual, ws, layer.small, layer.small.size)
    wanted, found = (resize(x, SIDE).mean((2, 3)) for x in (layer.still.pixels, lacking))
    mended = resize(matched(lacking, layer.still.gain()), SIDE).mean((2, 3))
    assert (mended - wanted).abs().mean() < 0.5 * (found - wanted).abs().mean()


def test_each_style_has_its_own_and_a_grid_has_both(alive, person):
    blue, green = frames(alive, person), frames(alive, person, style="green")
    assert not np.array_equal(blue[0], green[0])
    both = frames(alive, person, style="all")[5]
    assert any(np.array_equal(both[y : y + 256, x : x + 256], blue[5])
               for y in range(both.shape[0] - 255) for x in (0, both.shape[1] - 256))


def test_a_sample_in_a_style_begins_as_it_is_drawn(alive):
    sample = alive.sample_face(3)
    carried, drawn = frames(alive, sample), frames(alive, sample, style_detail=0)
    assert np.array_equal(carried[0], drawn[0]) and not np.array_equal(carried[9], drawn[9])


def test_a_recipe_gives_the_same_frames_and_names_the_weights(alive, person, sample_photo):
    clip = alive.animate(person, **SHORT)
    recipe = json.loads(json.dumps(clip.recipe))
    assert recipe["style_detail"] == 1.0 and any(name.startswith("residual/") for name in recipe["weights"])
    again = alive.render(recipe, sample_photo)
    assert all(np.array_equal(a, b) for a, b in zip(again.frames, clip.frames))
    drawn = alive.animate(person, **SHORT, style_detail=0).recipe
    assert not any(name.startswith("residual/") for name in drawn["weights"])


def test_recipes_of_before_are_drawn_as_they_were():
    assert Recipe.from_dict({"version": "0.3.0", "styles": ["blue"], "seed": 1}).style_detail == 0
    assert Recipe.from_dict({"version": "0.3.0", "styles": ["blue"], "seed": 1}).mood == "lively"
    assert Recipe.from_dict({"version": "0.2.0", "seed": 1}).mood == "learned"
    assert Recipe.from_dict({"version": "0.4.0", "styles": ["blue"], "seed": 1}).style_detail == 1


def test_a_saved_bundle_keeps_all_its_networks(alive, tmp_path):
    alive.save_pretrained(tmp_path / "again")
    parts = {path.name for path in (tmp_path / "again").iterdir() if path.is_dir()}
    assert parts == {"decoder", "inversion", "motion", "dense_motion", "residual"}


def whole(alive, person, matte: float | None = None, **changed) -> np.ndarray:
    """Frames of the whole photo; the matte says that all of it, or none, is a person."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alive, "matte", matte if matte is None else SimpleNamespace(
            of_photo=lambda photo: np.full(photo.shape[:2], matte, np.float32)))
        return frames(alive, person, frame="photo", **changed)


def test_a_person_in_a_style_within_the_photo(alive, person, sample_photo):
    plain, restyled = whole(alive, person, style=()), whole(alive, person, matte=1.0)
    assert restyled.shape == (10, *sample_photo.shape)
    (top, left), (bottom, right) = (person.photo.quad[corner][::-1].astype(int) for corner in (0, 2))
    outside = np.ones(sample_photo.shape[:2], bool)
    outside[top : bottom + 2, left : right + 2] = False
    assert all(np.array_equal(frame[outside], sample_photo[outside]) for frame in restyled)
    middle = (slice((top + bottom) // 2 - 60, (top + bottom) // 2 + 60), slice((left + right) // 2 - 60,
                                                                                (left + right) // 2 + 60))
    assert np.abs(plain[0][middle].astype(int) - restyled[0][middle]).mean() > 5


def test_only_people_are_in_the_style(alive, person):
    assert np.array_equal(whole(alive, person, matte=0.0), whole(alive, person, style=()))
    assert np.array_equal(whole(alive, person), whole(alive, person, matte=1.0))       # without a matte, the crop


def test_all_faces_of_a_photo_in_a_style(alive, person, sample_photo):
    pair = replace(alive.sample_face(3), others=(alive.sample_face(4),))
    photo = np.concatenate([sample_photo[100:620, 220:740], sample_photo[100:620, 220:740]], axis=1)
    people = with_photo(pair, Photo.of_crop(photo).named() | {"others": [1]}, photo, 256)
    plain, restyled = (np.stack(alive.animate(people, seconds=0.2, seed=7, frame="photo", style=style).frames)
                       for style in ((), "blue"))
    for face in people.faces:
        x, y = face.photo.quad.mean(0).astype(int)
        spot = (0, slice(y - 20, y + 20), slice(x - 20, x + 20))
        assert np.abs(plain[spot].astype(int) - restyled[spot]).mean() > 5


def test_one_style_at_a_time_in_the_whole_photo(alive, person):
    for settings in ({"style": "all"}, {"style": "blue,green"}, {"layout": "compare"}):
        with pytest.raises(InputError) as caught:
            alive.animate(person, **SHORT | {"frame": "photo"} | settings)
        assert str(caught.value) == (
            "frame is photo: one style at a time, and no other layout; choose one, or the frame face.")


def test_the_shipped_matte_finds_the_person_of_a_styled_clip(pipe, sample_photo):
    """The real bundle: the ground of a photo stays as it is, the face does not."""
    found = pipe.invert(sample_photo, "fast")               # what is not refined restyles as well
    person = replace(found, photo=Photo.of_face(sample_photo, find_faces(sample_photo), 0))
    plain, restyled = (pipe.animate(person, seconds=0.2, frame="photo", mood="learned", style=style, size=256).frames[4]
                       for style in ((), "ink"))
    x, y = person.photo.quad.mean(0).astype(int)
    assert np.abs(plain[y - 60 : y + 60, x - 60 : x + 60].astype(int) - restyled[y - 60 : y + 60, x - 60 : x + 60]
                  ).mean() > 15
    assert np.abs(plain[:90].astype(int) - restyled[:90]).mean() < 1
