"""The app in Chromium, as people use it. With STYLEINV_SCREENSHOTS=docs/app every state is photographed."""

import json
import re
from pathlib import Path
from zipfile import ZipFile

import pytest
from app_server import SMALL, Visitor, in_view, remembered, serve, until
from PIL import Image

from styleinv.clip.ffmpeg import read_frames
from styleinv.clip.provenance import verify
from styleinv.ui import texts
from styleinv.ui.texts import say


def test_a_visitor_animates_the_second_of_two_people(app, visit, photos):
    visitor = visit(query=SMALL)
    page = visitor.page
    assert page.locator("#photo-player video").count() and not page.locator("#settings").is_visible()
    visitor.shoot("open")
    visitor.choose(photos / "two.jpg")
    assert "so far" in visitor.likeness() and page.locator(".face").count() == 2
    assert not list(app.cache.rglob("two.jpg")) and remembered(app)     # the file is read, and deleted
    page.locator(".face").nth(1).press("Enter")                     # by keyboard
    visitor.shoot("faces")
    page.locator("#animate").click()
    visitor.told(say("no_consent"))
    visitor.shoot("no-consent")
    page.get_by_label(say("consent")).check()
    visitor.sharp()
    visitor.shoot("sharp")
    if app.styles:
        page.locator(".styles label").nth(1).click()
        assert page.get_by_label(say("frame_face"), exact=True).is_checked()
    visitor.animate()
    page.locator("#cancel").wait_for()
    visitor.shoot("progress")
    visitor.done()
    until(lambda: any(time > 0 for time in visitor.videos("currentTime")))
    visitor.shoot("clip")
    with page.expect_download() as download:
        page.locator(".save-mp4").first.click()
    saved = Path(app.cache) / "saved.mp4"
    download.value.save_as(saved)
    assert len(list(read_frames(saved, 10))) == 10 and verify(saved)["synthetic"]
    saved.unlink()
    if len(app.styles) > 1:
        before = visitor.clip()
        page.locator(".styles label").nth(2).click()                # it follows by itself
        until(lambda: visitor.clip() not in ("", before))
        visitor.done()
        assert page.locator("#history button").count() == 2
        visitor.shoot("other-style")
        page.locator("#history button").nth(1).click()              # and back: the settings too
        until(lambda: visitor.clip() == before)
        assert page.locator(".styles input").nth(1).is_checked()
    page.locator("#delete").click()
    visitor.told(say("deleted"))
    assert not [path for path in app.cache.rglob("*") if path.suffix in (".mp4", ".gif", ".webp", ".json", ".jpg")]
    assert not visitor.clip() and not remembered(app)
    visitor.shoot("deleted")


def test_cancel_on_a_phone_and_the_last_wish_wins(app, visit):
    visitor = visit(width=390, height=844, scheme="dark", query="size=256&frame=face&fps=10")
    page = visitor.page
    assert page.evaluate("document.documentElement.scrollWidth") == 390 and in_view(page, ".zone .choose")
    visitor.shoot("phone-open")
    page.locator(".examples .person").first.click()
    assert not page.locator("#consent").is_visible()                # nobody is shown who could agree
    visitor.sharp()
    visitor.animate(seconds=30)
    until(lambda: [*app.cache.glob("clips/*/.*.mp4")])
    page.locator("#photo-player .reel").wait_for()
    visitor.shoot("phone-progress")
    page.locator("#cancel").click()
    until(lambda: not [*app.cache.glob("clips/*")])
    until(lambda: visitor.status() == say("cancelled") and page.evaluate("document.activeElement.id") == "animate")
    visitor.shoot("phone-cancelled")
    visitor.animate(seconds=20)
    page.locator("#cancel").wait_for()
    page.get_by_label(say("seconds"), exact=False).first.fill("1")  # typed while it is drawn
    visitor.done()
    until(lambda: visitor.videos("duration") == [pytest.approx(1, abs=0.1)])
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.evaluate("scrollTo(0, 0)")
    assert in_view(page, ".save-mp4") and in_view(page, "#photo-player video")
    visitor.shoot("phone-clip")


def test_photos_that_will_not_do(visit, photos, tmp_path):
    visitor = visit()
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(70_000_000)
    visitor.choose(tmp_path / "huge.jpg")
    visitor.told("huge.jpg has 70 MB, more than 64: make it smaller and try again.")
    visitor.shoot("huge")
    for photo, state, sentence in (
        ("empty.png", "no-face", "No face was found"), ("notes.jpg", "no-image", "is not an image that can be read"),
        ("cut.jpg", "damaged", "is cut off or damaged"),
    ):
        visitor.choose(photos / photo)
        visitor.page.locator(".zone .wrong", has_text=sentence).wait_for()
        visitor.shoot(state)
        assert not visitor.page.locator(".face").count()
    Image.open(photos / "one.jpg").save(tmp_path / "phone.heic")    # and the next one does
    visitor.choose(tmp_path / "phone.heic")
    visitor.likeness()


def test_several_photos_become_one_zip(app, visit, photos, tmp_path):
    visitor = visit(query=SMALL)
    page = visitor.page
    visitor.choose([photos / "one.jpg"] * 13)
    visitor.told(say("too_many_photos", most=12))
    visitor.choose([photos / name for name in ("notes.jpg", "one.jpg", "two.jpg")])
    visitor.told(say("several_photos", count=3))
    assert not list(app.cache.rglob("two.jpg"))                     # they are read, and deleted
    page.get_by_label(say("consent_all")).check()
    visitor.animate()
    visitor.told(say("batch_part", number=3, count=3, name="two.jpg").strip())
    visitor.shoot("several")
    visitor.told(say("batch_ready", done=2, count=3))
    assert "notes.jpg is not an image that can be read" in visitor.status()
    with page.expect_download() as download:
        page.locator(".save-zip").click()
    download.value.save_as(tmp_path / "all.zip")
    with ZipFile(tmp_path / "all.zip") as archive:
        assert archive.namelist() == ["01-one.mp4", "02-two.mp4"]
        archive.extractall(tmp_path)
    assert all(verify(tmp_path / name)["synthetic"] for name in ("01-one.mp4", "02-two.mp4"))
    page.locator("#animate").click()                                # and once more, but not to its end
    page.locator("#cancel").click()
    until(lambda: visitor.status() == say("old") and not [*app.cache.glob("clips/*/.busy")])


def test_researcher_and_verify(app, visit, quick, tmp_path):
    made, recipe = quick.sample(seed=3, seconds=0.4, fps=10, size=256), tmp_path / "clip.json"
    clip = made.save(tmp_path / "clip.mp4")
    recipe.write_text(json.dumps(made.recipe))
    visitor = visit()
    page = visitor.page

    def go() -> None:
        page.get_by_role("tab", name=say("lab_tab")).click()
        page.locator("#grid").wait_for()

    go()
    visitor.give(page.locator("[role=tabpanel]", has=page.locator("#grid")).locator("input[type=file]"), recipe, go)
    page.get_by_role("button", name=say("latents_start")).click()
    until(lambda: [*app.cache.glob("clips/*/latents.npz")])
    page.get_by_label(say("people")).fill("1, 2")
    page.get_by_label(say("motions")).fill("7")
    page.locator("[role=tabpanel]:visible").get_by_label(say("seconds")).first.fill("1")
    page.locator("#grid").click()
    page.locator("#lab-player video").wait_for()
    visitor.shoot("researcher")
    page.get_by_role("tab", name=say("verify_tab")).click()
    page.locator("[role=tabpanel]:visible input[type=file]").set_input_files(clip)
    visitor.told("generated by a trained network")
    visitor.shoot("verify")
    page.get_by_role("tab", name=say("about_tab")).click()
    visitor.told("How it works")
    visitor.shoot("about")


WORDS = """[...document.querySelectorAll('.tabs *')].filter(e => e.offsetParent && !e.closest('style')).flatMap(e => [
    ...[...e.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent),
    ...['title', 'alt', 'aria-label'].map(name => e.getAttribute(name) ?? ''),
]).map(text => text.trim())"""


def test_a_language_is_whole(quick, browser, photos, tmp_path, monkeypatch):
    english = texts.languages()[texts.ENGLISH]
    french = {key: f"«{words}»" for key, words in english.items()}
    monkeypatch.setattr(texts, "languages", lambda *_: {"en": english, "fr": french})
    with serve(quick, tmp_path) as running:
        page = Visitor(running, browser, locale="fr-FR").page
        page.set_input_files("#zone input[type=file]", photos / "one.jpg")
        page.locator("#likeness .likeness").wait_for()
        page.locator("#animate").click()
        page.get_by_text(french["no_consent"]).first.wait_for()
        seen = set(page.evaluate(WORDS))
        page.close()
    ours = re.compile("|".join(re.sub(r"\\{.*?\\}", ".+", re.escape(words)) for words in english.values()))
    assert french["animate"] in seen and not [text for text in seen if ours.fullmatch(text)]
