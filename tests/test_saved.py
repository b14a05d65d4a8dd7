"""What was saved by an earlier version gives the same frames: a bundle, a recipe and a clip, kept in fixtures/saved."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from styleinv import StyleInVPipeline
from styleinv.clip.clip import read_recipe

SAVED = Path(__file__).parent / "fixtures" / "saved"


@pytest.fixture(scope="module")
def saved() -> StyleInVPipeline:
    """Tiny random networks, written by version 0.1.0."""
    return StyleInVPipeline.from_pretrained(SAVED / "bundle")


@pytest.mark.parametrize("name", ["recipe.json", "clip.mp4"])
def test_the_same_frames(saved, name):
    frames = saved.render(read_recipe(SAVED / name)).frames
    strip = np.concatenate([frame[::2, ::2] for frame in frames[::3]], axis=1)
    kept = np.asarray(Image.open(SAVED / "frames.png"))
    assert strip.shape == kept.shape
    assert np.abs(strip.astype(int) - kept).max() <= 2          # rounding differs between processors


def test_the_clip_holds_the_recipe():
    assert read_recipe(SAVED / "clip.mp4") == json.loads((SAVED / "recipe.json").read_text())
