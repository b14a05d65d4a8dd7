"""The steering: closed forms, and a decoder of which everything is known."""

import torch

from styleinv.training.light import steering as stage
from styleinv.training.light.steering import POSES, Responses, SteeringConfig, _corrected, steering

W_DIM, MEASURES = 24, 7


def test_a_correction_makes_each_move_its_own_measure_alone():
    effects = torch.eye(MEASURES) + 0.1 * torch.rand(MEASURES, MEASURES, generator=torch.Generator().manual_seed(0))
    response = torch.eye(MEASURES)
    corrected = _corrected(torch.eye(MEASURES), effects)
    after = corrected @ (effects @ response)
    assert torch.allclose(after[POSES:], torch.eye(MEASURES)[POSES:], atol=1e-5)
    assert torch.allclose(after[:POSES, :POSES], torch.eye(POSES), atol=1e-5)
    assert after[:POSES, POSES:].abs().max() > 0.05         # a turn may change how far the rest seems apart


def test_a_linear_world_comes_back(monkeypatch):
    """Measures that follow w linearly, which the trial measures exactly: directions invert them, and traits stay."""
    generator = torch.Generator().manual_seed(0)
    measures = torch.randn(MEASURES, W_DIM, generator=generator)
    traits = torch.linalg.qr(torch.randn(W_DIM, 2, generator=generator))[0].T
    monkeypatch.setattr(stage, "_people", lambda *_: torch.zeros(3, W_DIM))
    monkeypatch.setattr(stage, "_measured", lambda _, ws, __: ws @ measures.T)
    nothing, landmarks = torch.zeros(1, W_DIM), torch.randn(136, W_DIM, generator=generator)
    responses = Responses(measures, landmarks, nothing, nothing)
    clips = [torch.randn(50, W_DIM, generator=generator) for _ in range(4)]
    network = steering(None, responses, clips, traits, SteeringConfig())
    effects = network.directions @ measures.T
    assert torch.allclose(effects[POSES:], torch.eye(MEASURES)[POSES:], atol=1e-3)
    assert torch.allclose(network.response @ network.directions.T, torch.eye(MEASURES), atol=1e-3)
    assert (network.directions @ traits.T).abs().max() < 0.1 * network.directions.norm(dim=1).max()
