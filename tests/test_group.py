"""A photo of several people, all of whom move, each in its own way."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from styleinv import InputError
from styleinv.clip.recipe import FACE, Recipe, check_face
from styleinv.face.carried import Photo
from styleinv.face.detection import find_faces
from styleinv.face.verdict import DOUBTFUL, Verdict
from styleinv.inversion import together, with_photo
from styleinv.motion.group import share_of

SHORT = {"seconds": 0.4, "frame": "photo"}
SQUARE = np.array([[0, 0], [0, 100], [100, 100], [100, 0]])


@pytest.fixture(scope="module")
def photo(sample_faces) -> np.ndarray:
    """Two people side by side, whose squares overlap, uint8 [400, 600, 3]."""
    photo = np.full((400, 600, 3), 128, np.uint8)
    for left, face in ((20, sample_faces[0]), (290, sample_faces[1])):
        photo[80:336, left : left + 256] = face[::2, ::2]
    return photo


@pytest.fixture(scope="module")
def people(alive, photo):
    """Both of them; their latents are samples', so that nothing is refined."""
    pair = replace(alive.sample_face(3), others=(alive.sample_face(4),))
    return with_photo(pair, Photo.of_crop(photo).named() | {"others": [1]}, photo, 256)


@pytest.fixture(scope="module")
def clip(alive, people):
    return alive.animate(people, **SHORT)


def refusal(call, *arguments, **named) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments, **named)
    return str(caught.value)


def test_all_faces_move_in_the_whole_photo(people, clip, photo):
    assert np.array_equal(clip.frames[0], photo)
    changed = (clip.frames[9] != photo).any(axis=2)
    for face in people.faces:
        x, y = face.photo.quad.mean(0).astype(int)
        assert changed[y - 20 : y + 20, x - 20 : x + 20].mean() > 0.3
    assert not changed[:10].any() and not changed[-10:].any()


def test_each_face_has_a_seed_of_its_own(people):
    own = [face.seed for face in people.faces]
    assert people.seeds(None) == own and own[0] != own[1]
    assert people.seeds(7) == [7, (7 + own[1] - own[0]) % 2**63]


def test_a_recipe_names_them_all_and_gives_the_same_frames(alive, clip, photo):
    recipe = json.loads(json.dumps(clip.recipe))
    assert recipe["photo"]["others"] == [1] and len(recipe["others"]) == 1
    again = alive.render(recipe, photo)
    assert again.recipe == clip.recipe and np.array_equal(again.frames[9], clip.frames[9])


@pytest.mark.parametrize("change", [
    {"others": "all"}, {"others": [3]}, {"others": []}, {"photo": {"face": 0, "others": [1, 1]}}, {"others": [{}]},
])
def test_a_damaged_recipe_is_refused(alive, clip, photo, change):
    recipe = clip.recipe | {"photo": clip.recipe["photo"] | change.get("photo", {})}
    assert "recipe" in refusal(alive.render, recipe | {k: v for k, v in change.items() if k != "photo"}, photo)


def test_all_faces_need_the_whole_photo(alive, people, tmp_path):
    assert FACE.convert("all") == "all" and FACE.convert("2") == 2
    for recipe, likeness in ((Recipe(), "photo"), (Recipe(frame="photo"), "close")):
        assert refusal(check_face, "all", recipe, likeness).startswith("face is all: that needs frame photo")
    check_face("all", Recipe(frame="photo"), "photo")
    assert refusal(alive.animate, people).startswith("face is all")
    assert refusal(alive, tmp_path / "none.jpg", face_index="all").startswith("face is all")


def test_faces_that_stay_still_are_told_of(people):
    doubtful = replace(people.others[0], verdict=Verdict(DOUBTFUL, "It is dark: use light."))
    found = together([replace(people, others=()), doubtful], ["Face 2 stays still: It is none: use another."])
    assert found.others == (doubtful,) and found.verdict.level == DOUBTFUL
    assert found.verdict.sentence == "Face 1: It is dark: use light. Face 2 stays still: It is none: use another."


def test_a_face_that_cannot_be_drawn_stays_still(alive, photo, monkeypatch):
    monkeypatch.setattr("styleinv.pipeline.judge", lambda found, faces: Verdict(next(levels), "No."))
    levels = iter(("good", "refused"))
    found = alive.invert(photo, "fast", face_index="all")
    assert len(found.faces) == 1 and found.verdict.sentence.endswith("Face 1 stays still: No.")
    levels = iter(("refused", "refused"))
    assert refusal(alive.invert, photo, "fast", face_index="all") == "No."


def test_a_face_is_kept_clear_of_its_neighbours(photo):
    faces = find_faces(photo)
    group = Photo.of_face(photo, faces, 0, alone=False)
    assert len(faces) == 2 and len(group.neighbours) == 1
    assert not len(Photo.of_face(photo, faces, 0).neighbours)


def test_motion_goes_over_from_one_face_to_the_next():
    other = SQUARE + np.array([80, 0])
    places = np.stack(np.meshgrid(np.arange(181.0), [50.0]), axis=2)
    left, right = (share_of(*quads, places).flatten() for quads in ((SQUARE, other[None]), (other, SQUARE[None])))
    assert left[50] == 1 and left[130] == 0 and left[90] == 0.5
    torch.testing.assert_close(left + right, torch.ones(181))
    assert (left.diff().abs() < 0.07).all()
    assert (share_of(SQUARE, np.empty((0, 4, 2)), places) == 1).all()
