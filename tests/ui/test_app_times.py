"""How long a visitor waits, in a browser, on two quiet CPU cores. Run with STYLEINV_TIMES=1."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from styleinv.ui.texts import say

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PORT = "7899"
ADDRESS = f"http://127.0.0.1:{PORT}/"

# Milliseconds from each move of a slider until its picture is there.
MOVE = """async () => {
    const range = document.querySelector("#live-turn"), image = document.querySelector("#live img"), found = [];
    for (let step = 1; step <= 12; step += 1) {
        const [begun, before] = [performance.now(), image.dataset.number];
        range.value = step;
        range.dispatchEvent(new Event("input"));
        while (image.dataset.number === before) await new Promise(requestAnimationFrame);
        found.push(performance.now() - begun);
    }
    return found;
}"""

pytestmark = pytest.mark.skipif(
    "STYLEINV_TIMES" not in os.environ, reason="times mean something on a quiet machine only: set STYLEINV_TIMES=1"
)


def ready() -> bool:
    try:
        return urlopen(ADDRESS, timeout=1).status == 200
    except (URLError, OSError):
        return False


@pytest.fixture(scope="module")
def start() -> Iterator[float]:
    """Seconds from the start of `python app.py` until its page opens."""
    root, begun = Path(__file__).parents[2], time.monotonic()
    server = subprocess.Popen([sys.executable, "app.py"], cwd=root, env=os.environ | {"GRADIO_SERVER_PORT": PORT})
    while not ready():
        assert server.poll() is None
        time.sleep(0.1)
    yield time.monotonic() - begun
    server.terminate()
    server.wait()


def test_a_visitor_need_not_wait_long(start):
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as p:
        page = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]).new_page()
        page.goto(ADDRESS)
        page.locator(".examples .person").first.click()
        begun = time.monotonic()
        page.locator("#photo-player .face-still").wait_for()
        rough = time.monotonic() - begun
        page.get_by_text(say("sharp")).first.wait_for(timeout=300_000)
        sharp, begun = time.monotonic() - begun, time.monotonic()
        page.locator("#animate").click()                # 4 s at 512 px, the whole photo
        page.locator("#photo-player .reel").wait_for(timeout=300_000)
        moving = time.monotonic() - begun
        page.locator(".saves.there").wait_for(timeout=300_000)
        clip = time.monotonic() - begun
        page.get_by_role("tab", name=say("live_tab")).click()
        page.locator("#live img").wait_for()
        page.wait_for_timeout(8000)                     # the pictures of the moods are drawn meanwhile
        moved = sorted(page.evaluate(MOVE))[6] / 1000
    print(f"\nready {start:.1f} s, rough {rough:.1f} s, sharp {sharp:.1f} s, moving {moving:.1f} s, clip {clip:.1f} s, "
          f"a move of a slider {moved:.3f} s")
    assert start < 20 and rough < 1.5 and sharp < 8 and moving < 2 and clip < 12 and moved < 0.15
