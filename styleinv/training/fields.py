"""Kinds of settings: what `--set` may give them, beyond the plain ones."""

import math
from typing import Annotated, Any, get_args

from ..models.inversion import BODIES

# Each: the type, what it is for people, and what must hold.
Count = Annotated[int, "whole number from 1 on", lambda n: n >= 1]
Side = Annotated[int, "power of two from 8 on", lambda n: n >= 8 and n & (n - 1) == 0]
OutputSide = Annotated[int, "128, 256, 512 or 1024", lambda n: n in (128, 256, 512, 1024)]      # the default decoder's
Above0 = Annotated[float, "number above 0", lambda x: 0 < x < math.inf]
Share = Annotated[float, "number from 0 to 1", lambda x: 0 <= x <= 1]
Half = Annotated[str, "float16 or bfloat16", lambda name: name in ("float16", "bfloat16")]
Noise = Annotated[str, "const, random or none", lambda name: name in ("const", "random", "none")]
Body = Annotated[str, " or ".join(BODIES), lambda name: name in BODIES]

PLAIN = {
    int: Annotated[int, "whole number from 0 on", lambda n: n >= 0],
    float: Annotated[float, "number from 0 on", lambda x: 0 <= x < math.inf],
    bool: Annotated[str, "true or false", lambda text: text.lower() in ("true", "false")],
}


def parse(kind: Any, text: str) -> Any:
    """The value of a setting of some kind.

    Raises:
        ValueError: it has no such value; says what it must be.
    """
    base, what, holds = get_args(PLAIN.get(kind, kind))
    try:
        value = base(text)
    except ValueError as error:
        raise ValueError(what) from error
    if not holds(value):
        raise ValueError(what)
    return value.lower() == "true" if kind is bool else value
