"""The Expression tab in Chromium: sliders, dragging, presets, a signed picture, and a clip that begins there."""

import json

import numpy as np
from app_server import SMALL, until
from PIL import Image

from styleinv.clip.ffmpeg import write_mp4
from styleinv.clip.provenance import verify
from styleinv.ui.texts import say


def number(page) -> int:
    return int(page.get_attribute("#live img", "data-number"))


def value(page, control: str) -> float:
    return float(page.locator(f"#live-{control}").input_value())


def test_a_face_answers_to_sliders_and_to_the_hand(visit, photos, tmp_path):
    visitor = visit(query=SMALL)
    page = visitor.page
    page.get_by_role("tab", name=say("live_tab")).click()
    page.get_by_text(say("live_no_photo")).wait_for()
    page.get_by_role("tab", name=say("photo_tab")).click()
    visitor.choose(photos / "one.jpg")
    visitor.sharp()
    page.get_by_role("tab", name=say("live_tab")).click()
    page.locator("#live img").wait_for()
    before = page.get_attribute("#live img", "src")
    page.locator("#live-turn").press("ArrowRight")
    until(lambda: number(page) == 1)
    assert value(page, "turn") == 1 and page.get_attribute("#live img", "src") != before

    box = page.locator("#live img").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.4 * box["height"])
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(box["x"] + (0.5 + 0.02 * step) * box["width"], box["y"] + 0.4 * box["height"])
    page.mouse.up()
    assert value(page, "turn") > 5
    page.get_by_role("button", name=say("preset_wink")).click()
    assert value(page, "lid_right") == 1 and value(page, "turn") == 0
    page.get_by_role("button", name=say("live_undo")).click()
    assert value(page, "lid_right") == 0 and value(page, "turn") > 5
    page.get_by_role("button", name=say("live_reset")).click()
    until(lambda: page.get_attribute("#live img", "src") == before)      # at rest it is the photo again
    page.get_by_role("button", name=say("preset_smile")).click()
    visitor.shoot("expression")
    with page.expect_download() as download:
        page.get_by_role("button", name=say("live_save")).click()
    download.value.save_as(tmp_path / "smile.png")
    assert verify(tmp_path / "smile.png")["synthetic"] and np.asarray(Image.open(tmp_path / "smile.png")).std() > 20

    page.get_by_role("button", name=say("live_animate")).click()
    visitor.told(say("no_consent"))
    page.get_by_label(say("consent")).check()
    visitor.animate()
    visitor.done()
    recipe = next(path for path in visitor.app.cache.rglob("*.json"))
    assert json.loads(recipe.read_text())["pose"]["offsets"]
    page.locator("#delete").click()
    visitor.told(say("deleted"))


def test_a_photo_moves_as_a_video_does(quick, visit, photos, tmp_path):
    frames = quick.animate(quick.sample_face(5), seconds=0.8, seed=3, mood="look-around", size=256).frames
    wide = (np.pad(frame, ((40, 40), (64, 64), (0, 0)), mode="edge") for frame in frames)
    write_mp4(tmp_path / "her.mp4", wide, 25, 18)
    write_mp4(tmp_path / "blank.mp4", iter([np.zeros((64, 64, 3), np.uint8)] * 9), 10, 20)
    visitor = visit(query=SMALL)
    page = visitor.page
    visitor.choose(photos / "one.jpg")
    visitor.sharp()
    page.get_by_label(say("consent")).check()
    page.get_by_role("button", name=say("drive")).click()
    video = page.locator("#settings input[type=file]").first
    video.set_input_files(tmp_path / "blank.mp4")
    visitor.told("No face is seen in blank.mp4: use a video of one person who faces the camera.")
    page.locator("#settings input[type=file]").first.set_input_files(tmp_path / "her.mp4")
    visitor.told(say("drive_read", seconds=0.8))
    assert not [*visitor.app.cache.rglob("her.mp4"), *visitor.app.cache.rglob("blank.mp4")]
    visitor.animate()
    visitor.done()
    recipe = json.loads(next(visitor.app.cache.rglob("*.json")).read_text())
    assert recipe["driver"]["fps"] == 25 and recipe["seconds"] == 0.8
    page.get_by_role("button", name=say("drive_forget")).click()
    visitor.told(say("drive_info"))
    page.locator("#delete").click()
    visitor.told(say("deleted"))
