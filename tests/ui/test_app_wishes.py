"""The last wish wins, refining by itself, and what is sent: the work behind the page, without a browser."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from app_server import until
from PIL import Image

from styleinv.clip.ffmpeg import read_frames
from styleinv.clip.provenance import verify
from styleinv.clip.recipe import Recipe
from styleinv.errors import InputError
from styleinv.ui import export
from styleinv.ui.origin import origin
from styleinv.ui.progress import progress, reel
from styleinv.ui.session import HISTORY, Made, Order, Session
from styleinv.ui.spoken import Stopped
from styleinv.ui.studio import Studio
from styleinv.ui.tabs.photo import PhotoTab
from styleinv.ui.texts import say
from styleinv.ui.turns import Turns

ANN = SimpleNamespace(session_hash="ann")


@pytest.fixture
def tab(studio) -> PhotoTab:
    with gr.Blocks():
        visitors = SimpleNamespace(forget=studio.folders.remove)
        return PhotoTab(studio, gr.State(Session()), visitors)


@pytest.fixture
def session(studio) -> Session:
    """With a person who does not exist."""
    session = Session()
    studio.invent(5, session)
    return session


def met(session: Session, studio: Studio, faces: np.ndarray) -> Session:
    """With faces, as of a photo that needs consent."""
    session.crops, session.photo, session.consenting = list(faces), faces[0], True
    session.quads = [np.array([[0, 0], [0, 511], [511, 511], [511, 0]], float)] * len(faces)
    session.whole = faces[0]
    return session


def settings(tab: PhotoTab, **changed) -> tuple:
    recipe = replace(Recipe(seconds=1, fps=10, size=256), **changed)
    return (True, False, "photo", True, *tab.controls.updates(recipe))


def told(updates: list) -> dict:
    return updates[1] if isinstance(updates[1], dict) else {}


def wish(tab: PhotoTab, session: Session, seen: list, **changed) -> Thread:
    """Press Animate, on another thread, as the server does."""
    thread = Thread(target=lambda: seen.extend(tab.wish(session, ANN, *settings(tab, **changed))))
    thread.start()
    return thread


def test_the_last_wish_wins(tab, studio, session):
    first, last = [], []
    slow = wish(tab, session, first, seconds=60)
    until(lambda: studio.folders.busy("ann"))
    quick = wish(tab, session, last, seed=8)
    slow.join(60), quick.join(60)
    assert session.shown and session.shown.order.recipe.seed == 8
    assert told(last[-1])["words"] == say("ready") and "clip" in last[-1][0]
    assert not [shown for shown in first if "clip" in (shown[0] if isinstance(shown[0], dict) else {})]
    assert len(list(studio.folders.clips.iterdir())) == 1 and not studio.folders.busy("ann")


def test_pressing_wildly_ends_with_what_was_pressed_last(tab, studio, session):
    seen = [[] for _ in range(8)]
    threads = []
    for number, shown in enumerate(seen):
        before = session.wishes
        threads.append(wish(tab, session, shown, seed=number))
        until(lambda before=before: session.wishes > before)
    for thread in threads:
        thread.join(60)
    assert session.shown.order.recipe.seed == 7 and told(seen[-1][-1])["words"] == say("ready")
    assert not studio.folders.busy("ann")


def test_frames_are_shown_while_they_are_drawn(tab, session):
    seen: list = []
    wish(tab, session, seen, seconds=10).join(120)
    reels = [shown[0] for shown in seen if isinstance(shown[0], dict) and "reel" in shown[0]]
    assert reels and reels[0]["start"] == 0 and all(one["number"] == session.wishes for one in reels)
    assert [one["start"] for one in reels[1:]] == list(np.cumsum([len(one["reel"]) for one in reels]))[:-1]
    assert not progress(session.shown.clip.parent).words and not reel(session.shown.clip.parent, 0)


def test_what_was_made_is_not_made_again(tab, session):
    for _ in range(2):
        *_, last = tab.wish(session, ANN, *settings(tab))
    assert last[0]["clip"] and len(session.history) == 1


def test_cancel_says_that_the_settings_are_old(tab, studio, session):
    *_, _ = tab.wish(session, ANN, *settings(tab))
    seen: list = []
    thread = wish(tab, session, seen, seconds=60)
    until(lambda: studio.folders.busy("ann"))
    shown = tab.stage.stop(session, ANN)
    thread.join(60)
    assert told(shown) == {"words": say("old"), "kind": "old", "part": 0.0} and shown[0]["clip"] and shown[2]["clip"]
    assert told(seen[-1]) == told(shown)            # whichever of the two arrives last
    assert not studio.folders.busy("ann") and session.shown.order.recipe.seconds == 1


@pytest.mark.parametrize("changed, sentence", [
    ({"seed": -1}, "“Number of the motion” is -1"), ({"seconds": 0}, "“Seconds” is 0"),
])
def test_bad_settings_leave_the_clip_and_say_so(tab, session, changed, sentence):
    *_, _ = tab.wish(session, ANN, *settings(tab))
    values = list(settings(tab))
    for key, value in changed.items():
        values[4 + [*tab.controls.fields].index(key)] = value
    *_, last = tab.wish(session, ANN, *values)
    assert told(last)["kind"] == "error" and sentence in told(last)["words"] and say("old") in told(last)["words"]
    assert last[0]["clip"]


def test_changes_are_followed_once_there_is_a_clip(tab, session):
    assert not list(tab.follow(session, ANN, *settings(tab)))
    *_, _ = tab.wish(session, ANN, *settings(tab))
    *_, _ = tab.follow(session, ANN, *settings(tab, motion=0.5))
    assert session.shown.order.recipe.motion == 0.5


def test_a_photo_needs_consent_and_an_example_does_not(tab, studio, session, sample_faces):
    met(session, studio, sample_faces).person = None
    *_, last = tab.wish(session, ANN, False, *settings(tab)[1:])
    assert told(last)["words"] == say("no_consent")
    session.consenting = False
    *_, last = tab.wish(session, ANN, False, *settings(tab)[1:])
    assert told(last)["words"] == say("ready")
    *_, consent, _, _, _, _, _, _ = tab.invent(session, ANN)
    assert consent["visible"] is False and consent["value"] is False


def test_a_face_gets_sharp_by_itself_and_stays_so_when_a_clip_is_cancelled(tab, studio, quick, sample_faces):
    studio.pipeline = studio.preview = quick             # one whose faces are faces
    session = met(Session(), studio, sample_faces)
    seen = list(tab.sharpen(session, ANN, *settings(tab)))
    assert say("sharp") in [told(shown[2:]).get("words") for shown in seen] and (0, "photo") in session.inversions
    tab.stage.stop(session, ANN)
    assert session.refining[0].done() and (0, "photo") in session.inversions


def test_looks_of_another_face_are_not_shown(tab, studio, quick, sample_faces, monkeypatch):
    studio.pipeline = studio.preview = quick
    session = met(Session(), studio, sample_faces)
    monkeypatch.setattr(tab, "_looks", lambda session, inversion: session.look_at(0) or "somebody")
    assert "somebody" not in [shown[1] for shown in tab.sharpen(session, ANN, *settings(tab))]


def test_refining_stops_with_its_photo(studio, sample_faces, monkeypatch):
    session, steps = met(Session(), studio, sample_faces), []

    def slow(crop, likeness, folder):
        while len(steps) < 500:
            steps.append(time.sleep(0.02))
            if not folder.is_dir():
                raise Stopped("stopped")

    monkeypatch.setattr(studio, "refine", slow)
    future = studio.refining(session, "ann")
    until(lambda: steps)
    studio.folders.stop("ann")                              # a cancelled clip does not stop it
    assert session.places[0].is_dir()
    session.leave_photo()
    assert isinstance(future.exception(10), Stopped) and len(steps) < 500 and not session.inversions


def test_a_photo_that_will_not_do_leaves_all_as_it_was(studio, session, tmp_path):
    person = session.person
    (studio.folders.cache / "notes.jpg").write_text("no picture")
    with pytest.raises(InputError):
        studio.read(studio.folders.cache / "notes.jpg", session)
    assert session.person is person


def test_first_come_first_served():
    turns, order = Turns(1), []

    def work(name: str) -> None:
        with turns.take(lambda before: None):
            order.append(name)
            time.sleep(0.05)

    threads = []
    for name in "abcd":
        threads.append(Thread(target=work, args=[name]))
        threads[-1].start()
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert order == [*"abcd"]


def test_a_place_in_the_queue_can_be_given_up():
    turns = Turns(1)

    def leave(before: int) -> None:
        raise Stopped("gone")

    with turns.take(leave), pytest.raises(Stopped), turns.take(leave):
        pass
    with turns.take(leave):
        pass


def test_the_history_holds_the_latest():
    session, orders = Session(), [Order(Recipe(seed=seed)) for seed in range(8)]
    for order in orders:
        session.keep(Made(Path(f"{order.recipe.seed}.mp4"), order))
    assert len(session.history) == HISTORY and session.history[0].order == orders[-1]
    session.keep(session.history[2])
    assert [made.clip.stem for made in session.history] == ["5", "7", "6", "4", "3", "2"]


def test_looking_back_brings_the_settings_too(tab, session):
    for seed in (1, 2):
        *_, _ = tab.wish(session, ANN, *settings(tab, seed=seed))
    shown = tab.look_back(session, SimpleNamespace(index=1))
    values = dict(zip(tab.controls.fields, shown[5:], strict=True))
    assert values["seed"] == 1 and session.shown.order.recipe.seed == 1


@pytest.fixture
def made(studio, session) -> Iterator[Made]:
    with studio.folders.work("ann") as folder:
        order = Order(Recipe(seconds=1, fps=10))
        clip = studio.draw(session.person, order, folder)
    yield Made(clip, order, before=np.zeros((100, 150, 3), np.uint8))


@pytest.mark.parametrize("kind", ["mp4", "gif", "webp"])
@pytest.mark.parametrize("shape, size", [
    ("whole", (256, 256)), ("square", (256, 256)), ("portrait", (204, 256)), ("story", (144, 256)),
    ("beside", (640, 256)),
])
def test_clips_as_they_are_sent(studio, made, kind, shape, size):
    path = studio.export(made, kind, shape)
    if kind == "mp4":
        frames = list(read_frames(path, 10))
        assert len(frames) == 10 and frames[0].shape == (*size[::-1], 3)
    else:
        with Image.open(path) as image:
            assert image.size == size and image.n_frames == 10
    assert kind == "gif" or verify(path)["synthetic"]
    assert studio.export(made, kind, shape) == path


def test_a_gif_says_who_made_it(studio, made, tmp_path):
    assert "StyleInV" in origin(studio.export(made, "gif")) and "generated by a trained network" in origin(made.clip)
    Image.new("RGB", (9, 9)).save(tmp_path / "other.gif")
    assert "nothing of its origin" in origin(tmp_path / "other.gif")


def test_what_goes_to_a_chat_is_small(studio, made):
    path = studio.export(made, "chat")
    assert path.name == f"{made.clip.stem}-chat.gif" and path.stat().st_size < 8_000_000
    with Image.open(path) as image:
        assert image.format == "GIF" and image.n_frames > 1


def test_a_cut_keeps_the_face_in_its_middle():
    frame = np.zeros((100, 200, 3), np.uint8)
    frame[40:60, 140:160] = 255
    assert export.cut(frame, 1, (0.75, 0.5))[50, 50].all()
    assert export.cut(frame, 9 / 16, (1.0, 0.0)).shape == (100, 56, 3)


def test_what_is_deleted_cannot_be_sent(studio, made):
    studio.folders.remove("ann")
    with pytest.raises(Stopped):
        studio.export(made, "gif")


def test_too_long_for_a_picture_is_a_sentence(studio, made, monkeypatch):
    monkeypatch.setattr(export, "PICTURE_BYTES", 1000)
    with pytest.raises(InputError, match="too long for a GIF"):
        studio.export(made, "gif")
