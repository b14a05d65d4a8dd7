"""Motion over seeds and minutes, on stand-ins; and the eyes of every mood."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from styleinv.clip.recipe import Recipe
from styleinv.evaluation import lasting
from styleinv.evaluation.lasting import EYE_ROWS, eye_report, seen, sharpness, variety_report
from styleinv.evaluation.table import markdown_table
from styleinv.face.expression import SPANS


class Pipe:
    """Clips whose frames are as bright as their number; it knows what was drawn."""

    def __init__(self):
        self.drawn: list[int] = []

    def animate(self, person, recipe):
        pipe, seed = self, recipe.seed

        class Frames:
            def __getitem__(self, at):
                pipe.drawn.append(at)
                return np.full((4, 4, 3), seed, np.uint8)

        return SimpleNamespace(frames=Frames())


def test_only_what_is_looked_at_is_drawn():
    pipe = Pipe()
    assert seen(pipe, None, Recipe(seed=1, seconds=60), 59, 60).shape == (5, 4, 4, 3)
    assert pipe.drawn == [1475, 1480, 1485, 1490, 1495]


def test_variety_is_the_spread_over_seeds_of_that_over_real_clips(monkeypatch):
    monkeypatch.setattr(lasting, "mean_change", lambda frames: np.full(7, float(frames[0, 0, 0, 0])))
    real = [np.full((10, 4, 4, 3), value, np.uint8) for value in (0, 4)]
    report = variety_report(Pipe(), [None, None], real)
    spread = np.arange(8).std()
    assert report["seeds"]["turn"] == pytest.approx(spread) and report["real"]["brows"] == 2
    assert report["seeds"]["ratio"] == pytest.approx(spread / 2) and report["seeds"]["clips"] == 16
    assert set(SPANS) < set(report["seeds"])


def test_sharpness_falls_with_blur():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))
    sharp, blurred = (np.asarray(x)[None] for x in (image, image.filter(ImageFilter.GaussianBlur(1))))
    assert sharpness(blurred) < 0.2 * sharpness(sharp)


def test_the_eyes_of_every_mood_keep_to_those_of_people():
    table = markdown_table(EYE_ROWS, eye_report())
    assert "(missed)" not in table, table
