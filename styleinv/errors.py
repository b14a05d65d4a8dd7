"""What users are told: errors of one sentence that names the cause and what to do, and how far the work is."""

import errno
from collections.abc import Callable

Progress = Callable[[int, int], None]               # (done, in all)
StageProgress = Callable[[str, int, int], None]     # (stage, done, in all)


class InputError(ValueError):
    """Bad input: the command line prints its text and exits with code 2, the app shows it."""


class FaceError(InputError):
    """The photo has no usable face, or is no usable photo."""


def in_words(error: Exception) -> str:
    """What went wrong with one item of many, in a sentence."""
    if isinstance(error, InputError):
        return str(error)
    cause = " ".join(str(error).split())[:200] or "without a word"
    return f"It could not be worked on ({type(error).__name__}: {cause}): leave it out, or report this."


def of_the_system(error: OSError) -> str | None:
    """What the system refused, and what to do, in a sentence; None if it tells of a fault of ours."""
    remedies = {
        errno.ENOSPC: "the disk is full: make room and try again.",
        errno.EDQUOT: "your share of the disk is full: make room and try again.",
        errno.EACCES: "there is no right to do that: give yourself the right, or choose another place.",
        errno.EPERM: "there is no right to do that: give yourself the right, or choose another place.",
        errno.EROFS: "the disk cannot be written to: choose another place.",
        errno.ENAMETOOLONG: "the name is too long: choose a shorter one.",
        errno.EIO: "the disk failed: try another one.",
    }
    remedy = remedies.get(error.errno or 0)
    return remedy and (f"{str(error.filename)[:100]}: {remedy}" if error.filename else remedy[0].upper() + remedy[1:])
