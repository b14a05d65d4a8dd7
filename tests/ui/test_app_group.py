"""All faces of a photo move, for programs and in the page."""

import json
from pathlib import Path

import numpy as np
import pytest
from app_server import SMALL, until
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from styleinv.clip.ffmpeg import read_frames
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


def test_all_faces_move_in_the_page(app, visit, photos):
    visitor = visit(query=SMALL)
    page = visitor.page
    visitor.choose(photos / "two.jpg")
    visitor.likeness()
    page.get_by_label(say("consent")).check()
    page.get_by_label(say("everyone")).check()                      # which is seen in the whole photo alone
    until(lambda: page.get_by_label(say("frame_photo"), exact=True).is_checked())
    visitor.animate()
    visitor.done()
    assert any("others" in path.read_text() for path in app.cache.glob("clips/*/*.json"))
    visitor.shoot("everyone")
    page.locator("#delete").click()
    visitor.told(say("deleted"))
