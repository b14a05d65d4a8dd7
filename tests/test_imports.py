"""The layers of the program: who may import whom, read from the source text."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {"pickle", "dill", "cloudpickle", "torchvision", "cv2", "sklearn", "scipy", "mediapipe", "insightface"}
TORCH = {"torch", "diffusers", "accelerate", "safetensors"}


def files() -> dict[str, Path]:
    """Module name -> file, of the package and of app.py."""
    found = {}
    for path in [*sorted((ROOT / "styleinv").rglob("*.py")), ROOT / "app.py"]:
        if path.exists():
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imports(module: str, tree: ast.AST) -> Iterator[str]:
    """Every module that the tree names in an import, in full; of `from a import b` both a and a.b."""
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            start = ".".join([*base, *filter(None, [node.module])])
            yield start
            yield from (f"{start}.{alias.name}" for alias in node.names)


FILES = files()
TREES = {module: ast.parse(path.read_text()) for module, path in FILES.items()}
IMPORTS = {module: set(imports(module, tree)) for module, tree in TREES.items()}
MODULES = sorted(FILES)


def top_level(module: str) -> set[str]:
    """What is imported with the module, not inside its functions."""
    later = (ast.FunctionDef, ast.ClassDef)
    body = [node for node in TREES[module].body if not isinstance(node, later) and not _for_types(node)]
    return set(imports(module, ast.Module(body, [])))


def _for_types(node: ast.AST) -> bool:
    """Whether a statement is `if TYPE_CHECKING:`, which never runs."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def reach(module: str, graph: dict[str, set[str]] = IMPORTS) -> set[str]:
    """All that the module imports, itself or through our other modules, now or later."""
    seen, waiting = set(), [module]
    while waiting:
        for name in graph.get(waiting.pop(), set()) - seen:
            seen.add(name)
            waiting.append(name)
    return seen


def below(names: set[str], *packages: str) -> set[str]:
    return {name for name in names if any(name == p or name.startswith(p + ".") for p in packages)}


def test_the_graph_is_read():
    assert "styleinv.errors.InputError" in IMPORTS["styleinv.clip.clip"]
    assert "styleinv.models.ops" in IMPORTS["styleinv.models.mobile_stylegan"]
    assert "torch" in reach("styleinv.models.mobile_stylegan") and "dlib" in reach("styleinv.data.prepare")


@pytest.mark.parametrize("module", MODULES)
def test_nothing_forbidden(module):
    allowed = {"pickle"} if module == "styleinv.importers.unpickle" else set()      # for foreign checkpoints
    assert not below(IMPORTS[module], *(FORBIDDEN - allowed))


@pytest.mark.parametrize("module", MODULES)
def test_one_place_for_gradio_and_one_for_spaces(module):
    assert not below(IMPORTS[module], "gradio") or below({module}, "styleinv.ui")
    assert not below(IMPORTS[module], "spaces") or module == "app"


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith("styleinv.models")])
def test_models_stand_alone(module):
    ours = below(IMPORTS[module], "styleinv") - {"styleinv"}
    assert ours == below(ours, "styleinv.models", "styleinv.errors")


def test_ops_below_layers_below_models():
    assert not below(IMPORTS["styleinv.models.ops"], "styleinv.models")
    used = below(IMPORTS["styleinv.models.layers"], "styleinv.models") - {"styleinv.models"}
    assert used == below(used, "styleinv.models.ops")


USED = [m for m in MODULES if m in ("app", "styleinv", "styleinv.pipeline") or below({m}, "styleinv.ui")]
HIGHER = ("app", "styleinv.__main__", "styleinv.ui", "styleinv.commands")
LOWER = [m for m in MODULES if not below({m}, *HIGHER)]


@pytest.mark.parametrize("module", USED)
def test_what_users_run_never_trains(module):
    assert not below(reach(module), "styleinv.training", "accelerate")


@pytest.mark.parametrize("module", LOWER)
def test_the_top_is_imported_by_nothing_below(module):
    assert not below(IMPORTS[module], "styleinv.ui", "styleinv.commands", "styleinv.__main__", "app")


@pytest.mark.parametrize("module", ["styleinv.__main__", *(m for m in MODULES if below({m}, "styleinv.commands"))])
def test_the_command_line_imports_training_when_asked_for(module):
    assert not below(top_level(module), "styleinv.training", "torch", "diffusers", "gradio")


@pytest.mark.parametrize("module", [m for m in MODULES if below({m}, "styleinv.training.paper")])
def test_the_papers_stages_need_no_face_tools(module):
    at_once = {name: top_level(name) for name in MODULES}
    assert not below(reach(module, at_once), "dlib", "gradio", "c2pa", "styleinv.face.detection")


PICTURES = [f"styleinv.{name}" for name in ("data.track", "data.prepare", "data.smoothing", "files", "errors")]


def within(*packages: str) -> list[str]:
    """The modules of these packages."""
    return sorted(below(set(MODULES), *packages))


@pytest.mark.parametrize("module", [*PICTURES, *within("styleinv.face", "styleinv.clip")])
def test_pictures_need_no_torch(module):
    at_once = {name: top_level(name) for name in MODULES}
    assert not below(reach(module, at_once) | reach("styleinv", at_once), *TORCH)


@pytest.mark.parametrize("module", MODULES)
def test_arguments_are_parsed_by_commands_alone(module):
    foreign = "styleinv.importers.stylegan2"        # checkpoints hold the options of their run, of a class of argparse
    allowed = ("styleinv.commands", "styleinv.__main__", foreign)
    assert not below(IMPORTS[module], "argparse") or below({module}, *allowed)


@pytest.mark.parametrize("module", within("styleinv.losses"))
def test_losses_stand_on_models_alone(module):
    ours = below(IMPORTS[module], "styleinv") - {"styleinv"}
    assert ours == below(ours, "styleinv.losses", "styleinv.models", "styleinv.errors")


@pytest.mark.parametrize("module", within("styleinv.training.paper", "styleinv.training.light"))
def test_the_two_kinds_of_training_do_not_know_each_other(module):
    other = "styleinv.training.light" if below({module}, "styleinv.training.paper") else "styleinv.training.paper"
    assert not below(IMPORTS[module], other)


@pytest.mark.parametrize("module", USED)
def test_what_users_run_neither_measures_nor_imports_foreign_weights(module):
    assert not below(reach(module), "styleinv.evaluation", "styleinv.importers")
