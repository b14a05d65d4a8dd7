"""The networks' promises: shapes, exact inverses, causality, locality in time, and what may depend on what."""

import pytest
import torch
from conftest import make_tiny

from styleinv.models.inversion import InversionEncoder
from styleinv.models.mobile_stylegan import MobileDecoder
from styleinv.models.motion import MotionNetwork
from styleinv.models.ops import Part, from_uint8, haar_dwt, haar_idwt, resize, to_uint8, unwoven
from styleinv.models.temporal_style import REACH, CausalConv, TemporalStyle, motion_noise

DISTANCE, DIM = 16, 8


@pytest.fixture
def style() -> TemporalStyle:
    torch.manual_seed(1)
    return TemporalStyle(w_dim=32, z_dim=DIM, style_dim=16, frequencies=4, distance=DISTANCE,
                         lr_mul=1.0).requires_grad_(False)


def noise(anchors: int, seed: int = 3) -> torch.Tensor:
    return motion_noise(seed, 0, anchors, DIM)[None]


def features(style: TemporalStyle, anchors: torch.Tensor, times: list[float]) -> torch.Tensor:
    """v at some times, [T, 2 Fr]."""
    return style.motion(style.codes(anchors), torch.tensor([times]))[0]


def test_haar_transforms_are_inverse():
    x = torch.randn(2, 12, 5, 7)
    assert haar_idwt(x).shape == (2, 3, 10, 14)
    assert torch.allclose(haar_dwt(haar_idwt(x)), x, atol=1e-6)


def test_haar_low_band_is_the_mean():
    x = torch.zeros(1, 4, 1, 1)
    x[0, 0] = 2
    assert torch.equal(haar_idwt(x), torch.ones(1, 1, 2, 2))


def test_pixels_come_back():
    pixels = torch.randint(0, 256, (1, 4, 5, 3), dtype=torch.uint8)
    assert torch.equal(to_uint8(from_uint8(pixels)), pixels)


def test_resize_keeps_what_fits_and_averages_what_does_not():
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert resize(x, 4) is x
    assert torch.equal(resize(x, 2)[0, 0], torch.tensor([[2.5, 4.5], [10.5, 12.5]]))
    assert resize(x, 3).shape == (1, 1, 3, 3)


def test_decoder_rows_and_sizes(tiny):
    decoder = tiny.decoder
    w = torch.randn(2, 32)
    assert (decoder.num_ws, decoder.resolution) == (17, 256)
    assert MobileDecoder.from_config(MobileDecoder(channels=(16,) * 8, w_dim=32).config).num_ws == 23
    assert decoder.synthesis(w, 128).shape == (2, 3, 128, 128) and decoder.synthesis(w).shape == (2, 3, 256, 256)


def test_synthesis_is_top_of_trunk_and_w_is_equal_rows_of_w_plus(tiny):
    decoder, w = tiny.decoder, torch.randn(2, 32)
    rows = w[:, None].expand(-1, decoder.num_ws, -1)
    image = decoder.synthesis(w)
    assert torch.equal(decoder.top(decoder.trunk(rows), rows), image)
    assert torch.equal(decoder.synthesis(rows), image)


def test_each_row_of_w_plus_matters(tiny):
    decoder = tiny.decoder
    rows = torch.randn(1, decoder.num_ws, 32)
    for row in range(decoder.num_ws):
        changed = rows.clone()
        changed[:, row] += 1
        assert not torch.equal(decoder.synthesis(changed), decoder.synthesis(rows)), row


def test_mapping_truncates_to_the_mean(tiny):
    z = torch.randn(3, 32)
    assert torch.allclose(tiny.decoder.mapping(z, 0.0), tiny.decoder.w_avg.expand(3, -1), atol=1e-6)
    assert not torch.allclose(tiny.decoder.mapping(z, 1.0), tiny.decoder.w_avg.expand(3, -1))


@pytest.mark.parametrize("spatial", [0, 4])
def test_encoder_shapes_and_no_detail_at_first(spatial):
    encoder = InversionEncoder("tiny", input_size=32, spatial=spatial, hidden=16, num_ws=17, w_dim=32).eval()
    w, detail = encoder(torch.randn(2, 3, 48, 48))
    assert w.shape == (2, 32) and detail.shape == (2, 17, 32) and not detail.any()
    assert [f.shape[-1] for f in encoder.features(torch.randn(1, 3, 32, 32))] == [16, 8, 4, 2]


def test_gradients_reach_every_weight():
    pipe = make_tiny()
    pipe.decoder.requires_grad_(True), pipe.inversion.requires_grad_(True), pipe.motion.requires_grad_(True)
    w, detail = pipe.inversion(torch.randn(2, 3, 32, 32))
    frames = pipe.motion(torch.randn(2, 3, 32, 32), w, torch.randn(2, 4, DIM), torch.tensor([[3.0, 20.0]] * 2))
    ws = frames[:, -1:] + detail
    sum(pipe.decoder.synthesis(ws, size).square().mean() for size in (128, 256)).backward()
    without = [n for network in (pipe.inversion, pipe.motion) for n, p in network.named_parameters() if p.grad is None]
    assert without == []
    assert [n for n, p in pipe.decoder.named_parameters() if p.grad is None and not n.startswith("mapping")] == []


def test_motion_network_starts_from_w0_and_shares_its_prefix(tiny):
    network, x0, w0 = tiny.motion, torch.randn(1, 3, 64, 64), torch.randn(1, 32)
    t = torch.tensor([[0.0, 5.5, 40.0]])
    codes = network.style.clip_codes(7, 0, 4)
    split = network.frames(network.prefix(x0), w0, network.style.motion(codes, t))
    assert split.shape == (1, 3, 32)
    assert torch.allclose(network(x0, w0, motion_noise(7, 0, 4, DIM)[None], t), split, atol=1e-5)


def test_anchored_a_fresh_network_moves_and_yet_starts_at_w0():
    torch.manual_seed(0)
    network = MotionNetwork("tiny", input_size=32, w_dim=32, z_dim=DIM, style_dim=16, frequencies=4,
                            anchored=True).eval()
    x0, w0, noise = torch.randn(2, 3, 64, 64), torch.randn(2, 32), torch.randn(2, 4, DIM)
    ws = network(x0, w0, noise, torch.tensor([[0.0, 5.5, 40.0]] * 2)) - w0[:, None]
    assert ws[:, 0].abs().max() < 1e-5 < 0.1 < ws[:, 1:].norm(dim=2).min()
    later = network(x0, w0, noise, torch.tensor([[5.5, 40.0]] * 2)) - w0[:, None]
    assert torch.allclose(later, ws[:, 1:], atol=1e-5)                                  # time 0 asked for or not


def test_warm_start_copies_the_body(tiny):
    network = MotionNetwork("tiny", input_size=32, w_dim=32, z_dim=DIM, style_dim=16, frequencies=4)
    network.warm_start(tiny.inversion)
    ours, theirs = network.body.state_dict(), tiny.inversion.body.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_noise_of_an_anchor_depends_on_seed_and_place_alone():
    whole = motion_noise(5, 0, 12, DIM)
    assert torch.equal(motion_noise(5, 4, 3, DIM), whole[4:7])
    assert not torch.equal(motion_noise(6, 0, 12, DIM), whole)
    assert len(whole.unique()) == whole.numel()


def test_convolution_sees_the_past_only():
    torch.manual_seed(0)
    conv, x = CausalConv(DIM, lr_mul=1.0).requires_grad_(False), torch.randn(1, DIM, 12)
    changed = x.clone()
    changed[:, :, 6] += 1
    difference = (conv(changed) - conv(x)).abs().amax(dim=(0, 1))
    assert not difference[:6].any() and difference[6:].bool().all()


def test_time_0_is_the_same_for_every_noise(style):
    a, b = (features(style, noise(4, seed), [0.0, 9.0]) for seed in (3, 4))
    assert torch.equal(a[0], b[0]) and not torch.allclose(a[1], b[1])
    assert torch.allclose(style.origin(), a[0], atol=1e-6)


@pytest.mark.parametrize("anchor", [1, 2, 4])
def test_an_anchor_moves_no_earlier_frame(style, anchor):
    """Frames between anchors k - 1 and k already head for anchor k; those before do not know it."""
    times = [0.5 * i for i in range(2 * 6 * DISTANCE)]
    changed = noise(8)
    changed[:, anchor] += 1
    differs = (features(style, changed, times) - features(style, noise(8), times)).abs().amax(dim=1) > 0
    assert not differs[: 2 * (anchor - 1) * DISTANCE + 1].any()
    assert differs[2 * anchor * DISTANCE :].all()


def test_motion_is_continuous_at_anchors_and_never_repeats(style):
    around = features(style, noise(8), [t + e for t in (16.0, 32.0, 48.0) for e in (-1e-3, 0.0, 1e-3)]).view(3, 3, -1)
    assert (around - around[:, 1:2]).abs().max() < 1e-2
    grid = features(style, noise(8), [4.0 + 16 * i for i in range(6)])
    assert torch.pdist(grid).min() > 1e-3


@pytest.mark.parametrize("first", [0, 1, REACH, REACH + 7])
def test_codes_of_a_window_are_those_of_the_whole(style, first):
    whole = style.codes(motion_noise(9, 0, 30, DIM)[None])
    assert torch.allclose(style.clip_codes(9, first, 5), whole[:, first : first + 5], atol=1e-6)


def test_both_decoders_offer_the_same(tiny):
    from styleinv.models.decoder import Decoder
    from styleinv.models.stylegan2 import StyleGAN2

    other = StyleGAN2(size=16, base=128, widest=16, z_dim=16, w_dim=16, mapping_layers=2, trunk_resolution=8)
    offered = [name for name in vars(Decoder) if not name.startswith("_")]
    assert {"num_ws", "w_avg", "mapping", "synthesis"} <= set(offered)
    # isinstance does not see a module's buffers from Python 3.12 on
    assert [name for decoder in (tiny.decoder, other) for name in offered if not hasattr(decoder, name)] == []


def test_a_lattice_of_single_pixels_goes_and_what_is_coarser_stays():
    at = torch.arange(32.0)
    wave = torch.sin(2 * torch.pi * at / 8).expand(1, 2, 32, 32)
    lattice = (1 - 2 * (at % 2)) * (1 - 2 * (at[:, None] % 2)) * 0.1
    inside = unwoven(wave + lattice)[..., 4:-4, 4:-4]
    assert (inside - wave[..., 4:-4, 4:-4]).abs().max() < 0.02
    assert torch.allclose(unwoven(torch.ones(1, 3, 8, 8)), torch.ones(1, 3, 8, 8))


def test_a_part_is_a_part_of_the_whole():
    maps = torch.arange(64.0).view(1, 1, 8, 8)
    part = Part(slice(1, 2), slice(0, 3), 4)
    assert torch.equal(part.of(maps), maps[..., 2:4, 0:6]) and part
    assert part.grown(1) == Part(slice(0, 3), slice(0, 4), 4) and not Part(slice(0, 0), slice(0, 0), 4)


def test_what_is_drawn_of_a_part_is_as_in_the_whole():
    torch.manual_seed(0)
    decoder = MobileDecoder(channels=(16,) * 6, sizes=(128, 256), w_dim=32).eval()
    for name, buffer in decoder.named_buffers():
        if name.endswith("noise"):
            buffer.normal_()
    ws = torch.randn(2, decoder.num_ws, 32)
    part = Part(slice(20, 40), slice(10, 30), 64)
    with torch.no_grad():
        stem, top = decoder.stem(decoder.trunk(ws), ws, 256), decoder.tops["256"]
        whole, drawn = decoder.styled(stem, ws, top, 256), decoder.styled_part(stem, ws, top, part)
    sure = Part(slice(22, 38), slice(12, 28), 64)
    assert torch.allclose(sure.of(whole), sure.of(drawn), atol=1e-5)
    nothing = Part(slice(0, 0), slice(0, 0), 64).grown(3)
    assert not drawn[..., :80, :].any() and not decoder.styled_part(stem, ws, top, nothing).any()
