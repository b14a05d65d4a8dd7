"""Whatever goes wrong reaches the visitor as one sentence."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any

import gradio as gr
from pydantic import ValidationError

from ..errors import InputError
from .texts import said, say

log = logging.getLogger(__name__)


class Stopped(InputError):
    """The visitor pressed Cancel or left."""


def spoken(function: Callable) -> Callable:
    """Bad input becomes a `gr.Error` with its sentence; a fault of ours goes to the log in full, and says so."""
    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        with _speaking():
            return function(*arguments, **named)

    @wraps(function)
    def generate(*arguments: Any, **named: Any) -> Iterator[Any]:
        with _speaking():
            yield from function(*arguments, **named)

    return generate if isgeneratorfunction(function) else call


@contextmanager
def _speaking() -> Iterator[None]:
    try:
        yield
    except (gr.Error, GeneratorExit):
        raise
    except ValidationError as error:
        raise gr.Error(_setting(error), print_exception=False) from error
    except InputError as error:
        raise gr.Error(said(error), print_exception=False) from error
    except Exception as error:
        log.exception("A request failed")
        raise gr.Error(say("fault"), print_exception=False) from error


def _setting(error: ValidationError) -> str:
    """The first setting that a program sent in the wrong form."""
    first = error.errors()[0]
    name, value = ".".join(map(str, first["loc"])) or "The request", repr(first.get("input"))[:60]
    return say("bad_setting", name=name, value=value, reason=first["msg"][:1].lower() + first["msg"][1:])
