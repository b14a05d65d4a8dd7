"""Networks of losses by others' files, built here by their names, judge as a plain reading of those files does."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from styleinv.__main__ import main
from styleinv.errors import InputError
from styleinv.importers.losses import KINDS, SCALE, SHIFT
from styleinv.importers.stylegan2 import arcface
from styleinv.losses.identity import ArcFace
from styleinv.losses.lpips import LPIPSAlex, PerceptualDistance


class Gate(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(width, width // 16, 1, bias=False), nn.Conv2d(width // 16, width, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))))


class TheirUnit(nn.Module):
    def __init__(self, a: int, b: int, stride: int):
        super().__init__()
        self.res_layer = nn.Sequential(nn.BatchNorm2d(a), nn.Conv2d(a, b, 3, 1, 1, bias=False), nn.PReLU(b),
                                       nn.Conv2d(b, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), Gate(b))
        self.shortcut_layer = nn.MaxPool2d(1, stride) if a == b else nn.Sequential(
            nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.res_layer(x) + self.shortcut_layer(x)


class Theirs(nn.Module):
    """ArcFace IR-SE50 by the names of model_ir_se50.pth."""

    def __init__(self):
        super().__init__()
        self.input_layer = nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64))
        widths = [64] * 3 + [128] * 4 + [256] * 14 + [512] * 3
        self.body = nn.Sequential(*(
            TheirUnit(a, b, 2 if i in (0, 3, 7, 21) else 1) for i, (a, b) in enumerate(zip([64, *widths], widths))))
        self.output_layer = nn.Sequential(nn.BatchNorm2d(512), nn.Dropout(), nn.Flatten(), nn.Linear(512 * 49, 512),
                                          nn.BatchNorm1d(512))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        face = F.adaptive_avg_pool2d(images[:, :, 35:223, 32:220], 112)
        x = self.output_layer(self.body(self.input_layer(face)))
        return x / x.norm(dim=1, keepdim=True)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory) -> tuple[Theirs, Path]:
    """The recogniser with random weights and statistics, and its file."""
    torch.manual_seed(0)
    network, path = Theirs().eval().requires_grad_(False), tmp_path_factory.mktemp("theirs") / "model_ir_se50.pth"
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            for value in (layer.running_mean, layer.bias, layer.running_var, layer.weight):
                value.add_(torch.rand_like(value) * 0.2)
    network.half().float()              # a file of half the size
    torch.save({name: value.half() if value.ndim else value for name, value in network.state_dict().items()}, path)
    return network, path


@pytest.fixture(scope="module")
def network(theirs, tmp_path_factory) -> ArcFace:
    folder = tmp_path_factory.mktemp("networks")
    assert main(["convert", "arcface", str(theirs[1]), str(folder)]) == 0
    return ArcFace.from_file(folder / "identity" / "arcface.safetensors")


def test_arcface_embeds_as_its_file_does(theirs, network):
    images = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(1)) * 2 - 1
    known, found = theirs[0](images), network(images)
    assert torch.allclose(found, known, atol=1e-5) and found.shape == (2, 512) and (known[0] - known[1]).norm() > 0.05
    assert (torch.allclose(found.norm(dim=1), torch.ones(2))
            and torch.allclose(network(images[1:]), found[1:], atol=1e-5))


def test_arcface_sees_the_crop_and_no_more(network):
    image = torch.rand(1, 3, 256, 256) * 2 - 1
    around, at_corners = image.clone(), image.clone()
    inside = torch.zeros(256, 256, dtype=torch.bool)
    inside[35:223, 32:220] = True
    around[:, :, ~inside] = 1
    at_corners[:, :, (35, 222), (32, 219)] = 5
    assert torch.equal(network(around), network(image)) and not torch.equal(network(at_corners), network(image))


def test_arcface_takes_any_size_and_passes_gradients(network):
    small = torch.rand(1, 3, 64, 64, requires_grad=True)
    assert torch.allclose(network(small), network(small.repeat_interleave(4, 2).repeat_interleave(4, 3)), atol=1e-5)
    network(small)[0, 0].backward()
    assert small.grad.isfinite().all() and small.grad.any() and not any(p.requires_grad for p in network.parameters())


def test_the_body_is_where_the_encoder_starts(theirs, network):
    body = arcface(theirs[1])
    assert body.keys() == network.body.state_dict().keys()
    assert all(torch.equal(body[name], value) for name, value in network.body.state_dict().items())


def lpips_files(network: PerceptualDistance, folder: Path) -> tuple[str, str]:
    """What torchvision and LPIPS would publish of a network."""
    state = network.state_dict()
    torch.save({name: value for name, value in state.items() if name.startswith("features.")}
               | {"classifier.1.weight": torch.ones(2)}, folder / "backbone.pth")
    torch.save({name.replace(".weight", ".model.1.weight"): value for name, value in state.items()
                if name.startswith("lin")}, folder / "lin.pth")
    return str(folder / "backbone.pth"), str(folder / "lin.pth")


@pytest.mark.parametrize("kind", ["lpips-alex", "lpips-vgg", "lpips-squeeze"])
def test_lpips_measures_as_its_files_do(kind, tmp_path):
    torch.manual_seed(0)
    known = KINDS[kind].network().eval().requires_grad_(False)
    known.features.shift, known.features.scale, known.features.bgr = (
        torch.tensor(SHIFT)[:, None, None], torch.tensor(SCALE)[:, None, None], False)
    backbone, lin = lpips_files(known, tmp_path)
    assert main(["convert", kind, backbone, str(tmp_path / "networks"), "--lin", lin]) == 0
    found = KINDS[kind].network.from_file(tmp_path / "networks" / KINDS[kind].place)
    x, y = torch.rand(2, 1, 3, 64, 64) * 2 - 1
    assert torch.allclose(found(x, y), known(x, y), rtol=1e-4)
    if kind != "lpips-squeeze":             # there the scaling of the input went into the first layer
        assert all(torch.equal(value, found.state_dict()[name]) for name, value in known.state_dict().items())


def refused(arguments: list[str], capsys) -> str:
    assert main(["convert", *arguments]) == 2
    text = capsys.readouterr().err
    assert text.count("\n") == 1 and text.endswith(".\n")
    return text


def test_other_files_are_refused_with_where_to_get_the_right_ones(tmp_path, capsys):
    backbone, lin = lpips_files(LPIPSAlex(), tmp_path)
    out, vgg = str(tmp_path / "out"), KINDS["lpips-vgg"]
    torch.save([1], tmp_path / "list.pth")
    assert vgg.heads in refused(["lpips-vgg", backbone, out], capsys)
    assert vgg.source in refused(["lpips-vgg", backbone, out, "--lin", lin], capsys)
    assert vgg.source in refused(["lpips-vgg", "none.pth", out, "--lin", lin], capsys)
    assert vgg.heads in refused(["lpips-vgg", backbone, out, "--lin", "none.pth"], capsys)
    assert "InsightFace" in refused(["arcface", str(tmp_path / "list.pth"), out], capsys)
    assert "InsightFace" in refused(["arcface", backbone, out], capsys)
    for kind in ("arcface", "rosinality", "random-face"):
        assert "--lin" in refused([kind, backbone, out, "--lin", lin], capsys)
    assert not Path(out).exists()
    Path(out).write_text("a file")
    assert "cannot be made" in refused(["lpips-alex", backbone, out, "--lin", lin], capsys)


def test_odd_weights_are_refused(theirs, tmp_path, capsys):
    _backbone, lin = lpips_files(LPIPSAlex(), tmp_path)
    state = torch.load(theirs[1], weights_only=True)
    wrong = {"whole": state | {"input_layer.0.weight": state["input_layer.0.weight"].int()},
             "flat": state | {"input_layer.1.bias": torch.ones(3)},
             "short": {name: value for name, value in state.items() if "body.23" not in name},
             "other": {"a": torch.ones(1)}}
    for content in wrong.values():
        torch.save(content, tmp_path / "wrong.pth")
        with pytest.raises(InputError, match="model_ir_se50"):
            arcface(tmp_path / "wrong.pth")
    for content in ({"features.0.weight": torch.ones(2), "features.0.bias": torch.ones(2)},
                    {"features.0.weight": torch.ones(2)}):
        torch.save(content, tmp_path / "wrong.pth")
        refused(["lpips-alex", str(tmp_path / "wrong.pth"), str(tmp_path / "out"), "--lin", lin], capsys)
