"""The page in Chromium: the ways in, what is sent, the keyboard, and what the address says."""

import base64
import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_server import SMALL, Visitor, in_view, until

from styleinv.clip.ffmpeg import read_frames
from styleinv.ui.texts import say

BRING = """([event, data]) => {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0)), files = new DataTransfer();
    files.items.add(new File([bytes], "brought.jpg", { type: "image/jpeg" }));
    const init = { bubbles: true, cancelable: true };
    document.body.dispatchEvent(event === "paste" ? new ClipboardEvent(event, { ...init, clipboardData: files })
        : new DragEvent(event, { ...init, dataTransfer: files }));
}"""


def test_a_photo_is_pasted_or_dropped_anywhere_and_consent_goes_with_it(visit, photos):
    visitor = visit()
    data = base64.b64encode((photos / "one.jpg").read_bytes()).decode()
    visitor.page.evaluate(BRING, ["paste", data])
    visitor.likeness()
    visitor.page.get_by_label(say("consent")).check()
    visitor.page.locator("#again").click()                          # the way in, and back again
    visitor.page.locator(".zone .drop").wait_for()
    visitor.page.evaluate(BRING, ["drop", data])
    until(lambda: not visitor.page.get_by_label(say("consent")).is_checked())
    visitor.page.locator(".zone .drop").wait_for(state="hidden")


def test_surprises_are_new_each_time(visit):
    visitor = visit(query=SMALL)
    page = visitor.page
    page.locator(".zone .surprise").click()
    page.locator("#photo-player .face-still").wait_for()
    first = page.get_attribute("#photo-player .face-still", "src")
    visitor.done()
    page.locator("#surprise").click()
    until(lambda: page.locator("#photo-player .face-still").count()
          and page.get_attribute("#photo-player .face-still", "src") != first)
    assert not page.locator("#consent").is_visible()
    until(lambda: visitor.clip() and visitor.status() == say("ready"))
    visitor.shoot("sample")


SCREENS = {(1440, 900): "light", (1024, 768): "dark", (390, 844): "light"}


def screens(visitor: Visitor) -> Iterator[int]:
    """The page on screens of these sizes, by their widths."""
    for (width, height), scheme in SCREENS.items():
        visitor.page.set_viewport_size({"width": width, "height": height})
        visitor.paint(scheme)
        visitor.page.evaluate("scrollTo(0, 0)")
        yield width


def test_what_is_sent_lies_beside_the_clip(visit):
    visitor = visit(query=SMALL.replace("&frame=face", ""))
    page = visitor.page
    for _ in screens(visitor):
        until(lambda: in_view(page, ".zone .choose") and in_view(page, "#photo-player video"), 5)
    page.locator(".examples .person").nth(1).click()
    visitor.sharp()
    visitor.animate()
    visitor.done()
    shapes = page.locator(".saves select option").evaluate_all("(all) => all.map((one) => one.value)")
    assert shapes == ["whole", "square", "portrait", "story", "beside"]
    page.locator(".saves select").select_option("story")
    with page.expect_download() as download:
        page.locator(".save-gif").click()
    assert re.fullmatch(r"styleinv-\d+-story\.gif", download.value.suggested_filename)
    for width in screens(visitor):
        until(lambda: all(in_view(page, part) for part in ("#photo-player video", ".save-mp4", ".saves .link")), 5)
        visitor.shoot(f"send-{width}")


def test_settings_in_the_address_and_a_question_before_leaving(app, visit):
    visitor = visit(query="seed=42&seconds=1&style=none-of-them&size=256&frame=face&motion=0.5&fps=10")
    page, asked = visitor.page, []
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".zone .surprise").click()
    visitor.done()
    assert page.get_by_label(say("seed")).input_value() == "42"
    assert [*app.cache.glob("clips/*/styleinv-42.mp4")]
    page.locator(".saves .link").click()
    page.get_by_text(say("linked")).wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(app.url) and "seed=42" in copied and "motion=0.5" in copied and "size=256" in copied
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == ["beforeunload"]                                # the clip is not saved
    until(lambda: not [*app.cache.glob("clips/*")])
    cut = ("AbortError", "Connection errored out")                  # leaving cuts what was still being sent
    visitor.wrong[:] = [text for text in visitor.wrong if not any(words in text for words in cut)]


def test_each_mood_moves_on_its_button(visit):
    visitor = visit(query=SMALL, reduced_motion="no-preference")
    page, moving = visitor.page, visitor.page.locator(".set-mood label[data-moves=true]")
    page.locator(".examples .person").first.click()
    visitor.sharp()
    face = page.locator(".set-mood label").first
    assert "data:image" in face.evaluate("(label) => label.style.getPropertyValue('--face')")
    moving.first.wait_for()
    running = "(label) => getComputedStyle(label, '::before').animationName"
    assert moving.first.evaluate(running) == "strip"
    page.emulate_media(reduced_motion="reduce")
    until(lambda: moving.first.evaluate(running) == "none")
    count = moving.count()
    visitor.animate()                       # what can wait does, and goes on
    visitor.done()
    until(lambda: moving.count() > count)


def test_by_keyboard_alone(app, visit):
    visitor = visit(query=SMALL)
    page = visitor.page
    visitor.tab_to(".examples .person", "Enter")
    visitor.likeness()
    until(lambda: page.evaluate("document.activeElement.id") == "animate")      # the focus goes on
    page.keyboard.press("Enter")
    visitor.done()
    assert page.evaluate("document.activeElement.id") == "animate"
    assert page.text_content("#photo-player-status .aloud") == say("ready")
    visitor.tab_to(".play", "Enter")
    until(lambda: all(visitor.videos("paused")))
    with page.expect_download() as download:
        visitor.tab_to(".save-mp4", "Enter")
    assert re.fullmatch(r"styleinv-\d+\.mp4", download.value.suggested_filename)
    if app.styles:
        visitor.tab_to(".styles input:checked", "ArrowRight")
        until(lambda: page.locator(".styles input").nth(1).is_checked())
        visitor.done()
    visitor.tab_to("#delete", "Enter")
    visitor.told(say("deleted"))


AXE = Path(__file__).parent / "axe" / "axe.min.js.gz"
# The first is of Gradio's own places for files, which we cannot name.
FINDINGS = """async () => (await axe.run(document, { rules: { "label-content-name-mismatch": { enabled: false } } }))
    .violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => [one.id, ...one.nodes.map((node) => node.html.slice(0, 200))])"""


NAMELESS = """[...document.querySelectorAll("button, input, select, [role=radio]")].filter((e) => e.offsetParent && !(
    e.innerText || e.ariaLabel || e.title || e.labels?.length || e.getAttribute("aria-labelledby")))
    .map((e) => e.outerHTML)"""


def test_nothing_serious_stands_in_anybodys_way(visit):
    visitor = visit(query=SMALL)
    page = visitor.page

    def look() -> None:
        assert page.evaluate(NAMELESS) == []
        for scheme in ("light", "dark"):
            visitor.paint(scheme)
            assert page.evaluate(FINDINGS) == []

    page.evaluate(gzip.decompress(AXE.read_bytes()).decode())
    look()
    page.locator(".examples .person").first.click()
    visitor.sharp()
    visitor.animate()
    visitor.done()
    look()
    for tab in ("lab_tab", "verify_tab", "about_tab"):
        page.get_by_role("tab", name=say(tab)).click()
        page.locator("[role=tabpanel]:visible").wait_for()
        look()


@pytest.mark.parametrize("settings", [{"locale": "de-DE"}, {"query": "lang=de"}])
def test_german_by_the_browser_or_the_address(visit, photos, settings):
    visitor = visit(**settings)
    page = visitor.page
    page.get_by_text(say("drop_title", "de")).wait_for()
    assert page.get_by_role("tab", name=say("lab_tab", "de")).count() and page.get_attribute("html", "lang") == "de"
    visitor.shoot("german")
    if "query" not in settings:
        return
    visitor.choose(photos / "one.jpg")
    visitor.likeness()
    page.get_by_role("button", name=say("animate", "de")).click()
    page.get_by_text(say("no_consent", "de")).first.wait_for()


def test_a_style_stays_in_the_whole_photo_and_all_of_them_do_not(app, visit, photos):
    if len(app.styles) < 2:
        pytest.skip("no styles are installed")
    visitor = visit(query="seconds=1&fps=2&size=256&frame=photo")
    page = visitor.page
    visitor.choose(photos / "one.jpg")
    visitor.sharp()
    whole, styles = page.get_by_label(say("frame_photo"), exact=True), page.locator(".styles label")
    styles.nth(1).click()
    page.get_by_label(say("consent")).check()
    visitor.animate()
    visitor.done()
    assert whole.is_checked()
    clip = next(app.cache.glob("clips/*/styleinv-*.mp4"))
    assert next(iter(read_frames(clip, 2))).shape == (720, 960, 3)
    styles.last.click()
    until(lambda: page.get_by_label(say("frame_face"), exact=True).is_checked())
    whole.check()
    until(lambda: page.locator(".styles input").first.is_checked())
