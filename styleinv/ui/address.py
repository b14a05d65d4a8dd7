"""The page as it opens: settings can be named in its address, as in ?seed=7&style=pencil&seconds=6."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from .controls import MAX_SEED
from .gallery import ALL
from .picker import tiles
from .player import nothing
from .studio import MAX_SECONDS


@dataclass(frozen=True)
class Address:
    """What the page's address may say. No photo and no clip: an address is not a place for faces."""

    styles: tuple[str, ...]     # names of those installed

    def open(self, request: gr.Request) -> list[Any]:
        """The examples and three empty players in the visitor's language, then seed, style and seconds for two tabs."""
        query = request.query_params
        settings = [self.seed(query), self.style(query), self.seconds(query)]
        return [tiles(), *[nothing()] * 3, *[gr.skip() if value is None else value for value in settings] * 2]

    def seed(self, query: dict[str, str]) -> int | None:
        """None if there is no such setting, or it makes no sense."""
        return _number(query.get("seed"), int, 0, MAX_SEED)

    def seconds(self, query: dict[str, str]) -> float | None:
        """As :meth:`seed`."""
        return _number(query.get("seconds"), float, 1, MAX_SECONDS)

    def style(self, query: dict[str, str]) -> str | None:
        """As :meth:`seed`."""
        known = self.styles + ((ALL,) if len(self.styles) > 1 else ())
        return query.get("style") if query.get("style") in known else None


def _number(text: str | None, kind: Callable[[str], Any], low: float, high: float) -> Any:
    try:
        value = kind(text or "")
    except ValueError:
        return None
    return value if low <= value <= high else None
