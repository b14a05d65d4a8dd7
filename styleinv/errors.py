"""Errors whose text is meant for the user: one sentence that names the cause and what to do."""


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
