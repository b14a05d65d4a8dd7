"""The person matte: the network's form, the importer's refusals, and what the shipped weights say of a drawn face."""

import contextlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import BUNDLE
from tflite_file import ORDER, tflite

from styleinv.checkpoint import load_network, save_network
from styleinv.errors import InputError
from styleinv.importers.selfie import MEMBER, selfie
from styleinv.models.matte import BLOCKS, Conv, MatteNetwork, box_mean, guided_upsample

LAYOUT = ((3, 2, 8, 8, 4, False), (5, 2, 16, 16, 4, True), (3, 1, 16, 16, 0, False))


@pytest.fixture(scope="module")
def small() -> MatteNetwork:
    torch.manual_seed(0)
    return MatteNetwork(8, LAYOUT, 16, size=64).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def full() -> MatteNetwork:
    """The shipped form with random weights that float16 holds exactly."""
    torch.manual_seed(1)
    return MatteNetwork().half().float().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def shipped() -> MatteNetwork:
    if not (BUNDLE / "matte").is_dir():
        pytest.skip("the matte is not in checkpoints/ffhq")
    return load_network(MatteNetwork, BUNDLE / "matte")


def images(count: int, size: int) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(2)) * 2 - 1


@pytest.mark.parametrize("size", [64, 96])
def test_shape_and_range(small, size):
    matte = small(images(2, size))
    assert matte.shape == (2, 1, size, size)
    assert 0 <= matte.min() < matte.max() <= 1


def test_a_batch_gives_what_each_image_gives(small):
    batch = images(3, 64)
    torch.testing.assert_close(small(batch), torch.cat([small(image[None]) for image in batch]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kernel", [3, 5])
def test_at_stride_two_a_window_begins_where_tflites_does(kernel):
    conv = Conv(1, 1, kernel, 2).requires_grad_(False)
    torch.nn.init.zeros_(conv.weight)[0, 0, 0, 0] = 1       # reads the first pixel of its window
    torch.nn.init.zeros_(conv.bias)
    image = torch.arange(64.0).reshape(1, 1, 8, 8)
    before = (kernel - 2) // 2                              # of kernel - 2 rows of padding
    assert conv(image).shape == (1, 1, 4, 4)
    assert conv(image)[0, 0, 2, 2] == image[0, 0, 4 - before, 4 - before]


def test_it_comes_back_as_it_was_saved(small, tmp_path):
    save_network(small, tmp_path)
    again = load_network(MatteNetwork, tmp_path)
    assert again.config.size == 64
    torch.testing.assert_close(again(images(1, 64)), small(images(1, 64)), atol=1e-3, rtol=0)


def test_box_mean_is_the_mean_of_the_window():
    x = torch.rand(1, 2, 12, 9, generator=torch.Generator().manual_seed(3))
    mean = box_mean(x, 2)
    assert mean.shape == x.shape
    torch.testing.assert_close(mean[..., 5, 4], x[..., 3:8, 2:7].mean((2, 3)))
    torch.testing.assert_close(box_mean(torch.ones(1, 1, 6, 6), 2), torch.ones(1, 1, 6, 6))


def test_the_mattes_edge_moves_to_the_photos():
    guide = torch.full((1, 3, 128, 128), -0.8)
    guide[..., 65:] = 0.8
    low = torch.nn.functional.avg_pool2d(guide, 2)
    rough = torch.linspace(0, 1, 64).sub(0.5).mul(12).sigmoid().expand(1, 1, 64, 64)
    row = guided_upsample(rough, low, guide)[0, 0, 64]
    assert row[65] - row[64] > 0.15                         # the rough matte's steps are below 0.03
    flat = guided_upsample(torch.full((1, 1, 64, 64), 0.7), low, guide)
    torch.testing.assert_close(flat, torch.full((1, 1, 128, 128), 0.7), atol=1e-3, rtol=0)


@pytest.mark.parametrize("shape", [(64, 64), (50, 131), (300, 97), (1, 1)])
def test_a_photo_of_any_size(small, shape):
    photo = np.random.default_rng(4).integers(0, 256, (*shape, 3), dtype=np.uint8)
    photo.flags.writeable = False
    matte = small.of_photo(photo)
    assert matte.shape == shape and matte.dtype == np.float32
    assert matte.min() >= 0 and matte.max() <= 1


def packed(data: bytes, folder: Path, name: str = MEMBER) -> Path:
    """A tarball as npm packs one."""
    with tarfile.open(folder / "package.tgz", "w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return folder / "package.tgz"


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        selfie(path)
    return str(caught.value)


def test_weights_come_from_the_tarball_and_from_the_file(full, tmp_path):
    data = tflite(full)
    (tmp_path / "a.tflite").write_bytes(data)
    for path in (tmp_path / "a.tflite", packed(data, tmp_path)):
        state = selfie(path).state_dict()
        assert state.keys() == full.state_dict().keys()
        assert all(torch.equal(state[name], value) for name, value in full.state_dict().items())


@pytest.mark.parametrize(("change", "word"), [
    ({"order": ORDER[:-1]}, "layers"),
    ({"order": ORDER.replace("w", "r", 1)}, "layers"),
    ({"order": ORDER + "s"}, "layers"),
    ({"order": ORDER.replace("p", "?")}, "layers"),
    ({"size": 144}, "layers"),
    ({"fused": 1}, "activation"),
    ({"kind": 0}, "float16"),
])
def test_another_model_is_refused(full, tmp_path, change, word):
    (tmp_path / "a.tflite").write_bytes(tflite(full, **change))
    assert word in refusal(tmp_path / "a.tflite")


@pytest.mark.parametrize(("first", "word"), [
    ((5, 2, 16, 16, 8, False), "shape"),
    ((3, 2, 24, 16, 8, False), "shape"),
    ((3, 2, 16, 16, 8, True), "layers"),
])
def test_another_first_block_is_refused(tmp_path, first, word):
    other = MatteNetwork(layout=(first, *BLOCKS[1:]))
    (tmp_path / "a.tflite").write_bytes(tflite(other, order=ORDER.replace("dr", "dw", 1) if first[-1] else ORDER))
    assert word in refusal(tmp_path / "a.tflite")


def test_another_stride_is_refused(full, tmp_path):
    other = MatteNetwork()
    other.load_state_dict(full.state_dict())
    other.blocks[2].depthwise.stride = (2, 2)
    (tmp_path / "a.tflite").write_bytes(tflite(other))
    assert "stride" in refusal(tmp_path / "a.tflite")


def test_weights_that_are_not_finite_are_refused(full, tmp_path):
    other = MatteNetwork()
    other.load_state_dict(full.state_dict() | {"stem.bias": torch.full((16,), torch.nan)})
    (tmp_path / "a.tflite").write_bytes(tflite(other))
    assert "finite" in refusal(tmp_path / "a.tflite")


def test_damaged_and_missing_files_end_in_one_sentence(full, tmp_path):
    data = tflite(full)
    half, empty, astray = data[: len(data) // 2], data[:8] + bytes(999), b"\xff" * 4 + data[4:]
    for broken in (b"", data[:7], half, empty, astray, data + bytes(1 << 20)):
        (tmp_path / "a.tflite").write_bytes(broken)
        assert "name the tarball of" in refusal(tmp_path / "a.tflite")
    assert "package/selfie" in refusal(packed(data, tmp_path, "package/other.tflite"))
    (tmp_path / "b.tgz").write_bytes(data)
    assert "\n" not in refusal(tmp_path / "b.tgz")
    assert "No such file" in refusal(tmp_path / "none.tgz")


def test_changed_bytes_never_end_in_another_error(full, tmp_path):
    data, rng = tflite(full), np.random.default_rng(5)
    for _ in range(40):
        changed = bytearray(data)
        for at in rng.integers(0, len(data), 200):
            changed[at] = rng.integers(256)
        (tmp_path / "a.tflite").write_bytes(changed)
        with contextlib.suppress(InputError):       # where weights alone were hit, there is nothing to see
            selfie(tmp_path / "a.tflite")


def test_the_shipped_matte_finds_a_drawn_face(shipped, pipe):
    matte = shipped.of_photo(pipe.sample_face(3).image)
    side = len(matte)
    eighth = side // 8
    assert matte[3 * eighth : 5 * eighth, 3 * eighth : 5 * eighth].min() > 0.95
    assert matte[:eighth, :eighth].max() < 0.05 and matte[:eighth, -eighth:].max() < 0.05


def test_the_shipped_matte_hardly_changes_with_the_photos_size(shipped, pipe):
    person = pipe.sample_face(3).image
    large = np.repeat(np.repeat(person, 2, axis=0), 2, axis=1)
    assert np.abs(shipped.of_photo(large)[::2, ::2] - shipped.of_photo(person)).mean() < 0.01
