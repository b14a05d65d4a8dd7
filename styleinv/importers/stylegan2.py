"""StyleGAN2 checkpoints of others -> our networks: NVIDIA's, rosinality's, and the layout of the StyleInV release."""

import argparse
import math
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import ModelMixin
from torch import nn

from ..errors import InputError
from ..models.inversion import InversionEncoder
from ..models.irse import IRSE
from ..models.motion import MotionNetwork
from ..models.stylegan2 import StyleGAN2
from ..models.temporal_style import KERNEL
from .unpickle import Tensors, load_weights, read_pickle, read_state, tensors

RELEASE_KERNEL = 11         # taps of the release's causal convolutions, of which the right five are always zero
UNITS = (3, 4, 14, 3)       # of the four groups of IR-SE50
SIZES = [4, 8, 16, 32, 64, 128, 256, 512, 1024]
ARCFACE = "model_ir_se50.pth, as linked from https://github.com/TreB1eN/InsightFace_Pytorch"
SE = {"fc1": "down", "fc2": "up"}
ADAIN = {"conv1": "conv0", "conv2": "conv1", "norm1.fc": "norm0.affine", "norm2.fc": "norm1.affine"}


def stylegan2(path: str | Path) -> dict[str, ModelMixin]:
    """NVIDIA's StyleGAN2-ADA .pkl, or a snapshot of the StyleInV release: its networks by our names of the parts.

    "decoder" comes of G_ema or G, "inversion" of pSp, "motion" of SI_ema or SI; averages go before the rest.

    Raises:
        InputError: the file is refused (see :mod:`unpickle`), or holds no such network.
    """
    data = read_pickle(path)
    if not isinstance(data, dict):
        raise InputError(f"{path} holds no networks by name: name a snapshot of StyleGAN2-ADA or StyleInV.")
    found: dict[str, ModelMixin] = {}
    for part, names, convert in (("decoder", ("G_ema", "G"), nvidia), ("inversion", ("pSp",), psp),
                                 ("motion", ("SI_ema", "SI"), styleinv)):
        name = next((name for name in names if data.get(name) is not None), None)
        if name:
            found[part] = _checked(path, name, convert, partial(tensors, data[name]))
    if not found:
        raise InputError(f"{path} holds none of G, pSp and SI: name a snapshot of StyleGAN2-ADA or StyleInV.")
    if "inversion" in found and "decoder" in found and not found["inversion"].w_avg.any():
        found["inversion"].w_avg.copy_(found["decoder"].w_avg)
    return found


def rosinality(path: str | Path) -> StyleGAN2:
    """A .pt of rosinality/stylegan2-pytorch.

    Raises:
        InputError: the file is not one, or holds more than tensors.
    """
    try:
        data = load_weights(path, argparse.Namespace)
        state = data["g_ema"] if "g_ema" in data else data["g"]
    except OSError as error:
        raise InputError(f"{path} cannot be read: check the name.") from error
    except Exception as error:          # a damaged file can raise anything
        raise InputError(f"{path} is no checkpoint of rosinality's StyleGAN2 that holds tensors alone.") from error
    return _checked(path, "g_ema", lambda state: rosinality_generator(state, data.get("latent_avg")), lambda: state)


def load_parts(kind: str, path: str | Path) -> dict[str, ModelMixin]:
    """The networks of a file of `kind` "stylegan2" or "rosinality", by the folder that is theirs;
    "." for a decoder alone."""
    parts = stylegan2(path) if kind == "stylegan2" else {"decoder": rosinality(path)}
    return {".": parts["decoder"]} if parts.keys() == {"decoder"} else parts


def _checked(path: str | Path, name: str, convert: Callable[[Tensors], ModelMixin], read: Callable[[], Tensors]) -> Any:
    try:
        with torch.no_grad():
            return convert(read()).eval()
    except InputError as error:
        raise InputError(f"{name} in {path} is refused, since {error}: name another file.") from error
    except Exception as error:          # tensors of other names, kinds and shapes can raise anything
        raise InputError(f"{name} in {path} is no network that this version knows: name another file.") from error


def filled(network: nn.Module, state: Tensors) -> Any:
    """The network with these weights: all of them, and no others.

    Raises:
        RuntimeError: names or shapes are others, or whole numbers stand for decimal ones, which copying would let pass.
    """
    for name, own in network.state_dict().items():
        if name in state and state[name].is_floating_point() != own.is_floating_point():
            raise RuntimeError(f"{name} is {state[name].dtype}")
    network.load_state_dict(state)
    return network


def nvidia(state: Tensors) -> StyleGAN2:
    """State dict of NVIDIA's Generator -> ours.

    Raises:
        InputError: it wants a class, for which we have no input.
    """
    if any(name.startswith("mapping.embed.") for name in state):
        raise InputError("it draws by class, and there is no input for a class here")
    sides = sorted({int(found[1]) for name in state if (found := re.match(r"synthesis\.b(\d+)\.", name))})
    widths = {r: state[f"synthesis.b{r}.conv1.bias"].numel() for r in sides}
    layers = sum(name.startswith("mapping.fc") and name.endswith("weight") for name in state)
    network = _generator(
        widths,
        z_dim=state["mapping.fc0.weight"].shape[1],
        w_dim=state["synthesis.b4.conv1.affine.weight"].shape[1],
        layers=layers,
        noise="synthesis.b4.conv1.noise_const" in state,
    )
    renamed = {"const": state["synthesis.b4.const"][None], "mapping.w_avg": state["mapping.w_avg"]}
    for i in range(layers):
        renamed |= under(state, f"mapping.fc{i}", f"mapping.layers.{i}")
    for r in sides:
        block = _block_name(network, r)
        for theirs, ours in (("conv0", "conv0"), ("conv1", "conv" if r == 4 else "conv1"), ("torgb", "to_rgb")):
            renamed |= under(state, f"synthesis.b{r}.{theirs}", block + ours)
    renamed = {name.replace("noise_const", "noise").replace("noise_strength", "strength"): value
               for name, value in renamed.items() if not name.endswith("resample_filter")}
    return filled(network, renamed)


def rosinality_generator(state: Tensors, w_avg: torch.Tensor | None) -> StyleGAN2:
    """State dict of rosinality's Generator -> ours; without a mean latent one is estimated."""
    convs = {4: "conv1"} | {8 << i: f"convs.{2 * i + 1}" for i in range(len(_numbers(state, "convs")) // 2)}
    widths = {r: state[f"{name}.activate.bias"].numel() for r, name in convs.items()}
    layers = sum(name.startswith("style.") and name.endswith("weight") for name in state)
    z_dim, w_dim = state["style.1.weight"].shape[1], state["conv1.conv.modulation.weight"].shape[1]
    network = _generator(widths, z_dim, w_dim, layers, True)
    renamed = {"const": state["input.input"]}
    for i in range(layers):
        renamed |= under(state, f"style.{i + 1}", f"mapping.layers.{i}")
    for i, (r, name) in enumerate(convs.items()):
        block = _block_name(network, r)
        renamed |= _rosinality_conv(state, name, f"noises.noise_{2 * i}", block + ("conv" if r == 4 else "conv1"))
        renamed |= _rosinality_rgb(state, f"to_rgbs.{i - 1}" if i else "to_rgb1", block + "to_rgb")
        if i:
            renamed |= _rosinality_conv(state, f"convs.{2 * i - 2}", f"noises.noise_{2 * i - 1}", block + "conv0")
    filled(network, renamed | {"mapping.w_avg": network.mapping.w_avg if w_avg is None else w_avg.flatten()})
    if w_avg is None:
        z = torch.randn(10_000, network.config.z_dim, generator=torch.Generator().manual_seed(0))
        network.mapping.w_avg.copy_(network.mapping(z).mean(dim=0))
    return network


def arcface(path: str | Path) -> Tensors:
    """The body of ArcFace IR-SE50 (model_ir_se50.pth), from which the paper's encoder starts, by our names.

    Raises:
        InputError: the file is not that network.
    """
    state = read_state(path, ARCFACE)
    try:
        return filled(IRSE(), arcface_body(state)).state_dict()
    except RuntimeError as error:
        raise InputError(f"{path} is no ArcFace IR-SE50: get {ARCFACE}.") from error


def arcface_body(state: Tensors) -> Tensors:
    """The body's part of ArcFace's state dict, by the names of IRSE."""
    body = _body({f"encoder.{name}": value for name, value in state.items()})
    return {name.removeprefix("body."): value for name, value in body.items()}


def psp(state: Tensors) -> InversionEncoder:
    """State dict of the release's pSp -> the paper's encoder."""
    network = InversionEncoder("irse50", 256, spatial=0, hidden=0, num_ws=14)
    w_avg = state.get("latent_avg", torch.zeros(512)).reshape(-1, 512)[0]
    return filled(network, _body(state) | under(state, "encoder.linear", "to_w") | {"w_avg": w_avg})


def styleinv(state: Tensors) -> MotionNetwork:
    """State dict of the release's StyleInV -> ours. The taps that it masks are dropped, and the gain that counts them
    moves into the weights; the period of its sines tells how far its anchors lie apart."""
    omega = state["mapping.motion_encoder.time_encoder.freqs"].flatten()
    periods = [round(2 * math.pi / float(value)) for value in (omega[-1], omega[0])]
    low, high = min(periods), max(periods)
    network = MotionNetwork("irse50", 256, z_dim=512, frequencies=len(omega), distance=16 if high == 128 else 128,
                            min_period=low, max_period=high, lr_mul=0.01, aligner_gain=1.0)
    renamed = _body(state) | under(state, "encoder.linear", "head") | _temporal_style(state)
    for i in range(4):
        for theirs, ours in ADAIN.items():
            renamed |= under(state, f"encoder.adains.{i}.{theirs}", f"blocks.{i}.{ours}")
    return filled(network, renamed)


def _temporal_style(state: Tensors) -> Tensors:
    start, renamed = "mapping.motion_encoder", {"style.first_anchor": state["mapping.motion_encoder.frame_0_const"]}
    for i in (0, 1):
        live = state[f"{start}.conv.{i}.weight"][:, :, :KERNEL]
        renamed[f"style.convs.{i}.weight"] = live * math.sqrt(KERNEL / RELEASE_KERNEL)
        renamed[f"style.convs.{i}.bias"] = state[f"{start}.conv.{i}.bias"]
        renamed |= under(state, f"mapping.fcf{i}", f"style.fuse.{i}")
    for theirs, ours in (("periods", "period"), ("phase", "phase"), ("aligners", "aligner")):
        renamed |= under(state, f"{start}.time_encoder.{theirs}_predictor", f"style.encoding.{ours}")
    return renamed


def _body(state: Tensors) -> Tensors:
    """The units of IR-SE50, numbered through, -> our groups."""
    renamed = under(state, "encoder.input_layer", "body.stem")
    places = [(group, unit) for group, count in enumerate(UNITS) for unit in range(count)]
    for i, (group, unit) in enumerate(places):
        renamed |= under(state, f"encoder.body.{i}.res_layer", f"body.groups.{group}.{unit}.residual")
        renamed |= under(state, f"encoder.body.{i}.shortcut_layer", f"body.groups.{group}.{unit}.shortcut")
    return {re.sub(r"fc[12]", lambda found: SE[found[0]], name): value for name, value in renamed.items()}


def _generator(widths: dict[int, int], z_dim: int, w_dim: int, layers: int, noise: bool) -> StyleGAN2:
    size = max(widths)
    if list(widths) != SIZES[: len(widths)]:
        raise ValueError(f"there is no generator of the sizes {list(widths)}")
    return StyleGAN2(size, widths[size] * size, max(widths.values()), z_dim, w_dim, layers, min(32, size // 2), noise)


def _block_name(network: StyleGAN2, side: int) -> str:
    """Where the block of a resolution stands in our state dict."""
    if side == 4:
        return ""
    if side <= network.config.trunk_resolution:
        return f"blocks.{side.bit_length() - 4}."
    return f"tops.{network.config.size}.blocks.{side}."


def _rosinality_conv(state: Tensors, name: str, noise: str, ours: str) -> Tensors:
    return under(state, f"{name}.conv.modulation", f"{ours}.affine") | {
        f"{ours}.weight": state[f"{name}.conv.weight"][0], f"{ours}.bias": state[f"{name}.activate.bias"],
        f"{ours}.strength": state[f"{name}.noise.weight"].squeeze(), f"{ours}.noise": state[noise][0, 0],
    }


def _rosinality_rgb(state: Tensors, name: str, ours: str) -> Tensors:
    return under(state, f"{name}.conv.modulation", f"{ours}.affine") | {
        f"{ours}.weight": state[f"{name}.conv.weight"][0], f"{ours}.bias": state[f"{name}.bias"].flatten(),
    }


def under(state: Tensors, theirs: str, ours: str) -> Tensors:
    """All tensors below one name, under another."""
    return {ours + name.removeprefix(theirs): value for name, value in state.items() if name.startswith(theirs + ".")}


def _numbers(state: Tensors, name: str) -> set[str]:
    return {key.split(".")[1] for key in state if key.startswith(name + ".")}
