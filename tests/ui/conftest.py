"""The app on a server, a browser, and visits to it, for the tests that need them."""

import shutil
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from app_server import SHOTS, Quick, Visitor, remembered, serve, until, written
from conftest import BUNDLE

from styleinv.ui.folders import Folders
from styleinv.ui.studio import Studio

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture
def studio(tiny, tmp_path, monkeypatch) -> Studio:
    """The work behind the page, by tiny networks."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return Studio(tiny, Folders())


@pytest.fixture(scope="session")
def quick() -> Quick:
    """The bundle that comes with the repository, and two of its styles: a sharp face is drawn in each."""
    if not BUNDLE.is_dir():
        pytest.skip("there is no bundle in checkpoints/ffhq")
    pipe = Quick.from_pretrained(BUNDLE)
    pipe.shelf.installed = dict(list(pipe.styles.items())[: None if SHOTS else 2])
    return pipe


@pytest.fixture(scope="session")
def app(quick, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """The running app, and the names of the styles that it offers."""
    with serve(quick, tmp_path_factory.mktemp("cache")) as running:
        running.styles = list(quick.styles)
        yield running


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as p:
        yield p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


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
