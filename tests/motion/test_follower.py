"""A face that follows a driver: what its guess lacks is seen and added, once, in whatever order frames are drawn."""

import numpy as np
import pytest
import torch

from styleinv.face.expression import SPANS
from styleinv.models.steering import Steering
from styleinv.motion.answers import Answers
from styleinv.motion.driver import Driver
from styleinv.motion.expression import MOST, Expression
from styleinv.motion.follower import Follower

NAMES, K = list(SPANS), len(SPANS)
MOUTH, LIDS = NAMES.index("mouth"), NAMES.index("lids")


class Rubber(Expression):
    """A face whose w is its measures; it does 0.6 of what is asked, and lifts its brows with the mouth."""

    def __init__(self):
        self.ws, self.answers, self.kind, self.opened = torch.zeros(4, K), Answers(), "of rubber", 1.0
        self.measures, self.steering = np.ones(K), Steering(K, K)
        self.steering.directions.copy_(torch.eye(K))
        self.steering.response.copy_(torch.eye(K))

    @property
    def response(self) -> np.ndarray:
        found = 0.6 * np.eye(K)
        found[MOUTH, NAMES.index("brows")] = 0.2
        return found


class Slow(Rubber):
    """Lids that fall by less than they rise; of what is measured they do 0.6, see above."""

    def __init__(self, falls: float):
        super().__init__()
        self.falls, self.lowering = falls, -0.8

    def measured(self, moves: torch.Tensor, *_) -> np.ndarray:
        return self.measures + self.falls * 0.6 * moves.numpy()


@pytest.mark.parametrize("falls, asked", [(1.0, -0.8), (2.0, -0.8), (0.8, -1.0), (0.1, -0.8 * MOST)])
def test_eyes_that_shut_slowly_are_asked_for_more(falls, asked):
    assert Slow(falls).closing == pytest.approx(asked, abs=0.03)    # long moves are shortened


class Watched(Follower):
    """Counts how often the face is looked at, which does less than it promised."""

    looks = 0

    def _measured(self, moves: torch.Tensor) -> np.ndarray:
        self.looks += len(moves)
        return 0.7 * moves.numpy() @ self.face.response


class Talker(Driver):
    """Opens and closes the mouth twice in a second."""

    opening = 1.0

    @property
    def changes(self) -> np.ndarray:
        found = np.zeros((len(self.lean), K))
        found[:, MOUTH] = 0.4 * (1 - np.cos(np.arange(len(found)) / 25 * 4 * np.pi))
        return found


@pytest.fixture
def follower() -> Watched:
    return Watched(Talker(np.zeros((40, 68, 2), np.float32), np.zeros((40, 3)), 25.0), Rubber(), torch.eye(K))


def test_what_the_guess_lacks_is_added(follower):
    frames = np.arange(40)
    wanted = follower._wanted(frames)
    def lacking(moves: torch.Tensor) -> np.ndarray:
        return np.abs(wanted - follower._measured(moves))
    guessed, followed = lacking(follower._guess(frames)), lacking(follower(frames))
    assert guessed[:, MOUTH].max() > 0.1 and followed[:, MOUTH].mean() < 0.5 * guessed[:, MOUTH].mean()
    assert followed.sum() < guessed.sum()
    assert not follower(np.array([0])).any()                # it begins at the photo


def test_frames_are_the_same_in_any_order_and_looks_are_made_once(follower):
    whole = follower(np.arange(40))
    seen = follower.looks
    assert seen <= 40 / 2 + 2
    other = Watched(follower.driver, Rubber(), torch.eye(K))
    parts = [other(np.arange(start, start + 8)) for start in (32, 0, 16, 24, 8)]
    assert torch.equal(torch.cat([parts[i] for i in (1, 4, 2, 3, 0)]), whole)
    assert other.looks == seen
    again = Watched(follower.driver, follower.face, torch.eye(K))
    assert torch.equal(again(np.arange(40)), whole) and not again.looks
    follower.face.kind = "of something else"                # the photo and the decoder's picture lack different things
    other = Watched(follower.driver, follower.face, torch.eye(K))
    assert torch.equal(other(np.arange(40)), whole) and other.looks == seen


def test_no_mouth_is_asked_to_shut_beyond_shut_and_eyes_close_by_their_own_opening(follower):
    follower.face.opened, follower.face.measures[LIDS] = 0.1, 2.0
    changes = np.zeros((40, K))
    changes[5, [MOUTH, LIDS]] = -0.5, -0.2
    follower.driver.__dict__["at"] = lambda frames: (None, changes[frames], None)
    wanted = follower._wanted(np.array([5]))[0]
    assert wanted[MOUTH] == -0.1 and wanted[LIDS] == pytest.approx(-0.4)
