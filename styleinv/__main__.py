"""The command line: `styleinv VERB ...`, or `python -m styleinv VERB ...`.

Exit codes: 0 done, 2 bad input (one sentence on stderr), 130 and 143 stopped by Ctrl-C and SIGTERM, 1 a fault of ours.
Heavy imports happen inside the verbs, so that help is instant.
"""

import argparse
import sys
from typing import NoReturn

from . import __version__
from .commands.stopping import Stops
from .errors import InputError, of_the_system


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage text."""

    def error(self, message: str) -> NoReturn:
        print(f"styleinv: {message}; see `{self.prog} --help`.", file=sys.stderr)
        raise SystemExit(2)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    with Stops() as stops:
        try:
            options = build_parser().parse_args(arguments)
            return options.run(options) or 0
        except BaseException as error:
            if stops.code or isinstance(error, KeyboardInterrupt):      # whatever an interrupted import made of it
                return _said("stopped; nothing half-written was left.", stops.code or 130)
            if isinstance(error, InputError):
                return _said(str(error), 2)
            if isinstance(error, OSError) and (sentence := of_the_system(error)):
                return _said(sentence, 2)
            raise


def _said(sentence: str, code: int) -> int:
    print(f"styleinv: {sentence}", file=sys.stderr)
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs; torch is imported when one of them runs."""
    from .commands.data import add_data_verbs
    from .commands.measuring import add_measuring_verbs
    from .commands.posing import add_pose
    from .commands.rendering import add_rendering_verbs
    from .commands.research import add_research_verbs
    from .commands.train_light import add_train
    parser = Parser(prog="styleinv", description="A face photo brought to life, with no driver video.")
    parser.add_argument("--version", action="version", version=f"styleinv {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for add in (add_rendering_verbs, add_pose, add_data_verbs, add_measuring_verbs, add_research_verbs, add_train):
        add(verbs)
    return parser


if __name__ == "__main__":
    sys.exit(main())
