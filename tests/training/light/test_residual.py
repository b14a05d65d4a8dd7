"""Residuals of the trunk: the encoder, its photos, and the stage that trains it, with small random networks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from styleinv.checkpoint import load_network, save_network
from styleinv.errors import InputError
from styleinv.models.inversion import InversionEncoder
from styleinv.models.mobile_stylegan import MobileDecoder
from styleinv.models.residual import ResidualEncoder
from styleinv.training.light.planted import Landmarks
from styleinv.training.light.residual import ResidualConfig, ResidualStage, blotches
from styleinv.training.light.residual_data import REFINED, photo_files, read_photos, with_refined

W_DIM = 32
TINY = {"trunk_channels": 16, "fine_width": 8, "width": 16, "depth": 1}


@pytest.fixture(scope="module")
def decoder() -> MobileDecoder:
    torch.manual_seed(0)
    decoder = MobileDecoder(channels=(16,) * 6, sizes=(128, 256), w_dim=W_DIM).eval().requires_grad_(False)
    torch.nn.init.normal_(decoder.tops["256"].to_rgb.conv.weight)       # so that features are seen
    return decoder


@pytest.fixture(scope="module")
def encoder(decoder) -> InversionEncoder:
    torch.manual_seed(1)
    return InversionEncoder("tiny", input_size=32, spatial=4, hidden=16, num_ws=decoder.num_ws,
                            w_dim=W_DIM).eval().requires_grad_(False)


@pytest.fixture
def data(tmp_path) -> Path:
    """Six photos, of which one is held out, and the negatives of two."""
    for name in ("faces", "ink"):
        (tmp_path / name).mkdir()
    for number in range(6):
        pixels = np.full((40, 40, 3), 40 * number, np.uint8)
        pixels[10:30, 5 + 3 * number : 20 + 3 * number] = 250
        Image.fromarray(pixels).save(tmp_path / "faces" / f"{number}.png")
        if number in (1, 2):
            Image.fromarray(255 - pixels).save(tmp_path / "ink" / f"{number}.png")
    (tmp_path / "splits.json").write_text('{"faces_eval": ["5"]}')
    return tmp_path


@pytest.fixture
def stage(data, decoder, encoder) -> ResidualStage:
    torch.manual_seed(2)
    photos, held_out = (
        read_photos(photo_files(data, None, kept), data / f"{kept}.pt", encoder, {"ink": data / "ink"} if not kept
                    else {}) for kept in (False, True))

    class Distance(torch.nn.Module):
        def forward(self, a, b):
            return (a - b).square().mean((1, 2, 3))

    landmarks = Landmarks(torch.zeros(W_DIM), torch.rand(136), torch.zeros(136, W_DIM))
    tops = {name: decoder.tops["256"] for name in ("ink", "other")}
    config = ResidualConfig(steps=40, lr=0.02, planted=0.2)
    return ResidualStage(ResidualEncoder(**TINY), decoder, tops, photos, held_out, Distance(), landmarks, config)


def test_refined_inversions_join_the_restyled_photos(data, decoder, encoder):
    photos = read_photos(photo_files(data, None, False), data / "cache.pt", encoder, {"ink": data / "ink"})
    both, again = (with_refined(photos, encoder, decoder, 1, data / "refined.pt") for _ in range(2))
    first, *others = sorted(photos.restyled["ink"])
    added = [place for place in both.restyled["ink"] if place >= len(photos.images)]
    assert len(added) == REFINED == len(both.images) - len(photos.images) and others
    for place in added:
        assert np.array_equal(both.images[place], photos.images[first])
        assert torch.equal(both.truth("ink", [place]), photos.truth("ink", [first]))
        assert not torch.equal(both.ws([place]), photos.ws([first]))
    assert torch.equal(both.w0, again.w0) and with_refined(photos, encoder, decoder, 0, data / "none.pt") is photos


@pytest.mark.parametrize("side", [128, 256, 512])
def test_untrained_it_adds_nothing_to_a_photo_of_any_size(decoder, side):
    ws = torch.randn(2, decoder.num_ws, W_DIM)
    trunk = decoder.trunk(ws)
    found = ResidualEncoder(**TINY)(torch.rand(2, 3, side, side), decoder.top(trunk, ws, 256), trunk)
    assert found.shape == trunk.shape and not found.any()


def test_one_face_is_as_in_a_batch_and_after_saving(tmp_path, decoder):
    network = ResidualEncoder(**TINY).eval()
    torch.nn.init.normal_(network.to_residual.weight)
    save_network(network.half().float(), tmp_path)
    photo, trunk = torch.rand(3, 3, 256, 256), torch.randn(3, 16, 32, 32)
    with torch.no_grad():
        both = network(photo, 1 - photo, trunk)
        assert torch.allclose(network(photo[1:2], 1 - photo[1:2], trunk[1:2])[0], both[1], atol=1e-4)
        assert torch.equal(load_network(ResidualEncoder, tmp_path)(photo, 1 - photo, trunk), both)


def test_photos_are_split_and_find_their_restyled_ones(data, encoder):
    (data / "more").mkdir()
    (data / "more" / "x.png").write_bytes((data / "faces" / "0.png").read_bytes())
    assert [p.stem for p in photo_files(data, data / "more", False)] == ["0", "1", "2", "3", "4", "x"]
    assert [p.stem for p in photo_files(data, data / "more", True)] == ["5"]
    photos = read_photos(photo_files(data, None, False), data / "cache.pt", encoder, {"ink": data / "ink"})
    assert list(photos.restyled["ink"]) == [1, 2]
    assert torch.allclose(photos.truth("ink", [2]), -photos.photos([2]), atol=0.01)
    (data / "none").mkdir()
    with pytest.raises(InputError, match="none has no restyled photo under its own name: check the folder"):
        read_photos(photo_files(data, None, False), data / "cache.pt", encoder, {"ink": data / "none"})


def test_training_brings_the_picture_nearer_to_the_photo(stage, tmp_path):
    before = stage.measure()
    assert before["raw"] == before["raw_before"]
    lines = [stage.step(step) for step in range(40)]
    after = stage.measure()
    assert after["raw"] < 0.97 * before["raw"] and after["raw_before"] == before["raw_before"]
    assert {name for line in lines for name in line} == {"pixel", "perceptual", "small", "styled", "clean"}
    assert set(stage.snapshot(tmp_path)) == set(after) and (tmp_path / "sheet.png").is_file()
    assert load_network(ResidualEncoder, tmp_path / "residual").config.depth == 1


def test_blotches_are_edges_that_neither_photo_nor_style_has():
    smooth, drawn = torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    drawn[..., 30:34, 30:34] = 1
    assert blotches(drawn, smooth, smooth) > 10 * blotches(drawn, smooth, drawn) > 0
    assert blotches(smooth, smooth, smooth) == 0
