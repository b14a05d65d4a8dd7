"""Stage A: it learns, resumes exactly, and takes the same steps in parts."""

import json
from dataclasses import replace

import pytest
import torch
from paper_stages import CALM, TINY, command, stage, weights

from styleinv.__main__ import main
from styleinv.data.video_set import VideoSet
from styleinv.models.stylegan2 import StyleGAN2
from styleinv.training.distributed import Workers
from styleinv.training.loop import LoopConfig, run
from styleinv.training.paper.image import ImageStage
from styleinv.training.paper.measures import FeatureDistance


def test_a_resumed_image_stage_equals_an_unbroken_one(images, tmp_path):
    whole, first, second = (stage(images) for _ in range(3))
    run(whole, LoopConfig(tmp_path / "whole", steps=12))
    assert whole.controller.p > 0                       # augmentation took part
    run(first, LoopConfig(tmp_path / "parts", steps=5))
    run(second, LoopConfig(tmp_path / "parts", steps=12))
    for name in ("generator", "discriminator"):
        assert torch.equal(weights(getattr(whole, name)), weights(getattr(second, name)))
    assert torch.equal(weights(whole.average.network), weights(second.average.network))


def test_rounds_take_the_same_steps(images):
    config = replace(TINY, path=0.0)
    whole, parts = stage(images, config), stage(images, config, Workers(grad_accum=2))
    torch.manual_seed(1)
    a = [whole.step(i) for i in range(4)]
    torch.manual_seed(1)
    b = [parts.step(i) for i in range(4)]
    assert all(x[name] == pytest.approx(y[name], abs=1e-4) for x, y in zip(a, b) for name in x)


def test_the_image_stage_learns(images, tmp_path):
    held = VideoSet(images, 16, clips=False).images([(i, 0) for i in range(24)])
    torch.manual_seed(0)
    trained = ImageStage(VideoSet(images, 16, clips=False), replace(TINY, ada_kimg=0.0, path=0.0),
                         judge=FeatureDistance(held))
    before = trained.measure()["thumbnail_distance"]
    run(trained, LoopConfig(tmp_path, steps=100))
    assert trained.measure()["thumbnail_distance"] < before / 3
    assert StyleGAN2.from_pretrained(tmp_path / "decoder").num_ws == 6 and (tmp_path / "sheet.png").exists()


def test_the_curve_starts_before_the_first_step_and_changes_no_weight(images, tmp_path):
    plain, measured = stage(images), stage(images)
    measured.judge = FeatureDistance(VideoSet(images, 16, clips=False).images([(i, 0) for i in range(8)]))
    run(plain, LoopConfig(tmp_path / "plain", steps=3))
    run(measured, LoopConfig(tmp_path / "measured", steps=3, save_first=True))
    lines = [json.loads(line) for line in (tmp_path / "measured" / "measures.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 3] and all("thumbnail_distance" in line for line in lines)
    assert torch.equal(weights(plain.generator), weights(measured.generator))


def test_rounds_share_path_lengths_and_the_mean_latent(images):
    whole, parts = stage(images, CALM), stage(images, CALM, Workers(grad_accum=4))
    for made in (whole, parts):
        torch.manual_seed(1)
        for i in range(5):
            made.step(i)
    assert float(whole.path_mean) == pytest.approx(float(parts.path_mean), rel=1e-3) and float(whole.path_mean) > 0
    assert torch.allclose(whole.generator.w_avg, parts.generator.w_avg, atol=1e-4) and whole.generator.w_avg.any()


def test_tensorboard_gets_the_figures(images, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    line = [*command(images, tmp_path, 20)[3:], "--log", "tensorboard"]
    assert main(line) == 0
    events = accumulator.EventAccumulator(str(next(tmp_path.rglob("events.out.*")).parent)).Reload()
    logged = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert events.Scalars("d")[-1].value == pytest.approx(logged["d"], rel=1e-4)
