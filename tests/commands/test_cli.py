"""The command line: every verb does its work, and every bad input ends with code 2, one sentence and no file."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from styleinv import StyleInVPipeline, __version__
from styleinv import __main__ as cli
from styleinv.clip import provenance
from styleinv.clip.clip import read_recipe
from styleinv.clip.ffmpeg import read_frames
from styleinv.clip.recipe import without_latents

STYLES = Path(__file__).parents[2] / "checkpoints" / "styles"
SHORT = ["--seconds", "0.2", "--size", "256", "--mood", "learned"]       # a mood finds out how a face answers
SMALL = ["--fps", 5, *SHORT[2:]]


@pytest.fixture
def run(pipe, monkeypatch, capsys):
    """(arguments) -> exit code, stdout, stderr, on the bundle that the tests share."""
    monkeypatch.setattr(StyleInVPipeline, "from_pretrained", lambda folder: pipe)

    def call(*arguments: object) -> tuple[int, str, str]:
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return call


@pytest.fixture(scope="module")
def photos(tmp_path_factory, sample_photo) -> Path:
    """Good and bad photos."""
    folder = tmp_path_factory.mktemp("photos")
    Image.fromarray(sample_photo).save(folder / "ann.jpg", quality=95)
    Image.fromarray(np.ascontiguousarray(sample_photo[:, ::-1])).save(folder / "ann.png")
    Image.new("RGB", (300, 200), "teal").save(folder / "empty.png")
    (folder / "notes.jpg").write_text("no picture")
    (folder / "cut.jpg").write_bytes((folder / "ann.jpg").read_bytes()[:20_000])
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_animate(run, photos, tmp_path):
    out = tmp_path / "out.mp4"
    code, said, wrong = run("animate", photos / "ann.jpg", "-o", out, *SHORT, "--likeness", "fast", "--save-recipe",
                            "--seed", 5)
    assert (code, wrong) == (0, "") and re.fullmatch(rf"{re.escape(str(out))}  likeness \d\d %\n", said)
    assert len(list(read_frames(out, 25))) == 5
    recipe = json.loads((tmp_path / "out.json").read_text())
    assert without_latents(recipe) == read_recipe(out) and (recipe["seed"], recipe["version"]) == (5, __version__)
    assert names(tmp_path) == ["out.json", "out.mp4"]


def test_for_chat(tiny, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(StyleInVPipeline, "from_pretrained", lambda folder: tiny)
    out = tmp_path / "out.gif"
    assert cli.main(["sample", "-o", str(out), "--seconds", "25", "--for", "chat"]) == 0
    line, sentence = capsys.readouterr().out.splitlines()
    assert line == str(out) and sentence.startswith("  To stay below 8 MB: ")
    assert 3_000_000 < out.stat().st_size < 8_000_000
    assert cli.main(["sample", "-o", str(out), *SHORT, "--for", "chat"]) == 0
    assert capsys.readouterr().out == f"{out}\n"


def test_one_bad_photo_among_several(run, photos, tmp_path):
    out = tmp_path / "clips"
    bad = photos / "notes.jpg"
    code, said, wrong = run(
        "animate", photos / "ann.jpg", bad, photos / "ann.png", "-o", out, *SHORT, "--likeness", "fast", "--no-mark"
    )
    assert code == 2 and len(said.splitlines()) == 2
    assert wrong == f"styleinv: {bad}: notes.jpg is not an image that can be read: use a JPEG, PNG or WebP photo.\n"
    assert names(out) == ["ann-2.mp4", "ann.mp4"]


def test_sample(run, tmp_path):
    code, said, wrong = run("sample", "-o", tmp_path / "people", "--seed", 3, "--count", 2, *SHORT)
    assert (code, wrong) == (0, "") and len(said.splitlines()) == 2
    assert names(tmp_path / "people") == ["sample-3.mp4", "sample-4.mp4"]


def test_clips_do_not_carry_the_face(run, tmp_path):
    clip, recipe = tmp_path / "a.mp4", tmp_path / "a.json"
    assert run("sample", "-o", clip, *SHORT, "--save-recipe")[0] == 0
    assert json.loads(recipe.read_text())["w0"].encode()[:40] not in clip.read_bytes()
    code, _, wrong = run("render", clip, "-o", tmp_path / "b.mp4")
    assert code == 2 and "without the face's latents: use the .json that --save-recipe wrote" in wrong
    assert run("render", recipe, "-o", tmp_path / "b.mp4")[0] == 0
    recipe.rename(tmp_path / "recipe.mp4")                      # by content, whatever its name
    assert run("render", tmp_path / "recipe.mp4", "-o", tmp_path / "c.mp4")[0] == 0
    assert names(tmp_path) == ["a.mp4", "b.mp4", "c.mp4", "recipe.mp4"]


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_render_makes_the_clip_again(run, tmp_path, suffix):
    first, again = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    assert run("sample", "-o", first, *SHORT, "--loop", "pingpong", "--layout", "compare", "--embed-recipe")[0] == 0
    assert run("render", first, "-o", again, "--embed-recipe")[0] == 0
    assert read_recipe(again) == read_recipe(first)
    with Image.open(first) as a, Image.open(again) as b:
        assert a.size == b.size == (512, 256) and a.n_frames == b.n_frames == 8
        assert np.array_equal(a.convert("RGB"), b.convert("RGB"))


def test_invert(run, photos, tmp_path):
    code, said, _ = run("invert", photos / "ann.jpg", "-o", tmp_path / "pair.png", "--likeness", "fast")
    assert code == 0 and re.match(r"likeness \d\d % \(above 50 %", said)
    assert (Image.open(tmp_path / "pair.png").size == (512, 256)
            and provenance.verify(tmp_path / "pair.png")["synthetic"])


def test_verify(run, tmp_path):
    run("sample", "-o", tmp_path / "a.mp4", *SHORT)
    code, said, _ = run("verify", tmp_path / "a.mp4")
    assert code == 0 and said.startswith("a.mp4 is generated by a trained network: made by StyleInV")


def test_styles(run):
    code, out, err = run("styles")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == sorted(p.parent.name for p in STYLES.glob("*/config.json"))


def test_prepare_faces(run, photos, tmp_path):
    code, said, wrong = run("prepare", "faces", photos, tmp_path / "set")
    assert code == 0 and f"written to {tmp_path / 'set'}, 3 left out" in said
    assert len(wrong.splitlines()) == 3 and all(line.startswith("styleinv: ") for line in wrong.splitlines())


@pytest.mark.parametrize("arguments, said", [
    (["--version"], f"styleinv {__version__}\n"),
    (["train", "heads", "data", "--bundle", "b", "--out", "runs", "--dry-run"], '{\n "size": 256,'),
])
def test_what_needs_no_weights(run, arguments, said):
    code, out, wrong = run(*arguments)
    assert (code, wrong) == (0, "") and out.startswith(said)


BAD = {
    "no such verb": ["fly"],
    "no such photo": ["animate", "{photos}/none.jpg", "-o", "{out}/a.mp4"],
    "no such photo, into a folder": ["animate", "{photos}/none.jpg", "-o", "{out}/clips"],
    "no image": ["animate", "{photos}/notes.jpg", "-o", "{out}/a.mp4"],
    "cut off": ["animate", "{photos}/cut.jpg", "-o", "{out}/a.mp4"],
    "no face": ["animate", "{photos}/empty.png", "-o", "{out}/a.mp4"],
    "no face of that number": ["animate", "{photos}/ann.jpg", "--face", "4", "-o", "{out}/a.mp4"],
    "no such kind of clip": ["animate", "{photos}/ann.jpg", "-o", "{out}/a.avi"],
    "one file for two photos": ["animate", "{photos}/ann.jpg", "{photos}/ann.png", "-o", "{out}/a.mp4"],
    "a file where a folder is meant": ["sample", "--count", "2", "-o", "{photos}/ann.jpg"],
    "a folder that cannot be": ["sample", "--seconds", "0.04", "-o", "{photos}/ann.jpg/a.mp4"],
    "no seconds": ["animate", "{photos}/ann.jpg", "--seconds", "0", "-o", "{out}/a.mp4"],
    "no number": ["sample", "--fps", "fast", "-o", "{out}/a.mp4"],
    "too fast": ["sample", "--speed", "9", "-o", "{out}/clips"],
    "no such size": ["sample", "--size", "300", "-o", "{out}/a.mp4"],
    "no such likeness": ["animate", "{photos}/ann.jpg", "--likeness", "exact", "-o", "{out}/a.mp4"],
    "nobody": ["sample", "--count", "0", "-o", "{out}/a.mp4"],
    "negative seed": ["sample", "--seed", "-1", "-o", "{out}/a.mp4"],
    "beyond the variety": ["sample", "--psi", "nan", "-o", "{out}/a.mp4"],
    "no picture to write": ["invert", "{photos}/ann.jpg", "-o", "{out}/a.mp4"],
    "nothing to invert": ["invert", "{photos}/empty.png", "-o", "{out}/a.png"],
    "no recipe": ["render", "{photos}/ann.png", "-o", "{out}/a.mp4"],
    "nothing to verify": ["verify", "{photos}/none.mp4"],
    "nothing to prepare": ["prepare", "faces", "{photos}/none", "{out}/set"],
    "no wheel": ["convert", "random-face", "{photos}/notes.jpg", "{out}/decoder"],
    "no data to evaluate": ["evaluate", "{photos}"],
    "no data to train on": ["train", "inversion", "{photos}", "--bundle", "{photos}", "--out", "{out}/run"],
    "few images": ["train", "tops", "{photos}", "--bundle", "b", "--out", "{out}/run", "--dry-run", "--images", "60"],
    "few pairs": ["train", "inversion", "{photos}", "--bundle", "b", "--out", "{out}/run", "--dry-run",
                  "--pairs", "99"],
    "no such setting": ["train", "heads", "{photos}", "--bundle", "b", "--out", "{out}/run", "--dry-run",
                        "--set", "colour=1"],
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(run, photos, tmp_path, case):
    before = names(photos)
    code, _, wrong = run(*(argument.format(photos=photos, out=tmp_path) for argument in BAD[case]))
    assert code == 2 and wrong.startswith("styleinv: ") and len(wrong.splitlines()) == 1, wrong
    assert names(tmp_path) == [] and names(photos) == before


def test_as_a_program(photos, tmp_path):
    """A fresh process, with a bundle that is not there: nothing is imported that prints, nothing is traced."""
    call = [sys.executable, "-m", "styleinv", "sample", "--checkpoint", "no/such/bundle", "-o", str(tmp_path / "a.mp4")]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == (
        "styleinv: no/such/bundle is neither a folder of weights nor a repository on the Hub that can be reached: "
        "check the name.\n"
    )


@pytest.mark.parametrize("arguments, sentence", [
    (["pose", "{photos}/ann.jpg", "-o", "{out}/a.png"], "No expression was asked for: name one, such as --turn 10"),
    (["pose", "{photos}/ann.jpg", "-o", "{out}/a.png", "--turn", "90"], "turn is 90: choose a number from -20 to 20."),
    (["pose", "{photos}/ann.jpg", "-o", "{out}/a.mp4", "--turn", "9"], "a.mp4 is no picture: end the name in .png"),
    (["animate", "{photos}/ann.jpg", "-o", "{out}/a.mp4", "--motion-from", "{photos}/notes.jpg"],
     "notes.jpg is not a video that can be read"),
    (["animate", "{photos}/ann.jpg", "-o", "{out}/a.mp4", "--smile", "nan"], "smile is nan: choose a number"),
])
def test_expressions_that_cannot_be(run, photos, tmp_path, arguments, sentence):
    code, _, wrong = run(*(argument.format(photos=photos, out=tmp_path) for argument in arguments))
    assert code == 2 and wrong.startswith(f"styleinv: {sentence}") and len(wrong.splitlines()) == 1
    assert not names(tmp_path)


def test_pose(run, photos, tmp_path):
    out = tmp_path / "smile.png"
    wanted = ["--smile", 0.5, "--turn", 8, "--likeness", "fast"]
    assert run("pose", photos / "ann.jpg", "-o", out, *wanted)[:2] == (0, f"{out}\n")
    assert Image.open(out).size == (512, 512) and provenance.verify(out)["synthetic"]


def test_gifs_loop_without_a_seam(run, tmp_path):
    assert run("sample", "-o", tmp_path / "a.gif", "--seconds", 2, *SMALL, "--save-recipe")[0] == 0
    assert json.loads((tmp_path / "a.json").read_text())["loop"] == "seamless"
    assert run("sample", "-o", tmp_path / "b.gif", "--seconds", 1, *SMALL, "--save-recipe")[0] == 0
    assert json.loads((tmp_path / "b.json").read_text())["loop"] == "none"
