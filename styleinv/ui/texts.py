"""The app's words. A language is one file in `locales`; English is complete, and fills the gaps of the others."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import gradio as gr
from gradio.context import LocalContext
from gradio.i18n import I18nData

from ..face.verdict import likeness_percent

FOLDER = Path(__file__).parent / "locales"
ENGLISH = "en"


@cache
def languages(folder: Path = FOLDER) -> dict[str, dict[str, str]]:
    """By language code, by key."""
    return {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.toml"))}


def i18n(folder: Path = FOLDER) -> gr.I18n:
    """What `demo.launch` needs to translate labels in the browser; gaps are filled in English."""
    known = languages(folder)
    return gr.I18n(**{code: known[ENGLISH] | words for code, words in known.items()})


def t(key: str) -> I18nData:
    """A label that the browser shows in the visitor's language."""
    if key not in languages()[ENGLISH]:
        raise KeyError(f"There is no text {key!r} in {FOLDER / ENGLISH}.toml")
    return I18nData(key)


def known_text(key: str) -> I18nData | None:
    """As :func:`t`, or None where there is no such text."""
    return I18nData(key) if key in languages()[ENGLISH] else None


def style_title(name: str, title: str) -> I18nData | str:
    """A style's title in the visitor's language, or its own where we have no word for it."""
    return known_text(f"style_named_{name}") or title


def say(key: str, language: str | None = None, **values: Any) -> str:
    """A sentence made here, in the language of the visitor whose request is being served."""
    known = languages()
    words = known.get(language or visitor_language(), {})
    return words.get(key, known[ENGLISH][key]).format(**values)


def said(sentence: object) -> str:
    """A sentence of other parts of the package in the visitor's language, where there are words for it."""
    for key, pattern in _sayings().items():
        if found := pattern.fullmatch(str(sentence)):
            return say(key, **{name: said(part) for name, part in found.groupdict().items()})
    return str(sentence)


@cache
def _sayings() -> dict[str, re.Pattern[str]]:
    """What other parts of the package say, by key."""
    return {key: re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(words)))
            for key, words in languages()[ENGLISH].items() if key.startswith("said_")}


def visitor_language() -> str:
    """What the page's address asks for, else the first language of the visitor's browser, of those that there is a
    file for; English outside a request.
    """
    request = LocalContext.request.get(None)
    headers = request.headers if request else {}
    asked = parse_qs(urlsplit(headers.get("referer", "")).query).get("lang", [])
    wanted = [*asked, *(part.split(";")[0].strip() for part in headers.get("accept-language", "").split(","))]
    codes = [code for tag in wanted for code in (tag, tag.split("-")[0])]
    return next((code for code in codes if code in languages()), ENGLISH)


def likeness(distance: float | None) -> str:
    """The percentage, and what it means."""
    if distance is None:
        return ""
    meaning = "close" if distance < 0.4 else "same" if distance < 0.6 else "far"
    return say("likeness_line", percent=likeness_percent(distance), meaning=say(f"likeness_{meaning}"))
