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


@pytest.fixture(params=[11, 48])
def wearer(request, pipe):
    """People with glasses who do not exist."""
    return pipe.sample_face(request.param)


@torch.no_grad()
def test_glasses_stay_on(pipe, wearer):
    ws, steering, still = wearer.ws, pipe.steering, torch.zeros(1, 512)
    def eyes(offsets):
        return pipe.decoder.synthesis(ws + offsets[:, None], 128)[:, :, 46:79, 23:105].flatten(1)
    def lost(steady):
        """Share of what glasses are that a clip takes away, on average."""
        path = Path(pipe.decoder, pipe.motion, steering, wearer.w0[None], wearer.detail, None, Recipe(seed=wearer.seed))
        path.answers.get("steady", lambda: steady)
        offsets = torch.stack([path.moments(block)[0].ws[0, 0] - wearer.w0 for block in range(1, 13)])
        glasses = (eyes(0.5 * steering.glasses[None]) - eyes(still))[0]
        return float(((eyes(offsets) - eyes(still)) @ glasses / glasses.square().sum()).mean())
    light = steady_light(pipe.decoder, ws)
    before = lost(light)
    after = lost(light @ steady_glasses(pipe.decoder, ws, steering.glasses @ light, steering.directions))
    assert before > 0.3 and abs(after) < 0.4 * before


def test_who_wears_none_moves_as_before(pipe):
    steering, ws = pipe.steering, pipe.sample_face(3).ws
    assert torch.equal(steady_glasses(pipe.decoder, ws, steering.glasses, steering.directions), torch.eye(512))


def test_without_a_known_direction_the_light_alone_is_steady(tiny):
    assert tiny.steering is None or tiny.steering.glasses is None
    face = tiny.sample_face(1)
    path = Path(tiny.decoder, tiny.motion, tiny.steering, face.w0[None], face.detail, None, Recipe(seed=1))
    assert torch.equal(path.steady, steady_light(tiny.decoder, face.ws))
