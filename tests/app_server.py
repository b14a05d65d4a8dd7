"""A quick pipeline, a server of the app, and a visitor of it, for the tests that need them."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import port
from PIL import Image
from remembering import Remembering

from styleinv import StyleInVPipeline
from styleinv.inversion import RefineConfig
from styleinv.ui import build_demo, launch_options, moods
from styleinv.ui.controls import choices
from styleinv.ui.session import Session
from styleinv.ui.texts import say

SMALL = "seconds=1&fps=10&size=256&frame=face"       # what is drawn soon
SHOTS = os.environ.get("STYLEINV_SCREENSHOTS")


class Quick(Remembering):
    """Refines a face in few steps."""

    refining = RefineConfig(steps=4)


@contextmanager
def serve(pipe: StyleInVPipeline, cache: Path, **settings) -> Iterator[SimpleNamespace]:
    """The app while it runs: its address, its demo and its cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(cache))
        if not SHOTS:
            patch.setattr(moods, "SECONDS", 0.5)                             # of what moves on the buttons
        with pytest.MonkeyPatch.context() as few:
            few.setattr(moods, "choices", lambda key: choices(key)[:2])      # all of them take long
            demo = build_demo(pipe, **settings)
        _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_port=port(), **launch_options())
        try:
            yield SimpleNamespace(url=url, demo=demo, cache=cache)
        finally:
            demo.close()


def until(condition: Callable[[], bool], seconds: float = 180) -> None:
    """Wait for something that must come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def remembered(app) -> list:
    """Photos, faces and pictures of them that the server holds in memory."""
    pages = list(app.demo.state_holder.session_data.values())
    sessions = [value for page in pages for value in page.state_data.values()
                if isinstance(value, Session) and value.crops]
    faces = [c["props"] for page in pages for c in page.components
             if c["props"].get("elem_id") in ("picker", "likeness", "live")]
    return sessions + [props for props in faces if props.get("value")]


def written(app) -> list[Path]:
    """Files with anything in them: for each look at a `gr.File`, Gradio makes an empty one, which is swept later."""
    return [path for path in app.cache.rglob("*") if path.is_file() and path.stat().st_size]


def in_view(page, selector: str) -> bool:
    """Whether all of something is on the screen."""
    box, screen = page.locator(selector).first.bounding_box(), page.viewport_size
    return box["y"] >= 0 and box["x"] >= 0 and box["y"] + box["height"] <= screen["height"] and (
        box["x"] + box["width"] <= screen["width"])


class Visitor:
    """A person before a fresh page, who notes what it complains of and whom else it calls."""

    def __init__(
        self, app, browser, width: int = 1440, scheme: str = "light", query: str = "", locale: str = "en-US",
        height: int = 900, **settings,
    ):
        settings.setdefault("reduced_motion", "no-preference" if SHOTS else "reduce")    # a browser that draws is busy
        self.app = app
        self.page = browser.new_page(
            viewport={"width": width, "height": height}, color_scheme=scheme, locale=locale, **settings)
        self.page.set_default_timeout(180_000)
        self.wrong = []
        self.page.on("console", lambda message: self.wrong.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda r: None if r.url.startswith((app.url, "data:", "blob:"))
                     else self.wrong.append(r.url))
        self.page.goto(app.url + f"?__theme={scheme}&{query}")
        self.page.locator("#zone .drop").wait_for()

    def paint(self, scheme: str) -> None:
        """Light or dark, without a new page."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.evaluate("""(dark) => {
            document.body.classList.toggle("dark", dark);
            for (const one of document.getAnimations()) if (one instanceof CSSTransition) one.finish();
        }""", scheme == "dark")

    def shoot(self, state: str) -> None:
        """A picture of the page for the docs: of what is in sight, on a phone of all of it."""
        if not SHOTS:
            return
        self.page.evaluate("scrollTo(0, 0)")
        phone = self.page.viewport_size["width"] < 640
        self.page.wait_for_timeout(700)                                         # moving parts come to rest
        image = Image.open(BytesIO(self.page.screenshot(full_page=phone))).convert("RGB")
        image.thumbnail((1080, 1400), Image.Resampling.LANCZOS)
        image.save(Path(SHOTS) / f"{state}.webp", quality=80)

    def choose(self, photo: Path | list[Path]) -> None:
        self.page.set_input_files("#zone input[type=file]", photo)

    def give(self, zone, file: Path, again: Callable[[], None] | None = None) -> None:
        """A file to one of Gradio's own zones, anew if it was lost: one that was just shown may not listen yet, and
        now and then an upload does not come back; then the page is loaded again, if `again` leads to the zone.
        """
        errors = pytest.importorskip("playwright.sync_api")
        name = self.page.locator(f"text={file.name} >> visible=true").first     # it is also in what tells of the upload
        for patience in (20_000, 20_000, 60_000):
            with suppress(errors.TimeoutError):                                 # one that took it has no input any more
                zone.set_input_files(file, timeout=patience)
            with suppress(errors.TimeoutError):
                return name.wait_for(timeout=patience)
            if again:
                self.page.reload()
                self.page.locator("#zone .drop").wait_for()
                again()
        raise AssertionError(f"{file.name} was lost")

    def likeness(self) -> str:
        """When the face is there."""
        self.page.locator(".has-photo #likeness .likeness").wait_for()
        return self.page.text_content("#likeness .likeness")

    def sharp(self) -> str:
        """When it has been refined."""
        until(lambda: "alike:" in self.likeness())
        return self.likeness()

    def animate(self, **typed: float) -> None:
        """Press Animate, when some settings have been typed."""
        for name, value in typed.items():
            self.page.get_by_label(say(name), exact=False).first.fill(str(value))
        self.page.locator("#animate").click()

    def status(self) -> str:
        return self.page.text_content("#photo-player-status .words")

    def done(self) -> None:
        until(lambda: self.status() == say("ready"))

    def videos(self, what: str) -> list:
        return self.page.evaluate(f"[...document.querySelectorAll('#photo-player video')].map(v => v.{what})")

    def clip(self) -> str:
        """The address of the clip that plays, if one does."""
        return next((src for src in self.videos("src") if "hero" not in src), "")

    def tab_to(self, selector: str, key: str) -> None:
        """Go on with the Tab key until something has the focus, and press a key there."""
        for _ in range(120):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(f"document.activeElement.matches('{selector}')"):
                return self.page.keyboard.press(key)
        raise AssertionError(f"Tab does not lead to {selector}")

    def told(self, sentence: str) -> None:
        self.page.get_by_text(sentence).first.wait_for()
