"""What README and docs tell people to type works: marked blocks run, and every command and option exists."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from styleinv import StyleInVPipeline
from styleinv.__main__ import build_parser, main
from styleinv.commands.examples import EXAMPLES
from styleinv.inversion import RefineConfig

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in PAGES}
PARSER = build_parser()


def marked(page: str, language: str) -> str:
    """The code block of a page that is marked as tested."""
    return re.search(rf"<!-- tested: {language} -->\n```\w+\n(.*?)```", TEXTS[page], re.DOTALL).group(1)


def commands(text: str) -> list[list[str]]:
    """Arguments of the whole `styleinv` commands in a text of shell, one command per line."""
    lines = text.replace("\\\n", " ").splitlines()
    found = [re.search(r"^ *(?:styleinv|.*-m styleinv) (.*)", line) for line in lines if not line.startswith("#")]
    return [shlex.split(match.group(1), comments=True) for match in found if match]


def in_blocks() -> list[list[str]]:
    blocks = [block for text in TEXTS.values() for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]
    return [arguments for block in [*blocks, *EXAMPLES.values()] for arguments in commands(block)]


def in_sentences() -> list[str]:
    """What stands after `styleinv` in the inline code of all pages."""
    return sorted({rest for text in TEXTS.values() for rest in re.findall(r"`(?:python -m )?styleinv ([^`]+)`", text)})


def choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return found[0] if found else {}


@pytest.fixture
def elsewhere(tmp_path, monkeypatch, pipe):
    """A folder that shows the repository's examples and weights; the bundle of the tests is not loaded anew, and
    refines faces in few steps.
    """
    for name in ("examples", "checkpoints"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(StyleInVPipeline, "from_pretrained", lambda folder: pipe)
    monkeypatch.setattr(StyleInVPipeline, "refining", RefineConfig(steps=4))
    return tmp_path


def digits_alike(text: str) -> str:
    return re.sub(r"\d+", "0", text)


def test_the_worked_example_runs_and_prints_what_it_says(elsewhere, capsys):
    block = marked("README.md", "sh")
    for arguments in commands(block):
        assert main(arguments) == 0
    said = [line.removeprefix("# > ") for line in block.splitlines() if line.startswith("# > ")]
    printed = capsys.readouterr().out.splitlines()
    assert [digits_alike(line) for line in printed] == [digits_alike(line) for line in said]
    assert {"me.mp4", "pair.png", "ink.webp", "nobody.mp4", "again.mp4"} <= {path.name for path in elsewhere.iterdir()}


def test_the_python_example_runs(elsewhere):
    exec(compile(marked("README.md", "python"), "README.md", "exec"), {})
    saved = {"me.mp4", "me-0.mp4", "me-1.mp4", "smile.mp4", "nobody.mp4", "two.mp4"}
    assert {path.name for path in elsewhere.glob("*.mp4")} == saved


def test_the_training_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = marked("docs/training.md", "python")
    full = "steps=600, log_every=200"
    assert full in code
    code = code.replace(full, "steps=20, log_every=10")
    exec(compile(code, "docs/training.md", "exec"), {})
    assert "step 20" in capsys.readouterr().out and (tmp_path / "runs" / "discs" / "sheet.png").is_file()


@pytest.mark.parametrize("arguments", in_blocks(), ids=" ".join)
def test_whole_commands_are_accepted(arguments, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert PARSER.parse_args(arguments).run


@pytest.mark.parametrize("words", in_sentences())
def test_verbs_and_options_in_sentences_exist(words):
    verb, *rest = words.split()
    if verb.isupper():
        return
    parsers = [choices(PARSER)[verb]]
    if verb == "train":
        stages = choices(parsers[0])
        parsers = list(stages.values()) if rest and rest[0].isupper() else [stages[stage] for stage in rest[:1]]
    known = {option for parser in parsers for option in parser._option_string_actions}
    assert {word for word in rest if word.startswith("--")} <= known


def test_links_lead_somewhere():
    for page, text in TEXTS.items():
        for link in re.findall(r"\]\((?!http)([^)#]*)[^)]*\)", text):
            assert (ROOT / page).parent.joinpath(link).exists(), f"{page}: {link}"
