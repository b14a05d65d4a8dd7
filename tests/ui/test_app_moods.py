"""The pictures of the moods: drawn in peace, for the face that is looked at."""

from threading import Event, Thread
from time import monotonic

import numpy as np
import pytest
from app_server import until

from styleinv.render import resized
from styleinv.ui.moods import SIDE, Moods, strip
from styleinv.ui.session import Session
from styleinv.ui.spoken import Stopped
from styleinv.ui.turns import Peace


@pytest.fixture
def session(studio) -> Session:
    session = Session()
    studio.invent(5, session)
    return session


def test_a_strip_begins_as_the_face_and_moves(tiny, monkeypatch):
    monkeypatch.setattr("styleinv.ui.moods.SECONDS", 2.0)           # the app of other tests has shorter ones
    asked, face = [], tiny.sample_face(5)
    frames = np.split(strip(tiny, face, "lively", lambda: asked.append(1)), 16, axis=1)
    assert len(asked) == 1 + 16 and np.array_equal(frames[0], resized(face.image, SIDE))
    assert not np.array_equal(frames[0], frames[-1])


def test_all_moods_come_one_after_the_other(studio, session):
    moods = Moods(studio)
    shown = [value for value in moods.show(session) if "strips" in value]
    assert [sum(map(bool, value["strips"])) for value in shown] == [*range(len(moods.names) + 1)]
    assert len(moods.names) == 8 and set(session.moods) == set(moods.names)


def test_another_face_ends_them(studio, session):
    moods = Moods(studio).show(session)
    while not session.moods:
        next(moods)
    session.leave_photo()
    assert len([*moods]) < 3 and not session.moods


def test_who_moves_a_slider_is_likely_to_move_it_again():
    peace, begun = Peace(), monotonic()
    peace.disturb(0.3)
    peace.wait(lambda: None)
    assert 0.29 < monotonic() - begun < 2


def test_what_can_wait_waits_for_peace():
    peace, done = Peace(), Event()
    with peace.broken():
        thread = Thread(target=lambda: (peace.wait(lambda: None), done.set()))
        thread.start()
        assert not done.wait(0.2)
    until(done.is_set, 5)
    thread.join()

    def leave() -> None:
        raise Stopped("gone")

    with peace.broken(), pytest.raises(Stopped):
        peace.wait(leave)
