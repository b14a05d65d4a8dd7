"""Foreign checkpoints -> our folders of config.json and safetensors. Reading a file never runs code from it."""

import io
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import numpy as np
import torch

from ..errors import InputError
from ..models.mobile_stylegan import MobileDecoder


def random_face(wheel: str | Path) -> MobileDecoder:
    """The FFHQ generator of the PyPI wheel `random-face` as a :class:`MobileDecoder`.

    The stored 1024 px network is exact; the smaller tops start from its blocks, and `styleinv train tops` fits
    and trains them.

    Raises:
        InputError: the file is not that wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            mapping = _constants(archive, "MappingNetwork")
            synthesis = _constants(archive, "SynthesisNetwork")
        decoder = MobileDecoder()
        _fill_mapping(decoder, mapping)
        _fill_synthesis(decoder, dict(synthesis), [v for _, v in synthesis])
    except Exception as error:          # another archive, or a damaged one, can raise anything
        get = "run `pip download --no-deps random-face` and name the file it saves"
        raise InputError(f"{wheel} is not the random-face wheel: {get}.") from error
    return decoder.eval()


def _constants(archive: zipfile.ZipFile, network: str) -> list[tuple[str, torch.Tensor]]:
    """All float constants of an OpenVINO IR v10 graph, in the graph's order."""
    blob = archive.read(f"random_face/data/{network}.bin")
    graph = ElementTree.parse(io.BytesIO(archive.read(f"random_face/data/{network}.xml"))).getroot()
    constants = []
    for layer in graph.iterfind("layers/layer[@type='Const']"):
        data = {key: value for part in layer.iterfind("data") for key, value in part.items()}
        if data["element_type"] == "f32":
            shape = [int(n) for n in data["shape"].split(",") if n.strip()]
            values = np.frombuffer(blob, "<f4", int(data["size"]) // 4, int(data["offset"]))
            constants.append((layer.attrib["name"], torch.from_numpy(values.copy()).view(shape)))
    return constants


@torch.no_grad()
def _fill_mapping(decoder: MobileDecoder, constants: list[tuple[str, torch.Tensor]]) -> None:
    weights = [v for _, v in constants if v.ndim == 2 and v.numel() > 1]
    biases = [v for _, v in constants if v.ndim == 1 and v.numel() > 1]
    for layer, weight, bias in zip(decoder.mapping.layers, weights, biases, strict=True):
        layer.weight.copy_(weight / layer.weight_gain)
        layer.bias.copy_(bias / layer.lr_mul)
    z = torch.randn(100_000, weights[0].shape[1], generator=torch.Generator().manual_seed(0))
    decoder.mapping.w_avg.copy_(decoder.mapping(z).mean(dim=0))


@torch.no_grad()
def _fill_synthesis(decoder: MobileDecoder, named: dict[str, torch.Tensor], in_order: list[torch.Tensor]) -> None:
    decoder.const.copy_(named["m.input.input"])
    # The folded weights and the noise have no name: they follow one another in the order of the layers.
    maps = [v for v in in_order if v.ndim == 4]
    pointwise = iter([v for v in maps if v.shape[0] > 12 and v.shape[1] > 1 and v.shape[2] in (1, 3)])
    noise = iter([v for v in maps if v.shape[:2] == (1, 1) and v.shape[2] > 1])
    # Stored last layer first; [0] is the head's.
    scales = iter([v.item() for v in in_order if v.shape == (1, 1, 1, 1)][:0:-1])
    layers = [("m.conv1", decoder.conv)]
    for i, block in enumerate([*decoder.blocks, *decoder.tops["1024"].blocks.values()]):
        _fill_affine(block.affine, named, f"m.layers.{i}.up.modulation", 1.0)
        layers += [(f"m.layers.{i}.conv1", block.conv0), (f"m.layers.{i}.conv2", block.conv1)]
    for name, layer in layers:
        _fill_affine(layer.affine, named, f"{name}.conv.modulation", next(scales))
        layer.bias.copy_(named[f"{name}.bias"].flatten())
        layer.noise.copy_(next(noise))
        if layer is decoder.conv:
            layer.weight.copy_(next(pointwise))
        else:
            layer.depthwise.copy_(named[f"{name}.conv.weight_dw"].squeeze(1))
            layer.pointwise.copy_(next(pointwise))
    head = decoder.tops["1024"].to_rgb
    head_scale = next(v.item() for v in in_order if v.shape == (1, 1, 1, 1))
    _fill_affine(head.affine, named, "m.layers.6.to_img.conv.modulation", head_scale)
    head.conv.weight.copy_(named["m.layers.6.to_img.conv.weight"])
    head.conv.bias.copy_(named["m.layers.6.to_img.bias"].flatten())
    for size, top in decoder.tops.items():
        if size != "1024":
            for resolution, block in top.blocks.items():
                block.load_state_dict(decoder.tops["1024"].blocks[resolution].state_dict())


def _fill_affine(affine: torch.nn.Linear, named: dict[str, torch.Tensor], name: str, scale: float) -> None:
    affine.weight.copy_(named[f"{name}.weight"] * scale)
    affine.bias.copy_(named[f"{name}.bias"].flatten() * scale)
