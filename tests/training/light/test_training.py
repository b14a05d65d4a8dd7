"""The stages on tiny networks: they learn, resume where they stopped, and see only what they should."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from styleinv.metrics.face_motion import face_signals
from styleinv.models.inversion import InversionEncoder
from styleinv.models.light_discriminators import LatentDiscriminator
from styleinv.models.mobile_stylegan import MobileDecoder
from styleinv.models.motion import MotionNetwork
from styleinv.models.ops import from_uint8, resize
from styleinv.models.temporal_style import TemporalStyle
from styleinv.training.light.augment import photo_noise
from styleinv.training.light.calibration import calibrate, match_pace, steering
from styleinv.training.light.checkerboard import checkerboard
from styleinv.training.light.inversion import InversionConfig, InversionStage, fit_new_layers
from styleinv.training.light.motion import MotionConfig, MotionPrior, MotionStage, PriorConfig, PriorStage, Trajectories
from styleinv.training.light.pairs import PairsConfig, make_pairs, sample_latents
from styleinv.training.light.tops import TopsConfig, TopsStage, fit_head, make_targets
from styleinv.training.light.trajectories import (
    TrajectoryConfig,
    fit_clip,
    linear_response,
    motion_basis,
    motion_gain,
    wanted_motion,
)
from styleinv.training.loop import LoopConfig, run
from styleinv.training.times import sample_times


def distance(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """A perceptual distance that needs no weights."""
    return (x - y).abs().mean(dim=(1, 2, 3))


@pytest.fixture
def decoder() -> MobileDecoder:
    torch.manual_seed(0)
    return MobileDecoder(channels=(16,) * 8, sizes=(64, 128, 1024), trunk_resolution=16, w_dim=32).eval()


@pytest.fixture
def trajectories() -> Trajectories:
    """Two-dimensional swings of several speeds in a latent space of 32."""
    generator = torch.Generator().manual_seed(0)
    plane, t = torch.linalg.qr(torch.randn(32, 2, generator=generator)).Q, torch.arange(80.0)
    clips = [torch.stack([(f * t).sin(), (f * t).cos()], 1) @ plane.T for f in (0.05, 0.1, 0.2)]
    return Trajectories.from_offsets(clips, torch.randn(20, 32, generator=generator), dims=2)


class Counter:
    """A stage whose weight walks at random, so that every step and every draw leaves a trace."""

    def __init__(self):
        self.weight = torch.zeros(3)

    def step(self, step: int) -> dict[str, float]:
        self.weight = self.weight * 1.1 + torch.randn(3) + step
        return {"sum": self.weight.sum().item()}

    def state_dict(self) -> dict:
        return {"weight": self.weight}

    def load_state_dict(self, state: dict) -> None:
        self.weight = state["weight"]

    def snapshot(self, folder: Path) -> None:
        (folder / "snapshot").touch()


def test_a_resumed_run_equals_an_unbroken_one(tmp_path):
    whole, first, second = Counter(), Counter(), Counter()
    run(whole, LoopConfig(tmp_path / "whole", steps=30, log_every=10))
    run(first, LoopConfig(tmp_path / "parts", steps=13, log_every=10))
    assert run(second, LoopConfig(tmp_path / "parts", steps=30, log_every=10)) == 30
    assert torch.equal(whole.weight, second.weight)
    lines = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [10, 20, 30] and (tmp_path / "whole" / "snapshot").exists()


def test_times_lie_in_the_clip_and_grow():
    lengths = torch.tensor([24, 40, 128, 512]).repeat(500)
    start, t = sample_times(lengths, max_span=32)
    assert (t[:, 0] == 0).all() and (t.diff(dim=1) > 0).all()
    assert ((start + t[:, -1]) < lengths).all() and (start >= 0).all()
    assert set((t[:, 3] - t[:, 1]).tolist()) == {2, 4, 8, 16, 22, 32}     # dyadic, and what fits into 24 frames


def test_a_fitted_head_is_better_than_an_untrained_one(decoder, tmp_path):
    make_targets(decoder, tmp_path, count=6, side=128)
    ws, images = torch.from_numpy(np.load(tmp_path / "ws.npy")), torch.from_numpy(np.load(tmp_path / "images.npy"))
    def error():
        return (decoder.synthesis(ws, 64) - resize(from_uint8(images), 64)).square().mean().item()
    before = error()
    fit_head(decoder, 64, ws, images)
    assert error() < 0.5 * before


def test_heads_train_the_top_and_nothing_below(decoder, tmp_path):
    make_targets(decoder, tmp_path, count=12, side=128)
    config = TopsConfig(size=64, batch=4, held_out=4, steps=40, lr=1e-2, adversarial=0.01)
    stage = TopsStage(decoder, distance, tmp_path, config)
    trunk, stem, before = (decoder.const.clone(), [p.clone() for p in stage.top.stem_parameters()],
                           stage.measure()["psnr"])
    run(stage, LoopConfig(tmp_path / "run", steps=40))
    assert stage.measure()["psnr"] > before and torch.equal(trunk, decoder.const)
    assert all(torch.equal(*pair) for pair in zip(stem, stage.top.stem_parameters()))       # styles stand on it
    assert (tmp_path / "run" / "sheet.png").exists()


def test_the_measure_is_one_for_a_checkerboard_and_next_to_nothing_for_texture():
    torch.manual_seed(0)
    board = torch.zeros(1, 3, 128, 128)
    board[:, :, ::2, ::2] = board[:, :, 1::2, 1::2] = 1
    texture = torch.randn(2, 3, 128, 128)
    smooth = F.avg_pool2d(texture, 5, stride=1, padding=2)
    assert checkerboard(board) > 0.99 and checkerboard(texture) < 0.01 and checkerboard(smooth) < 0.05
    assert checkerboard(0 * texture) == 0
    assert 0.01 < checkerboard(texture + 0.2 * board.sub(0.5)) < 0.1 < checkerboard(texture + 2 * board.sub(0.5))


def test_pairs_show_their_latents_and_an_unfinished_cache_goes_on(decoder, tmp_path):
    config = PairsConfig(count=20, side=64)
    make_pairs(decoder, tmp_path, config)
    whole = np.load(tmp_path / "images.npy")
    cut = np.lib.format.open_memmap(tmp_path / "images.npy", "r+")
    cut[8:] = 0
    del cut
    make_pairs(decoder, tmp_path, config)
    assert np.array_equal(np.load(tmp_path / "images.npy"), whole)
    assert np.allclose(np.load(tmp_path / "ws.npy"), sample_latents(decoder, config).numpy())


def test_photo_noise_keeps_range_and_changes_each_image_in_its_own_way():
    torch.manual_seed(0)
    images = torch.rand(1, 3, 32, 32).repeat(4, 1, 1, 1) - 0.5
    noisy = photo_noise(images)
    assert noisy.shape == images.shape and noisy.abs().max() <= 1
    assert all((noisy[0] - noisy[i]).abs().mean() > 0.01 for i in range(1, 4))


def test_inversion_learns_its_pairs(decoder, tmp_path):
    make_pairs(decoder, tmp_path, PairsConfig(count=100, side=64, psi=(1.0, 1.0)))
    torch.manual_seed(0)
    encoder = InversionEncoder(preset="tiny", input_size=64, spatial=16, hidden=64, num_ws=decoder.num_ws, w_dim=32)
    def identity(images):
        return torch.nn.functional.normalize(images.mean(dim=(2, 3)), dim=1)
    faces = torch.from_numpy(np.load(tmp_path / "images.npy"))[:8]
    config = InversionConfig(steps=12, batch=16, faces=2, lr=1e-3, body_lr=1e-3, fixed_groups=0, size=64, side=64)
    stage = InversionStage(encoder, decoder, tmp_path, faces, distance, identity, config)
    def error():
        return torch.nn.functional.mse_loss(encoder.eval()(from_uint8(stage.images))[0], stage.ws).item()
    before = error()
    fit_new_layers(encoder, stage.images, stage.ws, epochs=30, lr=3e-3)
    assert error() < 0.7 * before
    run(stage, LoopConfig(tmp_path / "run", steps=12))
    assert (tmp_path / "run" / "inversion" / "config.json").exists()


def test_fixed_groups_stay(decoder):
    encoder = InversionEncoder(preset="tiny", input_size=64, spatial=0, hidden=16, num_ws=4, w_dim=32)
    encoder.fixed_groups = 2
    encoder(torch.randn(2, 3, 64, 64))[0].sum().backward()
    touched = {name for name, p in encoder.body.named_parameters() if p.grad is not None}
    assert touched and all(name.startswith(("groups.2", "groups.3")) for name in touched)


def test_linear_response_finds_the_map_and_leaves_misread_pairs_out():
    torch.manual_seed(0)
    ws, matrix = torch.randn(500, 16), torch.randn(3, 16)
    responses = ws @ matrix.T
    responses[7] = 1e4
    assert torch.allclose(linear_response(ws, responses, ridge=1e-3), matrix, atol=1e-3)


def test_offsets_move_the_landmarks_and_nothing_else():
    torch.manual_seed(0)
    w_dim, landmarks = 512, torch.randn(136, 512) / 20
    identity, colours, traits = torch.randn(192, w_dim) / 20, torch.randn(48, w_dim) / 20, torch.randn(3, w_dim) / 20
    basis, variances = motion_basis([torch.randn(60, w_dim) for _ in range(3)], TrajectoryConfig(dims=40))
    config = TrajectoryConfig(floor=100.0)
    gain = motion_gain(landmarks, identity, colours, traits, basis, variances, config)
    seen = 0.02 * torch.randn(136) @ torch.eye(136)
    moved = gain @ seen
    assert torch.nn.functional.cosine_similarity(landmarks @ moved, seen, dim=0) > 0.9
    assert (identity @ moved).norm() < 0.2 * (landmarks @ moved).norm()
    still = torch.rand(68, 2).expand(30, -1, -1)
    assert fit_clip(still, gain, config).abs().max() < 1e-5


def test_steering_moves_one_signal_and_holds_the_rest():
    torch.manual_seed(0)
    signals, held = torch.randn(4, 64) / 8, torch.randn(10, 64) / 8
    directions = steering(signals, [(held, 1e-3)], torch.randn(500, 64))
    assert torch.allclose(signals @ directions, torch.eye(4), atol=1e-4)
    assert (held @ directions).abs().max() < 0.05


def test_calibration_scales_each_signal_by_its_gain():
    torch.manual_seed(0)
    network = MotionNetwork("tiny", input_size=32, w_dim=32, z_dim=8, style_dim=16, frequencies=4)
    torch.nn.init.normal_(network.head.weight)
    signals = torch.randn(4, 32)
    before = signals @ network.head.weight
    calibrate(network, signals, torch.linalg.pinv(signals), torch.tensor([0.5, 1.0, 1.5, 2.0]))
    assert torch.allclose(signals @ network.head.weight, torch.tensor([0.5, 1.0, 1.5, 2.0])[:, None] * before,
                          atol=1e-3)


def test_wanted_motion_takes_quantiles_of_the_clips():
    points = np.random.default_rng(0).uniform(60, 200, (68, 2))
    points[36:42], points[42:48] = points[36:42] / 20 + (90, 100), points[42:48] / 20 + (160, 100)
    clips = []
    for amount in (1.0, 2.0, 3.0, 4.0, 5.0):
        clip = np.repeat(points[None], 128, 0)
        clip[:, 27:36, 0] += amount * np.sin(np.arange(128) / 8)[:, None]       # the nose swings: yaw
        clips.append(torch.from_numpy(clip))
    (low, tempo), (high, _) = (wanted_motion(clips, TrajectoryConfig(turning=q, talking=q)) for q in (0.0, 1.0))
    assert 3 < high[0] / low[0] < 6 and torch.allclose(low[3:], high[3:], atol=1e-6)
    assert high[0] == pytest.approx(np.std(face_signals(clips[4].numpy()).yaw), rel=0.02)       # degrees
    assert tempo[0] == pytest.approx(25 / 8 * 2**1.5 / np.pi, rel=0.05)     # of a nod at 25 / 8 rad/s, of any size


@pytest.mark.parametrize("ratios, rate", [
    ([1.0, 1.44, 1.2, 1.2], 27.4), ([0.8, 0.9, 1.0, 1.0], 25), ([3.0, 3.0, 3.0, 3.0], 33.3),
])
def test_the_pace_goes_half_the_way_and_never_below_the_clips(ratios, rate):
    network = MotionNetwork("tiny", input_size=32, w_dim=32, z_dim=8, style_dim=16, frequencies=4)
    match_pace(network, torch.tensor(ratios))
    assert network.config.frame_rate == pytest.approx(rate)


def test_the_prior_learns_to_move(trajectories):
    torch.manual_seed(0)
    style = TemporalStyle(w_dim=32, z_dim=16, style_dim=32, frequencies=8, lr_mul=1.0)
    stage = PriorStage(MotionPrior(style, style_dim=32, dims=2), trajectories, PriorConfig(batch=32, ema=0.9, lr=3e-3))
    for step in range(150):
        stage.step(step)
    assert 0.3 < stage.measure()["spread"] < 3
    start = stage.average(trajectories.codes[:2], torch.randn(2, 14, 16), torch.zeros(2, 1))
    assert start.abs().max() < 1e-5                                                 # at time 0, but for rounding


def test_the_network_learns_the_prior(trajectories, tmp_path):
    torch.manual_seed(0)
    network = MotionNetwork(preset="tiny", input_size=32, w_dim=32, z_dim=16, style_dim=32, frequencies=8)
    prior = MotionPrior(TemporalStyle(w_dim=32, z_dim=16, style_dim=32, frequencies=8, lr_mul=1.0), style_dim=32,
                        dims=2)
    config = MotionConfig(steps=60, clips=8, times=4, lr=3e-3)
    stage = MotionStage(network.eval(), prior, trajectories, trajectories.codes, torch.rand(20, 3, 32, 32), config)
    before = stage.measure()["relative"]
    run(stage, LoopConfig(tmp_path, steps=60))
    assert before == pytest.approx(1.0) and stage.measure()["relative"] < 0.85


def test_the_discriminator_tells_batches_without_variety():
    torch.manual_seed(0)
    network, t = LatentDiscriminator(dims=4, hidden=16), torch.tensor([[4.0, 8.0, 16.0]]).repeat(8, 1)
    varied = network(torch.zeros(8, 4), torch.randn(8, 3, 4), t)
    assert varied.shape == (8,) and varied.isfinite().all()
    first = torch.zeros(8, 4)
    one = torch.randn(1, 3, 4).repeat(8, 1, 1)
    assert torch.allclose(network(first, one, t), network(first, one, t)[0].expand(8))
