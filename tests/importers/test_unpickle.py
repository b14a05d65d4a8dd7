"""Pickles of others: what they name is refused or becomes an inert record, and odd ones end in one sentence."""

import io
import os
import pickle
import typing
from pathlib import Path

import pytest
import torch

from styleinv.errors import InputError
from styleinv.importers.stylegan2 import stylegan2
from styleinv.importers.unpickle import Record, read_pickle


class Hostile:
    def __reduce__(self):
        return os.system, ("touch hostile",)


@pytest.mark.parametrize("name", [
    "builtins.eval", "builtins.exec", "builtins.getattr", "builtins.__import__", "__builtin__.eval", "builtins.bytes",
    "os.system", "posix.system", "subprocess.Popen", "functools.partial", "types.CodeType", "operator.attrgetter",
    "_operator.attrgetter", "typing_x.Any",
])
def test_names_beyond_the_list_are_refused(name, tmp_path):
    module, _, function = name.rpartition(".")
    (tmp_path / "x.pkl").write_bytes(f"c{module}\n{function}\n(S'1'\ntR.".encode())
    with pytest.raises(InputError, match=name.replace("__builtin__", "builtins")):
        read_pickle(tmp_path / "x.pkl")


def test_what_torch_names_is_not_called(tmp_path):
    (tmp_path / "x.pkl").write_bytes(b"ctorch\nload\n(S'secret'\ntR.")
    assert read_pickle(tmp_path / "x.pkl").args == ("secret",)


def test_a_storage_inside_is_read_by_the_restricted_loader_too(tmp_path):
    inner = io.BytesIO()
    torch.save(Hostile(), inner, _use_new_zipfile_serialization=False)
    call = pickle.dumps(inner.getvalue(), protocol=2)[2:-1]
    (tmp_path / "x.pkl").write_bytes(b"\x80\x02ctorch.storage\n_load_from_bytes\n(" + call + b"tR.")
    with pytest.raises(InputError):
        read_pickle(tmp_path / "x.pkl")
    assert not Path("hostile").exists()


@pytest.mark.parametrize("name", [
    "typing.Any", "builtins.int", "builtins.list", "builtins.type", "__builtin__.long", "_operator.getitem",
])
def test_the_types_of_settings_are_records_and_not_called(name, tmp_path):
    module, _, function = name.rpartition(".")
    (tmp_path / "x.pkl").write_bytes(f"c{module}\n{function}\n(S'1'\nS'b'\ntR.".encode())
    record = read_pickle(tmp_path / "x.pkl")
    assert type(record) is Record and record.args == ("1", "b")


@pytest.mark.parametrize("protocol", range(5))
def test_kinds_and_sets_of_every_protocol_are_read(protocol, tmp_path):
    kinds = [typing.Any, typing.Dict[str, int], type(None), list]       # noqa: UP006, old files hold names of typing
    (tmp_path / "x.pkl").write_bytes(pickle.dumps([{1}, frozenset({2}), *kinds], protocol))
    found = read_pickle(tmp_path / "x.pkl")
    assert found[:2] == [{1}, frozenset({2})] and all(isinstance(kind, Record) or kind is Record for kind in found[2:])


LOOP = b"\x80\x02}(X\x05\x00\x00\x00G_emactorch.nn\nModule\n)\x81q\x00" \
    b"}(X\x08\x00\x00\x00_modules}(X\x01\x00\x00\x00ah\x00X\x01\x00\x00\x00bh\x00uubu."


def module(**attributes: object) -> bytes:
    """A snapshot whose G_ema is a pickled module with these attributes."""
    start, state = b"\x80\x02}(X\x05\x00\x00\x00G_emactorch.nn\nModule\n)\x81", pickle.dumps(attributes, 2)[2:-1]
    return start + state + b"bu."


@pytest.mark.parametrize("content", [
    LOOP, module(_parameters=3), module(_modules=[1]), module(_modules="a"), module(_buffers=None),
    module(_modules={"a": 3}), module(_parameters={3: torch.ones(1)}), module(_parameters={"a": 3}), module(),
    module(_modules={3: {"a": 1}}), pickle.dumps({"G_ema": 3}), pickle.dumps({"pSp": "x", "SI": [1]}),
    pickle.dumps({"SI_ema": {"a": 1}}), pickle.dumps({1: 2}), pickle.dumps("G_ema"),
    b"\x80\x04\x8c\x02\n\n\x8c\x02\n\n\x93.", b"\x80\x02ctorch\nload\n}(U\x01aK\x01ub.", b"(" * 10_000 + b".",
])
def test_odd_pickles_end_in_one_sentence(content, tmp_path):
    (tmp_path / "x.pkl").write_bytes(content)
    with pytest.raises(InputError) as caught:
        stylegan2(tmp_path / "x.pkl")
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text and "x.pkl" in text


def test_a_module_inside_itself_is_named_as_the_cause(tmp_path):
    (tmp_path / "x.pkl").write_bytes(LOOP)
    with pytest.raises(InputError, match="contains itself"):
        stylegan2(tmp_path / "x.pkl")
