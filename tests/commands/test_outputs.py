"""Where things are written is decided before the work, and nothing that must stay is lost."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from styleinv import __main__ as cli
from styleinv.commands.outputs import clip_paths
from styleinv.data.prepare import prepare_faces
from styleinv.errors import InputError
from styleinv.files import unique_names

KINDS = (".mp4", ".gif", ".webp")
RECIPE = json.dumps({"seed": 1, "version": "0.1.0", "weights": {}})


def targets(folder: Path, out: str, *photos: str, recipes: bool = False) -> list[str]:
    inputs = [folder / photo for photo in photos]
    paths = clip_paths(folder / out, [path.stem for path in inputs], KINDS, inputs, recipes)
    return [path.relative_to(folder).as_posix() for path in paths]


@pytest.mark.parametrize("names, unique", [
    (["a", "a", "a-2"], ["a", "a-2", "a-2-2"]), (["a", "A", "b"], ["a", "A-2", "b"]),
    (["a-2", "a", "a"], ["a-2", "a", "a-3"]),
    (["straße", "STRASSE"], ["straße", "STRASSE-2"]), (["\u00e9", "e\u0301"], ["\u00e9", "e\u0301-2"]),
])
def test_as_many_files_as_clips(tmp_path, names, unique):
    assert unique_names(names) == unique
    assert targets(tmp_path, "d", *(f"{name}.jpg" for name in names)) == [f"d/{name}.mp4" for name in unique]


def test_folders_and_files(tmp_path):
    (tmp_path / "v.2").mkdir()
    assert targets(tmp_path, "v.2", "a.jpg", "b.jpg") == ["v.2/a.mp4", "v.2/b.mp4"]
    assert targets(tmp_path, "x.webp", "a.jpg") == ["x.webp"]


@pytest.mark.parametrize("out", ["x.webp", "X.webp", "./sub/../x.webp", "link.webp", "hard.webp", "folder/x.webp"])
def test_a_photo_is_never_the_output(tmp_path, out):
    (tmp_path / "sub").mkdir()
    (tmp_path / "x.webp").write_bytes(b"photo")
    (tmp_path / "link.webp").symlink_to("x.webp")
    (tmp_path / "hard.webp").hardlink_to(tmp_path / "x.webp")
    (tmp_path / "folder").symlink_to(".")
    if out == "X.webp" and not (tmp_path / out).exists():
        pytest.skip("here X is another file than x")
    with pytest.raises(InputError, match="itself, which would be lost: choose another name."):
        targets(tmp_path, out, "x.webp")


@pytest.mark.parametrize("content, kept", [
    ('{"name": "mine"}', True), ("[1]", True), ("no json", True), ("", True), (RECIPE, False),
    ('{"grid": [], "columns": 2}', False),
])
def test_a_json_that_is_no_recipe_stays(tmp_path, content, kept):
    (tmp_path / "me.json").write_text(content)
    assert targets(tmp_path, "me.mp4", "p.jpg") == ["me.mp4"]           # no recipe is asked for
    if kept:
        with pytest.raises(InputError, match=r"me.json is there and no recipe of StyleInV"):
            targets(tmp_path, "me.mp4", "p.jpg", recipes=True)
    else:
        assert targets(tmp_path, "me.mp4", "p.jpg", recipes=True) == ["me.mp4"]


@pytest.mark.parametrize("out, sentence", [
    ("out.v2", "out.v2 is of no known kind"), ("a.mp4", "one file for 2 clips"), ("file", "is a file: name a folder"),
    ("x" * 256, "too long|shorter name"), ("file/d", "cannot be made"), ("p" * 256 + "/d", "shorter name"),
])
def test_what_cannot_be_is_known_before_the_work(tmp_path, out, sentence):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=sentence):
        targets(tmp_path, out, "a.jpg", "b.jpg")


def test_long_names(tmp_path):
    with pytest.raises(InputError, match="too long"):
        targets(tmp_path, "n" * 252 + ".mp4", "a.jpg")
    first, second = targets(tmp_path, "d", "n" * 250 + "1.jpg", "n" * 250 + "2.jpg")
    assert first != second and max(len(os.fsencode(Path(path).name)) for path in (first, second)) <= 255


def test_a_folder_without_rights(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(InputError, match="cannot be written to"):
        targets(tmp_path, "a.mp4", "a.jpg")


@pytest.mark.parametrize("arguments", [
    ["animate", "x.webp", "-o", "x.webp"], ["invert", "x.webp", "-o", "./x.webp"], ["render", "x.webp", "-o", "x.webp"],
    ["animate", "p.png", "-o", "me.mp4", "--save-recipe"], ["sample", "-o", "me.mp4", "--save-recipe"],
    ["animate", "p.png", "x.webp", "-o", "out.v2"], ["sample", "--count", "2", "-o", "out.v2"],
])
def test_every_verb_refuses_before_it_loads(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("styleinv.commands.rendering.load", lambda options: pytest.fail("the weights are loaded"))
    monkeypatch.setattr("styleinv.commands.rendering.read_recipe", lambda path: {})
    for name in ("x.webp", "p.png"):
        Image.new("RGB", (80, 80)).save(name)
    Path("me.json").write_text("{}")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert cli.main(arguments) == 2 and len(capsys.readouterr().err.splitlines()) == 1
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}


def test_prepare_writes_as_many_as_it_says(tmp_path, monkeypatch):
    (tmp_path / "set").mkdir()
    for name in ("a.jpg", "A.png", "a.png.jpg", "b.jpg"):
        Image.new("RGB", (80, 80)).save(tmp_path / "set" / name)
    monkeypatch.setattr("styleinv.data.prepare.find_and_align",
                        lambda image, size: (np.zeros((size, size, 3), np.uint8), []))
    report = prepare_faces(tmp_path / "set", tmp_path / "out", 8)
    written = [path.name for path in (tmp_path / "out").iterdir()]
    assert report.done == len(written) == len({name.casefold() for name in written}) == 4


def test_prepare_leaves_files_that_the_target_leads_to(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "out").mkdir()
    Image.new("RGB", (80, 80)).save(tmp_path / "set" / "a.jpg")
    (tmp_path / "out" / "a.jpg").symlink_to(tmp_path / "set" / "a.jpg")
    with pytest.raises(InputError, match="would be lost"):
        prepare_faces(tmp_path / "set", tmp_path / "out", 8)
    (tmp_path / "link").symlink_to("set")
    with pytest.raises(InputError, match="one folder"):
        prepare_faces(tmp_path / "set", tmp_path / "link", 8)
