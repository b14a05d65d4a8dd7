"""The bundle on disk: a folder a network (config.json, float16 safetensors) and a manifest of sha256 sums, read
strictly.
"""

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from diffusers import ModelMixin
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from .errors import InputError
from .files import CHECKPOINTS

WEIGHTS = "diffusion_pytorch_model.safetensors"     # the name that diffusers' loaders look for
MANIFEST = "SHA256SUMS"

BUNDLE = CHECKPOINTS / "ffhq"                       # which comes with the package
DOWNLOAD = ("revision", "cache_dir", "local_files_only", "token")

Network = TypeVar("Network", bound=ModelMixin)


def resolve(name: str | Path, **download: Any) -> Path:
    """A local folder, or the Hub id of one, which is downloaded.

    A name below `checkpoints` means the package's own folder where the current one has none, and never a repository:
    anybody may register that.

    Args:
        name: the folder or the Hub id.
        **download: `revision`, `cache_dir`, `local_files_only` and `token` of a Hub id.

    Raises:
        InputError: neither exists.
    """
    if unknown := sorted(set(download) - set(DOWNLOAD)):
        raise InputError(f"There is no setting {unknown[0]!r} of loading: choose {', '.join(DOWNLOAD)}.")
    own = Path(name).parts[:1] == (CHECKPOINTS.name,)
    for folder in (Path(name), *([CHECKPOINTS.parent / name] if own else [])):
        if folder.is_dir():
            return folder
    if own:
        raise InputError(f"The folder {name} was not found, here or with the package: check the name.")
    try:
        given = {key: value for key, value in download.items() if value is not None}
        return Path(snapshot_download(str(name), allow_patterns=["*.json", "*.safetensors", "*.md", MANIFEST], **given))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        text = f"{name} is neither a folder of weights nor a repository on the Hub that can be reached: check the name."
        raise InputError(text) from error


def load_network(kind: type[Network], folder: Path) -> Network:
    """A network in float32, for inference; every tensor must be there, and no other.

    Raises:
        InputError: files are missing, damaged, or of another network.
    """
    try:
        network = kind.from_config(json.loads((folder / "config.json").read_text()))
        state = {name: tensor.float() for name, tensor in load_file(folder / WEIGHTS).items()}
        network.load_state_dict(state, strict=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"{folder} holds no weights of {kind.__name__} that fit this version: get the bundle again.") from error
    return network.eval().requires_grad_(False)


def save_network(network: ModelMixin, folder: Path) -> None:
    """Write config.json and the weights in float16."""
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads(network.to_json_string())
    config.pop("_name_or_path", None)       # where the training kept it
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    save_file({name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}, folder / WEIGHTS)


def write_manifest(folder: Path) -> None:
    """Record the sha256 sums of all weights and settings below `folder`, in the format of `sha256sum`."""
    files = sorted(p for p in folder.rglob("*") if p.suffix in {".json", ".safetensors"})
    (folder / MANIFEST).write_text("".join(f"{sha256(p)}  {p.relative_to(folder).as_posix()}\n" for p in files))


def check_manifest(folder: Path) -> dict[str, str]:
    """Sums by file name, after every file was found to have its own.

    Raises:
        InputError: there is no manifest, or a file is missing or was changed.
    """
    try:
        lines = (folder / MANIFEST).read_text().splitlines()
    except OSError as error:
        raise InputError(
            f"{folder} has no {MANIFEST}, so its weights cannot be trusted: get the bundle again.") from error
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    for name, published in sums.items():
        if not (folder / name).is_file() or sha256(folder / name) != published:
            raise InputError(f"{folder / name} is missing or was changed since it was published: get the bundle again.")
    return sums


def sha256(path: Path) -> str:
    """Hexadecimal sum of a file, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(partial(file.read, 1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()

