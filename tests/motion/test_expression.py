"""Controls and poses: settings, closed-form values, and the real bundle's answer."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import make_tiny

from styleinv import InputError, StyleInVPipeline
from styleinv.clip.recipe import Recipe
from styleinv.face.expression import SPANS, expression
from styleinv.face.landmarks import landmarks_of_crop
from styleinv.models.steering import Steering
from styleinv.motion.controls import CONTROLS, PRESETS, checked
from styleinv.motion.expression import Pose

NAMES, SMALL = list(SPANS), Recipe(size=256)


def refusal(call, *arguments, **named) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments, **named)
    return str(caught.value)


@pytest.fixture(scope="module")
def steered() -> StyleInVPipeline:
    """Tiny random networks, with a steering."""
    tiny, steering = make_tiny(), Steering(32)
    torch.manual_seed(0)
    for buffer in (steering.directions, steering.response, steering.gain):
        buffer.normal_()
    return StyleInVPipeline(tiny.decoder, tiny.inversion, tiny.motion, None, steering)


@pytest.fixture(scope="module")
def posed(steered):
    """A sample in a pose of plain offsets."""
    person = steered.sample_face(1)
    offsets = torch.randn(2, 32, generator=torch.Generator().manual_seed(1))
    return replace(person, pose=Pose(offsets.half().float(), (0.5, 0.0), 4.0))


@pytest.mark.parametrize("controls, sentence", [
    ({"turn": 90}, "turn is 90: choose a number from -20 to 20."),
    ({"smile": float("nan")}, "smile is nan: choose a number from -1 to 1."),
    ({"lids": "shut"}, "lids is 'shut': choose a number from -0.5 to 1."),
])
def test_controls_out_of_range(controls, sentence):
    assert refusal(checked, controls) == sentence


def test_controls_that_do_not_exist():
    with pytest.raises(TypeError, match="no control 'ears'"):
        checked({"ears": 1})


@pytest.mark.parametrize("controls", PRESETS.values(), ids=PRESETS)
def test_presets_are_in_range(controls):
    assert set(checked(controls)) == set(CONTROLS)


def test_a_steering_rebalances_exactly():
    steering = Steering(8, measures=2)
    steering.directions.copy_(torch.eye(8)[:2])
    steering.response.copy_(torch.eye(8)[:2])
    offsets = torch.arange(1.0, 9.0)[None]
    assert steering.rebalanced(offsets, torch.tensor([0.0, 2.0])).tolist() == [[0, 4, 3, 4, 5, 6, 7, 8]]


def test_a_pose_is_the_beginning_or_held(steered, posed):
    settings = {"seconds": 2, "fps": 10, "seed": 7, "motion": 0, "mood": "learned"}
    plain = replace(posed, pose=None)
    still = steered.animate(plain, **settings).frames[0]
    begins, held = (steered.animate(posed, hold=hold, **settings).frames for hold in (False, True))
    assert np.array_equal(begins[0], held[0]) and not np.array_equal(begins[0], still)
    assert np.array_equal(begins[15], still) and np.array_equal(held[15], held[0])


def test_a_recipe_keeps_the_pose(steered, posed):
    clip = steered.animate(posed, seconds=0.4, seed=7)
    again = steered.render(json.loads(json.dumps(clip.recipe)))
    assert again.recipe == clip.recipe and np.array_equal(again.frames[3], clip.frames[3])
    assert refusal(steered.render, clip.recipe | {"pose": {"offsets": "x"}}).startswith("The recipe holds no pose")


def test_halves_of_a_wink_are_those_of_its_two_faces(steered, posed):
    person, (left, right) = steered.sample_face(1), posed.pose.offsets
    both, wink = ([replace(person, pose=Pose(torch.stack(pair))) for pair in pairs]
                  for pairs in ([(left, left), (right, right)], [(left, right)]))
    one, other, mixed = (steered.still(face) for face in (*both, *wink))
    assert np.array_equal(mixed[:, :120], one[:, :120]) and np.array_equal(mixed[:, 136:], other[:, 136:])


def test_a_bundle_without_steering(tiny):
    person = tiny.sample_face(1)
    assert "has no steering" in refusal(tiny.pose, person, turn=5)
    assert tiny.animate(person, seconds=0.2, mood="talking").frames[1].shape == (256, 256, 3)


# The real bundle.

def measured(image: np.ndarray) -> np.ndarray:
    return expression(landmarks_of_crop(image)[None])[0]


@pytest.fixture(scope="module")
def people(pipe):
    """Four of them that are drawn, each with its controls, which are found once."""
    drawn = [replace(pipe.sample_face(seed), carried=False) for seed in range(4)]
    return [(person, pipe.expression(person)) for person in drawn]


@pytest.mark.parametrize("control, half, measure, span", [
    ("turn", 10.0, "turn", 0.5), ("turn", -10.0, "turn", -0.5), ("nod", 6.0, "nod", 0.4), ("smile", 0.5, "smile", 0.5),
    ("mouth", 0.5, "mouth", 0.5), ("brows", 0.5, "brows", 0.5),
])
def test_a_control_moves_its_measure_and_hardly_the_others(pipe, people, control, half, measure, span):
    """Medians over people, on the decoder's picture; heads that turn do change how the rest looks."""
    moved = [measured(pipe.still(replace(person, pose=face.pose({control: half})), SMALL)) - face.measures
             for person, face in people]
    change = np.median(moved, axis=0)
    assert change[NAMES.index(measure)] == pytest.approx(span, rel=0.35)
    kept = ("nod",) if control == "turn" else ("turn",) if control == "nod" else set(NAMES) - {measure, "pucker"}
    assert all(abs(change[NAMES.index(name)]) < 0.4 * abs(span) for name in kept)


def test_eyes_close_together_or_alone(pipe):
    person = pipe.sample_face(3)
    shut, wink = (pipe.still(pipe.pose(person, **{name: 1.0}), SMALL) for name in ("lids", "lid_left"))
    lids = NAMES.index("lids")
    before, closed = measured(person.image)[lids], measured(shut)[lids]
    assert closed < 0.65 * before
    assert np.abs(wink[:, 140:].astype(int) - person.image[:, 140:]).max() <= 1        # the right half stays
    assert np.abs(wink[:, :116].astype(int) - shut[:, :116]).max() <= 1


def test_neutral_closes_an_open_mouth(pipe):
    person = pipe.sample_face(0)
    opened = pipe.decode(person.w0 + pipe.pose(person, mouth=0.6).pose.offsets[0])
    mouth = NAMES.index("mouth")
    assert measured(pipe.still(pipe.pose(opened, "neutral"), SMALL))[mouth] < 0.5 * measured(opened.image)[mouth]
    assert refusal(pipe.pose, person, "grim") == "expression is grim: choose neutral, smile, surprised, wink, sleepy."
