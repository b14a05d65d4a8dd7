"""Stage C: motion is measured, learned and resumed, on frames and on their inversions."""

import json
from dataclasses import replace

import pytest
import torch
from paper_stages import MOTION, weights

from styleinv.__main__ import main
from styleinv.data.video_set import VideoSet
from styleinv.models.inversion import InversionEncoder
from styleinv.models.motion import MotionNetwork
from styleinv.training.loop import LoopConfig, run
from styleinv.training.paper.clips import Inversions, read_places
from styleinv.training.paper.measures import MotionDistance
from styleinv.training.paper.motion import PaperMotionStage


def test_motion_distance_of_the_same_of_still_and_of_half_the_motion():
    clips = torch.randn(64, 3, 3, 16, 16, generator=torch.Generator().manual_seed(0)).cumsum(dim=1)
    judge = MotionDistance(clips)
    assert judge(clips) == {"motion_distance": pytest.approx(0, abs=1e-6), "spread": pytest.approx(1)}
    still, half = judge(clips[:, :1].expand_as(clips)), judge(clips / 2)
    assert still == {"motion_distance": pytest.approx(judge.bounds()["still"]), "spread": 0}
    assert (half["spread"] == pytest.approx(0.5)
            and half["motion_distance"] == pytest.approx(still["motion_distance"] / 4, rel=1e-3))


@pytest.mark.parametrize("invert", [False, True])
def test_the_motion_stage_steps_resumes_and_measures(decoder, videos, tmp_path, invert):
    def make() -> PaperMotionStage:
        torch.manual_seed(0)
        encoder = InversionEncoder("tiny", 32, spatial=0, hidden=0, num_ws=6, w_dim=16)
        frames = VideoSet(videos, 32, shortest=12)
        return PaperMotionStage(decoder, encoder, frames, MOTION, invert=invert)
    whole, first, second = (make() for _ in range(3))
    assert torch.equal(whole.sample(2)[:, 0], whole.sample(2)[:, 3])                        # untrained, it stands still
    run(whole, LoopConfig(tmp_path / "whole", steps=6, log_every=2))
    run(first, LoopConfig(tmp_path / "parts", steps=3))
    run(second, LoopConfig(tmp_path / "parts", steps=6))
    assert torch.equal(weights(whole.network), weights(second.network)) and not torch.equal(*whole.sample(2)[0, [0, 3]])
    figures = json.loads((tmp_path / "whole" / "log.jsonl").read_text().splitlines()[-1])
    assert {"g", "d", "reconstruction", "latent", "p"} <= figures.keys()
    film = VideoSet(tmp_path / "whole", 32, fps=MOTION.fps)
    assert film.lengths.max() == MOTION.frames


def test_inverting_both_sides_leaves_motion_as_the_only_difference(decoder, videos):
    torch.manual_seed(0)
    encoder = InversionEncoder("tiny", 32, spatial=0, hidden=0, num_ws=6, w_dim=16)
    made = PaperMotionStage(decoder, encoder, VideoSet(videos, 32, shortest=12), MOTION, invert=True)
    people, still = made._draw_people(8), torch.zeros(8, 4)
    shown = made._shown(made.frames, [(video, 4 * at, mirrored) for video, at, mirrored in people])
    with torch.no_grad():
        # Untrained.
        ours = made._clip(made.average.network, people, torch.randn(8, MOTION.anchors, MOTION.z_dim), still)[3]
    assert torch.allclose(ours, shown, atol=1e-5) and len({mirrored for _, _, mirrored in people}) == 2


def test_inversions_are_made_once_and_smoothed(videos):
    torch.manual_seed(0)
    encoder, frames = InversionEncoder("tiny", 32, spatial=0, hidden=0, num_ws=6, w_dim=16).eval(), VideoSet(videos, 32)
    places = [(1, [3, 4, 9], False), (1, [3, 4, 9], True)]
    with torch.no_grad():
        expected = torch.stack([encoder(clip)[0] for clip in read_places(frames, places)])
    exact, smooth = Inversions(encoder, smoothing=0.0), Inversions(encoder, smoothing=50.0)
    assert torch.allclose(exact(frames, places), expected, atol=1e-5)
    assert smooth(frames, places).std(dim=1).max() < 0.1 * expected.std(dim=1).max()
    exact.encoder = None
    assert torch.allclose(exact(frames, places[:1]), expected[:1], atol=1e-5)       # kept


def test_generated_clips_are_frames_that_compare_reads(decoder, tmp_path):
    torch.manual_seed(0)
    motion = MotionNetwork("tiny", 32, 16, 8, 512, 4, 4, 4.0, 12.0, anchored=True)
    decoder.save_pretrained(tmp_path / "decoder")
    motion.save_pretrained(tmp_path / "motion")
    line = ["generate", str(tmp_path / "decoder"), str(tmp_path / "clips"), "--motion", str(tmp_path / "motion"),
            "--count", "2", "--frames", "20"]
    assert (main(line) == 0
            and main(["generate", str(tmp_path / "decoder"), str(tmp_path / "images"), "--count", "3"]) == 0)
    clips, images = VideoSet(tmp_path / "clips", 16), VideoSet(tmp_path / "images", 16, clips=False)
    assert clips.lengths.tolist() == [20, 20] and images.lengths.tolist() == [1, 1, 1]
    assert torch.equal(clips.read(0, [0]), images.read(0, [0])) and torch.equal(clips.read(1, [0]), images.read(1, [0]))
    assert not torch.equal(clips.read(0, [0]), clips.read(0, [19]))
    assert main([*line[:-3], "1", "--frames", "20", "--seed", "1"]) == 0                # the second of two, alone
    assert torch.equal(VideoSet(tmp_path / "clips", 16).read(0, [19]), clips.read(1, [19]))


def test_motion_bounds_tell_how_far_the_training_clips_are(decoder, videos):
    encoder = InversionEncoder("tiny", 32, spatial=0, hidden=0, num_ws=6, w_dim=16)
    same = VideoSet(videos, 32, shortest=12)
    made = PaperMotionStage(decoder, encoder, same, MOTION, held_out=same)
    assert made.bounds()["training clips"] == pytest.approx(0, abs=1e-6) and made.bounds()["still"] > 0


def test_motion_loss_at_time_0_brings_the_first_frame_back(decoder, videos):
    torch.manual_seed(0)
    encoder = InversionEncoder("tiny", 32, spatial=0, hidden=0, num_ws=6, w_dim=16)
    trained = PaperMotionStage(decoder, encoder, VideoSet(videos, 32),
                               replace(MOTION, adversarial=0.0, reconstruction=100.0, latent=0.0))
    torch.nn.init.normal_(trained.network.head.weight, std=0.5)
    losses = [trained._network_step()["reconstruction"] for _ in range(80)]
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])       # a single batch says little
