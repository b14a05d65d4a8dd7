"""The app in Chromium, as people use it. With STYLEINV_SCREENSHOTS=docs/app every state is photographed."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from app_server import Visitor, serve, until

from styleinv.clip.ffmpeg import read_frames
from styleinv.clip.provenance import verify
from styleinv.ui import texts
from styleinv.ui.session import Session
from styleinv.ui.texts import say

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def app(pipe, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """The running app, and the names of the styles that it offers."""
    with serve(pipe, tmp_path_factory.mktemp("cache")) as running:
        running.styles = list(pipe.styles)
        yield running


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as p:
        yield p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def remembered(app) -> list:
    """Photos, faces and pictures of them that the server holds in memory."""
    pages = list(app.demo.state_holder.session_data.values())
    sessions = [value for page in pages for value in page.state_data.values()
                if isinstance(value, Session) and value.crops]
    faces = [c["props"] for page in pages for c in page.components if c["props"].get("elem_id") in ("picker", "pair")]
    return sessions + [props for props in faces if props.get("value")]


def written(app) -> list[Path]:
    """Files with anything in them: for each look at a `gr.File`, Gradio makes an empty one, which is swept later."""
    return [path for path in app.cache.rglob("*") if path.is_file() and path.stat().st_size]


@pytest.fixture
def visit(app, browser) -> Iterator[Callable[..., Visitor]]:
    """Opens pages; in the end none of them may have complained, and closing them leaves nothing."""
    visitors = []

    def open_page(**settings) -> Visitor:
        visitors.append(Visitor(app, browser, **settings))
        return visitors[-1]

    yield open_page
    for visitor in visitors:
        visitor.page.close()
        assert visitor.wrong == []
    until(lambda: not written(app) and not remembered(app))


def test_a_visitor_animates_the_second_of_two_people(app, visit, photos):
    visitor = visit()
    page = visitor.page
    visitor.shoot("open")
    visitor.choose(photos / "two.jpg")
    first = visitor.likeness()
    assert page.locator(".face").count() == 2 and page.locator(".pair img").count() == 2
    assert not list(app.cache.rglob("two.jpg")) and remembered(app)     # the file is read, and deleted
    page.locator(".face").nth(1).press("Enter")                     # by keyboard
    until(lambda: page.locator("#pair .likeness").count() and visitor.likeness() != first)
    visitor.shoot("faces")
    page.locator("#animate").click()
    visitor.told(say("no_consent"))
    visitor.shoot("no-consent")
    page.locator(".toast-close").first.click()
    page.get_by_label(say("consent")).check()
    if app.styles:
        page.locator(".styles label").nth(1).click()
    visitor.animate(1)
    visitor.shoot("progress")
    visitor.done()
    until(lambda: any(time > 0 for time in visitor.videos("currentTime")))
    assert visitor.videos("duration") == pytest.approx([1.0] * (2 if app.styles else 1), abs=0.05)
    visitor.shoot("clip")
    with page.expect_download() as download:
        page.locator("#photo-player ~ .saves .save-mp4, .save-mp4").first.click()
    saved = Path(app.cache) / "saved.mp4"
    download.value.save_as(saved)
    assert len(list(read_frames(saved, 25))) == 25 and verify(saved)["synthetic"]
    saved.unlink()
    if len(app.styles) > 1:
        sources = visitor.videos("src")
        page.locator(".styles label").nth(2).click()                # the original is not made again
        until(lambda: visitor.videos("src")[1:] not in ([], sources[1:]))
        assert visitor.videos("src")[0] == sources[0]
        visitor.done()
        visitor.shoot("other-style")
    page.locator("#delete").click()
    visitor.told(say("deleted"))
    assert not [path for path in app.cache.rglob("*") if path.suffix in (".mp4", ".gif", ".webp", ".json", ".jpg")]
    assert page.locator("#photo-player video").count() == 0 and not remembered(app)
    visitor.shoot("deleted")


def test_cancel_stops_and_leaves_nothing_on_a_phone(app, visit):
    visitor = visit(width=390, scheme="dark")
    page = visitor.page
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    visitor.shoot("phone-open")
    page.locator(".examples button").first.click()
    visitor.likeness()
    page.get_by_label(say("consent")).check()
    visitor.animate(20)                 # longer would be refused by a machine that was slow just now
    until(lambda: [*app.cache.glob("clips/*/.*.mp4")])
    page.get_by_text("left").first.wait_for()
    visitor.shoot("phone-progress")
    page.get_by_role("button", name=say("cancel")).first.click()
    page.locator("#photo-player .progress-level").wait_for(state="hidden")
    until(lambda: not [*app.cache.glob("clips/*")])
    visitor.done()
    visitor.shoot("phone-cancelled")
    visitor.animate(1)
    visitor.done()
    until(lambda: any(visitor.videos("currentTime")))
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    visitor.shoot("phone-clip")


@pytest.mark.parametrize("photo, state, sentence", [
    ("empty.png", "no-face", "No face was found"), ("notes.jpg", "no-image", "is not an image that can be read"),
    ("cut.jpg", "damaged", "is cut off or damaged"),
])
def test_a_photo_that_will_not_do(visit, photos, photo, state, sentence):
    visitor = visit()
    visitor.choose(photos / photo)
    visitor.told(sentence)
    visitor.shoot(state)
    assert not visitor.page.locator(".face").count()
    visitor.choose(photos / "one.jpg")                              # and the next one does
    visitor.likeness()
    visitor.wrong.clear() if photo != "empty.png" else None         # the browser itself cannot show a broken picture


def test_a_huge_file(visit, tmp_path):
    visitor = visit()
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(70_000_000)
    visitor.choose(tmp_path / "huge.jpg")
    visitor.told("huge.jpg has 70 MB, more than 64: make it smaller and try again.")
    visitor.shoot("huge")


def test_settings_in_the_address_and_leaving(app, visit):
    visitor = visit(query="seed=42&seconds=1&style=none-of-them")
    page = visitor.page
    until(lambda: page.get_by_label(say("seed")).input_value() == "42")
    page.get_by_role("tab", name=say("sample_tab")).click()
    assert page.get_by_label(say("person_seed")).input_value() == "42"
    page.locator("#surprise").click()
    page.locator("#sample-player video").first.wait_for()
    visitor.shoot("sample")
    until(lambda: page.locator("#surprise").is_enabled())
    assert [*app.cache.glob("clips/*/styleinv-42.mp4")]
    page.close()
    until(lambda: not [*app.cache.glob("clips/*")])


def test_researcher_and_verify(app, visit, pipe, tmp_path):
    made, recipe = pipe.sample(seed=3, seconds=0.4, fps=10), tmp_path / "clip.json"
    clip = made.save(tmp_path / "clip.mp4")
    recipe.write_text(json.dumps(made.recipe))
    visitor = visit()
    page = visitor.page
    page.get_by_role("tab", name=say("lab_tab")).click()
    page.get_by_role("tabpanel", name=say("lab_tab")).or_(page.locator("[role=tabpanel]:visible")).first.locator(
        "input[type=file]"
    ).set_input_files(recipe)
    page.get_by_text("clip.json").first.wait_for()
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


def test_everything_that_can_be_pressed_has_a_name(visit):
    page = visit(scheme="dark").page
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, input, [role=radio]')].filter(e => e.offsetParent && !(\n"
        "        e.innerText || e.ariaLabel || e.title || e.labels?.length || "
        "e.getAttribute('aria-labelledby'))).map(e => e.outerHTML)")
    assert nameless == []


def test_by_keyboard_alone(app, visit):
    visitor = visit(query="seconds=1")
    page = visitor.page
    visitor.tab_to(".examples button", "Enter")
    visitor.likeness()
    visitor.tab_to("#consent input", "Space")
    visitor.tab_to("#animate", "Enter")
    until(lambda: any(visitor.videos("currentTime")))
    visitor.done()
    visitor.tab_to(".play", "Enter")
    until(lambda: all(visitor.videos("paused")))
    with page.expect_download() as download:
        visitor.tab_to(".save-mp4", "Enter")
    assert download.value.suggested_filename == "styleinv-7.mp4"
    visitor.tab_to("#delete", "Enter")
    visitor.told(say("deleted"))


WORDS = """[...document.querySelectorAll('.tabs *')].filter(e => e.offsetParent && !e.closest('style')).flatMap(e => [
    ...[...e.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent),
    ...['title', 'alt', 'aria-label'].map(name => e.getAttribute(name) ?? ''),
]).map(text => text.trim())"""


def test_a_language_is_whole(pipe, browser, tmp_path, monkeypatch):
    english = texts.languages()[texts.ENGLISH]
    french = {key: f"«{words}»" for key, words in english.items()}
    monkeypatch.setattr(texts, "languages", lambda *_: {"en": english, "fr": french})
    with serve(pipe, tmp_path) as running:
        page = Visitor(running, browser, locale="fr-FR").page
        page.locator(".examples button[aria-label^=«]").first.click()
        page.locator("#pair .likeness").wait_for()
        page.locator("#animate").click()
        page.get_by_text(french["no_consent"]).wait_for()
        seen = set(page.evaluate(WORDS))
        page.close()
    ours = re.compile("|".join(re.sub(r"\\{.*?\\}", ".+", re.escape(words)) for words in english.values()))
    assert french["animate"] in seen and not [text for text in seen if ours.fullmatch(text)]
