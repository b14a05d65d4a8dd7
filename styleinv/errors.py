"""Errors whose text is meant for the user: one sentence that names the cause and what to do."""


class InputError(ValueError):
    """Bad input: the command line prints its text and exits with code 2, the app shows it."""


class FaceError(InputError):
    """The photo has no usable face, or is no usable photo."""
