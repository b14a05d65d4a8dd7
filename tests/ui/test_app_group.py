"""All faces of a photo move, for programs and in the page."""

import json
from pathlib import Path

import numpy as np
import pytest
from app_server import SMALL, in_view, until
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from styleinv.clip.ffmpeg import read_frames
from styleinv.errors import FaceError, InputError
from styleinv.ui.group import everyone
from styleinv.ui.session import Session
from styleinv.ui.texts import say

ALL = {"all_faces": True, "seconds": 1, "fps": 5, "size": 256, "consent": True, "api_name": "/animate"}


def test_all_faces_of_a_photo_move(app, photos, tmp_path):
    client = Client(app.url, verbose=False, analytics_enabled=False, download_files=str(tmp_path))
    photo = handle_file(photos / "two.jpg")
    with pytest.raises(AppError, match="face is all: that needs frame photo"):
        client.predict(photo=photo, frame="face", **ALL)
    clip, recipe, _ = client.predict(photo=photo, frame="photo", **ALL)
    faces = client.predict(photo=photo, api_name="/faces")
    assert len(faces) == len(json.loads(Path(recipe).read_text())["others"]) + 1 == 2
    with Image.open(photos / "two.jpg") as file:
        before = np.asarray(file.convert("RGB")).astype(int)
    moved = np.abs(list(read_frames(clip, 5))[2].astype(int) - before).mean(axis=2)
    height, width = moved.shape
    for face in faces:
        left, right = (round(x * width) for x in (face["left"], face["left"] + face["width"]))
        top, bottom = (round(y * height) for y in (face["top"], face["top"] + face["height"]))
        assert moved[top:bottom, left:right].mean() > 2
    client.predict(api_name="/delete_now")


def test_who_stays_still_is_said(studio, tmp_path, monkeypatch):
    session = Session(crops=[np.zeros((8, 8, 3), np.uint8)] * 3, quads=[np.zeros((4, 2))] * 3, face=1)

    def draw(session: Session, face: int, *_):
        if face in still:
            raise FaceError("It is too dark.")
        return studio.pipeline.sample_face(face)

    monkeypatch.setattr(studio, "invert_face", draw)
    still = {0}
    found, notes = everyone(studio, session, tmp_path)
    assert [face.w0.tolist() for face in found.faces] == [studio.pipeline.sample_face(i).w0.tolist() for i in (1, 2)]
    assert notes == ["Face 1 stays still: It is too dark."]
    still = {0, 1, 2}
    with pytest.raises(InputError, match="Face 2 stays still: .* Face 1 stays still: .* Face 3 stays still: It is"):
        everyone(studio, session, tmp_path)


def test_all_faces_move_in_the_page(app, visit, photos):
    visitor = visit(query=SMALL)
    page = visitor.page
    visitor.choose(photos / "two.jpg")
    visitor.likeness()
    page.set_viewport_size({"width": 390, "height": 844})           # what is asked lies over the button on a phone too
    until(lambda: all(in_view(page, part) for part in ("#everyone", "#consent", "#animate")), 5)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_label(say("consent")).check()
    page.get_by_label(say("everyone")).check()                      # which is seen in the whole photo alone
    until(lambda: page.get_by_label(say("frame_photo"), exact=True).is_checked())
    visitor.animate()
    visitor.done()
    assert any("others" in path.read_text() for path in app.cache.glob("clips/*/*.json"))
    visitor.shoot("everyone")
    page.get_by_label(say("everyone")).uncheck()                    # the clip follows
    until(lambda: len([*app.cache.glob("clips/*/*.json")]) > 1)
    visitor.done()
    page.locator("#delete").click()
    visitor.told(say("deleted"))
