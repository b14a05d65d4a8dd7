"""Re-enactment: rows and figures of a made-up world."""

import numpy as np
import pytest
import torch
from conftest import make_tiny

from styleinv import StyleInVPipeline
from styleinv.clip.ffmpeg import write_mp4
from styleinv.evaluation.reenactment import ROWS, _following, _moments, as_filmed, reenactment_report
from styleinv.evaluation.table import markdown_table
from styleinv.models.dense_motion import DenseMotion
from styleinv.models.steering import Steering


def difference(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """In the place of LPIPS."""
    return (x - y).abs().mean((1, 2, 3))


def test_moments_are_spread_and_end_with_the_last_frame():
    assert _moments(np.zeros((76, 2, 2, 3))).tolist() == [19, 38, 56, 75]


def test_who_does_the_same_follows(sample_faces):
    frames = np.stack([np.roll(sample_faces[0][::2, ::2], shift, axis=1) for shift in range(0, 24)])
    *_, speed = _following(frames, frames)
    assert speed == pytest.approx(1)


@pytest.mark.filterwarnings("ignore:invalid value")          # a still face has no correlation
def test_a_still_clip(tmp_path, sample_faces):
    tiny, steering = make_tiny(), Steering(32)
    network = DenseMotion(16, 16, 8, 8, (8, 8), (16, 16, 16)).eval().requires_grad_(False)
    pipe = StyleInVPipeline(tiny.decoder, tiny.inversion, tiny.motion, network, steering)
    write_mp4(tmp_path / "still.mp4", iter([sample_faces[0][::2, ::2]] * 30), 25, 4)
    write_mp4(tmp_path / "short.mp4", iter([sample_faces[0][::2, ::2]] * 9), 25, 4)
    seen = []
    report = reenactment_report(pipe, [tmp_path / "still.mp4", tmp_path / "short.mp4"], difference,
                                lambda *told: seen.append(told))
    assert seen == [("re-enactment", 0, 2), ("re-enactment", 1, 2)]
    still, drawn, carried = (report[row] for row in ("the photo as it is", "decoded", "the photo, carried"))
    assert still["lpips"] < 0.02 and still["psnr"] > 35 and still["descriptor"] < 0.1 and still["clips"] == 1
    assert carried["lpips"] < 0.05 < drawn["lpips"]             # nothing moves: it is the photo
    assert "LPIPS-Alex to the true frame" in markdown_table(ROWS, report, "re-enactment")


def test_as_filmed_the_head_moves_in_the_square_of_its_first_face(tmp_path, sample_photo):
    """And what it moves by is known, but for what is smoothed."""
    moved = [np.roll(sample_photo[::2, ::2], (shift, 2 * shift), axis=(0, 1)) for shift in range(12)]
    write_mp4(tmp_path / "moved.mp4", iter(moved), 25, 10)
    true, motion = as_filmed(tmp_path / "moved.mp4")
    assert true.shape == (12, 256, 256, 3) and np.abs(true[0].astype(int) - true[11]).mean() > 5
    assert np.abs(motion.moves).max() < 0.03                    # it does nothing else
    right, down = motion.lean[11, 1:]
    assert 0.02 < down < right < 0.09 and right == pytest.approx(0.075, abs=0.02)
