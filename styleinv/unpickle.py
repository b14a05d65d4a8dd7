"""Reads tensors out of pickles without running anything that they name.

The only place that may import pickle. A pickle is a program; this interpreter of it knows five harmless functions, turns
whatever libraries of networks name into inert records, and refuses every other name.
"""

import collections
import io
import pickle
from pathlib import Path
from typing import Any

import torch

from .errors import InputError

INERT = {       # top-level packages whose names become records; nothing of them is imported or called
    "torch", "numpy", "training", "torch_utils", "dnnlib", "auxiliary", "metrics", "omegaconf", "copyreg", "collections",
}


class Record(dict):
    """Stands for an object of a class that we do not have: what it was made of, and nothing that it does."""

    def __new__(cls, *args: Any, **kwargs: Any) -> "Record":
        record = super().__new__(cls)
        record.args, record.state = args, {}
        return record

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _storage(data: bytes) -> Any:
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def _old_object(kind: type, base: type, state: Any) -> Any:
    return kind()


HARMLESS = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("builtins", "set"): set,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): lambda data, *_: data,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("copyreg", "_reconstructor"): _old_object,
    ("builtins", "object"): Record,
}


class Unpickler(pickle.Unpickler):
    """See above."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in HARMLESS:
            return HARMLESS[module, name]
        if module.partition(".")[0] in INERT:
            return Record
        raise InputError(f"it names {module}.{name}, which no network needs")


def read_pickle(path: str | Path) -> Any:
    """What the file holds, with records for foreign objects.

    Raises:
        InputError: no such file, no pickle, or one that names what could do harm.
    """
    try:
        with open(path, "rb") as file:
            return Unpickler(file).load()
    except OSError as error:
        raise InputError(f"{path} cannot be read: check the name.") from error
    except InputError as error:
        raise InputError(f"{path} was refused, since {error}: get the file from a source that you trust.") from error
    except Exception as error:          # a damaged pickle can raise anything
        raise InputError(f"{path} is no pickle of networks: check that it was downloaded whole.") from error


def tensors(network: Any, prefix: str = "") -> dict[str, torch.Tensor]:
    """The parameters and buffers of a pickled module, by their names in its state dict.

    Modules come as records of their attributes; NVIDIA's keep them in the argument of their constructor.
    """
    found, state = {}, _attributes(network)
    for group in ("_parameters", "_buffers"):
        found |= {prefix + name: value.detach() for name, value in state.get(group, {}).items() if torch.is_tensor(value)}
    for name, child in state.get("_modules", {}).items():
        found |= tensors(child, f"{prefix}{name}.")
    return found


def _attributes(record: Any) -> dict:
    if not isinstance(record, Record):
        return {}
    if record.args and isinstance(record.args[0], dict) and isinstance(record.args[0].get("state"), dict):
        return record.args[0]["state"]
    return record.state if isinstance(record.state, dict) else {}
