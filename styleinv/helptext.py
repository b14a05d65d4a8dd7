"""How `--help` shows an option, and which numbers an option takes."""

import argparse


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """Names the defaults that say something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, False, "") else super()._get_help_string(action)


def natural(text: str) -> int:
    """A whole number from 0 on, of an option."""
    if int(text) < 0:
        raise ValueError
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1 on, of an option."""
    if int(text) < 1:
        raise ValueError
    return int(text)
