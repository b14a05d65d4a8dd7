"""The tree stays readable: few files per folder, short files and functions, and an index of each package."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "styleinv"
FILES = [*sorted(PACKAGE.rglob("*.py")), ROOT / "app.py", *sorted((ROOT / "tests").rglob("*.py"))]
PACKAGES = sorted(path for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("folder, most", [("styleinv", 12), ("styleinv/training", 6)])
def test_a_folder_is_seen_at_a_glance(folder, most):
    assert len([*(ROOT / folder).glob("*.py")]) <= most


@pytest.mark.parametrize("path", FILES, ids=named)
def test_files_and_functions_are_short(path):
    text = path.read_text()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    assert text.count("\n") <= 300
    assert not [f"{node.name}, line {node.lineno}" for node in functions if node.end_lineno - node.lineno >= 50]


@pytest.mark.parametrize("path", PACKAGES, ids=named)
def test_a_package_says_what_each_of_its_modules_is(path):
    index = ast.get_docstring(ast.parse(path.read_text())) or ""
    modules = {other.stem for other in path.parent.glob("*.py")} - {"__init__"}
    packages = {other.parent.name for other in path.parent.glob("*/__init__.py")}
    missing = {name for name in modules | packages if not re.search(rf"\b{name}\b", index)}
    assert not missing


def test_tests_lie_in_the_folders_of_what_they_test():
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    assert all((PACKAGE / folder).is_dir() for folder in folders)


def test_what_is_pinned_lies_in_the_package_s_ranges():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [*project["dependencies"], *(x for extra in project["optional-dependencies"].values() for x in extra)]
    ranges = {Requirement(line).name: Requirement(line).specifier for line in named}
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if not line.startswith("#"):
            pinned = Requirement(line)
            exact = [str(part)[2:] for part in pinned.specifier if str(part).startswith("==")]
            assert ranges[pinned.name] == pinned.specifier if not exact else ranges[pinned.name].contains(exact[0])
