"""A bundle comes back as it was saved, and one that was touched is refused."""

import itertools

import numpy as np
import pytest
import torch
from conftest import make_tiny
from safetensors.torch import load_file, save_file

from styleinv import StyleInVPipeline
from styleinv.checkpoint import MANIFEST, WEIGHTS, load_network, resolve, write_manifest
from styleinv.errors import InputError


def refusal(function, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        function(*arguments)
    return str(caught.value)


@pytest.fixture
def saved(tmp_path):
    folder = tmp_path / "bundle"
    make_tiny().save_pretrained(folder)
    return folder


def test_a_saved_bundle_comes_back(saved, tmp_path):
    pipe = StyleInVPipeline.from_pretrained(saved)
    pipe.save_pretrained(tmp_path / "again")
    assert (tmp_path / "again" / MANIFEST).read_text() == (saved / MANIFEST).read_text()
    assert sorted(pipe.weights) == [f"{name}/{WEIGHTS}" for name in ("decoder", "inversion", "motion")]
    networks = filter(None, pipe.components.values())
    assert not any(p.requires_grad for network in networks for p in network.parameters())
    first, second = (p.sample(seed=3, seconds=0.4)
                     for p in (pipe, StyleInVPipeline.from_pretrained(tmp_path / "again")))
    assert np.array_equal(first.frames[9], second.frames[9]) and first.recipe == second.recipe


def test_what_is_saved_names_no_folder_of_this_machine(saved, tmp_path):
    StyleInVPipeline.from_pretrained(saved).save_pretrained(tmp_path / "again")
    files = itertools.chain(saved.rglob("*.json"), (tmp_path / "again").rglob("*.json"))
    assert not [path for path in files if str(tmp_path) in path.read_text()]


@pytest.mark.parametrize("name", ["decoder/config.json", f"motion/{WEIGHTS}"])
def test_a_changed_byte_is_found(saved, name):
    data = bytearray((saved / name).read_bytes())
    data[-3] ^= 1
    (saved / name).write_bytes(data)
    assert refusal(StyleInVPipeline.from_pretrained, saved) == (
        f"{saved / name} is missing or was changed since it was published: get the bundle again."
    )


def test_a_missing_file_and_a_missing_manifest_are_found(saved):
    (saved / "inversion" / WEIGHTS).unlink()
    assert refusal(StyleInVPipeline.from_pretrained, saved) == (
        f"{saved / 'inversion' / WEIGHTS} is missing or was changed since it was published: get the bundle again."
    )
    (saved / MANIFEST).unlink()
    assert refusal(StyleInVPipeline.from_pretrained, saved) == (
        f"{saved} has no {MANIFEST}, so its weights cannot be trusted: get the bundle again."
    )


def change_tensors(path, change: str) -> None:
    state = load_file(path)
    if change == "missing":
        del state["head.bias"]
    elif change == "extra":
        state["head.scale"] = torch.ones(1)
    else:
        state["head.bias"] = torch.zeros(31)
    save_file(state, path)


@pytest.mark.parametrize("change", ["missing", "extra", "another shape"])
def test_tensors_must_fit_exactly(saved, change):
    change_tensors(saved / "motion" / WEIGHTS, change)
    write_manifest(saved)
    assert refusal(StyleInVPipeline.from_pretrained, saved) == (
        f"{saved / 'motion'} holds no weights of MotionNetwork that fit this version: get the bundle again."
    )


@pytest.mark.parametrize("file, content", [("config.json", b"{"), (WEIGHTS, b"no tensors")])
def test_damaged_files_are_one_sentence(saved, tiny, file, content):
    (saved / "decoder" / file).write_bytes(content)
    assert refusal(load_network, type(tiny.decoder), saved / "decoder") == (
        f"{saved / 'decoder'} holds no weights of MobileDecoder that fit this version: get the bundle again."
    )


def test_a_name_that_is_neither_folder_nor_repository():
    assert refusal(resolve, "no/such/bundle") == (
        "no/such/bundle is neither a folder of weights nor a repository on the Hub that can be reached: check the name."
    )
