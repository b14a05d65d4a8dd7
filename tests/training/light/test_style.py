"""The training of a style: only the top learns, from a folder of images, and it is installed."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import make_tiny
from PIL import Image
from style_folders import above_the_stem

from styleinv import StyleInVPipeline
from styleinv import __main__ as cli
from styleinv.losses.encoder import EncoderIdentity, EncoderPerceptual
from styleinv.models.mobile_stylegan import MobileDecoder
from styleinv.styles import Style, find_styles, load_style, save_style, trunk_sum
from styleinv.training.light.style import StyleConfig, StyleStage
from styleinv.training.light.style_choice import install
from styleinv.training.light.style_data import StyleData, frame_latents, parent_images
from styleinv.training.light.style_views import colour_change, relative_tone, view
from styleinv.training.loop import LoopConfig, run


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
        return StyleStage(tiny.decoder, data, EncoderPerceptual(tiny.inversion), EncoderIdentity(tiny.inversion),
                          config)

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
        config = replace(stage.config, steps=20, pixel=10.0, adversarial=0.0, identity=0.0, tone=0.0, lr=1e-2)
        paired = StyleStage(stage.decoder, data, stage.perceptual, stage.identity, config)
        losses = [paired.step(i)["pixel"] for i in range(8)]
        assert losses[-1] < 0.85 * losses[0]

    def test_it_resumes_and_installs(self, stage, tmp_path, monkeypatch):
        monkeypatch.setattr(StyleStage, "snapshot", lambda self, folder: torch.save(
            {"figures": {"distance": 0.5, "landmarks": 0.01, "score": 0.5}, "top": self.average.state_dict()},
            folder / "best.pt"))
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
        # As convert does.
        decoder.tops["512"].blocks["64"].load_state_dict(decoder.tops["256"].blocks["64"].state_dict())
        start = deepcopy(decoder.tops["256"])
        with torch.no_grad():
            for p in above_the_stem(start):
                p.add_(0.2 * torch.randn_like(p))
        ws = decoder.mapping(torch.randn(1, 32)).detach()
        data = StyleData(ws, parent_images(decoder, ws, 512), torch.zeros(50, 512, 512, 3, dtype=torch.uint8),
                         moves=0.1 * torch.randn(1, 3, 32))
        config = StyleConfig(size=512, batch=1, steps=50, lr=3e-3, adversarial=0.0, perceptual=0.0, face=0.0,
                             tone=0.0, identity=0.0, steady=0.0, pumping=0.0)
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
        config = StyleConfig(batch=1, steps=50, lr=3e-3, adversarial=0.0, perceptual=0.0, face=0.0, tone=0.0,
                             identity=0.0, steady=0.0, pumping=0.0)
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
        assert 0 < moves[:, :2].norm(dim=2).mean() < (ws[0] - ws[1]).norm()     # a frame on is nearer than other times
        torch.testing.assert_close(ws + moves[:, 2], ws.view(3, 2, 32).flip(1).flatten(0, 1))       # the other moment

    @pytest.mark.parametrize("arguments, sentence", [
        (["--name", "no/name"], "--name no/name is no name for a style: use letters, digits and underscores."),
        (["--name", "few", "--aligned"], "gives 3 faces, and a style needs 50: add images."),
        (["--name", "blank"],
         "gives 0 faces, and a style needs 50: add images, or use --aligned if they are aligned faces already."),
    ])
    def test_bad_input(self, styled, tmp_path, monkeypatch, capsys, arguments, sentence):
        monkeypatch.setattr(StyleInVPipeline, "from_pretrained", lambda folder: styled)
        (tmp_path / "set").mkdir()
        for i in range(3 if "--aligned" in arguments else 1):
            Image.new("RGB", (200, 200), (i, 0, 0)).save(tmp_path / "set" / f"{i}.png")
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


def test_colour_change_is_of_the_places_that_change_colour():
    moments = torch.zeros(2, 3, 64, 64)
    moments[1, 0, :8] = 0.5                                                         # the top row turns redder
    assert torch.allclose(colour_change(moments)[0, 0], torch.full([8], 0.5)) and colour_change(moments)[1:].sum() == 0
    assert colour_change(moments)[0, 1:].sum() == 0
