"""The confusion table of the verdict, on a stand-in for the pipeline."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from styleinv.evaluation import verdicts
from styleinv.face.verdict import DOUBTFUL, GOOD, Verdict


class Pipe:
    """Calls bright pictures good and dark ones doubtful."""

    def invert_crop(self, crop, likeness):
        assert likeness == "fast"
        return SimpleNamespace(verdict=Verdict(GOOD if crop.mean() > 100 else DOUBTFUL))


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.setattr(verdicts, "find_and_align", lambda image: (image, []))
    for i in range(17):
        Image.new("RGB", (64, 64), (200, 200, 200)).save(tmp_path / f"{i:02}.png")
    return sorted(tmp_path.iterdir())


def test_each_kind_is_counted_by_level(paths):
    report = verdicts.verdict_report(Pipe(), paths)
    kinds = {name: [report[each]["kinds"][name] for each in verdicts.LEVELS] for name in verdicts.KINDS}
    assert kinds["as it is"] == [17, 0, 0] and kinds["dark"] == [0, 5, 0] and kinds["a negative"] == [0, 5, 0]
    assert all(sum(counts) for counts in kinds.values())
    assert sum(report[each]["count"] for each in verdicts.LEVELS) == 6 * 17
    assert report["good"]["failures"] > 0.02 and report["refused"]["usable"] == 0
    table = verdicts.format_verdict_table(report)
    assert "| all that are failures |" in table and "(missed)" in table


def test_half_of_the_photos_test_what_the_others_set():
    photos = [Path(f"{i}.jpg") for i in range(400)]
    assert 150 < len(verdicts.tested(photos)) < 250
    assert verdicts.tested(photos[:100]) == verdicts.tested(photos)[: len(verdicts.tested(photos[:100]))]


def test_changes_keep_to_what_they_are_called():
    image, rng = Image.fromarray(np.full((64, 64, 3), 200, np.uint8)), np.random.default_rng(0)
    for name, change in verdicts.KINDS.items():
        changed = np.asarray(change(image.copy(), rng))
        assert changed.dtype == np.uint8 and changed.ndim == 3
        uniform = ("as it is", "turned", "upside", "blurred", "a little blurred", "20 pixels", "cut")
        assert np.array_equal(changed, np.full_like(changed, 200)) == name.startswith(uniform) or "turned" in name
