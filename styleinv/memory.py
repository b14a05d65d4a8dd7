"""Keep large blocks of memory in the process: a CPU network gives up to half its time to the system otherwise."""

import ctypes
import sys
from collections.abc import Callable

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8    # of mallopt(3)
LARGEST = 2**31 - 1                                             # bytes; mallopt takes an int


def keep_large_blocks() -> bool:
    """Tell glibc to reuse large freed blocks instead of mapping and zeroing new ones; False where it cannot be told.

    All threads share them: with a heap of its own, each of a server's threads would keep a clip's worth for itself.
    """
    mallopt = _glibc("mallopt")
    settings = {M_MMAP_THRESHOLD: LARGEST, M_TRIM_THRESHOLD: LARGEST, M_ARENA_MAX: 1}
    return mallopt is not None and all([mallopt(*setting) for setting in settings.items()])


def give_back_blocks() -> bool:
    """Give the system what is free of them, for a server that rests; False where there was nothing, or no way."""
    trim = _glibc("malloc_trim")
    return bool(trim and trim(ctypes.c_size_t(0)))


def _glibc(function: str) -> Callable[..., int] | None:
    """None on other systems, and with another C library, as on Alpine."""
    return getattr(ctypes.CDLL(None), function, None) if sys.platform.startswith("linux") else None
