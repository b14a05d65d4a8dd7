"""A file in the layout of MediaPipe's selfie segmentation: a flatbuffer, fields by number as in TFLite's schema."""

import struct
from typing import Any

import numpy as np
from torch import nn

from styleinv.models.matte import MatteNetwork

# The original's operators in order, by the letters below; dequantizations, one per weight, are left out.
ORDER = "cw" "crdrpcrcsmc" "crdrc" "crdrca" "cwdwpcrcsmc" + 4 * "cwdwpcrcsmca" + "pccrsm" + 3 * "zcapcrcsmacrdra" + "ts"
CODES = {"a": 0, "p": 1, "c": 3, "d": 4, "Q": 6, "s": 14, "m": 18, "r": 19, "z": 23, "t": 32, "w": 117, "?": 40}


def flatbuffer(fields: dict[int, Any]) -> bytes:
    """A TFLite file whose root table has these fields: numbers, arrays, tables (dicts) and lists of tables."""
    out = bytearray(b"\0\0\0\0TFL3")
    struct.pack_into("<I", out, 0, _table(out, fields))
    return bytes(out)


def _table(out: bytearray, fields: dict[int, Any]) -> int:
    """Append a table and what it refers to; where it lies."""
    count = max(fields, default=-1) + 1
    index = _align(out)
    offsets = [4 + 4 * slot if slot in fields else 0 for slot in range(count)]
    out += struct.pack(f"<{2 + count}H", 4 + 2 * count, 4 + 4 * count, *offsets)
    start = _align(out)
    out += struct.pack("<i", start - index) + bytes(4 * count)
    for slot, value in fields.items():
        at = start + 4 + 4 * slot
        struct.pack_into("<I", out, at, value if isinstance(value, int) else _append(out, value) - at)
    return start


def _append(out: bytearray, value: Any) -> int:
    if isinstance(value, dict):
        return _table(out, value)
    start = _align(out)
    out += struct.pack("<I", len(value))
    if isinstance(value, np.ndarray):
        out += value.tobytes()
        return start
    out += bytes(4 * len(value))
    for at, fields in enumerate(value):
        at = start + 4 + 4 * at
        struct.pack_into("<I", out, at, _table(out, fields) - at)
    return start


def _align(out: bytearray) -> int:
    out += bytes(-len(out) % 4)
    return len(out)


def tflite(network: MatteNetwork, order: str = ORDER, size: int = 256, fused: int = 0, kind: int = 1) -> bytes:
    """The network's weights in the original's layout, or in one that differs by an argument."""
    tensors, buffers = [{0: np.array([1, size, size, 3], "<i4")}], [{}]
    operators = []
    convs = (module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d))

    def add(values: np.ndarray) -> int:
        buffers.append({0: np.frombuffer(values.astype("<f2").tobytes(), "u1")})
        tensors.extend([{0: np.array(values.shape, "<i4"), 1: kind, 2: len(buffers) - 1}, {}])
        stored = len(tensors) - 2
        operators.append({0: _index("Q"), 1: np.array([stored], "<i4"), 2: np.array([stored + 1], "<i4")})
        return stored + 1

    for letter in order:
        operator = {0: _index(letter)}
        if letter in "cdt" and (conv := next(convs, None)):
            weight = conv.weight.detach().numpy().transpose((0, 2, 3, 1) if letter == "c" else (1, 2, 3, 0))
            operator[1] = np.array([0, add(weight), add(conv.bias.detach().numpy())], "<i4")
            operator |= _settings(letter, conv.stride[0], fused)
        operators.append(operator)
    graph = {0: tensors, 1: np.array([0], "<i4"), 3: operators}
    return flatbuffer({1: [{0: code} for code in CODES.values()], 2: [graph], 4: buffers})


def _index(letter: str) -> int:
    return list(CODES).index(letter)


def _settings(letter: str, stride: int, fused: int) -> dict[int, Any]:
    """The operator's fields that hold stride and activation."""
    if letter == "t":
        return {5: np.frombuffer(struct.pack("<3i", 1, stride, stride), "u1")}
    return {4: {1: stride, 2: stride, (3 if letter == "c" else 4): fused}}
