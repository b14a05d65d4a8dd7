"""Styles on disk: each folder holds tops of the decoder, one per size, and whatever lies there is installed.

    checkpoints/styles/NAME/    config.json, safetensors, SHA256SUMS, README.md, preview.webp
"""

import hashlib
import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .checkpoint import WEIGHTS, check_manifest, load_network, resolve, save_network, write_manifest
from .errors import InputError
from .models.mobile_stylegan import MobileDecoder, Top

PREVIEWS = ("preview.webp", "preview.png", "preview.jpg")
SMALL = 256     # px of what is seen in small parts alone


@dataclass(frozen=True)
class StyleInfo:
    """What is known of a style before its weights are loaded."""

    name: str               # of its folder
    title: str              # for people
    licence: str            # of the weights
    folder: Path            # where it lies
    preview: Path | None    # a picture of it

    @property
    def weights(self) -> Path:
        """The file of its weights."""
        return self.folder / WEIGHTS


class Style(ModelMixin, ConfigMixin):
    """Tops that were fine-tuned to a style above their stems, one for each output size, with the sum of the trunk
    below.
    """

    @register_to_config
    def __init__(
        self,
        title: str,             # for people
        licence: str,           # of the weights
        parent: str,            # `trunk_sum` of the decoder that it was made for
        channels: tuple[int, ...] = (512, 512, 512, 512, 512, 256, 128, 64),    # as the decoder's
        sizes: tuple[int, ...] = (256,),    # sides of the images
        trunk_resolution: int = 32,
        w_dim: int = 512,       # width of w
    ):
        super().__init__()
        self.tops = nn.ModuleDict({str(size): Top(channels, size, trunk_resolution, w_dim) for size in sizes})

    @classmethod
    def of(cls, decoder: MobileDecoder, tops: Sequence[Top], title: str, licence: str) -> "Style":
        """A style of this decoder."""
        config, sizes = decoder.config, tuple(top.size for top in tops)
        style = cls(title, licence, trunk_sum(decoder), config.channels, sizes, config.trunk_resolution, config.w_dim)
        for top in tops:
            style.tops[str(top.size)].load_state_dict(top.state_dict())
        return style

    def top(self, size: int) -> Top:
        """The top for images of this side: the smallest that gives so much, or else the largest."""
        sizes = sorted(self.config.sizes)
        return self.tops[str(next((side for side in sizes if side >= size), sizes[-1]))]


def trunk_sum(decoder: MobileDecoder) -> str:
    """sha256 of all that a style stands on, in float16: every weight of the decoder outside its tops."""
    digest = hashlib.sha256()
    for name, tensor in sorted(decoder.state_dict().items()):
        if not name.startswith("tops."):
            digest.update(name.encode() + tensor.half().cpu().numpy().tobytes())
    return digest.hexdigest()


def find_styles(folder: Path) -> dict[str, StyleInfo]:
    """The styles in the folders below `folder`, by name; a folder without a config.json is none."""
    return {path.parent.name: style_info(path.parent) for path in sorted(folder.glob("*/config.json"))}


def style_info(folder: Path) -> StyleInfo:
    """What a style's folder says of it.

    Raises:
        InputError: it holds no style.
    """
    try:
        config = json.loads((folder / "config.json").read_text())
        title, licence = str(config["title"]), str(config["licence"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} holds no style: name a folder that `styleinv train style` wrote.") from error
    preview = next((folder / name for name in PREVIEWS if (folder / name).is_file()), None)
    return StyleInfo(folder.name, title, licence, folder, preview)


def load_style(folder: Path, decoder: MobileDecoder) -> tuple[Style, str]:
    """A style and the sha256 of its weights.

    Raises:
        InputError: files are missing, damaged or swapped, or the style was made for another decoder.
    """
    style_info(folder)
    sums = check_manifest(folder)
    if not {"config.json", WEIGHTS} <= set(sums):
        raise InputError(f"{folder} lists no sums of its own weights: get the style again.")
    style = load_network(Style, folder)
    if style.config.parent != trunk_sum(decoder) or not all(_same_stem(top, decoder) for top in style.tops.values()):
        raise InputError(f"The style {folder.name} was made for another decoder: train it for this one.")
    return style, sums[WEIGHTS]


def _same_stem(style: Top, decoder: MobileDecoder) -> bool:
    raw = decoder.tops[str(style.size)]
    return all(torch.equal(a.half(), b.half()) for a, b in zip(style.stem_parameters(), raw.stem_parameters()))


def save_style(style: Style, folder: Path) -> None:
    """Write a style in float16, with its manifest."""
    save_network(style, folder)
    write_manifest(folder)


class StyledTops(NamedTuple):
    """What draws a style."""

    full: Top       # for the size of the frames
    small: Top      # for what is seen in small parts alone


class StyleShelf:
    """The styles of one decoder: those installed, and of them the loaded ones."""

    def __init__(self, decoder: MobileDecoder):
        self.decoder = decoder
        self.installed: dict[str, StyleInfo] = {}
        self._loaded: dict[str, tuple[Style, str]] = {}     # the sha256 of the weights beside each

    def add(self, name: str) -> str:
        """Load an installed style by its name, or another one from a folder or a Hub id; returns its name."""
        if name not in self.installed:
            info = style_info(self._folder(name))
            self.installed = self.installed | {info.name: info}
            name = info.name
        if name not in self._loaded:
            style, digest = load_style(self.installed[name].folder, self.decoder)
            self._loaded[name] = style.to(self.decoder.device), digest
        return name

    def _folder(self, name: str) -> Path:
        if "/" in name or Path(name).is_dir():
            return resolve(name)
        installed = ", ".join(self.installed) or "none is installed"
        raise InputError(f"There is no style {name!r}: name an installed one ({installed}), a folder or a Hub id.")

    def names(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Names of styles, each once and loaded: of names, folders and Hub ids, or of ("all",)."""
        if tuple(wanted) == ("all",):
            if not self.installed:
                raise InputError("No style is installed: put one under checkpoints/styles, or leave the style out.")
            wanted = list(self.installed)
        return tuple(dict.fromkeys(self.add(name) for name in wanted))

    def tops(self, names: Sequence[str], size: int, strength: float = 1.0) -> dict[str, StyledTops]:
        """Tops of loaded styles by title, for images of side `size` and a strength from 0, raw, to 1."""
        found = {}
        for name in names:
            full = self._top(name, size, strength)
            small = self._top(name, SMALL, strength) if size > SMALL else full
            found[self.installed[name].title] = StyledTops(full, small)
        return found

    def _top(self, name: str, size: int, strength: float) -> Top:
        top = self._loaded[name][0].top(size)
        return blend(self.decoder.tops[str(top.size)], top, strength)

    def weights(self, names: Sequence[str]) -> dict[str, str]:
        """sha256 of the weights of loaded styles, as a recipe names them."""
        return {f"styles/{name}": self._loaded[name][1] for name in names}


def blend(raw: Top, style: Top, strength: float) -> Top:
    """A top between the raw one (strength 0) and the style (1): their weights, interpolated."""
    if strength == 1:
        return style
    mixed, raw_weights = deepcopy(style), raw.state_dict()
    mixed.load_state_dict({name: torch.lerp(raw_weights[name], value, strength)
                           for name, value in style.state_dict().items()})
    return mixed
