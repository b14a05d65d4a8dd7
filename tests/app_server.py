"""A server of the app, and a visitor of it, for the tests that need them."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from styleinv import StyleInVPipeline
from styleinv.ui import build_demo, launch_options
from styleinv.ui.texts import say

SHOTS = os.environ.get("STYLEINV_SCREENSHOTS")


@contextmanager
def serve(pipe: StyleInVPipeline, cache: Path, **settings) -> Iterator[SimpleNamespace]:
    """The app while it runs: its address, its demo and its cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(cache))
        demo = build_demo(pipe, **settings)
        _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **launch_options())
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


class Visitor:
    """A person before a fresh page, who notes what it complains of and whom else it calls."""

    def __init__(self, app, browser, width: int = 1440, scheme: str = "light", query: str = "", locale: str = "en-US"):
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, locale=locale)
        self.page.set_default_timeout(180_000)
        self.wrong = []
        self.page.on("console", lambda message: self.wrong.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda r: None if r.url.startswith((app.url, "data:", "blob:"))
                     else self.wrong.append(r.url))
        self.page.goto(app.url + f"?__theme={scheme}&{query}")
        self.page.locator("#animate").wait_for()

    def shoot(self, state: str) -> None:
        """A picture of the page for the docs: of what is in sight, on a phone of all of it."""
        if not SHOTS:
            return
        self.page.evaluate("scrollTo(0, 0)")
        phone = self.page.viewport_size["width"] < 640
        # What sticks to a screen's end has its place here.
        style = ".actions { position: static !important }" if phone else ""
        self.page.wait_for_timeout(700)                                         # moving parts come to rest
        image = Image.open(BytesIO(self.page.screenshot(full_page=phone, style=style))).convert("RGB")
        image.thumbnail((1080, 1400), Image.Resampling.LANCZOS)
        image.save(Path(SHOTS) / f"{state}.webp", quality=80)

    def choose(self, photo: Path) -> None:
        self.page.set_input_files("input[type=file] >> nth=0", photo)

    def likeness(self) -> str:
        self.page.locator("#pair .likeness").wait_for()
        return self.page.text_content("#pair .likeness")

    def animate(self, seconds: float) -> None:
        self.page.get_by_label("Fast", exact=True).check()
        self.page.get_by_label(say("seconds"), exact=False).first.fill(str(seconds))
        self.page.locator("#animate").click()
        self.page.locator("#animate:disabled").wait_for()

    def done(self) -> None:
        until(lambda: self.page.locator("#animate").is_enabled())

    def videos(self, what: str) -> list:
        return self.page.evaluate(f"[...document.querySelectorAll('#photo-player video')].map(v => v.{what})")

    def tab_to(self, selector: str, key: str) -> None:
        """Go on with the Tab key until something has the focus, and press a key there."""
        for _ in range(80):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(f"document.activeElement.matches('{selector}')"):
                return self.page.keyboard.press(key)
        raise AssertionError(f"Tab does not lead to {selector}")

    def told(self, sentence: str) -> None:
        self.page.get_by_text(sentence).first.wait_for()
