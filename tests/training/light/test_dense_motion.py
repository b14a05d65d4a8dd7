"""Dense motion, the photo layer, planted detail and the training stage, with small random networks."""

from pathlib import Path

import numpy as np
import pytest
import torch

from styleinv.checkpoint import load_network, save_network
from styleinv.models.dense_motion import (
    NOTHING,
    SIDE,
    DenseMotion,
    blend,
    gap_box,
    warp,
)
from styleinv.models.mobile_stylegan import MobileDecoder
from styleinv.models.ops import Part, from_uint8, to_uint8, unwoven
from styleinv.motion.photo_layer import PhotoLayer
from styleinv.training.light.clip_pairs import ClipPairs, Moments
from styleinv.training.light.dense_motion import DenseMotionConfig, DenseMotionStage
from styleinv.training.light.dense_motion_losses import landmark_error
from styleinv.training.light.optical_flow import optical_flow
from styleinv.training.light.planted import Landmarks, affine, before_grounds, draw_details
from styleinv.training.light.posed import POSES, PosedPeople, kept_people

W_DIM = 32
TINY = {"trunk_channels": 16, "stem_channels": 16, "trunk_width": 16, "stem_width": 16, "widths": (16, 16, 16),
        "reach": 1, "thumbnail_widths": (8, 8)}


@pytest.fixture
def decoder() -> MobileDecoder:
    torch.manual_seed(0)
    return MobileDecoder(channels=(16,) * 6, sizes=(128, 256), w_dim=W_DIM).eval().requires_grad_(False)


@pytest.fixture
def network() -> DenseMotion:
    """One that moves and hides a good deal."""
    torch.manual_seed(1)
    network = DenseMotion(**TINY).eval().requires_grad_(False)
    for head in (network.to_flow, network.to_hidden):
        torch.nn.init.normal_(head.weight, std=0.3)
    return network


@pytest.fixture
def ws(decoder) -> torch.Tensor:
    """Latents of three frames, [3, num_ws, w_dim]."""
    return torch.randn(3, 1, W_DIM).expand(-1, decoder.num_ws, -1)


def photo(side: int = 256) -> torch.Tensor:
    return from_uint8(torch.randint(256, (1, side, side, 3), dtype=torch.uint8))


@pytest.mark.parametrize("side", [128, 256, 512])
def test_without_motion_the_picture_is_the_photo(decoder, network, ws, side):
    image = photo(side)
    layer = PhotoLayer(decoder, network, image, ws[:1], drawn=128)
    assert torch.equal(to_uint8(layer(ws[:1])), to_uint8(image))


def test_with_motion_it_is_another_but_not_at_the_border(decoder, network, ws):
    image = photo()
    layer = PhotoLayer(decoder, network, image, ws[:1], drawn=128)
    carried = layer.carry(ws[1:2])
    frame = to_uint8(layer(ws[1:2]))[0]
    assert carried.flow.abs().max() > 1e-3 and (frame != to_uint8(image)[0]).any()
    for edge in (carried.flow[..., 0], carried.flow[..., -1], carried.flow[..., 0, :], carried.flow[..., -1, :]):
        assert not edge.any()
    rim = torch.cat([frame[0], frame[-1], frame[:, 0], frame[:, -1]])
    same = to_uint8(image)[0]
    assert torch.equal(rim, torch.cat([same[0], same[-1], same[:, 0], same[:, -1]]))


def test_frames_do_not_depend_on_their_neighbours(decoder, network, ws):
    layer = PhotoLayer(decoder, network, photo(), ws[:1], drawn=128)
    together = layer(ws)
    for i, frame in enumerate(together):
        assert (layer(ws[i : i + 1])[0] - frame).abs().mean() < 1e-3      # of pure noise, which moves by rounding too


def test_only_the_gaps_are_filled(decoder, network, ws):
    layer = PhotoLayer(decoder, network, photo(), ws[:1], drawn=128)
    carried = layer.carry(ws[1:2])
    carried.hidden[:] = NOTHING
    whole = layer.picture(carried)
    carried.hidden[..., 20:24, 30:40] = 6.0
    filled, warped = layer.picture(carried), warp(layer.photo, carried.flow)
    assert torch.equal(whole, warped)
    expected = blend(warped, carried.filling, warp(layer.source.gain, carried.flow), carried.hidden)[0]
    assert torch.allclose(filled, expected, atol=1e-5) and not torch.equal(filled, warped)
    assert gap_box(carried.hidden) == Part(slice(19, 25), slice(29, 41), SIDE)


def test_gaps_are_drawn_as_in_the_whole_picture(decoder, network, ws):
    layer, hidden = PhotoLayer(decoder, network, photo(), ws[:1], drawn=128), torch.full((1, 1, SIDE, SIDE), NOTHING)
    hidden[..., 20:24, 30:40] = 6.0
    stem, top = decoder.stem(decoder.trunk(ws[1:2]), ws[1:2], 128), decoder.tops["128"]
    found, whole = layer.filling(hidden, stem, ws[1:2], top), unwoven(decoder.styled(stem, ws[1:2], top, 128))
    seen = gap_box(hidden)
    assert torch.allclose(seen.of(found), seen.of(whole).clamp(-1, 1), atol=1e-5)
    assert not found[..., :28, :].any()


def test_a_trunk_that_is_known_is_not_run_again(decoder, network, ws):
    layer = PhotoLayer(decoder, network, photo(), ws[:1], drawn=128)
    assert torch.equal(layer(ws[1:2], decoder.trunk(ws[1:2])), layer(ws[1:2]))


def test_untrained_nothing_flows(decoder, ws):
    layer = PhotoLayer(decoder, DenseMotion(**TINY).eval(), photo(), ws[:1], drawn=128)
    assert not layer.carry(ws[1:2]).flow.any()


def test_save_and_load(network, tmp_path):
    save_network(network, tmp_path)
    again = load_network(DenseMotion, tmp_path)
    assert again.config.reach == 1
    assert all(torch.equal(a, b.half().float()) for a, b in zip(again.parameters(), network.parameters()))


def test_gradients_reach_every_weight(decoder, ws):
    network = DenseMotion(**TINY)
    for head in (network.to_flow, network.to_hidden):
        torch.nn.init.normal_(head.weight, std=0.3)
    trunk, stem, image = decoder.trunk(ws), torch.randn(3, 16, SIDE, SIDE), torch.rand(3, 3, SIDE, SIDE)
    source = network.prepare(trunk[:1], stem[:1], photo(), image[:1]).repeat(3)
    flow, hidden, thumbnail = network(source, trunk, stem)
    warped = warp(photo().expand(3, -1, -1, -1), flow)
    (blend(warped, image, warp(source.gain, flow), hidden)[0].sum() + thumbnail.square().sum()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


def test_warp_shifts_by_whole_pixels():
    image = torch.rand(1, 3, 64, 64)
    flow = torch.zeros(1, 2, SIDE, SIDE)
    flow[:, 0], flow[:, 1] = 3 / 64, -5 / 64            # each pixel from three to the right and five above
    moved = warp(image, flow)
    assert torch.allclose(moved[..., 5:, :-3], image[..., :-5, 3:], atol=1e-5)


def test_warp_by_nothing_is_exact():
    image = torch.rand(2, 3, 256, 256)
    assert torch.equal(warp(image, torch.zeros(2, 2, SIDE, SIDE)), image)


def test_optical_flow_finds_a_shift():
    scene = torch.nn.functional.interpolate(torch.randn(2, 3, 12, 12), size=(128, 128), mode="bicubic").clamp(-1, 1)
    flow = torch.zeros(2, 2, SIDE, SIDE)
    flow[:, 0], flow[:, 1] = 0.04, -0.025
    found = optical_flow(scene, warp(scene, flow))
    assert (found - flow)[..., 12:-12, 12:-12].abs().mean() < 0.1 / SIDE
    assert not optical_flow(scene, scene).any()


def test_affine_finds_a_map_and_lets_rest_be():
    points = torch.rand(3, 20, 2)
    assert torch.allclose(affine(points, points), torch.eye(2, 3).expand(3, -1, -1), atol=1e-5)
    found = affine(points, points + torch.tensor([0.05, -0.1]), stiffness=1e-6)
    assert torch.allclose(found[:, :, 2], torch.tensor([0.1, -0.2]).expand(3, -1), atol=1e-3)


def test_planted_detail_is_exact():
    torch.manual_seed(0)
    points = 0.3 + 0.4 * torch.rand(4, 68, 2)
    images = torch.zeros(4, 3, 128, 128)
    details = draw_details(points, 128)
    assert any(detail.shape.any() for detail in details)
    for detail in details:
        still = detail.put(images, points, points)
        assert torch.allclose(still, torch.lerp(images, detail.texture, detail.shape), atol=1e-3)
        shift = torch.tensor([8 / 128, 0.0])
        moved = detail.put(images, points, points + shift)
        whole = (detail.share == 1)[:, 0, 0]
        assert torch.allclose(moved[whole][..., 8:-8], still[whole][..., :-16], atol=0.2)     # but for stiffness
        rest = (detail.share == 0)[:, 0, 0]
        assert torch.allclose(moved[rest], still[rest], atol=1e-3)


def test_a_ground_stays_behind_people():
    photo, target = torch.full((2, 3, 128, 128), 0.5), torch.full((2, 1, 3, 128, 128), 0.25)
    first, later = before_grounds(photo, target, lambda images: (images > 0).float()[:, :1] * _left_half(images), 1.0)
    assert (torch.equal(first[..., 64:], later[:, 0][..., 64:])
            and (first[..., :64] == 0.5).all() and (later[..., :64] == 0.25).all())
    assert torch.equal(before_grounds(photo, target, _left_half, 0.0)[0], photo)


def _left_half(images: torch.Tensor) -> torch.Tensor:
    half = torch.zeros_like(images[:, :1])
    half[..., : half.shape[-1] // 2] = 1
    return half


def write_clips(folder: Path, num_ws: int) -> ClipPairs:
    """Two clips of three and four frames, as `cache_clips` writes them."""
    folder.mkdir()
    random = np.random.default_rng(0)
    random.integers(256, size=(7, 128, 128, 3), dtype=np.uint8).tofile(folder / "frames.bin")
    np.savez(
        folder / "index.npz", names=["a", "b"], side=128, clip=np.repeat([0, 1], [3, 4]),
        w=random.standard_normal((7, W_DIM), np.float32), detail=np.zeros((7, num_ws, W_DIM), np.float16),
        landmarks=(0.3 + 0.4 * random.random((7, 136))).astype(np.float32),
    )
    return ClipPairs(folder, torch.ones(W_DIM, 136))


def test_pairs_are_of_one_clip(tmp_path, decoder):
    clips = write_clips(tmp_path / "clips", decoder.num_ws)
    drawn = clips.draw(8, 2)
    assert (drawn.photo.shape == (8, 3, 128, 128) and drawn.target.shape == (8, 2, 3, 128, 128)
            and drawn.w.shape == (8, 2, W_DIM))
    pair = clips.at(torch.tensor([3]), torch.tensor([[6]]), 0.0)
    assert torch.allclose(pair.w[0, 0], clips.w[6]) and torch.equal(to_uint8(pair.photo)[0], clips.frames[3])
    moved = clips.at(torch.tensor([3]), torch.tensor([[6]]), 1.0).w[0, 0] - clips.w[3]
    assert torch.allclose(moved, (clips.landmarks[6] - clips.landmarks[3]).sum().expand(W_DIM), atol=1e-4)
    assert len(Moments.cat([pair, pair]).photo) == 2 and pair.resized(64).target.shape == (1, 1, 3, 64, 64)


def test_the_flow_is_held_to_where_landmarks_were():
    before = 0.3 + 0.4 * torch.rand(2, 68, 2)
    shift, contour, still = torch.tensor([2 / 64, 0.0]), torch.zeros(68, 1), torch.zeros(2, 2, 64, 64)
    contour[:17] = 1
    flow = -shift[:, None, None].expand(2, 2, 64, 64)
    assert landmark_error(flow, before, before + shift) < 1e-4
    assert landmark_error(still, before, before + shift).item() == pytest.approx(2, abs=1e-4)
    mean = (17 * 0.3 + 51) / 68             # a landmark of the jaw counts less
    assert landmark_error(still, before, before + contour * shift).item() == pytest.approx(
        2 * 17 / 68 * 0.3 / mean, abs=1e-4)


def test_people_who_pose_are_made_once_and_drawn_in_different_states(tmp_path, decoder):
    directions = torch.randn(7, W_DIM)
    people = kept_people(decoder, directions, tmp_path / "posed.pt", 3)
    again = kept_people(decoder, directions, tmp_path / "posed.pt", 5)
    assert torch.equal(people.w, again.w) and people.w.shape == (3, 1 + POSES, W_DIM)
    assert people.landmarks.shape == (3, 1 + POSES, 68, 2)
    assert (people.w[:, 1:] != people.w[:, :1]).any()
    numbers = torch.arange(3.0 * (1 + POSES)).view(3, 1 + POSES, 1)
    drawn, points = PosedPeople(numbers, numbers[..., None].expand(-1, -1, 68, 2)).draw(50, 2)
    assert drawn.shape == (50, 3, 1) and torch.equal(drawn[..., None].expand(-1, -1, 68, 2), points)
    for row in drawn[..., 0].tolist():
        assert len(set(row)) == 3 and len({number // (1 + POSES) for number in row}) == 1


def test_a_step_of_training_and_its_resumption(tmp_path, decoder):
    from styleinv.losses.lpips import SqueezePerceptual
    from styleinv.models.inversion import InversionEncoder
    from styleinv.training.loop import LoopConfig, run

    encoder = InversionEncoder("tiny", input_size=32, spatial=4, hidden=16, num_ws=decoder.num_ws, w_dim=W_DIM).eval()
    clips, landmarks = (write_clips(tmp_path / "clips", decoder.num_ws),
                        Landmarks(*(torch.zeros(s) for s in (W_DIM, 136, (136, W_DIM)))))
    config = DenseMotionConfig(steps=2, sources=1, samples=1, posed=2, moments=1)
    people = PosedPeople(torch.randn(4, 3, W_DIM), 0.3 + 0.4 * torch.rand(4, 3, 68, 2))

    def stage() -> DenseMotionStage:
        torch.manual_seed(0)
        judge = SqueezePerceptual().eval().requires_grad_(False)
        return DenseMotionStage(DenseMotion(**TINY), decoder, encoder.requires_grad_(False), [clips], [clips],
                                landmarks, judge, people=people, config=config)

    begun = stage()
    assert run(begun, LoopConfig(tmp_path / "run", 1, log_every=1)) == 1
    assert (tmp_path / "run" / "sheet.png").exists() and (tmp_path / "run" / "dense_motion" / "config.json").exists()
    again = stage()
    assert run(again, LoopConfig(tmp_path / "run", 2)) == 2
    assert not torch.equal(again.network.to_flow.weight, begun.network.to_flow.weight)
    assert again.measure()["share"] < 0.2
    assert again.step(1)["landmarks"] > 0
