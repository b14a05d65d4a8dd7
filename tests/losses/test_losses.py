"""The networks behind losses and reports, with random weights: form, gradients, strict loading."""

import copy

import pytest
import torch
from safetensors.torch import save_file

from styleinv.errors import InputError
from styleinv.losses.identity import MobileFaceNet, face_box
from styleinv.losses.lpips import LPIPSAlex, SqueezePerceptual
from styleinv.metrics.psnr import psnr

NETWORKS = (SqueezePerceptual, LPIPSAlex, MobileFaceNet)
WEIGHTS = {SqueezePerceptual: 724_736, LPIPSAlex: 2_470_848, MobileFaceNet: 1_292_992}


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda cls: cls.__name__)
def network(request, tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "network.safetensors"
    save_file({name: drawn(name, t).half() for name, t in request.param().state_dict().items()}, path)
    return request.param.from_file(path)


def drawn(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """A random weight as a trained one is: heads not negative, and biases that do not drown the signal."""
    return tensor.abs() if name.startswith("lin") else tensor * (not name.endswith("bias"))


def images(n: int = 2, size: int = 64) -> torch.Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def score(network, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Distances, or cosines of the embeddings, of two batches: [N]."""
    return network(x, y) if hasattr(network, "compare") else (network(x) * network(y)).sum(1)


def test_weights_are_frozen_float32_and_as_many_as_published(network):
    parameters = list(network.parameters())
    assert sum(p.numel() for p in parameters) == WEIGHTS[type(network)]
    assert not network.training and all(p.dtype == torch.float32 and not p.requires_grad for p in parameters)


def test_gradient_agrees_with_finite_difference(network):
    network = copy.deepcopy(network).double()
    x, y = images().double().split(1)
    x.requires_grad_()
    score(network, x, y).sum().backward()
    step = 1e-5 * x.grad / x.grad.norm()
    with torch.no_grad():
        ahead, behind = score(network, x + step, y), score(network, x - step, y)
    assert x.grad.isfinite().all()
    assert float(ahead - behind) / 2e-5 == pytest.approx(float(x.grad.norm()), rel=1e-3)


def test_batch_equals_single(network):
    x = images(3)
    y = x.roll(1, 0)
    single = torch.cat([score(network, a, b) for a, b in zip(x.split(1), y.split(1))])
    torch.testing.assert_close(score(network, x, y), single, rtol=1e-4, atol=1e-6)


def test_a_file_with_a_missing_tensor_is_refused(network, tmp_path):
    state = dict(network.state_dict())
    state.popitem()
    save_file(state, tmp_path / "part.safetensors")
    for name in ("part", "none"):
        with pytest.raises(InputError, match=type(network).__name__):
            type(network).from_file(tmp_path / f"{name}.safetensors")


@pytest.mark.parametrize("network", (SqueezePerceptual, LPIPSAlex), indirect=True, ids=lambda cls: cls.__name__)
def test_distance_is_zero_for_equal_symmetric_and_reusable(network):
    x, y = images().split(1)
    assert network(x, x).item() == 0
    assert network(x, y).item() == network(y, x).item() > 0
    assert network.compare(network.features(x), network.features(y)).item() == network(x, y).item()


@pytest.mark.parametrize("network", (SqueezePerceptual, LPIPSAlex), indirect=True, ids=lambda cls: cls.__name__)
def test_taps_are_unit_vectors_even_for_a_flat_image(network):
    for tap in network.features(torch.zeros(1, 3, 64, 64)):
        lengths = tap.norm(dim=1)
        assert ((lengths - 1).abs() < 1e-4).logical_or(lengths == 0).all()


def test_squeeze_taps_have_the_published_sizes():
    found = SqueezePerceptual().features(images(1, 256))
    assert [tuple(t.shape[1:3]) for t in found] == [
        (64, 127), (128, 63), (256, 31), (384, 15), (384, 15), (512, 15), (512, 15)
    ]


def test_embeddings_have_unit_length_at_any_resolution():
    torch.manual_seed(0)
    network = MobileFaceNet().eval()
    for size in (128, 256, 300):
        embedding = network(images(1, size))
        assert embedding.shape == (1, 192) and embedding.norm().item() == pytest.approx(1, abs=1e-5)


def test_face_box_is_where_it_was_measured():
    ramp = torch.arange(256.0).expand(1, 1, 256, 256)       # the value of a pixel is its column
    box = face_box(torch.cat([ramp, ramp.transpose(2, 3)], 1))
    assert box.shape == (1, 2, 112, 112)
    assert box[0, 0].mean().item() == pytest.approx((30 + 225) / 2, abs=0.01)
    assert box[0, 1].mean().item() == pytest.approx((28 + 223) / 2, abs=0.01)


def test_only_pixels_of_the_face_box_reach_the_embedding():
    torch.manual_seed(0)
    x = images(1, 256).requires_grad_()
    MobileFaceNet().eval()(x)[0, 0].backward()
    touched = (x.grad != 0).any(1)[0]
    assert touched[28:224, 30:226].all() and touched.sum() == 196**2


def test_halving_convolutions_pad_right_and_bottom():
    stem = MobileFaceNet().stem
    with torch.no_grad():
        stem.weight.zero_()[:, :, 0, 0] = 1                 # picks the pixel itself where nothing is padded before it
        stem.bias.zero_()
    x = images(1, 8)
    torch.testing.assert_close(stem(x)[0, 0], x[0, :, ::2, ::2].sum(0))


def test_psnr_of_known_error():
    x = torch.zeros(2, 3, 4, 4)
    y = x.clone()
    y[1] += 0.2                                             # a tenth of the range
    assert psnr(x, y).tolist() == [float("inf"), pytest.approx(20, abs=1e-4)]
