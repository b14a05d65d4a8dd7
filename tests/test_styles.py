"""Styles: one motion and one trunk for all, found by their folders, refused where they do not fit."""

import json
from collections import Counter
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import make_tiny
from style_folders import make_style, refusal

from styleinv import StyleInVPipeline
from styleinv import __main__ as cli
from styleinv.checkpoint import WEIGHTS, write_manifest
from styleinv.models.mobile_stylegan import Top
from styleinv.styles import Style, blend, load_style, trunk_sum


@pytest.fixture
def person(styled):
    return styled.sample_face(3)


def frame(pipe: StyleInVPipeline, person, **settings) -> np.ndarray:
    return pipe.animate(person, seconds=0.4, **settings).frames[7]


def test_a_folder_is_all_that_a_style_needs(styled):
    assert [(s.name, s.title, s.licence) for s in styled.styles.values()] == [
        ("blue", "Blue", "CC0"), ("green", "Green", "CC0")]


def test_a_style_changes_the_picture_and_not_the_latents(styled, person):
    raw, blue = styled.animate(person, seconds=0.4), styled.animate(person, seconds=0.4, style="blue")
    assert not np.array_equal(raw.frames[7], blue.frames[7])
    assert raw.recipe["w0"] == blue.recipe["w0"]
    latents = [clip.frames._render.path.latents(0) for clip in (raw, blue)]
    assert torch.equal(*latents)


def test_several_styles_share_one_trunk_pass_and_equal_themselves_alone(styled, person, monkeypatch):
    alone = [frame(styled, person, style=name) for name in ("blue", "green")]
    clip, calls = styled.animate(person, seconds=0.32, style="all"), Counter()
    clip.frames._render.path.moments(0)                             # what a clip needs once is drawn before
    for part in ("trunk", "stem"):
        method = getattr(styled.decoder, part)
        monkeypatch.setattr(styled.decoder, part,
                            lambda *x, part=part, method=method: calls.update([part]) or method(*x))
    together = clip.frames[7]
    assert calls == {"trunk": 4, "stem": 4}                         # frames, not frames times styles
    assert np.array_equal(together[:256, :256], alone[0])
    assert np.array_equal(together[:256, 256:512], alone[1])
    assert together.shape[0] > 256                                  # labels below


def test_strength_goes_from_raw_to_style(styled, person):
    at = {s: frame(styled, person, style="blue", style_strength=s).astype(float) for s in (0, 0.5, 1)}
    assert np.array_equal(at[0], frame(styled, person))
    assert np.array_equal(at[1], frame(styled, person, style="blue"))
    assert 0 < np.abs(at[0.5] - at[0]).mean() < np.abs(at[1] - at[0]).mean()


def test_blend_is_linear_in_the_weights():
    a, b = Top([16] * 6, 128, 32, 32), Top([16] * 6, 128, 32, 32)
    mixed = blend(a, b, 0.25).state_dict()
    assert all(torch.allclose(mixed[k], 0.75 * v + 0.25 * b.state_dict()[k], atol=1e-6)
               for k, v in a.state_dict().items())


@pytest.mark.parametrize("size", [256, 512])
def test_sizes(styled, person, size):
    assert frame(styled, person, style="blue", size=size).shape == (256, 256, 3)        # all that this decoder draws


def test_compare_shows_raw_beside_styled(styled, person):
    wide = frame(styled, replace(person, crop=person.image), style="blue", layout="compare")
    assert wide.shape == (256, 768, 3)
    assert np.array_equal(wide[:, :256], person.image)
    assert np.array_equal(wide[:, 256:512], frame(styled, person))
    assert np.array_equal(wide[:, 512:], frame(styled, person, style="blue"))


def test_a_recipe_renders_the_same_styled_frames(styled, person):
    clip = styled.animate(person, seconds=0.4, style=["green", "blue"], style_strength=0.7)
    again = styled.render(json.loads(json.dumps(clip.recipe)))
    assert np.array_equal(again.frames[9], clip.frames[9])
    assert clip.recipe["styles"] == ["green", "blue"]
    old = clip.recipe | {"style": "green,blue"}            # as versions before 0.2 wrote them
    del old["styles"]
    assert styled.render(old).recipe == clip.recipe


def test_a_recipe_of_a_style_that_changed_is_refused(styled, person):
    recipe = styled.animate(person, style="blue").recipe
    recipe["weights"] = recipe["weights"] | {"styles/blue": "0"}
    assert refusal(styled.render, recipe).startswith("The recipe was made with other weights")


def test_a_style_loads_by_its_path(styled, tmp_path):
    folder = make_style(styled.decoder, tmp_path / "red", 9)
    pipe = StyleInVPipeline(**styled.components)
    assert pipe.load_style(folder) == "red"
    assert pipe.styles["red"].folder == folder


def test_refusals(styled, tmp_path):
    person = styled.sample_face(1)
    assert refusal(styled.animate, person, style="pink") == (
        "There is no style 'pink': name an installed one (blue, green), a folder or a Hub id.")
    assert refusal(styled.animate, person, style="blue", style_strength=1.5) == (
        "style_strength is 1.5: choose a number from 0 to 1.")
    assert refusal(make_tiny().animate, person, style="all") == (
        "No style is installed: put one under checkpoints/styles, or leave the style out.")
    (tmp_path / "empty").mkdir()
    assert refusal(styled.load_style, tmp_path / "empty") == (
        f"{tmp_path / 'empty'} holds no style: name a folder that `styleinv train style` wrote.")


def test_a_style_of_another_decoder_is_refused(styled, tmp_path):
    other = deepcopy(styled.decoder)
    torch.nn.init.zeros_(other.tops["256"].stem_parameters()[-1])
    for number, decoder in enumerate((make_tiny(seed=1).decoder, other)):
        folder = make_style(decoder, tmp_path / f"foreign{number}", 0)
        assert refusal(load_style, folder, styled.decoder) == (
            f"The style foreign{number} was made for another decoder: train it for this one.")


def test_a_style_shows_each_size_by_the_best_top_it_has():
    style = Style("Two", "CC0", "", channels=(16,) * 7, sizes=(256, 512), w_dim=32)
    assert [style.top(size).size for size in (256, 512, 1024)] == [256, 512, 512]


def test_a_damaged_or_swapped_style_is_refused(styled, tmp_path):
    folder = make_style(styled.decoder, tmp_path / "torn", 0)
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-1])
    assert "was changed since it was published" in refusal(load_style, folder, styled.decoder)
    write_manifest(folder)
    assert "holds no weights of Style " in refusal(load_style, folder, styled.decoder)
    (folder / "SHA256SUMS").unlink()
    assert "has no SHA256SUMS" in refusal(load_style, folder, styled.decoder)


def test_the_trunk_sum_sees_the_trunk_and_not_the_tops(styled):
    other = make_tiny().decoder
    known = trunk_sum(other)
    other.tops["256"].to_rgb.conv.bias += 1
    assert trunk_sum(other) == known
    other.blocks[0].conv0.bias += 1
    assert trunk_sum(other) != known


def test_command_line_lists_and_refuses(styled, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(StyleInVPipeline, "from_pretrained", lambda folder: styled)
    out = tmp_path / "x.mp4"
    assert cli.main(["sample", "-o", str(out), "--style", "pink"]) == 2
    assert "There is no style 'pink'" in capsys.readouterr().err and not out.exists()
    assert cli.main(["sample", "-o", str(out), "--style", "blue", "--seconds", "0.1"]) == 0 and out.exists()
