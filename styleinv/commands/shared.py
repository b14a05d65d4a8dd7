"""What every verb shares: its parser, the bundle of weights, a folder for its output, a report."""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clip.recipe import FACE, LIKENESS, Setting
from ..errors import InputError
from ..files import CHECKPOINTS, write_text
from .examples import epilog

if TYPE_CHECKING:
    from ..pipeline import StyleInVPipeline

BUNDLE = CHECKPOINTS / "ffhq"


class Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Names the defaults that say something, and keeps the lines of examples."""

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


def named_folder(text: str) -> tuple[str, Path]:
    """NAME=FOLDER, for argparse."""
    name, _, folder = text.partition("=")
    if not (name and folder):
        raise argparse.ArgumentTypeError(f"{text[:80]!r} names no folder: give NAME=FOLDER")
    return name, Path(folder)


def by_name(given: list[tuple[str, Path]]) -> dict[str, Path]:
    """Folders by their names.

    Raises:
        InputError: one is not there.
    """
    for _, folder in given:
        if not folder.is_dir():
            raise InputError(f"There is no folder {folder}: check the name.")
    return dict(given)


def number(low: float, high: float, kind: type = float) -> Callable[[str], Any]:
    """A finite number of a range, of an option."""
    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no {'whole ' if kind is int else ''}number") from error
        if not low <= value <= high:                # nan is in no range
            raise argparse.ArgumentTypeError(f"{value} is out of its range: choose a number from {low:g} to {high:g}")
        return value

    return parse


def add_verb(verbs: Any, name: str, run: Callable, text: str, bundle: bool = False) -> argparse.ArgumentParser:
    """Add a verb, what runs it and a line of help; with the option `--checkpoint` for one that needs the bundle."""
    parser = verbs.add_parser(name, help=text, description=text, formatter_class=Help, epilog=epilog(name))
    parser.set_defaults(run=run)
    if bundle:
        parser.add_argument("--checkpoint", default=str(BUNDLE), metavar="FOLDER|HUB_ID", help="the bundle of weights")
    return parser


def add_setting(parser: argparse.ArgumentParser, setting: Setting, **changed: Any) -> None:
    """The option of a setting, whose default, range or choices and help stand with the setting."""
    if setting.kind is bool:
        parser.add_argument(f"--{setting.name.replace('_', '-')}", action="store_true", help=setting.help)
        return
    limits = "" if setting.low is None else f", {setting.low:g} to {setting.high:g}"
    choices = setting.choices if setting.low is None else ()
    options = {"type": setting.convert, "choices": choices or None, "default": setting.default} | changed
    parser.add_argument(f"--{setting.name.replace('_', '-')}", help=setting.help + limits, **options)


def add_face_options(parser: argparse.ArgumentParser) -> None:
    """Add `--likeness` and `--face`."""
    add_setting(parser, LIKENESS)
    add_setting(parser, FACE, metavar="N|all")


def load(options: argparse.Namespace) -> "StyleInVPipeline":
    """The pipeline of `--checkpoint`."""
    from ..pipeline import StyleInVPipeline
    return StyleInVPipeline.from_pretrained(options.checkpoint)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents.

    Raises:
        InputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made: choose another one.") from error


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add `--json` and `--markdown`."""
    parser.add_argument("--json", type=_new_file, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--markdown", type=_new_file, metavar="FILE",
                        help="put the table into this file, in its place, as in docs/figures.md")


def _new_file(text: str) -> Path:
    """A file that can be written, of an option: checked before the work, not after it."""
    path = Path(text)
    above = next(folder for folder in path.absolute().parents if os.path.exists(folder))
    if os.path.isdir(path) or len(os.fsencode(path.name)) > 255 or not above.is_dir() or not os.access(above, os.W_OK):
        raise argparse.ArgumentTypeError(f"{path} cannot be written: name a file in another folder")
    return path


def write_report(report: dict[str, Any], table: str, options: argparse.Namespace, name: str) -> None:
    """Print a table; write the figures behind it to the file of --json, and the table to that of --markdown."""
    print(table)
    for path in filter(None, (options.json, options.markdown)):
        make_folder(path.parent)
    if options.json:
        write_text(options.json, json.dumps(report, indent=1))
    if options.markdown:
        text = options.markdown.read_text() if options.markdown.exists() else ""
        write_text(options.markdown, with_table(text, name, table))


def with_table(text: str, name: str, table: str) -> str:
    """A Markdown text with a table in its place, which comments mark; at the end, if it had none."""
    begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
    before, found, rest = text.partition(begin)
    if not found:
        return f"{text}\n{begin}{table}{end}\n".lstrip()
    return before + begin + table + end + rest.partition(end)[2]


class Bar:
    """A progress bar on stderr that changes its stage; silent where stderr is no terminal."""

    def __init__(self, title: str):
        self.title = title
        self.stage: str | None = None
        self.bar: Any = None

    def __enter__(self) -> "Bar":
        return self

    def __call__(self, stage: str, done: int, total: int) -> None:
        from tqdm import tqdm
        if stage != self.stage:
            self.__exit__()
            self.stage, self.bar = stage, tqdm(total=total, desc=f"{self.title}: {stage}", disable=None, leave=False)
        self.bar.update(done - self.bar.n)

    def __exit__(self, *_: Any) -> None:
        if self.bar is not None:
            self.bar.close()
