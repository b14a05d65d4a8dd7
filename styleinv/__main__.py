"""The command line: `styleinv VERB ...`, or `python -m styleinv VERB ...`.

Exit codes: 0 done, 2 bad input (one sentence on stderr), 1 a fault of ours. Heavy imports happen inside the verbs, so that help is instant.
"""

import argparse
import sys
from typing import NoReturn

from . import __version__
from .commands.data import add_data_verbs
from .commands.measuring import add_measuring_verbs
from .commands.rendering import add_rendering_verbs
from .commands.research import add_research_verbs
from .errors import InputError


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage text."""

    def error(self, message: str) -> NoReturn:
        print(f"styleinv: {message}; see `{self.prog} --help`.", file=sys.stderr)
        raise SystemExit(2)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except InputError as error:
        print(f"styleinv: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("styleinv: stopped; nothing half-written was left.", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    parser = Parser(prog="styleinv", description="A face photo brought to life, with no driver video.")
    parser.add_argument("--version", action="version", version=f"styleinv {__version__}")
    from .commands.train_light import add_train  # argparse alone: torch is imported when a stage runs
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    add_rendering_verbs(verbs)
    add_data_verbs(verbs)
    add_measuring_verbs(verbs)
    add_research_verbs(verbs)
    add_train(verbs)
    return parser


if __name__ == "__main__":
    sys.exit(main())
