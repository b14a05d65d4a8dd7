"""Presets and options of the paper's stages: what a dry run prints, and what is refused in one sentence."""

import json
from pathlib import Path

import pytest
from paper_stages import command

from styleinv.__main__ import main
from styleinv.training.paper.presets import PRESETS


def test_presets_are_the_paper_s():
    faces, sky, taichi = PRESETS["dfuf"], PRESETS["sky"], PRESETS["taichi"]
    assert (faces.image.steps, faces.inversion.steps, faces.motion.steps) == (390_625, 62_500, 97_656)
    assert (faces.motion.distance, faces.motion.max_dist, sky.motion.distance, sky.motion.max_period) == (
        16, 32, 128, 1024)
    assert (PRESETS["ffs"].motion.ada_kimg, sky.motion.noise, sky.inversion.identity) == (0, "none", 0)
    assert (taichi.motion.adversarial, taichi.motion.latent, taichi.image.noise_inputs) == (0.1, 0, False)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("verb", ["image", "inversion-paper", "motion-paper", "style-paper"])
def test_dry_run_prints_the_resolved_settings(name, verb, capsys):
    assert main(["train", verb, "DATA", "--out", "RUN", "--preset", name, "--dry-run", "--set", "batch=24",
                 "mirror=false"]) == 0
    text = capsys.readouterr().out
    printed = json.loads(text[text.index("{"):])
    assert PRESETS[name].data in text and printed["batch"] == 24 and printed["mirror"] is False
    assert not Path("RUN").exists()


@pytest.mark.parametrize("options, words", [
    (["--rounds", "3", "--set", "batch=8"], "batch of 8"),
    (["--log", "trackio"], "install"),
    (["--splits", "none.json"], "splits"),
    (["--set", "mirror=perhaps"], "perhaps"),
    (["--set", "no=1"], "no setting"),
    (["--rounds", "4", "--set", "batch=8", "path=2", "path_shrink=4"], "path length"),
    (["--set", "batch=12", "group=8"], "groups of 8"),
    (["--set", "batch=0"], "whole number from 1 on"),
    (["--set", "size=17"], "power of two"),
    (["--set", "half=int8"], "float16 or bfloat16"),
    (["--set", "lr=nan"], "above 0"),
    (["--set", "size=64", "base=32"], "at least 64"),
    (["--networks", "nowhere"], "no folder"),
])
def test_bad_options_end_in_one_sentence(images, tmp_path, options, words, capsys, monkeypatch):
    monkeypatch.setattr("styleinv.training.paper.inputs.find_spec", lambda name: None)
    assert main(["train", "image", str(images), "--out", str(tmp_path), *options]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


@pytest.mark.parametrize("option", [["--rounds", "0"], ["--threads", "-1"], ["--steps", "-1"]])
def test_odd_numbers_end_in_one_sentence(option, images, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["train", "image", str(images), "--out", str(tmp_path), *option])
    assert capsys.readouterr().err.count("\n") == 1


def test_a_run_folder_that_does_not_fit_ends_in_one_sentence(images, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(command(images, tmp_path / "file", 1)[3:]) == 2
    assert main(command(images, tmp_path / "run", 1)[3:]) == 0
    assert main([*command(images, tmp_path / "run", 2)[3:], "base=256"]) == 2
    (tmp_path / "run" / "state.pt").write_bytes(b"half a file")
    assert main(command(images, tmp_path / "run", 2)[3:]) == 2
    words = capsys.readouterr().err
    assert words.count("\n") == 3 and all(text in words for text in ("is a file", "was begun with base=", "damaged"))


def test_losses_without_their_network_are_refused(decoder, images, tmp_path, capsys):
    decoder.save_pretrained(tmp_path / "decoder")
    line = ["train", "inversion-paper", str(images), "--held-out", str(images), "--decoder", str(tmp_path / "decoder"),
            "--out", str(tmp_path / "run"), "--networks", str(images)]
    assert main(line) == 2 and "perceptual=0" in capsys.readouterr().err
    assert main([*line, "--set", "perceptual=0"]) == 2 and "arcface" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["inversion-paper", "motion-paper", "style-paper"])
def test_stages_say_which_stage_comes_before_them(images, tmp_path, verb, capsys):
    assert main(["train", verb, str(images), "--out", str(tmp_path)]) == 2
    assert "--decoder" in capsys.readouterr().err
