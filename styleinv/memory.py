"""Keep large blocks of memory in the process: a CPU network gives up to half its time to the system otherwise."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3     # of mallopt(3)
LARGEST = 2**31 - 1                             # bytes; mallopt takes an int


def keep_large_blocks() -> bool:
    """Tell glibc to reuse large freed blocks instead of mapping and zeroing new ones; False where it cannot be told."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):           # another C library, as on Alpine
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST) and mallopt(M_TRIM_THRESHOLD, LARGEST))
