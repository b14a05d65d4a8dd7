"""Augmentation of the reference discriminators: each transformation against a plain one, the odds, and the
controller.
"""

import math

import pytest
import torch

from styleinv.training.paper import ada
from styleinv.training.paper.ada import (
    Controller,
    Transform,
    augment,
    double,
    draw,
    draw_colour,
    draw_geometry,
    halve,
    move,
)

INSIDE = (..., slice(5, -5), slice(5, -5))


@pytest.fixture
def smooth() -> torch.Tensor:
    """[1, 3, 24, 24], waves that are not symmetric in any way."""
    y, x = torch.meshgrid(torch.linspace(0, 3, 24), torch.linspace(0, 5, 24), indexing="ij")
    return torch.stack([y.sin(), (1.3 * x).cos(), y + x.sin()])[None].double() / 3


def one(value: float) -> torch.Tensor:
    return torch.tensor([value])


def test_halving_undoes_doubling_exactly():
    torch.manual_seed(0)
    images = torch.randn(2, 3, 24, 24).double()
    wide = torch.nn.functional.pad(double(images), (2 * ada.MARGIN,) * 4)
    assert double(images).shape == (2, 3, 48, 48)
    assert torch.allclose(halve(wide)[INSIDE], images[INSIDE], atol=1e-10)


def test_doubling_agrees_with_the_plain_filter():
    torch.manual_seed(0)
    row, taps = torch.randn(20).double(), torch.tensor(ada.SYM6).double() * 2**0.5
    image = row.repeat(20, 1)[None, None]
    expected = [sum(taps[j] * row[(n + 5 - j) // 2] for j in range(12) if (n + 5 - j) % 2 == 0) for n in range(12, 28)]
    inside = double(image)[0, 0, 12:28, 12:28]
    columns = torch.stack(expected) * taps[torch.arange(12) % 2 == 1].sum()             # either parity sums to one
    assert torch.allclose(inside, columns.expand(16, 16), atol=1e-8)


def test_moves_are_the_plain_ones(smooth):
    mirror, turn = ada.scaling(one(-1.0), one(1.0)), ada.rotation(one(math.pi / 2))
    shift = ada.translation(one(2 * 3 / 24), one(0.0))                                  # three pixels
    assert torch.allclose(move(smooth, torch.eye(3).double()[None]), smooth, atol=0.02)
    assert torch.allclose(move(smooth, mirror.double())[INSIDE], smooth.flip(3)[INSIDE], atol=0.005)
    assert torch.allclose(move(smooth, turn.double())[INSIDE], smooth.rot90(1, (2, 3))[INSIDE], atol=0.005)
    assert torch.allclose(move(smooth, shift.double())[..., :12], smooth.roll(-3, 3)[..., :12], atol=0.01)


def test_zoom_keeps_the_centre_and_halves_distances(smooth):
    zoomed = move(smooth, ada.scaling(one(0.5), one(0.5)).double())
    expected = torch.nn.functional.interpolate(smooth[..., 6:18, 6:18], scale_factor=2, mode="bilinear")
    assert torch.allclose(zoomed[INSIDE], expected[INSIDE], atol=0.02)


def test_nothing_changes_at_p_0():
    transform = draw(16, 32, 0.0)
    assert torch.equal(transform.geometry, torch.eye(3).expand(16, 3, 3))
    assert torch.allclose(transform.colour, torch.eye(4).expand(16, 4, 4), atol=1e-6)


def test_half_of_all_are_changed_in_each_way_at_p_one_half():
    torch.manual_seed(0)
    matrices, colours = draw_geometry(4000, 64, 0.5), draw_colour(4000, 0.5)
    mirrored = (torch.linalg.det(matrices) < 0).float().mean()
    assert mirrored == pytest.approx(0.25, abs=0.03)                                    # drawn for half, a coin each
    unchanged = ((matrices - torch.eye(3)).abs().amax(dim=(1, 2)) < 1e-6).float().mean()
    # Half of the mirrorings and a quarter of the turns by quarters change nothing; one coin each: both shifts, zoom,
    # both turns, stretch.
    assert unchanged == pytest.approx(0.75 * 0.625 * 0.5**5, rel=0.35)
    assert ((colours - torch.eye(4)).abs().amax(dim=(1, 2)) < 1e-6).float().mean() == pytest.approx(
        0.75 * 0.5**4, rel=0.3)


def test_hue_turns_about_grey_and_a_third_of_a_turn_permutes_the_colours():
    matrix = ada.hue_rotation(one(2 * math.pi / 3))[0, :3, :3]
    assert torch.allclose(matrix @ torch.ones(3), torch.ones(3), atol=1e-6)
    assert torch.allclose(matrix @ torch.tensor([1.0, 0, 0]), torch.tensor([0, 1.0, 0]), atol=1e-6)


def test_saturation_and_luma_flip_act_along_and_across_grey():
    """With everything drawn at its scale: grey keeps its colour but for brightness, contrast and flip."""
    torch.manual_seed(0)
    colour = draw_colour(64, 1.0)
    grey = colour[:, :3, :3] @ torch.ones(3)                                            # [64, 3]
    assert (grey - grey.mean(dim=1, keepdim=True)).abs().max() < 1e-5
    assert torch.allclose(colour[:, 3], torch.tensor([0.0, 0, 0, 1]).expand(64, 4), atol=1e-6)


def test_colour_is_the_matrix_on_every_pixel(smooth):
    matrix = torch.eye(4)[None].clone()
    matrix[0, 0, 3], matrix[0, 1, 1] = 0.25, 2.0
    result = augment(smooth, Transform(torch.eye(3)[None], matrix))
    assert (torch.allclose(result[INSIDE][:, 0], smooth[INSIDE][:, 0] + 0.25)
            and torch.allclose(result[INSIDE][:, 1], smooth[INSIDE][:, 1] * 2))


def test_frames_of_a_clip_share_their_draw(smooth):
    torch.manual_seed(0)
    transform = draw(2, 24, 1.0)
    clips = torch.cat([smooth, smooth.flip(2)], dim=1).repeat(2, 1, 1, 1).float()       # two clips of two frames
    whole = augment(clips, transform)
    frames = torch.cat([augment(clips[:, :3], transform), augment(clips[:, 3:], transform)], dim=1)
    assert torch.allclose(whole, frames, atol=1e-6) and not torch.allclose(whole[0], whole[1])


def test_second_gradients_pass():
    torch.manual_seed(0)
    transform, x = draw(1, 12, 1.0), torch.randn(1, 3, 12, 12).double().requires_grad_()
    loss = augment(x, transform).pow(3).sum()
    gradient, = torch.autograd.grad(loss, x, create_graph=True)
    second, = torch.autograd.grad(gradient.square().sum(), x)
    step = 1e-6 * torch.randn_like(x)
    ahead = torch.autograd.grad(augment(x + step, transform).pow(3).sum(), x)[0].square().sum()
    behind = torch.autograd.grad(augment(x - step, transform).pow(3).sum(), x)[0].square().sum()
    assert float(ahead - behind) / 2 == pytest.approx(float((second * step).sum()), rel=1e-4)


def test_the_controller_follows_the_sign_of_the_logits():
    controller = Controller(target=0.6, kimg=1.0, every=4)
    for _ in range(8):
        controller.update(1.0, 10)
    assert controller.p == pytest.approx(0.08)
    for _ in range(4):
        controller.update(0.2, 10)
    assert controller.p == pytest.approx(0.04)
    other = Controller(target=0.6, kimg=1.0)
    other.load_state_dict(controller.state_dict())
    for _ in range(40):
        other.update(-1.0, 10)
    assert other.p == 0 and controller.p == pytest.approx(0.04)
    still = Controller(kimg=0)
    still.update(1.0, 1000)
    assert still.p == 0


def test_sampling_leaves_no_node_whose_derivative_older_torch_lacks():
    x = torch.randn(1, 3, 16, 16, requires_grad=True)
    gradient, = torch.autograd.grad(augment(x, draw(1, 16, 1.0)).square().sum(), x, create_graph=True)
    nodes, seen = [gradient.grad_fn], set()
    while nodes:
        seen.add(node := nodes.pop())
        nodes += [following for following, _ in node.next_functions if following and following not in seen]
    names = {node.name() for node in seen}
    assert any("_Spread" in name for name in names) and not any("GridSampler" in name for name in names), names
