"""The styles that come with the repository."""

import numpy as np
import pytest
import torch
from conftest import BUNDLE

from styleinv.face.landmarks import landmarks_of_crop

STYLES = BUNDLE.parent / "styles"
NAMES = sorted(path.parent.name for path in STYLES.glob("*/config.json"))


@pytest.mark.parametrize("name", NAMES)
def test_installed_styles_look_alike_at_both_sizes_and_are_sharper_at_the_larger(pipe, name):
    person = pipe.sample_face(5)
    small, large = (
        torch.from_numpy(pipe.animate(person, seconds=0.04, style=name, size=size).frames[0]).float()
        for size in (256, 512))
    shrunk = large.unflatten(0, (256, 2)).unflatten(2, (256, 2)).mean((1, 3))
    assert torch.corrcoef(torch.stack([shrunk.flatten(), small.flatten()]))[0, 1] > 0.85
    enlarged = shrunk.repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert (large - enlarged).abs().mean() > 1                      # detail that 256 px cannot hold


@pytest.mark.parametrize("name", NAMES)
def test_installed_styles_keep_the_face(pipe, name):
    person = pipe.sample_face(5)
    styled = pipe.animate(person, seconds=0.04, style=name, size=256).frames[0]
    raw = landmarks_of_crop(person.image)
    distance = (np.linalg.norm(landmarks_of_crop(styled) - raw, axis=1).mean()
                / np.linalg.norm(raw[36:42].mean(0) - raw[42:48].mean(0)))
    assert distance < 0.12
    assert np.abs(styled.astype(float) - person.image).mean() > 8
    info = pipe.styles[name]
    assert info.preview is not None and info.weights.stat().st_size < 8e6 and (info.folder / "README.md").is_file()
