"""What all stages share, in closed form: penalties, averages of weights, Ranger, spans of time."""

import pytest
import torch

from styleinv.training.optim import EMA, Ranger, gradient_penalty, lazy_adam, path_lengths
from styleinv.training.times import sample_spans


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
    assert torch.equal(t, t.floor()) and not torch.equal(
        *[f(sample_spans(9, 128, 32, dyadic, whole=False)) for f in (torch.floor, torch.clone)])
