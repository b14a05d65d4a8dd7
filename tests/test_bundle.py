"""The bundle that comes with the repository does what it is for: a photo of a face becomes a clip of that person."""

import numpy as np
import pytest
import torch
from conftest import BUNDLE
from safetensors.torch import load_file

from styleinv import Clip
from styleinv.checkpoint import check_manifest
from styleinv.clip.clip import read_recipe
from styleinv.clip.ffmpeg import read_frames
from styleinv.face.descriptor import descriptor, descriptor_distance
from styleinv.inversion import Inversion
from styleinv.models.ops import resize, to_uint8


@pytest.fixture(scope="module")
def inversion(pipe, sample_photo) -> Inversion:
    return pipe.invert(sample_photo, "fast")


@pytest.fixture(scope="module")
def clip(pipe, sample_photo) -> Clip:
    return pipe(sample_photo, likeness="fast", seconds=1, seed=1, size=256)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.square(a.astype(float) - b).mean())))


def test_bundle_is_small_half_precision_and_untouched():
    weights = list(BUNDLE.rglob("*.safetensors"))
    assert sum(path.stat().st_size for path in BUNDLE.rglob("*") if path.is_file()) < 120e6
    assert {str(tensor.dtype) for path in weights for tensor in load_file(path).values()} == {"torch.float16"}
    assert len(check_manifest(BUNDLE)) == len(weights) + len(list(BUNDLE.rglob("*.json")))


def test_bundle_names_no_folder_of_the_machine_that_made_it():
    assert not [path for path in BUNDLE.rglob("*.json") if "_name_or_path" in path.read_text()]


def test_inversion_is_the_same_person(inversion, sample_faces):
    assert inversion.crop.shape == inversion.image.shape == (256, 256, 3)
    assert inversion.likeness < 0.6
    distance = descriptor_distance(descriptor(inversion.crop), descriptor(inversion.image))
    assert distance == pytest.approx(inversion.likeness)
    stranger = descriptor_distance(descriptor(sample_faces[1]), descriptor(inversion.image))
    assert stranger > inversion.likeness


def test_close_is_closer_and_reports_its_steps(pipe, inversion):
    steps = []
    close = pipe.invert_crop(inversion.crop, "close", lambda *report: steps.append(report))
    assert psnr(close.image, inversion.crop) > psnr(inversion.image, inversion.crop)
    assert steps[0] == ("likeness", 1, len(steps)) and steps[-1] == ("likeness", len(steps), len(steps))


def test_paper_likeness_has_no_detail(pipe, inversion):
    assert not pipe.invert_crop(inversion.crop, "paper").detail.any()


def test_small_crops_have_an_honest_likeness(pipe, inversion):
    small = pipe.invert(inversion.crop[::2, ::2], "fast", aligned=True)
    assert small.crop.shape == (128, 128, 3) and small.likeness > 0.05


def test_clip_starts_at_the_inversion_and_stays_the_person(clip, inversion):
    assert psnr(clip.frames[0], inversion.image) >= 35
    for frame in (clip.frames[8], clip.frames[24]):
        assert descriptor_distance(descriptor(frame), descriptor(inversion.image)) < 0.6


def test_clip_plays_and_its_recipe_renders_it_again(pipe, clip, tmp_path):
    path = clip.save(tmp_path / "clip.mp4", mark=False, embed_recipe=True)
    frames = list(read_frames(path, 25))
    assert len(frames) == 25 and min(psnr(frame, clip.frames[i]) for i, frame in enumerate(frames)) > 30
    again = pipe.render(read_recipe(path))
    assert again.recipe["weights"].items() < pipe.weights.items() and np.array_equal(again.frames[17], clip.frames[17])


def test_same_photo_and_seed_same_clip(pipe, sample_photo, clip):
    again = pipe(sample_photo, likeness="fast", seconds=1, seed=1, size=256)
    assert again.recipe == clip.recipe and np.array_equal(again.frames[9], clip.frames[9])


def test_smaller_pictures_are_the_largest_one_shrunk(pipe):
    w = pipe.sample_face(11).w0[None]
    with torch.no_grad():
        largest = pipe.decoder.synthesis(w, 1024)
        found = {size: psnr(*(to_uint8(x)[0].numpy()
                              for x in (pipe.decoder.synthesis(w, size), resize(largest, size))))
                 for size in (256, 512)}
    assert min(found.values()) > 25


@pytest.mark.parametrize("size", [512, 1024])
def test_larger_sizes_show_the_same_picture(pipe, clip, size):
    large = pipe.sample(seed=4, seconds=0.04, size=size).frames[0]
    small = pipe.sample(seed=4, seconds=0.04, size=256).frames[0]
    step = size // 256
    assert psnr(large.reshape(256, step, 256, step, 3).mean((1, 3)), small) > 20
