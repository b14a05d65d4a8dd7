"""What a training run may reuse, replace and go on with; and numbers that are none."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from styleinv import __main__ as cli
from styleinv.commands import train_style
from styleinv.commands.caches import check_free, is_made, note_installed, note_made, sources_key
from styleinv.errors import InputError
from styleinv.training.loop import Checkpointed, LoopConfig, run


class Counter(Checkpointed):
    """Counts its steps."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self, step: int) -> dict[str, float]:
        self.steps += 1
        return {}

    def snapshot(self, folder: Path) -> None: ...


def test_a_run_goes_on_with_the_same_settings_alone(tmp_path):
    def go(steps: int, /, **settings: object) -> int:
        return run(Counter(), LoopConfig(tmp_path, steps, settings=settings or None))

    assert go(2, lr=0.1, steps=2, sides=(1, 2)) == 2 and go(3, lr=0.1, steps=3, sides=(1, 2)) == 3
    with pytest.raises(InputError, match=r"was begun with lr=0.1, not 0.2: repeat that, or name another --out"):
        go(4, lr=0.2, steps=4, sides=(1, 2))
    assert go(4, lr=0.1, more=1) == 4 and go(5) == 5        # of an earlier version, or of a caller without settings
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    torch.save({key: value for key, value in state.items() if key != "settings"}, tmp_path / "state.pt")
    assert go(6, lr=0.2) == 6


@pytest.mark.parametrize("change", ["none", "size", "more", "fewer", "other", "half-made"])
def test_aligned_faces_are_reused_only_if_they_are_the_same(tmp_path, monkeypatch, change):
    source, run_folder, made = tmp_path / "set", tmp_path / "run", []
    source.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (source / name).write_bytes(name.encode() * 3)

    def prepare(data, folder, size):
        made.append(size)
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(60):
            Image.new("RGB", (8, 8), (i, 0, len(made))).save(folder / f"{i}.png")
        return argparse.Namespace(done=60, failed=[])

    monkeypatch.setattr("styleinv.data.prepare.prepare_faces", prepare)
    options = argparse.Namespace(data=source, out=run_folder, size=8, aligned=False, paired=False)
    assert len(train_style._images(options)) == 60
    if change == "size":
        options.size = 16
    elif change == "more":
        (source / "c.jpg").write_bytes(b"c")
    elif change == "fewer":
        (source / "b.jpg").unlink()
    elif change == "other":
        (source / "b.jpg").write_bytes(b"longer than before")
    elif change == "half-made":
        (run_folder / "aligned.sources.json").unlink()
        (run_folder / "aligned" / "left.jpg").write_bytes(b"left by a run that broke off")
    assert len(train_style._images(options)) == 60
    assert len(made) == (1 if change == "none" else 2) and not (run_folder / "aligned" / "left.jpg").exists()


def test_copies_are_no_more_images(tmp_path):
    for i in range(60):
        Image.new("RGB", (8, 8), "red").save(tmp_path / f"{i}.png")
    with pytest.raises(InputError, match="gives 1 faces, and a style needs 50"):
        train_style._images(argparse.Namespace(data=tmp_path, out=tmp_path, size=8, aligned=True, paired=False))


def test_caches_know_their_sources(tmp_path):
    cache, key = tmp_path / "parents.pt", sources_key(None, people=2)
    assert not is_made(cache, key)
    cache.write_bytes(b"")
    assert not is_made(cache, key)                          # broken off
    note_made(cache, key)
    assert is_made(cache, key) and not is_made(cache, sources_key(None, people=3))


@pytest.mark.parametrize("faces, styled, sentence", [
    (["0", "1"], ["0", "1"], None), (["00", "01", "2"], ["2", "01", "00"], None),
    (["ann", "bob"], ["bob", "ann"], None),
    (["0", "1"], ["0", "2"], "has 1, and"), (["0"], ["0", "1"], "has 1, and"), (["0", "2"], ["0", "2"], "lacks faces"),
])
def test_pairs_are_matched_by_name(tmp_path, faces, styled, sentence):
    for part, names in (("faces", faces), ("styled", styled)):
        (tmp_path / part).mkdir()
        for name in names:
            Image.new("RGB", (8, 8)).save(tmp_path / part / f"{name}.{'png' if part == 'faces' else 'jpg'}")
    (tmp_path / "styled" / "._0.jpg").write_bytes(b"")
    if sentence is None:
        return train_style._check_pairs(tmp_path)
    with pytest.raises(InputError, match=sentence):
        train_style._check_pairs(tmp_path)


def test_pairs_that_are_there_twice(tmp_path):
    for name in ("faces/0.png", "styled/0.png", "styled/0.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    with pytest.raises(InputError, match="has 0 twice"):
        train_style._check_pairs(tmp_path)


def test_an_installed_style_is_replaced_only_when_asked_for(tmp_path):
    style, own, other = tmp_path / "styles" / "ink", tmp_path / "own", tmp_path / "other"
    for folder in (style, own, other):
        folder.mkdir(parents=True)
    check_free(style, other, 256, True)
    (style / "config.json").write_text(json.dumps({"sizes": [256]}))
    (style / "SHA256SUMS").write_text("sums")
    note_installed(style, own)
    check_free(style, own, 256, True)                       # the run that made it goes on
    check_free(style, other, 512, True)                     # a size is added
    for size, kept in ((256, True), (512, False)):
        with pytest.raises(InputError,
                           match="The style ink is installed in .*: choose another --name, or add --replace."):
            check_free(style, other, size, kept)


STYLE = ["train", "style", "{set}", "--out", "{out}/run", "--styles", "{styles}", "--dry-run"]
BAD = {
    "a size of nothing": ["prepare", "faces", "{set}", "{out}/d", "--size", "0"],
    "a negative size": ["prepare", "clips", "{set}", "{out}/d", "--size", "-5"],
    "a rate that is none": ["prepare", "clips", "{set}", "{out}/d", "--fps", "nan"],
    "no rate": ["prepare", "clips", "{set}", "{out}/d", "--fps", "0"],
    "nobody in pairs": ["prepare", "pairs", "{set}", "{out}/d", "--people", "0"],
    "nobody": [*STYLE, "--name", "ink2", "--people", "0"],
    "no step": [*STYLE, "--name", "ink2", "--steps", "0"],
    "minutes that are none": [*STYLE, "--name", "ink2", "--minutes", "nan"],
    "every style": [*STYLE, "--name", "all"],
    "a style that is there": [*STYLE, "--name", "ink"],
    "no images": ["train", "style", "{set}/none", "--out", "{out}/run", "--name", "ink2", "--dry-run"],
    "no photos": [*STYLE, "--name", "ink2", "--photos", "{set}/none"],
    "no rate to compare at": ["compare", "{set}", "{set}", "--networks", "{set}", "--fps", "inf"],
    "no images to compare": ["compare", "{set}", "{set}", "--networks", "{set}", "--images", "0"],
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_said_before_the_work(tmp_path, capsys, case):
    (tmp_path / "set").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "styles" / "ink").mkdir(parents=True)
    (tmp_path / "styles" / "ink" / "config.json").write_text(json.dumps({"sizes": [256]}))
    places = {"set": tmp_path / "set", "out": tmp_path / "out", "styles": tmp_path / "styles"}
    try:
        code = cli.main([argument.format(**places) for argument in BAD[case]])
    except SystemExit as stop:
        code = stop.code
    wrong = capsys.readouterr().err
    assert code == 2 and wrong.startswith("styleinv: ") and len(wrong.splitlines()) == 1, wrong
    assert [*(tmp_path / "out").iterdir()] == []


def test_what_is_free_is_accepted(tmp_path, capsys):
    (tmp_path / "styles" / "ink").mkdir(parents=True)
    (tmp_path / "styles" / "ink" / "config.json").write_text(json.dumps({"sizes": [256]}))
    call = ["train", "style", str(tmp_path), "--out", str(tmp_path / "run"), "--styles", str(tmp_path / "styles"),
            "--dry-run"]
    for options in (["--name", "ink", "--replace"], ["--name", "ink", "--size", "512"], ["--name", "other"]):
        assert cli.main([*call, *options]) == 0
    assert np.isclose(json.loads(capsys.readouterr().out.split("}\n")[0] + "}")["lr"], 1e-3)
