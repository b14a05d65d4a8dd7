"""The field's metrics over stand-ins of the standard networks, closed forms, and our StyleGAN2 beside a plain one."""

import json
import mmap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from styleinv.__main__ import main
from styleinv.checkpoint import sha256
from styleinv.clip.ffmpeg import read_frames, write_mp4
from styleinv.errors import InputError
from styleinv.evaluation.compare import WINDOWS, compare, format_table
from styleinv.evaluation.speed import peak_memory
from styleinv.evaluation.speed_baseline import CASES, compare_to_baseline, plain_synthesis
from styleinv.evaluation.speed_baseline import format_table as race_table
from styleinv.metrics import standard
from styleinv.metrics.frechet import gaussian_distance
from styleinv.models.stylegan2 import StyleGAN2


class Inception(torch.nn.Module):
    """Mean colours as features; probabilities that ignore the image."""

    def forward(self, x: torch.Tensor, return_features: bool = False, no_output_bias: bool = False):
        if return_features:
            return x.float().mean(dim=(2, 3))
        return torch.full([len(x), 4], 0.25)


class I3D(torch.nn.Module):
    """Mean brightness, and how much it changes from one frame to the next."""

    def forward(self, x: torch.Tensor, rescale: bool = False, resize: bool = False, return_features: bool = False):
        assert rescale and resize and return_features and x.shape[1] == 3
        brightness = x.mean(dim=(1, 3, 4))
        return torch.stack([brightness.mean(dim=1), (brightness[:, 1:] - brightness[:, :-1]).mean(dim=1)], dim=1)


@pytest.fixture
def networks(tmp_path, monkeypatch) -> Path:
    """A folder of stand-ins, known by their own sums."""
    for name, network in (("INCEPTION", Inception()), ("I3D", I3D())):
        known = getattr(standard, name)
        torch.jit.script(network).save(tmp_path / known.file)
        monkeypatch.setattr(standard, name, replace(known, sha256=sha256(tmp_path / known.file)))
    return tmp_path


def clips(folder: Path, slope: float, count: int = 6, length: int = 20, fps: float = 25) -> Path:
    """Grey videos that brighten by `slope` levels a frame."""
    folder.mkdir()
    for i in range(count):
        frames = [np.full((16, 16, 3), 40 + 10 * i + slope * t, np.uint8) for t in range(length)]
        write_mp4(folder / f"{i}.mp4", frames, fps, 1)
    return folder


def test_frechet_distance_of_known_gaussians():
    a, b = np.diag([1.0, 4.0]), np.diag([9.0, 16.0])
    assert gaussian_distance(np.zeros(2), a, np.array([3.0, 4.0]), b) == pytest.approx(25 + 4 + 4)  # sum (s_a - s_b)^2
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0]
    assert gaussian_distance(np.zeros(2), turn @ a @ turn.T, np.zeros(2), turn @ b @ turn.T) == pytest.approx(8)
    singular = np.outer([1.0, 1], [1, 1])
    assert gaussian_distance(np.zeros(2), singular, np.zeros(2), singular) == pytest.approx(0, abs=1e-7)


def test_inception_score_of_known_classes():
    assert standard.inception_score(np.eye(8)[np.arange(80) % 8])[0] == pytest.approx(8)
    assert standard.inception_score(np.full((40, 8), 1 / 8)) == (pytest.approx(1), pytest.approx(0))


def test_kernel_score_is_about_zero_for_one_distribution():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(400, 4)), rng.normal(size=(300, 4))
    assert abs(standard.kernel_score(a, b, subsets=10)) < 0.02 < standard.kernel_score(a + 1, b, subsets=10)


def test_windows_are_the_field_s():
    assert {name: window.span for name, window in WINDOWS.items()} == {
        "fvd_16": 16, "fvd_128": 128, "fvd_128_by_8": 121, "fvd_512_by_4": 509}


def test_equal_clips_are_nearer_than_others_and_networks_are_named(networks, tmp_path):
    real, same, faster = clips(tmp_path / "a", 1.0), clips(tmp_path / "b", 1.0), clips(tmp_path / "c", 4.0)
    near, far = (compare(real, fake, networks, images=96, clips=6, size=16) for fake in (same, faster))
    assert near["fid"] < far["fid"] and near["fvd_16"]["value"] < 0.1 * far["fvd_16"]["value"]
    assert near["images"] == 96 and near["fvd_16"]["clips"] == 6 and near["is"] == pytest.approx(1)
    assert "fvd_128" not in near and "0 real and 0 generated clips have 128 frames" in near["left_out"]["fvd_128"]
    assert "FVD 128 left out: 0 real" in format_table(near)
    table = format_table(near)
    assert standard.INCEPTION.what in table and standard.I3D.what in table and "FVD 16" in table


def test_the_command_prints_and_writes_the_figures(networks, tmp_path, capsys):
    real = clips(tmp_path / "a", 1.0, count=3)
    assert main(["compare", str(real), str(real), "--networks", str(networks), "--images", "20", "--clips", "4",
                 "--windows", "fvd_16", "--json", str(tmp_path / "r.json")]) == 0
    assert "| FID |" in capsys.readouterr().out and json.loads((tmp_path / "r.json").read_text())["images"] == 20


def test_videos_are_compared_by_the_frames_that_they_store(networks, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        # 15 at 25 per second
        write_mp4(tmp_path / f"{name}.mp4", list(rng.integers(0, 255, (18, 32, 32, 3), np.uint8)), 30, 16)
    stored, brought = (
        compare(tmp_path, tmp_path, networks, images=8, clips=2, size=16, windows=("fvd_16",), fps=fps)
        for fps in (None, 25))
    assert stored["fvd_16"]["clips"] == 2 and "fvd_16" in brought["left_out"]


@pytest.mark.parametrize("option", [
    ["--images", "1"], ["--images", "-5"], ["--clips", "0"], ["--clips", "1"], ["--fps", "0"],
])
def test_numbers_that_give_no_figure_end_in_one_sentence(option, networks, tmp_path, capsys):
    real = clips(tmp_path / "a", 1.0, count=2)
    try:
        code: int | str | None = main(["compare", str(real), str(real), "--networks", str(networks), *option])
    except SystemExit as end:               # the parser refuses a number by itself
        code = end.code
    assert code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_images_in_no_folder_count_one_by_one(networks, tmp_path):
    (tmp_path / "images").mkdir()
    for i in range(20):
        Image.new("RGB", (16, 16), (10 * i, 0, 0)).save(tmp_path / "images" / f"{i:02}.png")
    report = compare(tmp_path / "images", tmp_path / "images", networks, images=50, size=16)
    assert report["images"] == 20 and "0 real and 0 generated" in report["left_out"]["fvd_16"]
    (tmp_path / "one").mkdir()
    (tmp_path / "images" / "00.png").rename(tmp_path / "one" / "00.png")
    with pytest.raises(InputError, match="single image"):
        compare(tmp_path / "images", tmp_path / "one", networks, size=16)


def test_two_rates_are_remarked_unless_videos_are_brought_to_one(networks, tmp_path):
    real, fake = clips(tmp_path / "a", 1.0, count=2), clips(tmp_path / "b", 1.0, count=2, fps=50)
    stored, brought = (compare(real, fake, networks, images=8, size=16, windows=(), fps=fps) for fps in (None, 25))
    assert "real clips have 25 frames per second and generated ones 50" in format_table(stored)
    assert "remark" not in brought and "remark" not in compare(real, real, networks, images=8, size=16, windows=())


def test_only_generated_images_are_classified_and_real_videos_are_decoded_once(networks, tmp_path, monkeypatch):
    real, fake, seen, decoded = (
        clips(tmp_path / "a", 1.0, count=3), clips(tmp_path / "b", 1.0, count=2, length=4), [], [])
    classes = standard.image_classes
    monkeypatch.setattr(standard, "image_classes",
                        lambda network, images: seen.append(len(images)) or classes(network, images))
    monkeypatch.setattr("styleinv.data.video_set.KEPT", 0)
    monkeypatch.setattr("styleinv.data.video_set.read_frames",
                        lambda path, fps: decoded.append(path.parent) or read_frames(path, fps))
    monkeypatch.setattr(standard, "BATCH", 64)
    assert compare(real, fake, networks, images=40, size=16, windows=())["images"] == sum(seen) == 8
    assert decoded.count(real) == 2 * 3 and decoded.count(fake) == 2 * 2       # to be counted, and to be seen


def test_another_network_is_no_fid(networks, tmp_path, capsys):
    real = clips(tmp_path / "a", 1.0, count=2)
    torch.jit.script(I3D()).save(networks / standard.INCEPTION.file)
    assert main(["compare", str(real), str(real), "--networks", str(networks)]) == 2
    assert "sha256" in capsys.readouterr().err
    (networks / standard.INCEPTION.file).unlink()
    assert main(["compare", str(real), str(real), "--networks", str(networks)]) == 2
    assert standard.INCEPTION.url in capsys.readouterr().err


def test_a_network_is_missed_before_the_work(networks, tmp_path):
    real, worked = clips(tmp_path / "a", 1.0, count=2), []
    (networks / standard.I3D.file).unlink()
    with pytest.raises(InputError, match="i3d"):
        compare(real, real, networks, images=8, size=16, progress=lambda *step: worked.append(step))
    assert not worked and compare(real, real, networks, images=8, size=16, windows=())["images"] == 8


def test_a_missing_network_is_fetched_and_checked(networks, tmp_path, monkeypatch):
    kept = (networks / standard.INCEPTION.file).rename(networks / "elsewhere.pt")
    with pytest.raises(InputError, match="missing"):
        standard.load_standard(standard.INCEPTION, networks)
    local = replace(standard.INCEPTION, url=kept.as_uri())
    assert standard.load_standard(local, networks, download=True) is not None
    assert sha256(networks / local.file) == local.sha256
    with pytest.raises(InputError, match="fetched"):
        standard.load_standard(replace(local, file="x.pt", url=(tmp_path / "none").as_uri()), networks, download=True)
    assert not (networks / "x.pt").exists()


@pytest.mark.skipif(peak_memory() is None, reason="the system does not report memory")
def test_memory_does_not_grow_with_the_clips(networks, tmp_path):
    real, used = clips(tmp_path / "a", 1.0, count=2), []
    def note(what, done, total):
        return used.append(int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE / 1e6)
    compare(real, real, networks, images=32, clips=80, windows=("fvd_16",), progress=note)
    assert max(used[-80:]) - used[-80] < 100                                # MB; a clip has 3, and 13 as numbers


@pytest.fixture
def small() -> StyleGAN2:
    torch.manual_seed(0)
    network = StyleGAN2(size=16, base=128, widest=16, z_dim=16, w_dim=16, mapping_layers=2,
                        trunk_resolution=8).requires_grad_(False)
    for name, parameter in network.named_parameters():
        if name.endswith("strength"):
            torch.nn.init.constant_(parameter, 0.3)
    return network


def test_the_plain_recipe_draws_the_same_image_in_float32_whatever_ours_computes_in(small):
    w = torch.randn(3, 16)
    image = plain_synthesis(small, w)
    assert torch.allclose(image, small(w), atol=1e-4)
    small.compute_in(torch.bfloat16, 99)
    assert torch.equal(plain_synthesis(small, w), image)


@pytest.mark.parametrize("bfloat16", [True, False])
def test_the_race_reports_both(small, bfloat16):
    report = compare_to_baseline(calls=1, network=small, bfloat16=bfloat16)
    assert report["cases"].keys() == {name for name, (dtype, _) in CASES.items() if bfloat16 or dtype == torch.float32}
    for name, figures in report["cases"].items():
        assert figures["ratio"] == pytest.approx(figures["ours_fps"] / figures["baseline_fps"])
        assert figures["difference"] < (1e-4 if "float32" in name else 0.2)
    assert ("No case" in race_table(report)) is not bfloat16
