"""The app on a real server: through its API as programs call it, and in a browser as people use it."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from conftest import BUNDLE
from styleinv.ffmpeg import read_frames
from styleinv.provenance import verify
from styleinv.ui import build_demo, launch_options, texts
from styleinv.ui.studio import Studio

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SHORT = {"seconds": 1, "fps": 5, "likeness": "fast", "consent": True}


@pytest.fixture(scope="module")
def app(pipe, tmp_path_factory):
    """The running app: its address, its demo and its folder of clips."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(cache))
        demo = build_demo(pipe)
        _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **launch_options())
        yield SimpleNamespace(url=url, demo=demo, cache=cache, clips=cache / "clips")
        demo.close()


@pytest.fixture(scope="module")
def photos(tmp_path_factory, sample_photo, sample_faces) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    two = sample_photo.copy()
    two[40:296, 0:224] = sample_faces[1][::2, ::2][:, 16:240]
    Image.fromarray(sample_photo).save(folder / "one.jpg", quality=92)
    Image.fromarray(two).save(folder / "two.jpg", quality=92)
    Image.new("RGB", (300, 200), "teal").save(folder / "empty.png")
    (folder / "notes.jpg").write_text("no picture")
    (folder / "cut.jpg").write_bytes((folder / "one.jpg").read_bytes()[:20_000])
    return folder


@pytest.fixture
def client(app, tmp_path) -> Client:
    return Client(app.url, verbose=False, analytics_enabled=False, download_files=str(tmp_path))


def animate(client: Client, photo: Path, **settings) -> SimpleNamespace:
    values = client.predict(photo=handle_file(photo), api_name="/animate", **SHORT | settings)
    return SimpleNamespace(**dict(zip(("crop", "inversion", "likeness", "video", "picture", "clip", "recipe"), values)))


def recipe(path: str) -> dict:
    return json.loads(Path(path).read_text())


def test_only_two_endpoints_are_public_and_nothing_is_published_or_kept(app, client):
    assert set(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == {"/animate", "/sample"}
    assert app.demo.run_history is False and not app.demo.share and not app.demo.analytics_enabled
    assert app.demo.delete_cache == (600, 3600)


def test_sample(client):
    video, picture, clip, settings = client.predict(seed=5, seconds=1, fps=5, api_name="/sample")
    assert len(list(read_frames(clip, 5))) == 5 and picture is None and video
    assert verify(clip)["synthetic"] and recipe(settings)["seed"] == 5


def test_animate_once_inverted_is_quick_to_change(pipe, client, photos, monkeypatch):
    inverted, invert = [], pipe.invert_crop
    monkeypatch.setattr(pipe, "invert_crop", lambda *arguments: inverted.append(arguments[1]) or invert(*arguments))
    first, second = (animate(client, photos / "one.jpg", seed=seed, motion=0.5) for seed in (1, 2))
    assert inverted == ["fast"]
    assert first.likeness.startswith("Likeness **0.") and Image.open(first.crop).size == (512, 512)
    assert (recipe(first.recipe)["seed"], recipe(second.recipe)["seed"]) == (1, 2)
    assert recipe(first.recipe)["w0"] == recipe(second.recipe)["w0"] and recipe(first.recipe)["motion"] == 0.5


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_pictures_that_move(client, photos, kind):
    made = animate(client, photos / "one.jpg", kind=kind, layout="compare", loop="pingpong")
    with Image.open(made.clip) as image:
        assert image.size == (768, 256) and image.n_frames == 8
    assert made.video is None and made.picture


def test_visitors_get_their_own(app, photos):
    clients = [Client(app.url, verbose=False, analytics_enabled=False) for _ in range(3)]
    jobs = [
        client.submit(photo=handle_file(photos / "two.jpg"), face=face, seed=seed, api_name="/animate", **SHORT)
        for client, face, seed in zip(clients, (0, 1, 0), (11, 12, 13))
    ]
    recipes = [recipe(job.result()[-1]) for job in jobs]
    assert [r["seed"] for r in recipes] == [11, 12, 13]
    assert recipes[0]["w0"] == recipes[2]["w0"] != recipes[1]["w0"]


@pytest.mark.parametrize("photo, settings, sentence", [
    ("one.jpg", {"consent": False}, texts.NO_CONSENT),
    ("one.jpg", {"face": 3}, texts.NO_FACE),
    ("empty.png", {}, "No face was found: use a photo that shows a whole face from the front, in good light."),
    ("notes.jpg", {}, "notes.jpg is not an image that can be read: use a JPEG, PNG or WebP photo."),
    ("cut.jpg", {}, "cut.jpg is cut off or damaged: choose the original file."),
])
def test_bad_input_is_one_sentence_and_no_file(app, client, photos, photo, settings, sentence):
    before = {*app.clips.rglob("*.*")}
    with pytest.raises(AppError) as caught:
        animate(client, photos / photo, **settings)
    assert str(caught.value) == sentence
    assert {*app.clips.rglob("*.*")} <= before


@pytest.mark.parametrize("settings", [{"seconds": 1e6}, {"size": 300}, {"kind": "exe"}, {"seed": -1}])
def test_settings_that_the_page_does_not_offer(client, photos, settings):
    with pytest.raises(AppError):
        animate(client, photos / "one.jpg", **settings)


def test_a_fault_of_ours_tells_nothing(pipe, client, photos, monkeypatch):
    monkeypatch.setattr(pipe, "animate", lambda *_, **__: 1 / 0)
    with pytest.raises(AppError) as caught:
        animate(client, photos / "one.jpg")
    assert str(caught.value) == texts.FAULT


def test_work_ends_with_its_folder(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    studio = Studio(tiny)
    mine, other = studio.open("ann"), studio.open("bob")
    studio.remove("ann")
    assert not mine.exists() and other.exists()


@pytest.mark.parametrize("distance, words", [
    (0.39, "Likeness **0.39**: a close match."),
    (0.4, "Likeness **0.40**: the same person to a recogniser."),
    (0.6, "Likeness **0.60**: it only resembles you: try a frontal, evenly lit photo."),
])
def test_likeness_in_words(distance, words):
    assert texts.likeness(distance) == words


@pytest.mark.skipif(not BUNDLE.is_dir(), reason="there is no bundle in checkpoints/ffhq")
def test_app_starts_with_and_without_spaces():
    code = "import sys; sys.modules['spaces'] = None; import app; del sys.modules['spaces'], sys.modules['app']; import app"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent, capture_output=True)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as p:
        yield p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def opened(browser, app, width: int):
    """A fresh page, and a list that fills with what it complains of and whom else it calls."""
    page, wrong = browser.new_page(viewport={"width": width, "height": 900}), []
    page.set_default_timeout(60_000)
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda r: None if r.url.startswith((app.url, "data:", "blob:")) else wrong.append(r.url))
    page.goto(app.url)
    page.get_by_role("button", name="Animate").wait_for()
    return page, wrong


def preview(page) -> None:
    """Wait for the inversion, and be content with it."""
    page.locator("#likeness", has_text="Likeness").wait_for()
    page.get_by_label("Fast", exact=True).check()


def until(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def test_a_visitor_animates_the_second_of_two_people(app, browser, photos):
    page, wrong = opened(browser, app, 1440)
    page.set_input_files("input[type=file]", photos / "two.jpg")
    preview(page)
    first = page.text_content("#likeness")
    page.locator("button.thumbnail-item").nth(1).click()
    until(lambda: page.text_content("#likeness") != first)
    page.get_by_role("button", name="Animate").click()
    page.get_by_text(texts.NO_CONSENT).wait_for()
    page.get_by_label(texts.CONSENT).check()
    page.get_by_label("Seconds").first.fill("1")
    page.get_by_role("button", name="Animate").click()
    page.locator(".clip video").wait_for()
    until(lambda: page.evaluate("document.querySelector('.clip video').currentTime") > 0)
    assert page.evaluate("document.querySelector('.clip video').duration") == pytest.approx(1, abs=0.05)
    with page.expect_download() as download:
        page.get_by_role("link", name=texts.DOWNLOAD).or_(page.get_by_role("button", name=texts.DOWNLOAD)).first.click()
    assert len(list(read_frames(download.value.path(), 25))) == 25
    page.close()
    assert wrong == []


def test_cancel_stops_and_leaves_nothing(app, browser):
    page, wrong = opened(browser, app, 390)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator(".gallery-item").first.click()
    preview(page)
    page.get_by_label(texts.CONSENT).check()
    page.get_by_label("Seconds").first.fill("60")
    before = set(app.clips.iterdir())
    page.get_by_role("button", name="Animate").click()
    until(lambda: [*app.clips.glob("*/.*.mp4")])
    page.get_by_role("button", name="Cancel").click()
    until(lambda: set(app.clips.iterdir()) == before)
    until(page.get_by_role("button", name="Animate").is_enabled)
    page.close()
    assert wrong == []


def test_leaving_deletes_the_clips(app, browser):
    page, _ = opened(browser, app, 900)
    page.get_by_role("tab", name=texts.SAMPLE_TAB).click()
    page.get_by_label("Seconds").last.fill("1")
    before = {*app.cache.rglob("*.mp4")}
    page.get_by_role("button", name="Animate").last.click()
    until(lambda: {*app.cache.rglob("styleinv-7.mp4")} - before)
    page.close()
    until(lambda: {*app.cache.rglob("*.mp4")} <= before)
