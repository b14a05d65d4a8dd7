"""Stages B and D: the encoder learns, a style moves the upper blocks alone; and which data they hold out."""

import json

import torch
from PIL import Image

from styleinv.data.video_set import VideoSet
from styleinv.models.inversion import InversionEncoder
from styleinv.models.stylegan2 import StyleGAN2
from styleinv.training.loop import LoopConfig, run
from styleinv.training.paper import inputs
from styleinv.training.paper.inversion import PaperInversionConfig, PaperInversionStage
from styleinv.training.paper.style import PaperStyleConfig, PaperStyleStage, block_side


def test_the_inversion_stage_learns(decoder, tmp_path):
    """Images of the decoder itself, which it can give back."""
    torch.manual_seed(0)
    with torch.no_grad():
        drawn = decoder(decoder.mapping(torch.randn(40, 16))) / 2
    for i, image in enumerate(drawn.clamp(-1, 1)):
        Image.fromarray(((image.permute(1, 2, 0) + 1) * 127.5).byte().numpy()).save(tmp_path / f"{i:02}.png")
    frames = VideoSet(tmp_path, 16, clips=False)
    config = PaperInversionConfig(preset="tiny", size=16, batch=16, lr=5e-3)
    def distance(x, y):
        return (x - y).abs().mean(dim=(1, 2, 3))
    trained = PaperInversionStage(decoder, frames, frames.images([(i, 0) for i in range(8)]), distance, None, config)
    before, mean = trained.measure(), trained.mean_image()
    run(trained, LoopConfig(tmp_path / "run", steps=60))
    after = trained.measure()
    assert after.keys() == mean.keys() and after["held_out_pixel"] < mean["held_out_pixel"]
    assert after["held_out_pixel"] < 0.8 * before["held_out_pixel"] and "held_out_identity" not in after
    assert InversionEncoder.from_pretrained(tmp_path / "run" / "inversion").to_detail is None


def test_the_style_stage_moves_the_upper_blocks_alone(decoder, images, tmp_path):
    torch.manual_seed(0)
    config = PaperStyleConfig(batch=4, group=2, from_side=16, noise="const", lr=0.005)
    def distance(x, y):
        return (x - y).square().mean(dim=(1, 2, 3))
    trained = PaperStyleStage(decoder, VideoSet(images, 16, clips=False), distance, None, config)
    w = torch.randn(2, 16)
    assert torch.equal(trained.generator(w), decoder(w))
    run(trained, LoopConfig(tmp_path, steps=4))
    before, after = decoder.state_dict(), trained.generator.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved and all(name.startswith("tops.16.blocks.16.") for name in moved)
    assert torch.equal(trained.generator.trunk(w), decoder.trunk(w))
    counted = sum(p.numel() for n, p in StyleGAN2().named_parameters() if block_side(decoder, n) >= 64)
    assert round(counted / 1e6, 2) == 3.24


def test_no_style_trains_the_mapping_and_each_chooses_its_precision(decoder, images):
    config = PaperStyleConfig(batch=4, group=2, from_side=0, half_blocks=1, half="bfloat16")
    made = PaperStyleStage(decoder, VideoSet(images, 16, clips=False), None, None, config)
    trained = {name.split(".")[0] for name, p in made.generator.named_parameters() if p.requires_grad}
    assert trained == {"const", "conv", "to_rgb", "blocks", "tops"} and made.generator.config.half_blocks == 1
    decoder.compute_in(torch.float32, 0)


def test_splits_hold_out_what_any_of_their_lists_names(images, tmp_path):
    (tmp_path / "splits.json").write_text(json.dumps({"faces": ["00.png"], "clips": ["01", "none"]}))
    train, held = inputs.read_data(images, 16, tmp_path / "splits.json", clips=False)
    assert held.videos == [["00.png"], ["01.png"]] and not {"00.png", "01.png"} & {video[0] for video in train.videos}


def test_held_out_frames_are_spread_over_all_videos(videos):
    frames = VideoSet(videos, 16)
    some = inputs.everything(frames, most=13)
    assert torch.equal(some, frames.images([divmod(i, 16) for i in range(0, 64, 5)])) and len(some) == 13
    assert len(inputs.everything(frames)) == 64


def test_held_out_frames_of_balanced_draws_are_as_many_of_each_video(videos):
    frames = VideoSet(videos, 16)
    some = inputs.each_video(frames, most=9)
    assert torch.equal(some, frames.images([(video, place) for video in range(4) for place in (4, 12)]))
    assert torch.equal(inputs.each_video(frames, most=2), frames.images([(0, 8), (2, 8)]))
    assert len(inputs.each_video(frames)) == 64
