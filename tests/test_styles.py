"""Styles: one motion and one trunk for all, found by their folders, trained on few images, refused where they do not fit."""

import json
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import BUNDLE, make_tiny
from PIL import Image

from styleinv import StyleInVPipeline
from styleinv import __main__ as cli
from styleinv.checkpoint import WEIGHTS, write_manifest
from styleinv.errors import InputError
from styleinv.evaluation.styles import format_style_table
from styleinv.face.landmarks import landmarks_of_crop
from styleinv.losses.encoder import EncoderIdentity, EncoderPerceptual
from styleinv.metrics.style import correlation, landmark_distance, opening_correlation
from styleinv.models.light_discriminators import ProjectedDiscriminator, hinge_d, hinge_g
from styleinv.models.mobile_stylegan import MobileDecoder, Top
from styleinv.styles import Style, blend, find_styles, load_style, save_style, trunk_sum
from styleinv.training.light.style import StyleConfig, StyleStage
from styleinv.training.light.style_choice import install
from styleinv.training.light.style_data import StyleData, frame_latents, parent_images
from styleinv.training.light.style_views import colour_change, relative_tone, view
from styleinv.training.loop import LoopConfig, run

STYLES = BUNDLE.parent / "styles"


def above_the_stem(top) -> list[torch.nn.Parameter]:
    """What a style trains, in its order, so that a seed shakes it the same way every time."""
    shared = {*top.stem_parameters()}
    return [p for p in top.parameters() if p not in shared]


def make_style(decoder: MobileDecoder, folder: Path, seed: int) -> Path:
    """A style that is noise around the decoder's own top."""
    generator = torch.Generator().manual_seed(seed)
    style = Style.of(decoder, [decoder.tops["256"]], folder.name.title(), "CC0")
    with torch.no_grad():
        for p in above_the_stem(style.top(256)):
            p += 0.1 * torch.randn(p.shape, generator=generator)
    save_style(style, folder)
    return folder


@pytest.fixture(scope="module")
def styled(tmp_path_factory) -> StyleInVPipeline:
    """A tiny pipeline, loaded from a folder beside which two styles lie."""
    root = tmp_path_factory.mktemp("checkpoints")
    tiny = make_tiny()
    tiny.save_pretrained(root / "tiny")
    for seed, name in enumerate(("blue", "green")):
        make_style(StyleInVPipeline.from_pretrained(root / "tiny").decoder, root / "styles" / name, seed)
    return StyleInVPipeline.from_pretrained(root / "tiny")


@pytest.fixture
def person(styled):
    return styled.sample_face(3)


def frame(pipe: StyleInVPipeline, person, **settings) -> np.ndarray:
    return pipe.animate(person, seconds=0.4, **settings).frames[7]


def refusal(work, *arguments, **settings) -> str:
    with pytest.raises(InputError) as caught:
        work(*arguments, **settings)
    return str(caught.value)


def test_a_folder_is_all_that_a_style_needs(styled):
    assert [(s.name, s.title, s.licence) for s in styled.styles.values()] == [("blue", "Blue", "CC0"), ("green", "Green", "CC0")]


def test_a_style_changes_the_picture_and_not_the_latents(styled, person):
    raw, blue = styled.animate(person, seconds=0.4), styled.animate(person, seconds=0.4, style="blue")
    assert not np.array_equal(raw.frames[7], blue.frames[7])
    assert raw.recipe["w0"] == blue.recipe["w0"]
    latents = [clip.frames._render.latents(0) for clip in (raw, blue)]
    assert torch.equal(*latents)


def test_several_styles_share_one_trunk_pass_and_equal_themselves_alone(styled, person, monkeypatch):
    alone = [frame(styled, person, style=name) for name in ("blue", "green")]
    clip, calls = styled.animate(person, seconds=0.32, style="all"), Counter()
    for part in ("trunk", "stem"):
        method = getattr(styled.decoder, part)
        monkeypatch.setattr(styled.decoder, part, lambda *x, part=part, method=method: calls.update([part]) or method(*x))
    together = clip.frames[7]
    assert calls == {"trunk": 8, "stem": 8}                         # frames, not frames times styles
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
    assert all(torch.allclose(mixed[k], 0.75 * v + 0.25 * b.state_dict()[k], atol=1e-6) for k, v in a.state_dict().items())


@pytest.mark.parametrize("size", [256, 512])
def test_sizes(styled, person, size):
    assert frame(styled, person, style="blue", size=size).shape == (size, size, 3)


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


class TestTraining:
    """On a tiny decoder, judged by a tiny encoder."""

    @pytest.fixture
    def stage(self) -> StyleStage:
        torch.manual_seed(0)
        tiny = make_tiny()
        ws = tiny.decoder.mapping(torch.randn(12, 32))
        parents = parent_images(tiny.decoder, ws, 256)
        style = torch.randint(0, 60, (60, 256, 256, 3), dtype=torch.uint8)          # dark noise
        data = StyleData(ws, parents, style, moves=0.1 * torch.randn(3, 3, 32))
        config = StyleConfig(batch=2, steps=8, lr=3e-3)
        return StyleStage(tiny.decoder, data, EncoderPerceptual(tiny.inversion), EncoderIdentity(tiny.inversion), config)

    def test_only_the_top_learns(self, stage):
        trunk, top = trunk_sum(stage.decoder), stage.top.to_rgb.conv.weight.clone()
        figures = [stage.step(i) for i in range(2)]
        assert trunk_sum(stage.decoder) == trunk
        assert all(torch.equal(*pair) for pair in zip(stage.top.stem_parameters(), stage.raw.stem_parameters()))
        assert not torch.equal(stage.top.to_rgb.conv.weight, top)
        assert all(np.isfinite(list(f.values())).all() for f in figures)

    def test_pairs_pull_towards_their_targets(self, stage):
        dark = torch.zeros_like(stage.data.parents)
        data = replace(stage.data, style=dark, paired=True)
        config = replace(stage.config, steps=30, pixel=10.0, adversarial=0.0, identity=0.0, tone=0.0, lr=1e-2)
        paired = StyleStage(stage.decoder, data, stage.perceptual, stage.identity, config)
        losses = [paired.step(i)["pixel"] for i in range(20)]
        assert losses[-1] < 0.7 * losses[0]

    def test_it_resumes_and_installs(self, stage, tmp_path, monkeypatch):
        monkeypatch.setattr(StyleStage, "snapshot", lambda self, folder: torch.save(
            {"figures": {"distance": 0.5, "landmarks": 0.01, "score": 0.5}, "top": self.average.state_dict()}, folder / "best.pt"))
        run(stage, LoopConfig(tmp_path / "run", 2))
        figures = install(stage, tmp_path / "run", tmp_path / "styles" / "dark", "Dark", "CC0")
        info = find_styles(tmp_path / "styles")["dark"]
        top = load_style(info.folder, stage.decoder)[0].top(256)
        assert info.preview is not None and (info.folder / "README.md").read_text().startswith("# Dark")
        assert figures["score"] == 0.5
        assert torch.allclose(top.to_rgb.conv.weight, stage.average.to_rgb.conv.weight, atol=1e-3)

    def test_a_larger_size_starts_from_the_smaller_is_held_to_it_and_joins_it(self, stage, tmp_path):
        torch.manual_seed(0)
        decoder = MobileDecoder(channels=(16,) * 7, sizes=(256, 512), w_dim=32)
        decoder.tops["512"].blocks["64"].load_state_dict(decoder.tops["256"].blocks["64"].state_dict())     # as convert does
        start = deepcopy(decoder.tops["256"])
        with torch.no_grad():
            for p in above_the_stem(start):
                p.add_(0.2 * torch.randn_like(p))
        ws = decoder.mapping(torch.randn(1, 32)).detach()
        data = StyleData(ws, parent_images(decoder, ws, 512), torch.zeros(50, 512, 512, 3, dtype=torch.uint8), moves=0.1 * torch.randn(1, 3, 32))
        config = StyleConfig(size=512, batch=1, steps=50, lr=3e-3, adversarial=0.0, perceptual=0.0, face=0.0, tone=0.0, identity=0.0, steady=0.0, pumping=0.0)
        larger = StyleStage(decoder, data, stage.perceptual, stage.identity, config, start, guide=start)
        assert torch.equal(larger.top.blocks["128"].conv0.pointwise, start.blocks["128"].conv0.pointwise)
        agree = [larger.step(i)["agree"] for i in range(6)]
        assert agree == sorted(agree, reverse=True) and agree[-1] < 0.9 * agree[0]
        save_style(Style.of(decoder, [start], "Old", "CC0"), tmp_path)
        best = {"figures": {"distance": 0.5, "landmarks": 0.01, "score": 0.5}, "top": larger.average.state_dict()}
        torch.save(best, tmp_path / "best.pt")
        install(larger, tmp_path, tmp_path, "New", "CC0")
        style, _ = load_style(tmp_path, decoder)
        assert style.config.sizes == [256, 512] and style.config.title == "New"
        assert torch.allclose(style.top(256).to_rgb.conv.weight, start.to_rgb.conv.weight, atol=1e-2)

    def test_a_smaller_size_is_held_to_the_larger_which_stays(self, stage, tmp_path):
        torch.manual_seed(0)
        decoder = MobileDecoder(channels=(16,) * 7, sizes=(256, 512), w_dim=32)
        start, guide = (deepcopy(decoder.tops[size]) for size in ("256", "512"))
        with torch.no_grad():
            for p in above_the_stem(guide):
                p.add_(0.2 * torch.randn_like(p))
        ws = decoder.mapping(torch.randn(1, 32)).detach()
        data = replace(stage.data, ws=ws, parents=parent_images(decoder, ws, 256))
        config = StyleConfig(batch=1, steps=50, lr=3e-3, adversarial=0.0, perceptual=0.0, face=0.0, tone=0.0, identity=0.0, steady=0.0, pumping=0.0)
        smaller = StyleStage(decoder, data, stage.perceptual, stage.identity, config, start, guide)
        agree = [smaller.step(i)["agree"] for i in range(6)]
        assert agree == sorted(agree, reverse=True) and agree[-1] < 0.9 * agree[0]
        save_style(Style.of(decoder, [start, guide], "Old", "CC0"), tmp_path)
        torch.save({"figures": {}, "top": smaller.average.state_dict()}, tmp_path / "best.pt")
        (tmp_path / "README.md").write_text("A card of its own.")
        install(smaller, tmp_path, tmp_path, "New", "CC0")
        style, _ = load_style(tmp_path, decoder)
        assert style.config.sizes == [256, 512]
        assert torch.allclose(style.top(512).to_rgb.conv.weight, guide.to_rgb.conv.weight, atol=1e-2)
        assert torch.allclose(style.top(256).to_rgb.conv.weight, smaller.average.to_rgb.conv.weight, atol=1e-2)

    def test_latents_are_those_of_moving_people(self):
        tiny = make_tiny()
        ws, moves = frame_latents(tiny.decoder, tiny.motion, people=3, times=2)
        assert ws.shape == (6, 32) and moves.shape == (6, 3, 32)
        assert 0 < moves[:, :2].norm(dim=2).mean() < (ws[0] - ws[1]).norm()     # a frame on lies nearer than another time
        torch.testing.assert_close(ws + moves[:, 2], ws.view(3, 2, 32).flip(1).flatten(0, 1))       # the other moment

    @pytest.mark.parametrize("arguments, sentence", [
        (["--name", "no/name"], "--name no/name is no name for a style: use letters, digits and underscores."),
        (["--name", "few", "--aligned"], "gives 3 faces, and a style needs 50: add images."),
        (["--name", "blank"], "gives 0 faces, and a style needs 50: add images, or use --aligned if they are aligned faces already."),
    ])
    def test_bad_input(self, styled, tmp_path, monkeypatch, capsys, arguments, sentence):
        monkeypatch.setattr(StyleInVPipeline, "from_pretrained", lambda folder: styled)
        (tmp_path / "set").mkdir()
        for i in range(3):
            Image.new("RGB", (300, 300), (i, 0, 0)).save(tmp_path / "set" / f"{i}.png")
        code = cli.main(["train", "style", str(tmp_path / "set"), "--out", str(tmp_path / "run"),
                         "--styles", str(tmp_path / "styles"), *arguments])
        assert code == 2 and sentence in capsys.readouterr().err
        assert not (tmp_path / "styles").exists()


def test_one_command_makes_a_style(styled, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(StyleInVPipeline, "from_pretrained", lambda folder: styled)
    (tmp_path / "set").mkdir()
    for i in range(50):
        Image.fromarray(np.full((256, 256, 3), 4 * i, np.uint8)).save(tmp_path / "set" / f"{i:02}.png")
    arguments = ["--name", "grey", "--aligned", "--people", "2", "--steps", "1", "--styles", str(tmp_path / "styles")]
    assert cli.main(["train", "style", str(tmp_path / "set"), "--out", str(tmp_path / "run"), *arguments]) == 0
    style, _ = load_style(find_styles(tmp_path / "styles")["grey"].folder, styled.decoder)
    assert style.config.sizes == [256] and (tmp_path / "run" / "preview.png").is_file()


def test_the_discriminator_tells_two_sets_apart():
    torch.manual_seed(0)
    judge = ProjectedDiscriminator((8, 16), width=8)
    optimizer = torch.optim.Adam([p for p in judge.parameters() if p.requires_grad], 1e-2)
    def seen(shift):
        return [torch.randn(4, 8, 8, 8) + shift, torch.randn(4, 16, 4, 4) + shift]
    first = hinge_d(judge(seen(0.5)), judge(seen(-0.5))).item()
    for _ in range(40):
        loss = hinge_d(judge(seen(0.5)), judge(seen(-0.5)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5 * first
    assert hinge_g(judge(seen(0.5))) < hinge_g(judge(seen(-0.5)))
    assert all(not head.mix.weight.requires_grad for head in judge.heads)


def test_judges_see_larger_images_whole_and_in_part():
    images = torch.rand(2, 3, 512, 512)
    seen = view(images, [100, 256])
    assert torch.allclose(seen[:2], torch.nn.functional.avg_pool2d(images, 2))
    assert torch.equal(seen[2:], images[:, :, 100:356, 256:512])
    assert view(images[:, :, :256, :256], [0, 0]).shape == (2, 3, 256, 256)


def test_relative_tone_forgives_a_shift_of_all():
    images = torch.rand(3, 3, 64, 64)
    assert torch.allclose(relative_tone(images + 0.2), relative_tone(images), atol=1e-6)
    assert not torch.allclose(relative_tone(images.flip(0)), relative_tone(images))


def test_measures_in_closed_form():
    points = np.random.default_rng(0).uniform(60, 200, (30, 68, 2))
    points[:, 36:42], points[:, 42:48] = (100, 100), (150, 100)                     # the eyes lie 50 px apart
    points[:, 36:48] += np.random.default_rng(1).normal(0, 0.01, (30, 12, 2))
    assert landmark_distance(points, points + np.array([3, 4])) == pytest.approx(0.1, rel=1e-3)
    assert opening_correlation(points, points) == pytest.approx({"mouth": 1, "eyes": 1})
    assert correlation(np.arange(5.0), -np.arange(5.0)) == pytest.approx(-1)
    assert correlation(np.ones(5), np.ones(5)) == 1 and correlation(np.arange(5.0), np.ones(5)) == 0


def test_the_table_marks_what_misses_its_target():
    table = format_style_table({"ink": {"landmarks": 0.07, "flicker": 1.1, "flicker_levels": 1.4}}).splitlines()
    assert [line.split(" | ")[1:] for line in table[2:]] == [["0.070 (missed)", "<= 0.060 |"], ["1.10", "<= 1.20 |"], ["1.40", " |"]]


NAMES = sorted(path.parent.name for path in STYLES.glob("*/config.json"))


@pytest.mark.parametrize("name", NAMES)
def test_installed_styles_look_alike_at_both_sizes_and_are_sharper_at_the_larger(pipe, name):
    person = pipe.sample_face(5)
    small, large = (torch.from_numpy(pipe.animate(person, seconds=0.04, style=name, size=size).frames[0]).float() for size in (256, 512))
    shrunk = large.unflatten(0, (256, 2)).unflatten(2, (256, 2)).mean((1, 3))
    assert torch.corrcoef(torch.stack([shrunk.flatten(), small.flatten()]))[0, 1] > 0.85
    enlarged = shrunk.repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert (large - enlarged).abs().mean() > 1                      # detail that 256 px cannot hold


@pytest.mark.parametrize("name", NAMES)
def test_installed_styles_keep_the_face(pipe, name):
    person = pipe.sample_face(5)
    styled = pipe.animate(person, seconds=0.04, style=name).frames[0]
    raw = landmarks_of_crop(person.image)
    distance = np.linalg.norm(landmarks_of_crop(styled) - raw, axis=1).mean() / np.linalg.norm(raw[36:42].mean(0) - raw[42:48].mean(0))
    assert distance < 0.12
    assert np.abs(styled.astype(float) - person.image).mean() > 8
    info = pipe.styles[name]
    assert info.preview is not None and info.weights.stat().st_size < 8e6 and (info.folder / "README.md").is_file()


def test_swing_is_of_the_places_that_change_colour():
    moments = torch.zeros(2, 3, 64, 64)
    moments[1, 0, :8] = 0.5                                                         # the top row turns redder
    assert torch.allclose(colour_change(moments)[0, 0], torch.full([8], 0.5)) and colour_change(moments)[1:].sum() == 0
    assert colour_change(moments)[0, 1:].sum() == 0
