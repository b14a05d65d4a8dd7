"""Reads tensors out of pickles without running anything that they name.

The only place that may import pickle. A pickle is a program; this interpreter of it knows a few harmless functions,
turns whatever libraries of networks and their settings name into inert records, and refuses every other name.
"""

import collections
import io
import pickle
import warnings
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError

INERT = {       # top-level packages whose names become records; nothing of them is imported or called
    "torch", "numpy", "training", "torch_utils", "dnnlib", "auxiliary", "metrics", "omegaconf", "typing", "copyreg",
    "collections",
}
# Types that settings are made of, which become records as well.
TYPES = {"bool", "int", "long", "float", "str", "unicode", "list", "tuple", "dict", "type"}
PYTHON2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}        # old names, which protocol 2 still writes
MOST = 5_000    # modules of a network; there are more only where one contains itself

Tensors = dict[str, torch.Tensor]


class Record(dict):
    """Stands for an object of a class that we do not have: what it was made of, and nothing that it does."""

    args: tuple
    state: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> "Record":
        record = super().__new__(cls)
        record.args, record.state = args, {}
        return record

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        self.state = state


def load_weights(file: str | Path | io.BytesIO, *allowed: type) -> Any:
    """What a file of torch holds, by torch's restricted loader, which makes objects of the `allowed` classes too;
    it can raise anything."""
    with torch.serialization.safe_globals([*allowed]), warnings.catch_warnings():
        warnings.simplefilter("ignore")         # it warns of what it then refuses
        return torch.load(file, map_location="cpu", weights_only=True)


def _storage(data: bytes) -> Any:
    return load_weights(io.BytesIO(data))


def _old_object(kind: type, base: type, state: Any) -> Any:
    return kind()


HARMLESS = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): lambda data, *_: data,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("copyreg", "_reconstructor"): _old_object,
    ("builtins", "object"): Record,
    ("_operator", "getitem"): Record,       # of typing's names: Dict[str, int]
}


class Unpickler(pickle.Unpickler):
    """See above."""

    def find_class(self, module: str, name: str) -> Any:
        module = PYTHON2.get(module, module)
        if (module, name) in HARMLESS:
            return HARMLESS[module, name]
        if module.partition(".")[0] in INERT or (module == "builtins" and name in TYPES):
            return Record
        raise InputError(f"it names {f'{module}.{name}'!r}, which no network needs")


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


def read_state(path: str | Path, wanted: str) -> Tensors:
    """The state dict in a .pth of torch, by torch's restricted loader.

    Raises:
        InputError: no such file, or it holds more or less than tensors by name; `wanted` says what to get, and where.
    """
    try:
        state = load_weights(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: get {wanted}.") from error
    except Exception as error:          # a damaged file can raise anything
        raise InputError(f"{path} is damaged or holds more than weights: get {wanted}.") from error
    named = isinstance(state, dict) and all(isinstance(k, str) and torch.is_tensor(v) for k, v in state.items())
    if not named:
        raise InputError(f"{path} holds no weights by name: get {wanted}.")
    return state


def tensors(network: Any) -> Tensors:
    """The parameters and buffers of a pickled module, by their names in its state dict.

    Modules come as records of their attributes; NVIDIA's keep them in the argument of their constructor.

    Raises:
        InputError: what it says of its modules or weights cannot be.
    """
    found: Tensors = {}
    waiting = [("", network)]
    for _ in range(MOST):
        if not waiting:
            return found
        prefix, module = waiting.pop()
        state = _attributes(module)
        own = _table(state, "_parameters") | _table(state, "_buffers")
        found |= {f"{prefix}{name}": value.detach() for name, value in own.items() if torch.is_tensor(value)}
        waiting += [(f"{prefix}{name}.", child) for name, child in _table(state, "_modules").items()]
    raise InputError("one of its modules contains itself")


def _table(state: dict, name: str) -> dict:
    table = state.get(name, {})
    if not isinstance(table, dict):
        raise InputError(f"{name} of a module is no table of names")
    return dict(table)


def _attributes(record: Any) -> dict:
    if not isinstance(record, Record):
        return {}
    if record.args and isinstance(record.args[0], dict) and isinstance(record.args[0].get("state"), dict):
        return record.args[0]["state"]
    return record.state if isinstance(record.state, dict) else {}
