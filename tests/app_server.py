"""A server of the app, for the tests that need one."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from styleinv import StyleInVPipeline
from styleinv.ui import build_demo, launch_options


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
