"""The reference configuration: parameter counts of the paper's networks, and every operation against a plain one."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from styleinv.models.inversion import InversionEncoder
from styleinv.models.motion import AdaIN, MotionNetwork
from styleinv.models.resample import blur, conv_down, conv_up, upsample
from styleinv.models.stylegan2 import Kernel, StyleGAN2, SynthesisLayer, modulated_conv
from styleinv.models.stylegan2_discriminator import EqualConv, MinibatchStd, StyleGAN2Discriminator
from styleinv.models.temporal_style import KERNEL
from styleinv.models.video_discriminator import TimeEncoder, VideoDiscriminator
from styleinv.models.winograd import convolve, transform_weight


def millions(network: torch.nn.Module) -> float:
    return round(sum(p.numel() for p in network.parameters()) / 1e6, 2)


@pytest.fixture(scope="module")
def generator() -> StyleGAN2:
    torch.manual_seed(0)
    network = StyleGAN2(size=32, base=256, widest=16, z_dim=16, w_dim=16, mapping_layers=2, trunk_resolution=8)
    for name, parameter in network.named_parameters():
        if name.endswith("strength"):
            torch.nn.init.constant_(parameter, 0.3)
    return network.requires_grad_(False)


def test_counts_of_the_generator():
    network = StyleGAN2()
    assert (millions(network), millions(network.mapping), millions(network.tops)) == (24.77, 2.10, 3.24)
    assert network.num_ws == 14 and millions(network) - millions(network.mapping) == pytest.approx(22.67)


def test_counts_of_the_discriminators():
    assert millions(StyleGAN2Discriminator()) == 24.00
    assert millions(VideoDiscriminator()) == 26.55


def test_counts_of_the_encoders():
    """The release also stores the right half of its causal kernels, 5 taps of 11 that are always zero."""
    assert millions(InversionEncoder("irse50", 256, spatial=0, hidden=0, num_ws=14)) == 31.21
    network = MotionNetwork("irse50", 256, z_dim=512, frequencies=256, lr_mul=0.01, aligner_gain=1.0)
    dead = 2 * (11 - KERNEL) * 512**2 / 1e6
    assert millions(network.style) + dead == pytest.approx(7.08, abs=0.01)
    assert millions(network) + dead == pytest.approx(39.45 + 7.08, abs=0.01)


def test_one_layer_encoder_has_no_detail():
    w, detail = InversionEncoder("tiny", 32, spatial=0, hidden=0, num_ws=5, w_dim=16)(torch.randn(2, 3, 32, 32))
    assert w.shape == (2, 16) and detail.shape == (2, 5, 16) and not detail.any()


# Filters: zeros between the values, padding, a plain loop of the filter, every second value; in float64.

def upfirdn(x: np.ndarray, up: int, down: int, before: int, after: int, gain: float = 1.0) -> np.ndarray:
    """x [H, W] -> filtered by [1, 3, 3, 1], value by value."""
    h, w = x.shape
    wide = np.zeros((h * up, w * up))
    wide[::up, ::up] = x
    wide = np.pad(wide, (before, after))
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64 * gain
    out = np.array([[(wide[i : i + 4, j : j + 4] * taps).sum() for j in range(wide.shape[1] - 3)]
                    for i in range(wide.shape[0] - 3)])
    return out[::down, ::down]


def each_channel(x: torch.Tensor, *settings) -> torch.Tensor:
    return torch.tensor(np.stack([[upfirdn(c, *settings) for c in image] for image in x.numpy()]))


def test_filters_agree_with_the_plain_ones():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 6).double()
    assert torch.allclose(blur(x, 2), each_channel(x, 1, 1, 2, 2))
    assert torch.allclose(blur(x, 1, stride=2), each_channel(x, 1, 2, 1, 1))
    assert torch.allclose(upsample(x), each_channel(x, 2, 1, 2, 1, 4.0))
    assert torch.allclose(upsample(torch.ones(1, 1, 8, 8))[..., 2:-2, 2:-2], torch.ones(1, 1, 12, 12))


def test_resampled_convolutions_are_filter_and_convolution():
    """Up: zeros between the values, true convolution with the weights, filter; down: filter, correlation, every
    second.
    """
    torch.manual_seed(0)
    x, weight = torch.randn(1, 2, 6, 6).double(), torch.randn(4, 2, 3, 3).double()
    wide = torch.zeros(1, 2, 12, 12).double()
    wide[:, :, ::2, ::2] = x
    up = F.conv2d(F.pad(wide, (2, 1, 2, 1)), weight.flip(2, 3))                     # [1, 4, 13, 13], as conv_transpose
    assert torch.allclose(conv_up(x, weight), each_channel(up, 1, 1, 1, 1, 4.0))
    down = F.conv2d(each_channel(x, 1, 1, 2, 2), weight)[:, :, ::2, ::2]
    assert torch.allclose(conv_down(x, weight), down)
    thin = weight[:, :, :1, :1]
    assert torch.allclose(conv_down(x, thin), F.conv2d(each_channel(x, 1, 2, 1, 1), thin))


@pytest.mark.parametrize("up", [False, True])
def test_modulated_convolution_agrees_with_weights_made_for_each_sample(up):
    torch.manual_seed(0)
    x, weight, style = torch.randn(3, 4, 5, 5).double(), torch.randn(6, 4, 3, 3).double(), torch.randn(3, 4).double()
    expected = []
    for sample, s in zip(x, style):
        w = weight * s[:, None, None]                                               # [6, 4, 3, 3]
        w = w / (w.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        expected.append(conv_up(sample[None], w) if up else F.conv2d(sample[None], w, padding=1))
    y, d = modulated_conv(x, Kernel.make(weight, torch.double), style, up)
    assert torch.allclose(y * d, torch.cat(expected), atol=1e-6)


def test_winograds_convolution_is_the_same():
    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, 12, 12).double(), torch.randn(5, 3, 3, 3).double()
    y = convolve(x, transform_weight(weight))
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(y, F.conv2d(x, weight, padding=1), atol=1e-10)


def test_a_wide_layer_takes_it_without_gradients_and_in_float32_alone():
    torch.manual_seed(0)
    layer, x, w = SynthesisLayer(128, 8, 32, w_dim=8), torch.randn(2, 128, 32, 32), torch.randn(2, 8)
    expected = layer(x, w, "const")
    assert layer.kernel(torch.float32).weight.shape == (8, 128, 3, 3)
    with torch.no_grad():
        assert torch.allclose(layer(x, w, "const"), expected, atol=1e-4)
        assert layer.kernel(torch.float32).weight.shape == (36, 128, 8)
        assert layer.kernel(torch.bfloat16).weight.shape == (8, 128, 3, 3)
        assert SynthesisLayer(128, 8, 32, w_dim=8, up=True).kernel(torch.float32).weight.shape == (8, 128, 3, 3)


def test_a_layer_is_convolution_noise_bias_and_leaky_relu():
    torch.manual_seed(0)
    layer = SynthesisLayer(4, 6, 5, w_dim=8).requires_grad_(False)
    layer.strength.fill_(0.5), layer.bias.normal_()
    x, w = torch.randn(2, 4, 5, 5), torch.randn(2, 8)
    y, d = modulated_conv(x, Kernel.make(layer.weight, torch.float32), layer.affine(w))
    expected = F.leaky_relu(y * d + 0.5 * layer.noise + layer.bias[:, None, None], 0.2) * 2**0.5
    assert torch.allclose(layer(x, w, "const"), expected, atol=1e-5)


def test_equal_conv_is_scaled_at_run_time():
    torch.manual_seed(0)
    conv, x = EqualConv(4, 6, gain=0.5), torch.randn(2, 4, 5, 5)
    torch.nn.init.normal_(conv.bias)
    y = F.conv2d(x, conv.weight / 6, conv.bias, padding=1)                          # sqrt(4 * 3 * 3) = 6
    assert torch.allclose(conv(x), F.leaky_relu(y, 0.2) * 2**0.5 * 0.5, atol=1e-5)


def test_synthesis_is_top_of_trunk_and_each_row_matters(generator):
    w = torch.randn(2, 16)
    rows = w[:, None].repeat(1, generator.num_ws, 1)
    image = generator(w)
    assert image.shape == (2, 3, 32, 32) and generator.num_ws == 8
    assert torch.equal(generator.top(generator.trunk(rows), rows), image) and torch.equal(generator(rows), image)
    assert torch.equal(generator(w, 16), F.avg_pool2d(image, 2))
    for row in range(generator.num_ws):
        changed = rows.clone()
        changed[:, row] += 1
        assert not torch.equal(generator(changed), image), row


def test_kept_weights_follow_those_that_change():
    torch.manual_seed(0)
    layer, x, w = SynthesisLayer(4, 4, 5, w_dim=8).requires_grad_(False), torch.randn(1, 4, 5, 5), torch.randn(1, 8)
    with torch.no_grad():
        before = layer(x, w, "const")
        layer.weight.mul_(torch.rand(4, 4, 3, 3))
        kept = layer(x, w, "const")
        layer.load_state_dict({**layer.state_dict(), "weight": torch.randn(4, 4, 3, 3)})
        loaded = layer(x, w, "const")
    assert not torch.equal(before, kept) and not torch.equal(kept, loaded)
    assert torch.allclose(layer(x, w, "const"), loaded)


def test_noise_modes(generator):
    w = torch.randn(1, 16)
    assert torch.equal(generator(w), generator(w)) and not torch.equal(generator(w, noise="none"), generator(w))
    assert not torch.equal(generator(w, noise="random"), generator(w, noise="random"))
    silent = StyleGAN2(size=16, base=64, w_dim=16, z_dim=16, trunk_resolution=8, noise=False)
    assert torch.equal(silent(w), silent(w, noise="none")) and not any("noise" in name for name in silent.state_dict())


@pytest.mark.parametrize("dtype, tolerance", [(torch.float16, 5e-3), (torch.bfloat16, 5e-2)])
def test_half_precision_is_near_and_the_image_stays_float32(generator, dtype, tolerance):
    w = torch.randn(2, 16)
    exact = generator(w)
    generator.compute_in(dtype, 2)
    image = generator(w)
    generator.compute_in(torch.float32, 0)
    assert image.dtype == torch.float32 and not torch.equal(image, exact)
    assert (image - exact).abs().max() < tolerance * exact.std() * 4 and torch.equal(generator(w), exact)


def test_second_gradients():
    """What R1 and the path length need: the gradient of a gradient."""
    torch.manual_seed(0)
    x = torch.randn(1, 2, 4, 4).double().requires_grad_()
    weight, style = torch.randn(2, 2, 3, 3).double().requires_grad_(), torch.randn(1, 2).double().requires_grad_()
    for up in (False, True):
        def layer(x, weight, style):
            y, d = modulated_conv(x, Kernel.make(weight, torch.double), style, up)
            return F.leaky_relu(y * d, 0.2)
        assert torch.autograd.gradgradcheck(layer, (x, weight, style), atol=1e-4)
    assert torch.autograd.gradgradcheck(lambda x, w: F.leaky_relu(conv_down(x, w), 0.2), (x, weight))


def test_path_length_gradient_reaches_every_weight_that_shapes_the_image():
    torch.manual_seed(0)
    network = StyleGAN2(size=16, base=64, widest=8, z_dim=8, w_dim=8, mapping_layers=2, trunk_resolution=8)
    ws = network.mapping(torch.randn(2, 8))[:, None].repeat(1, network.num_ws, 1)
    image = network(ws)
    gradient, = torch.autograd.grad((image * torch.randn_like(image)).sum(), ws, create_graph=True)
    gradient.square().sum(dim=2).mean(dim=1).sqrt().mean().backward()
    weights = [name for name, p in network.named_parameters() if name.endswith("weight") and p.grad is None]
    assert weights == []


def test_discriminator_computes_in_half_at_the_top():
    torch.manual_seed(0)
    whole = StyleGAN2Discriminator(size=32, base=256, widest=16, group=2)
    half = StyleGAN2Discriminator(size=32, base=256, widest=16, group=2, half_blocks=2, half="bfloat16")
    half.load_state_dict(whole.state_dict())
    x = torch.randn(4, 3, 32, 32)
    assert whole(x).shape == (4,) and half(x).dtype == torch.float32
    assert torch.allclose(whole(x), half(x), atol=0.1) and not torch.equal(whole(x), half(x))


def test_spread_of_a_group_is_its_standard_deviation():
    x = torch.randn(4, 3, 2, 2).double()
    spread = MinibatchStd(group=2)(x)[:, -1]
    expected = [(x[[i, i + 2]].var(dim=0, unbiased=False) + 1e-8).sqrt().mean() for i in (0, 1)]
    assert torch.allclose(spread[:, 0, 0], torch.stack([*expected, *expected]))
    assert torch.allclose(MinibatchStd(group=2)(x[::2])[:, -1], spread[::2])        # two workers, every second to each


def test_time_encoding():
    encoder = TimeEncoder(longest=128, dim=4)
    code = encoder(torch.tensor([[0.0, 3.4, 64.0]]))[0]                             # [3, 4 + 14]
    assert encoder.width == 18 and TimeEncoder().width * 3 == 810
    assert torch.equal(code[:, :4], encoder.rows.weight[[0, 3, 64]])
    assert torch.allclose(code[0, 4:], torch.tensor([0.0] * 7 + [1.0] * 7))
    assert torch.allclose(code[1, 4:11], torch.sin(3.4 * torch.pi * 2.0 ** torch.arange(7) / 128), atol=1e-6)


def test_video_discriminator_sees_time_by_differences_and_the_order_of_frames():
    torch.manual_seed(0)
    network = VideoDiscriminator(size=32, base=256, widest=16, join=8, longest=32, group=2)
    frames, t = torch.randn(2, 4, 3, 32, 32), torch.tensor([[0.0, 2.0, 5.0, 9.0]] * 2)
    logits = network(frames, t)
    assert logits.shape == (2,) and torch.allclose(network(frames, t + 7), logits, atol=1e-5)
    assert not torch.allclose(network(frames, t * 2), logits) and not torch.allclose(network(frames.flip(1), t), logits)


def test_video_discriminator_of_changes_can_say_what_one_of_frames_says():
    torch.manual_seed(0)
    plain, changes = (
        VideoDiscriminator(size=32, base=256, widest=16, join=8, longest=32, group=2, changes=c).requires_grad_(False)
        for c in (0.0, 4.0))
    changes.load_state_dict(plain.state_dict())
    for conv in (changes.blocks[0].conv0, changes.blocks[0].skip):
        parts = conv.weight.unflatten(1, (4, -1))                       # [C_out, T, C, k, k], of each frame
        since = parts.flip(1).cumsum(dim=1).flip(1)                     # a change weighs in all frames from it on
        since[:, 1:] /= 4
        conv.weight.copy_(since.flatten(1, 2))
    frames, t = torch.randn(2, 4, 3, 32, 32), torch.tensor([[0.0, 2.0, 5.0, 9.0]] * 2)
    assert torch.allclose(plain(frames, t), changes(frames, t), atol=1e-4)


def test_adain_gives_the_mean_and_spread_that_the_style_asks_for():
    torch.manual_seed(0)
    layer, style = AdaIN(3, 4), torch.randn(2, 4)
    y = layer(torch.randn(2, 3, 16, 16) * 5 + 2, style)
    gamma, beta = layer.affine(style).chunk(2, dim=1)
    assert torch.allclose(y.mean(dim=(2, 3)), beta, atol=1e-4)
    assert torch.allclose(y.std(dim=(2, 3), unbiased=False), (1 + gamma).abs(), atol=1e-4)


@pytest.mark.parametrize("anchored", [False, True])
def test_motion_in_mixed_precision_is_near_and_has_gradients(anchored):
    torch.manual_seed(0)
    network = MotionNetwork("irse10", 64, z_dim=16, frequencies=8, lr_mul=1.0, anchored=anchored).eval()
    torch.nn.init.normal_(network.head.weight)
    inputs = (torch.randn(2, 3, 64, 64), torch.randn(2, 512), torch.randn(2, 5, 16),
              torch.tensor([[0.0, 1.0, 7.5, 30.0]] * 2))
    exact = network(*inputs) - inputs[1][:, None]
    with torch.autocast("cpu", torch.bfloat16):
        moved = network(*inputs).float() - inputs[1][:, None]
    assert (moved - exact).norm() < (0.2 if anchored else 0.03) * exact.norm()      # a difference, it loses digits
    moved.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.style.encoding.parameters())
