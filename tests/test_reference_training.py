"""The paper's stages on tiny networks: closed forms, exact resumption, the same steps for any number of processes, learning."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from styleinv.__main__ import main
from styleinv.clip.ffmpeg import read_frames, write_mp4
from styleinv.data.video_set import VideoSet
from styleinv.errors import InputError
from styleinv.losses.lpips import SqueezePerceptual
from styleinv.models.inversion import InversionEncoder
from styleinv.models.motion import MotionNetwork
from styleinv.models.stylegan2 import StyleGAN2
from styleinv.training.distributed import Workers
from styleinv.training.loop import LoopConfig, run
from styleinv.training.optim import EMA, Ranger, gradient_penalty, lazy_adam, path_lengths
from styleinv.training.paper import inputs
from styleinv.training.paper.clips import Inversions, read_places
from styleinv.training.paper.image import ImageConfig, ImageStage
from styleinv.training.paper.inversion import PaperInversionConfig, PaperInversionStage
from styleinv.training.paper.measures import FeatureDistance, MotionDistance
from styleinv.training.paper.motion import PaperMotionConfig, PaperMotionStage
from styleinv.training.paper.presets import PRESETS
from styleinv.training.paper.style import PaperStyleConfig, PaperStyleStage, block_side
from styleinv.training.times import sample_spans

ROOT = Path(__file__).parent.parent
TINY = ImageConfig(size=16, base=128, widest=16, mapping_layers=2, batch=8, group=2, ema_kimg=0.05, r1_every=4, ada_kimg=0.5,
                   ada_target=-1.0, noise="const", lr=0.005)
CALM = replace(TINY, lr=3e-4)      # at a high rate, adversarial training doubles a rounding error at every step
MOTION = PaperMotionConfig(preset="tiny", size=32, frames=12, z_dim=8, frequencies=4, distance=4, min_period=4.0, max_period=12.0,
                           max_dist=8, base=256, widest=16, join=8, group=2, batch=4, lr=2e-3, ema_kimg=0.02, r1_every=4, ada_kimg=0.05)


def picture(seed: int, side: int = 16) -> Image.Image:
    """A bright disc on a dark ground, somewhere."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    disc = (x - rng.uniform(4, 12))**2 + (y - rng.uniform(4, 12))**2 < 9
    return Image.fromarray(np.where(disc[..., None], [230, 180, 60], [20, 40, 90]).astype(np.uint8))


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for i in range(24):
        picture(i).save(folder / f"{i:02}.png")
    return folder


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    """Discs that move, a folder of frames each."""
    folder = tmp_path_factory.mktemp("videos")
    for v in range(4):
        (folder / f"v{v}").mkdir()
        for t in range(16):
            frame = Image.new("RGB", (16, 16), (20, 40, 90))
            frame.paste((230, 180, 60), (t // 2, 2 + 2 * v, t // 2 + 6, 8 + 2 * v))
            frame.save(folder / f"v{v}" / f"{t:03}.png")
    return folder


def stage(images: Path, config: ImageConfig = TINY, workers: Workers = Workers()) -> ImageStage:
    torch.manual_seed(0)
    return ImageStage(VideoSet(images, 16, clips=False), config, workers)


def weights(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_presets_are_the_paper_s():
    faces, sky, taichi = PRESETS["dfuf"], PRESETS["sky"], PRESETS["taichi"]
    assert (faces.image.steps, faces.inversion.steps, faces.motion.steps) == (390_625, 62_500, 97_656)
    assert (faces.motion.distance, faces.motion.max_dist, sky.motion.distance, sky.motion.max_period) == (16, 32, 128, 1024)
    assert (PRESETS["ffs"].motion.ada_kimg, sky.motion.noise, sky.inversion.identity) == (0, "none", 0)
    assert (taichi.motion.adversarial, taichi.motion.latent, taichi.image.noise_inputs) == (0.1, 0, False)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("verb", ["image", "inversion-paper", "motion-paper", "style-paper"])
def test_dry_run_prints_the_resolved_settings(name, verb, capsys):
    assert main(["train", verb, "DATA", "--out", "RUN", "--preset", name, "--dry-run", "--set", "batch=24", "mirror=false"]) == 0
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
    assert words.count("\n") == 3 and all(text in words for text in ("is a file", "other settings", "damaged"))


def test_losses_without_their_network_are_refused(decoder, images, tmp_path, capsys):
    decoder.save_pretrained(tmp_path / "decoder")
    line = ["train", "inversion-paper", str(images), "--held-out", str(images), "--decoder", str(tmp_path / "decoder"), "--out",
            str(tmp_path / "run"), "--networks", str(images)]
    assert main(line) == 2 and "perceptual=0" in capsys.readouterr().err
    assert main([*line, "--set", "perceptual=0"]) == 2 and "arcface" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["inversion-paper", "motion-paper", "style-paper"])
def test_stages_say_which_stage_comes_before_them(images, tmp_path, verb, capsys):
    assert main(["train", verb, str(images), "--out", str(tmp_path)]) == 2
    assert "--decoder" in capsys.readouterr().err


def test_path_lengths_of_a_linear_map():
    torch.manual_seed(0)
    matrix, noise = torch.randn(3 * 4 * 4, 2 * 5), torch.randn(2, 3, 4, 4)
    ws = torch.randn(2, 2, 5, requires_grad=True)
    images = (ws.flatten(1) @ matrix.T).view(2, 3, 4, 4)
    expected = (noise.flatten(1) @ matrix / 4).view(2, 2, 5).square().sum(dim=2).mean(dim=1).sqrt()
    assert torch.allclose(path_lengths(images, ws, noise), expected)


def test_gradient_penalty_of_a_linear_judge():
    x, slope = torch.randn(3, 2, 2, requires_grad=True), torch.randn(2, 2)
    assert gradient_penalty((x * slope).sum(dim=(1, 2)), x) == pytest.approx(float(slope.square().sum()))


def test_lazy_regularisation_corrects_the_optimiser():
    group = lazy_adam(torch.nn.Linear(1, 1), 0.002, 16).param_groups[0]
    assert group["lr"] == pytest.approx(0.002 * 16 / 17) and group["betas"] == (0.0, pytest.approx(0.99 ** (16 / 17)))
    assert lazy_adam(torch.nn.Linear(1, 1), 0.002, 0).param_groups[0]["lr"] == 0.002


def test_average_has_its_half_life():
    torch.manual_seed(0)
    network, copy = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    average, before = EMA(network, copy), network.weight.detach().clone()
    torch.nn.init.zeros_(network.weight)
    for _ in range(4):
        average.update(network, samples=5, half_life=20)
    assert torch.allclose(copy.weight, before / 2)


def test_ranger_centres_gradients_and_looks_back():
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(3, 4))
    start, optimizer = weight.detach().clone(), Ranger([weight], lr=0.1)
    fast = torch.nn.Parameter(start.clone())
    plain = torch.optim.RAdam([fast], 0.1, (0.95, 0.999), 1e-5)
    gradient = torch.randn(3, 4)
    for _ in range(6):
        weight.grad, fast.grad = gradient.clone(), gradient - gradient.mean(dim=1, keepdim=True)
        optimizer.step(), plain.step()
    assert torch.allclose(weight, (start + fast) / 2, atol=1e-6)


def test_ranger_resumes():
    def steps(weight, optimizer, count):
        for _ in range(count):
            optimizer.zero_grad()
            (weight**2).sum().backward()
            optimizer.step()
    whole, parts = torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(2, 2))
    whole.data[0, 0] = parts.data[0, 0] = 3.0
    steps(whole, Ranger([whole], 0.1), 10)
    first, second = Ranger([parts], 0.1), Ranger([parts], 0.1)
    steps(parts, first, 4)
    second.load_state_dict(first.state_dict())
    steps(parts, second, 6)
    assert torch.equal(whole, parts)


@pytest.mark.parametrize("dyadic, spans", [(True, {2, 4, 8, 16, 32}), (False, set(range(2, 32)))])
def test_spans_as_intended_and_as_released(dyadic, spans):
    t = sample_spans(4000, 128, 32, dyadic, whole=True)
    assert set((t[:, 3] - t[:, 1]).tolist()) == spans and not t[:, 0].any()
    assert (t[:, 1] >= 0).all() and (t[:, 1] < t[:, 2]).all() and (t[:, 2] < t[:, 3]).all() and t.max() <= 127
    assert torch.equal(t, t.floor()) and not torch.equal(*[f(sample_spans(9, 128, 32, dyadic, whole=False)) for f in (torch.floor, torch.clone)])


def test_frames_of_folders_zips_and_images(images, videos, tmp_path):
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        for path in sorted(videos.rglob("*.png")):
            archive.write(path, path.relative_to(videos).as_posix())
    folder, packed = VideoSet(videos, 16), VideoSet(tmp_path / "v.zip", 16)
    assert folder.lengths.tolist() == packed.lengths.tolist() == [16] * 4
    assert torch.equal(folder.read(2, [0, 5]), packed.read(2, [0, 5])) and folder.read(2, [0, 5]).shape == (2, 16, 16, 3)
    assert VideoSet(videos, 8).read(0, [3]).shape == (1, 8, 8, 3)
    assert len(VideoSet(images, 16).videos) == 1 and len(VideoSet(images, 16, clips=False).videos) == 24
    assert len(VideoSet(images, 16, clips=False, without={"03", "04"}).videos) == 22
    assert len(VideoSet(videos, 16, clips=False).videos) == 4             # folders stay videos, so that balance works


def test_frames_of_video_files(tmp_path):
    write_mp4(tmp_path / "a.mp4", [np.full((32, 48, 3), 12 * i, np.uint8) for i in range(10)], 25, 16)
    frames = VideoSet(tmp_path, 16)
    assert frames.lengths.tolist() == [10]
    assert frames.read(0, [9]).float().mean() == pytest.approx(108, abs=4)


def test_a_video_that_is_not_kept_is_decoded_once_a_call(tmp_path, monkeypatch):
    write_mp4(tmp_path / "a.mp4", [np.full((32, 48, 3), 12 * i, np.uint8) for i in range(10)], 25, 16)
    kept, calls = VideoSet(tmp_path, 16).read(0, [1, 7, 9]), []
    monkeypatch.setattr("styleinv.data.video_set.KEPT", 0)
    monkeypatch.setattr("styleinv.data.video_set.read_frames", lambda *args: calls.append(args) or read_frames(*args))
    assert torch.equal(VideoSet(tmp_path, 16).read(0, [1, 7, 9]), kept) and len(calls) == 1


def test_long_videos_do_not_dominate_unless_asked_to(tmp_path):
    for name, count in (("long", 90), ("short", 10)):
        (tmp_path / name).mkdir()
        for i in range(count):
            Image.new("RGB", (4, 4)).save(tmp_path / name / f"{i:03}.png")
    frames = VideoSet(tmp_path, 4)
    def share(balance):
        return np.mean([video for video, _ in frames.draw_images(2000, balance)])
    assert share(True) == pytest.approx(0.5, abs=0.05) and share(False) == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("make", [lambda p: p / "none", lambda p: p, lambda p: (p / "x.zip").write_bytes(b"no") and p / "x.zip"])
def test_bad_data_ends_in_one_sentence(make, tmp_path):
    with pytest.raises(InputError):
        VideoSet(make(tmp_path), 16)


def test_too_short_videos_are_counted(videos):
    with pytest.raises(InputError, match="17 frames"):
        VideoSet(videos, 16, shortest=17)
    assert VideoSet(videos, 16, shortest=16).dropped == 0


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
    trained = ImageStage(VideoSet(images, 16, clips=False), replace(TINY, ada_kimg=0.0, path=0.0), judge=FeatureDistance(held))
    before = trained.measure()["thumbnail_distance"]
    run(trained, LoopConfig(tmp_path, steps=100))
    assert trained.measure()["thumbnail_distance"] < before / 3
    assert StyleGAN2.from_pretrained(tmp_path / "decoder").num_ws == 6 and (tmp_path / "sheet.png").exists()


@pytest.fixture(scope="module")
def decoder() -> StyleGAN2:
    torch.manual_seed(0)
    return StyleGAN2(size=16, base=128, widest=16, z_dim=16, w_dim=16, mapping_layers=2, trunk_resolution=8)


def test_the_curve_starts_before_the_first_step_and_changes_no_weight(images, tmp_path):
    plain, measured = stage(images), stage(images)
    measured.judge = FeatureDistance(VideoSet(images, 16, clips=False).images([(i, 0) for i in range(8)]))
    run(plain, LoopConfig(tmp_path / "plain", steps=3))
    run(measured, LoopConfig(tmp_path / "measured", steps=3, save_first=True))
    lines = [json.loads(line) for line in (tmp_path / "measured" / "measures.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 3] and all("thumbnail_distance" in line for line in lines)
    assert torch.equal(weights(plain.generator), weights(measured.generator))


def test_motion_distance_of_the_same_of_still_and_of_half_the_motion():
    clips = torch.randn(64, 3, 3, 16, 16, generator=torch.Generator().manual_seed(0)).cumsum(dim=1)
    judge = MotionDistance(clips)
    assert judge(clips) == {"motion_distance": pytest.approx(0, abs=1e-6), "spread": pytest.approx(1)}
    still, half = judge(clips[:, :1].expand_as(clips)), judge(clips / 2)
    assert still == {"motion_distance": pytest.approx(judge.bounds()["still"]), "spread": 0}
    assert half["spread"] == pytest.approx(0.5) and half["motion_distance"] == pytest.approx(still["motion_distance"] / 4, rel=1e-3)


def test_the_inversion_stage_learns(decoder, tmp_path):
    """Images of the decoder itself, which it can give back."""
    torch.manual_seed(0)
    with torch.no_grad():
        drawn = decoder(decoder.mapping(torch.randn(40, 16))) / 2
    for i, image in enumerate(drawn.clamp(-1, 1)):
        Image.fromarray(((image.permute(1, 2, 0) + 1) * 127.5).byte().numpy()).save(tmp_path / f"{i:02}.png")
    frames = VideoSet(tmp_path, 16, clips=False)
    config = PaperInversionConfig(preset="tiny", size=16, batch=16, lr=5e-3)
    def distance(x, y):
        return (x - y).abs().mean(dim=(1, 2, 3))
    trained = PaperInversionStage(decoder, frames, frames.images([(i, 0) for i in range(8)]), distance, None, config)
    before, mean = trained.measure(), trained.mean_image()
    run(trained, LoopConfig(tmp_path / "run", steps=60))
    after = trained.measure()
    assert after.keys() == mean.keys() and after["held_out_pixel"] < mean["held_out_pixel"]
    assert after["held_out_pixel"] < 0.8 * before["held_out_pixel"] and "held_out_identity" not in after
    assert InversionEncoder.from_pretrained(tmp_path / "run" / "inversion").to_detail is None


def test_the_style_stage_moves_the_upper_blocks_alone(decoder, images, tmp_path):
    torch.manual_seed(0)
    config = PaperStyleConfig(batch=4, group=2, from_side=16, noise="const", lr=0.005)
    def distance(x, y):
        return (x - y).square().mean(dim=(1, 2, 3))
    trained = PaperStyleStage(decoder, VideoSet(images, 16, clips=False), distance, None, config)
    w = torch.randn(2, 16)
    assert torch.equal(trained.generator(w), decoder(w))
    run(trained, LoopConfig(tmp_path, steps=4))
    before, after = decoder.state_dict(), trained.generator.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved and all(name.startswith("tops.16.blocks.16.") for name in moved)
    assert torch.equal(trained.generator.trunk(w), decoder.trunk(w))
    counted = sum(p.numel() for n, p in StyleGAN2().named_parameters() if block_side(decoder, n) >= 64)
    assert round(counted / 1e6, 2) == 3.24


def test_no_style_trains_the_mapping_and_each_chooses_its_precision(decoder, images):
    config = PaperStyleConfig(batch=4, group=2, from_side=0, half_blocks=1, half="bfloat16")
    made = PaperStyleStage(decoder, VideoSet(images, 16, clips=False), None, None, config)
    trained = {name.split(".")[0] for name, p in made.generator.named_parameters() if p.requires_grad}
    assert trained == {"const", "conv", "to_rgb", "blocks", "tops"} and made.generator.config.half_blocks == 1
    decoder.compute_in(torch.float32, 0)


def test_lpips_vgg_is_vgg16_with_five_heads():
    from styleinv.losses.lpips import LPIPSVGG
    network = LPIPSVGG().requires_grad_(False)
    assert sum(p.numel() for p in network.parameters()) == 14_714_688 + 64 + 128 + 256 + 512 + 512
    x = torch.rand(1, 3, 32, 32)
    assert [f.shape[1:3] for f in network.features(x)] == [(64, 32), (128, 16), (256, 8), (512, 4), (512, 2)]
    assert float(network(x, x)) == 0


@pytest.mark.parametrize("invert", [False, True])
def test_the_motion_stage_steps_resumes_and_measures(decoder, videos, tmp_path, invert):
    def make() -> PaperMotionStage:
        torch.manual_seed(0)
        encoder = InversionEncoder("tiny", 32, spatial=0, hidden=0, num_ws=6, w_dim=16)
        frames = VideoSet(videos, 32, shortest=12)
        return PaperMotionStage(decoder, encoder, frames, MOTION, invert=invert)
    whole, first, second = (make() for _ in range(3))
    assert torch.equal(whole.sample(2)[:, 0], whole.sample(2)[:, 3])                        # untrained, it stands still
    run(whole, LoopConfig(tmp_path / "whole", steps=6, log_every=2))
    run(first, LoopConfig(tmp_path / "parts", steps=3))
    run(second, LoopConfig(tmp_path / "parts", steps=6))
    assert torch.equal(weights(whole.network), weights(second.network)) and not torch.equal(*whole.sample(2)[0, [0, 3]])
    figures = json.loads((tmp_path / "whole" / "log.jsonl").read_text().splitlines()[-1])
    assert {"g", "d", "reconstruction", "latent", "p"} <= figures.keys()
    film = VideoSet(tmp_path / "whole", 32, fps=MOTION.fps)
    assert film.lengths.max() == MOTION.frames


def test_inverting_both_sides_leaves_motion_as_the_only_difference(decoder, videos):
    torch.manual_seed(0)
    encoder = InversionEncoder("tiny", 32, spatial=0, hidden=0, num_ws=6, w_dim=16)
    made = PaperMotionStage(decoder, encoder, VideoSet(videos, 32, shortest=12), MOTION, invert=True)
    people, still = made._draw_people(8), torch.zeros(8, 4)
    shown = made._shown(made.frames, [(video, 4 * at, mirrored) for video, at, mirrored in people])
    with torch.no_grad():
        ours = made._clip(made.average.network, people, torch.randn(8, MOTION.anchors, MOTION.z_dim), still)[3]    # untrained
    assert torch.allclose(ours, shown, atol=1e-5) and len({mirrored for _, _, mirrored in people}) == 2


def test_inversions_are_made_once_and_smoothed(videos):
    torch.manual_seed(0)
    encoder, frames = InversionEncoder("tiny", 32, spatial=0, hidden=0, num_ws=6, w_dim=16).eval(), VideoSet(videos, 32)
    places = [(1, [3, 4, 9], False), (1, [3, 4, 9], True)]
    with torch.no_grad():
        expected = torch.stack([encoder(clip)[0] for clip in read_places(frames, places)])
    exact, smooth = Inversions(encoder, smoothing=0.0), Inversions(encoder, smoothing=50.0)
    assert torch.allclose(exact(frames, places), expected, atol=1e-5)
    assert smooth(frames, places).std(dim=1).max() < 0.1 * expected.std(dim=1).max()
    exact.encoder = None
    assert torch.allclose(exact(frames, places[:1]), expected[:1], atol=1e-5)       # kept


def test_generated_clips_are_frames_that_compare_reads(decoder, tmp_path):
    torch.manual_seed(0)
    motion = MotionNetwork("tiny", 32, 16, 8, 512, 4, 4, 4.0, 12.0, anchored=True)
    decoder.save_pretrained(tmp_path / "decoder")
    motion.save_pretrained(tmp_path / "motion")
    line = ["generate", str(tmp_path / "decoder"), str(tmp_path / "clips"), "--motion", str(tmp_path / "motion"), "--count", "2", "--frames", "20"]
    assert main(line) == 0 and main(["generate", str(tmp_path / "decoder"), str(tmp_path / "images"), "--count", "3"]) == 0
    clips, images = VideoSet(tmp_path / "clips", 16), VideoSet(tmp_path / "images", 16, clips=False)
    assert clips.lengths.tolist() == [20, 20] and images.lengths.tolist() == [1, 1, 1]
    assert torch.equal(clips.read(0, [0]), images.read(0, [0])) and torch.equal(clips.read(1, [0]), images.read(1, [0]))
    assert not torch.equal(clips.read(0, [0]), clips.read(0, [19]))
    assert main([*line[:-3], "1", "--frames", "20", "--seed", "1"]) == 0                # the second alone is the second of two
    assert torch.equal(VideoSet(tmp_path / "clips", 16).read(0, [19]), clips.read(1, [19]))


def test_motion_bounds_tell_how_far_the_training_clips_are(decoder, videos):
    encoder = InversionEncoder("tiny", 32, spatial=0, hidden=0, num_ws=6, w_dim=16)
    same = VideoSet(videos, 32, shortest=12)
    made = PaperMotionStage(decoder, encoder, same, MOTION, held_out=same)
    assert made.bounds()["training clips"] == pytest.approx(0, abs=1e-6) and made.bounds()["still"] > 0


def test_splits_hold_out_what_any_of_their_lists_names(images, tmp_path):
    (tmp_path / "splits.json").write_text(json.dumps({"faces": ["00.png"], "clips": ["01", "none"]}))
    train, held = inputs.read_data(images, 16, tmp_path / "splits.json", clips=False)
    assert held.videos == [["00.png"], ["01.png"]] and not {"00.png", "01.png"} & {video[0] for video in train.videos}


def test_held_out_frames_are_spread_over_all_videos(videos):
    frames = VideoSet(videos, 16)
    some = inputs.everything(frames, most=13)
    assert torch.equal(some, frames.images([divmod(i, 16) for i in range(0, 64, 5)])) and len(some) == 13
    assert len(inputs.everything(frames)) == 64


def test_held_out_frames_of_balanced_draws_are_as_many_of_each_video(videos):
    frames = VideoSet(videos, 16)
    some = inputs.each_video(frames, most=9)
    assert torch.equal(some, frames.images([(video, place) for video in range(4) for place in (4, 12)]))
    assert torch.equal(inputs.each_video(frames, most=2), frames.images([(0, 8), (2, 8)]))
    assert len(inputs.each_video(frames)) == 64


def test_motion_loss_at_time_0_brings_the_first_frame_back(decoder, videos):
    torch.manual_seed(0)
    encoder = InversionEncoder("tiny", 32, spatial=0, hidden=0, num_ws=6, w_dim=16)
    trained = PaperMotionStage(decoder, encoder, VideoSet(videos, 32), replace(MOTION, adversarial=0.0, reconstruction=100.0, latent=0.0))
    torch.nn.init.normal_(trained.network.head.weight, std=0.5)
    losses = [trained._network_step()["reconstruction"] for _ in range(150)]
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])       # a single batch says little


WORKER = """
import json, sys, torch
from accelerate import Accelerator
from styleinv.training.distributed import Workers
sys.path.insert(0, "tests")
from test_reference_training import shared_stage
torch.set_num_threads(1)
stage = shared_stage(sys.argv[1], sys.argv[2], Workers(Accelerator(cpu=True)))
torch.manual_seed(1)
lines = [stage.step(step) for step in range(int(sys.argv[3]))]
held = [x.double().sum().item() for x in getattr(stage, stage.parts[0]).state_dict().values()]
print(json.dumps([lines, held, torch.rand(()).item()]))
"""


def shared_stage(kind: str, data: str, workers: Workers) -> PaperMotionStage | PaperInversionStage | ImageStage:
    """A stage that does not double rounding errors, of the same first weights in every process."""
    torch.manual_seed(0)
    decoder = StyleGAN2(size=16, base=128, widest=16, z_dim=16, w_dim=16, mapping_layers=2, trunk_resolution=8)
    def distance(x, y):
        return (x - y).square().mean(dim=(1, 2, 3))
    if kind == "image":
        return ImageStage(VideoSet(data, 16, clips=False), CALM, workers)
    if kind == "style":
        config = PaperStyleConfig(batch=8, group=2, from_side=16, noise="const", lr=3e-4, r1_every=4, ada_kimg=0.05)
        return PaperStyleStage(decoder, VideoSet(data, 16, clips=False), distance, distance, config, workers)
    if kind == "inversion":
        frames = VideoSet(data, 16, clips=False)
        config = PaperInversionConfig(preset="tiny", size=16, batch=8, lr=5e-3)
        return PaperInversionStage(decoder, frames, frames.images([(0, 0)]), distance, None, config, workers)
    encoder = InversionEncoder("tiny", 32, spatial=0, hidden=0, num_ws=6, w_dim=16)
    config = replace(MOTION, batch=8, lr=1e-4, d_lr=1e-4, batch_norm=False)
    return PaperMotionStage(decoder, encoder, VideoSet(data, 32, shortest=12), config, workers)


def port() -> str:
    """A free one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def train(kind: str, data: Path, steps: int, processes: int) -> list[list]:
    """Of each process: figures of so many steps, sums of its first network's tensors, and the next random number; they talk by gloo."""
    known = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port(), "WORLD_SIZE": str(processes), "PYTHONPATH": str(ROOT)}
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, kind, str(data), str(steps)], stdout=subprocess.PIPE, text=True, cwd=ROOT,
                                env={**known, "RANK": str(rank), "LOCAL_RANK": str(rank)}) for rank in range(processes)]
    return [json.loads(worker.communicate(timeout=120)[0].splitlines()[-1]) for worker in workers]


@pytest.mark.parametrize("kind", ["image", "style", "motion"])
def test_two_processes_give_the_losses_of_one(kind, request):
    data = request.getfixturevalue("videos" if kind == "motion" else "images")
    (one, *_), = train(kind, data, 20, 1)
    two, other = train(kind, data, 20, 2)
    differences = [abs(a[name] - b[name]) for a, b in zip(one, two[0]) for name in a]
    assert len(one) == 20 and max(differences) < 1e-4 and (kind == "motion" or any(line["p"] for line in one))
    assert two[1:] == other[1:]                         # the same weights, and the same draws to come


def test_batch_norm_of_two_processes_keeps_one_statistic(images):
    one, two = train("inversion", images, 3, 2)
    assert one[1:] == two[1:] and one[0] != two[0]      # the figures are of each one's own rows


def test_parts_draw_noise_of_their_own_and_all_go_on_alike():
    def drawn(rank: int) -> tuple[list[float], float]:
        workers, noise, weight = Workers(grad_accum=2), [], torch.nn.Parameter(torch.ones(()))
        workers.count, workers.rank, workers.average = 2, rank, lambda x: x
        torch.manual_seed(0)
        workers.step(torch.optim.SGD([weight], 0.1), lambda part: noise.append(torch.rand(()).item()) or weight * 1)
        return noise, torch.rand(()).item()
    (first, after), (second, after_too) = drawn(0), drawn(1)
    assert len({*first, *second}) == 4 and after == after_too


def test_rounds_share_path_lengths_and_the_mean_latent(images):
    whole, parts = stage(images, CALM), stage(images, CALM, Workers(grad_accum=4))
    for made in (whole, parts):
        torch.manual_seed(1)
        for i in range(5):
            made.step(i)
    assert float(whole.path_mean) == pytest.approx(float(parts.path_mean), rel=1e-3) and float(whole.path_mean) > 0
    assert torch.allclose(whole.generator.w_avg, parts.generator.w_avg, atol=1e-4) and whole.generator.w_avg.any()


def test_two_launched_processes_with_a_judge_train_as_one(images, tmp_path):
    """The judge's network, which the leader alone builds, draws random numbers; the first weights come of the leader all the same."""
    (tmp_path / "networks" / "perceptual").mkdir(parents=True)
    save_file(SqueezePerceptual().state_dict(), tmp_path / "networks" / "perceptual" / "lpips_squeeze.safetensors")
    judged = ["--held-out", str(images), "--networks", str(tmp_path / "networks")]
    extra = ["lr=0.0003", "noise=const", "path=2", "size=32", "base=256", *judged]
    alone, rounds, both = ([*command(images, tmp_path / name, 20), *extra] for name in ("alone", "rounds", "both"))
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", port()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ACCELERATE_USE_CPU": "true"}
    texts = [subprocess.run(line, check=True, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300).stdout
             for line in (alone, [*rounds, "--rounds", "2"], launch + both[1:])]
    assert ["processes: 1" in text for text in texts] == [True, True, False] and "processes: 2" in texts[2]
    one, *others = (json.loads((tmp_path / name / "log.jsonl").read_text().splitlines()[-1]) for name in ("alone", "rounds", "both"))
    for other in others:
        assert one["step"] == other["step"] == 20 and all(abs(one[name] - other[name]) < 1e-4 for name in ("g", "d", "r1", "sign", "p", "path"))


def test_tensorboard_gets_the_figures(images, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    line = [*command(images, tmp_path, 20)[3:], "--log", "tensorboard"]
    assert main(line) == 0
    events = accumulator.EventAccumulator(str(next(tmp_path.rglob("events.out.*")).parent)).Reload()
    logged = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert events.Scalars("d")[-1].value == pytest.approx(logged["d"], rel=1e-4)


def command(images: Path, out: Path, steps: int) -> list[str]:
    sizes = ["size=16", "base=128", "widest=16", "mapping_layers=2", "batch=8", "group=2", "r1_every=4", "ada_kimg=0.05"]
    return [sys.executable, "-m", "styleinv", "train", "image", str(images), "--out", str(out), "--steps", str(steps),
            "--threads", "1", "--save-minutes", "0.002", "--set", *sizes]


def kept(out: Path) -> dict[str, torch.Tensor]:
    return torch.load(out / "state.pt", weights_only=True)["stage"]["generator"]


def test_killed_and_resumed_gives_the_weights_of_an_unbroken_run(images, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command(images, tmp_path / "whole", 24), check=True, capture_output=True, cwd=ROOT, env=environment)
    broken = subprocess.Popen(command(images, tmp_path / "broken", 24), stdout=subprocess.DEVNULL, cwd=ROOT, env=environment)
    state = tmp_path / "broken" / "state.pt"
    def reached():
        return torch.load(state, weights_only=True)["step"] if state.exists() else 0
    while not reached() and broken.poll() is None:
        time.sleep(0.2)
    broken.kill()
    assert broken.wait() == -signal.SIGKILL and 0 < reached() < 24
    subprocess.run(command(images, tmp_path / "broken", 24), check=True, capture_output=True, cwd=ROOT, env=environment)
    whole, resumed = kept(tmp_path / "whole"), kept(tmp_path / "broken")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_sigterm_leaves_a_checkpoint(images, tmp_path):
    process = subprocess.Popen(command(images, tmp_path / "run", 100_000), stdout=subprocess.DEVNULL, cwd=ROOT,
                               env={**os.environ, "PYTHONPATH": str(ROOT)})
    log = tmp_path / "run" / "log.jsonl"
    while not log.exists() and process.poll() is None:
        time.sleep(0.01)
    process.terminate()
    assert process.wait(60) == 0
    assert torch.load(tmp_path / "run" / "state.pt", weights_only=True)["step"] >= 20
