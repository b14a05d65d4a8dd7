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
    print(f"\nready {start:.1f} s, rough {rough:.1f} s, sharp {sharp:.1f} s, moving {moving:.1f} s, clip {clip:.1f} s")
    assert start < 20 and rough < 1.5 and sharp < 8 and moving < 2 and clip < 12
