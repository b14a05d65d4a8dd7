"""Light and glasses stay as they are while a face moves."""

import pytest
import torch

from styleinv.clip.recipe import Recipe
from styleinv.motion.path import Path
from styleinv.motion.steady import steady_glasses, steady_light


def test_the_light_is_steady(tiny):
    ws = tiny.sample_face(1).ws
    project = steady_light(tiny.decoder, ws)
    assert torch.allclose(project @ project, project, atol=1e-4)
    step = 1e-2 * torch.randn(1, 32, generator=torch.Generator().manual_seed(0))
    def change(offset):
        return (tiny.decoder.synthesis((ws + offset)[None], 128)
                - tiny.decoder.synthesis(ws[None], 128)).mean((0, 2, 3)).norm()
    assert change(step @ project) < 0.2 * change(step)


@pytest.mark.parametrize("seed", [10, 48])
@torch.no_grad()
def test_glasses_stay_on(pipe, seed):
    """The real bundle: on the way to the mean face its people lose their glasses."""
    wearer, steering, still = pipe.sample_face(seed), pipe.steering, torch.zeros(1, 512)
    def eyes(offsets):
        return pipe.decoder.synthesis(wearer.ws + offsets[:, None], 128)[:, :, 46:79, 23:105].flatten(1)
    glasses = (eyes(0.5 * steering.glasses[None]) - eyes(still))[0]
    def lost(offsets):
        return (eyes(offsets) - eyes(still)) @ glasses / glasses.square().sum()
    light = steady_light(pipe.decoder, wearer.ws)
    steady = steady_glasses(pipe.decoder, wearer.ws, steering.glasses @ light, steering.directions)
    offsets = torch.tensor([[0.1], [0.2], [0.3]]) * (pipe.decoder.w_avg - wearer.w0) @ light
    assert (lost(offsets) > 0.25).all() and (lost(offsets @ steady).abs() < 0.4 * lost(offsets)).all()


def test_who_wears_none_moves_as_before(pipe):
    steering, ws = pipe.steering, pipe.sample_face(3).ws
    assert torch.equal(steady_glasses(pipe.decoder, ws, steering.glasses, steering.directions), torch.eye(512))


def test_without_a_known_direction_the_light_alone_is_steady(tiny):
    assert tiny.steering is None or tiny.steering.glasses is None
    face = tiny.sample_face(1)
    path = Path(tiny.decoder, tiny.motion, tiny.steering, face.w0[None], face.detail, None, Recipe(seed=1))
    assert torch.equal(path.steady, steady_light(tiny.decoder, face.ws))
