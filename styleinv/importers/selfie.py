"""MediaPipe's Selfie Segmentation (.tflite, Apache-2.0) -> our matte network.

The file is a flatbuffer, of which a few tables are read here. Field numbers are those of TFLite's schema.fbs.
"""

import tarfile
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..errors import InputError
from ..models.matte import MatteNetwork

SOURCE = "the tarball of `npm pack @mediapipe/selfie_segmentation`"
MEMBER = "package/selfie_segmentation.tflite"       # in that tarball; the model for square pictures
LIMIT = 1 << 20                                     # bytes; the file has 249 kB
CONVS = {3: "conv", 4: "depthwise", 32: "transposed"}
OPERATORS = {**CONVS, 0: "add", 1: "pool", 14: "sigmoid", 18: "mul", 19: "relu", 23: "resize", 117: "swish"}
DEQUANTIZE = 6
GATE = ["pool", "conv", "relu", "conv", "sigmoid", "mul"]


class Table:
    """A table of a flatbuffer: fields by their number in the schema. What lies outside the file raises ValueError."""

    def __init__(self, data: bytes, position: int):
        self.data, self.position = data, position

    def _at(self, position: int, kind: str, count: int = 1) -> np.ndarray:
        return np.frombuffer(self.data, kind, count, position)

    def _field(self, number: int) -> int | None:
        """Where the field lies, or None where the file leaves it out."""
        index = self.position - int(self._at(self.position, "<i4")[0])
        if 4 + 2 * number >= int(self._at(index, "<u2")[0]):
            return None
        return self.position + int(offset) if (offset := self._at(index + 4 + 2 * number, "<u2")[0]) else None

    def number(self, number: int, kind: str) -> int:
        """A scalar; 0 where it is left out, as in the schema."""
        at = self._field(number)
        return 0 if at is None else int(self._at(at, kind)[0])

    def vector(self, number: int, kind: str) -> np.ndarray:
        """A vector of scalars, empty where it is left out."""
        if (at := self._field(number)) is None:
            return np.zeros(0, kind)
        at += int(self._at(at, "<u4")[0])
        return self._at(at + 4, kind, int(self._at(at, "<u4")[0]))

    def tables(self, number: int) -> list["Table"]:
        """A vector of tables."""
        offsets = self.vector(number, "<u4")
        start = 0 if (at := self._field(number)) is None else at + int(self._at(at, "<u4")[0]) + 4
        return [Table(self.data, start + 4 * i + int(offset)) for i, offset in enumerate(offsets)]

    def table(self, number: int) -> "Table":
        """A table of its own."""
        if (at := self._field(number)) is None:
            raise ValueError(f"field {number} is missing")
        return Table(self.data, at + int(self._at(at, "<u4")[0]))


def selfie(path: str | Path) -> MatteNetwork:
    """The network with the weights of the tarball (.tgz) or of the .tflite in it.

    Raises:
        InputError: the file cannot be read, or is not exactly that model.
    """
    try:
        data = _read(Path(path))
        network = MatteNetwork()
        _fill(network, data)
    except (OSError, EOFError, KeyError, ValueError, IndexError, tarfile.TarError, zlib.error) as error:
        raise InputError(f"{path} is not MediaPipe's selfie segmentation ({error}): name {SOURCE}.") from error
    return network.eval().requires_grad_(False)


def _read(path: Path) -> bytes:
    """The .tflite's bytes."""
    if path.suffix == ".tflite":
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    else:
        with tarfile.open(path, "r:gz") as archive:
            member = archive.extractfile(MEMBER) if archive.getmember(MEMBER).isfile() else None
            if member is None:
                raise ValueError(f"its {MEMBER} is no file")
            data = member.read(LIMIT + 1)
    if data[4:8] != b"TFL3" or len(data) > LIMIT:
        raise ValueError("no TFLite model of that size")
    return data


def _fill(network: MatteNetwork, data: bytes) -> None:
    """Copy the file's weights into the network, whose convolutions lie in the file's order."""
    model = Table(data, int(np.frombuffer(data, "<u4", 1)[0]))
    [graph] = model.tables(2)
    tensors, buffers = graph.tables(0), model.tables(4)
    shape = tensors[int(graph.vector(1, "<i4")[0])].vector(0, "<i4").tolist()
    layers, stored = _layers(model, graph)
    if [kind for kind, _ in layers] != _expected(network) or shape != [1, network.config.size, network.config.size, 3]:
        raise ValueError("its layers are others")
    convs = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]
    for conv, (kind, operator) in zip(convs, [layer for layer in layers if layer[0] in CONVS.values()], strict=True):
        if _settings(kind, operator) != (*conv.stride, 0):
            raise ValueError("a convolution has another stride or an activation")
        weight, bias = (_floats(tensors[stored[int(index)]], buffers) for index in operator.vector(1, "<i4")[1:])
        _copy(conv.weight, weight.transpose((0, 3, 1, 2) if kind == "conv" else (3, 0, 1, 2)))
        _copy(conv.bias, bias)


def _layers(model: Table, graph: Table) -> tuple[list[tuple[str, Table]], dict[int, int]]:
    """The operators with their kinds, in order; and of which float16 tensor each dequantized one is made."""
    codes = [_code(entry) for entry in model.tables(1)]
    operators = [(codes[operator.number(0, "<u4")], operator) for operator in graph.tables(3)]
    stored = {int(op.vector(2, "<i4")[0]): int(op.vector(1, "<i4")[0]) for code, op in operators if code == DEQUANTIZE}
    return [(OPERATORS.get(code, "other"), op) for code, op in operators if code != DEQUANTIZE], stored


def _code(entry: Table) -> int:
    """What kind of operator an entry of the file's list is; old files have it in one byte."""
    return max(entry.number(0, "<i1"), entry.number(3, "<i4"))


def _expected(network: MatteNetwork) -> list[str]:
    """The file's operators in order, by the network's form."""
    kinds = ["conv", "swish"]
    for block in network.blocks:
        activation = "relu" if block.activation is F.relu else "swish"
        kinds += ["conv", activation, "depthwise", activation, *(GATE if block.gate else []), "conv"]
        kinds += ["add"] if block.residual else []
    kinds += ["pool", "conv", "conv", "relu", "sigmoid", "mul"]
    for _ in network.ups:
        kinds += ["resize", "conv", "add", *GATE, "add", "conv", "relu", "depthwise", "relu", "add"]
    return [*kinds, "transposed", "sigmoid"]


def _settings(kind: str, operator: Table) -> tuple[int, int, int]:
    """Vertical stride, horizontal stride, fused activation (0: none)."""
    if kind == "transposed":            # MediaPipe's own: padding, then strides, 32 bits each
        _, x, y = operator.vector(5, "u1").view("<i4").tolist()
        return y, x, 0
    options = operator.table(4)
    activation = options.number(3 if kind == "conv" else 4, "<i1")
    return options.number(2, "<i4"), options.number(1, "<i4"), activation


def _floats(tensor: Table, buffers: list[Table]) -> np.ndarray:
    """A float16 tensor's values in its shape."""
    if tensor.number(1, "<i1") != 1:
        raise ValueError("a weight is no float16")
    return buffers[tensor.number(2, "<u4")].vector(0, "u1").view("<f2").reshape(tensor.vector(0, "<i4"))


def _copy(parameter: torch.Tensor | None, values: np.ndarray) -> None:
    """Set a parameter that must have the shape of the values, which must be finite."""
    if parameter is None or tuple(parameter.shape) != values.shape or not np.isfinite(values).all():
        raise ValueError("a weight has another shape or is not finite")
    parameter.data.copy_(torch.from_numpy(values.astype(np.float32)))
