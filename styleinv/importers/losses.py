"""Networks of losses and measures, as their authors publish them -> the safetensors that training and `evaluate` load.

MobileFaceNet is not among them: its authors publish a TensorFlow graph.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from ..errors import InputError
from ..files import replacing
from ..losses.frozen import FrozenNetwork
from ..losses.identity import ArcFace
from ..losses.lpips import LPIPSVGG, LayerFeatures, LPIPSAlex, SqueezePerceptual
from ..losses.networks import PLACES
from .stylegan2 import ARCFACE, Tensors, arcface_body, filled, under
from .unpickle import read_state

TORCHVISION = "https://download.pytorch.org/models/"
HEADS = "https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1/"
# Shift and scale of R, G, B in [-1, 1], by which LPIPS feeds its backbones.
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


@dataclass(frozen=True)
class Kind:
    """What `styleinv convert` makes of which files."""

    network: type[FrozenNetwork]
    place: str              # of the result, in the folder of networks
    source: str             # the file to get, and where
    heads: str | None = None


KINDS = {
    "lpips-alex": Kind(LPIPSAlex, PLACES[LPIPSAlex], TORCHVISION + "alexnet-owt-7be5be79.pth", HEADS + "alex.pth"),
    "lpips-vgg": Kind(LPIPSVGG, PLACES[LPIPSVGG], TORCHVISION + "vgg16-397923af.pth", HEADS + "vgg.pth"),
    "lpips-squeeze": Kind(SqueezePerceptual, PLACES[SqueezePerceptual],
                          TORCHVISION + "squeezenet1_1-b8a52dc0.pth", HEADS + "squeeze.pth"),
    "arcface": Kind(ArcFace, PLACES[ArcFace], ARCFACE),
}


def loss_network(name: str, source: str | Path, heads: str | Path | None = None) -> FrozenNetwork:
    """The network of a kind from its authors' file, and LPIPS's from its file of heads too.

    Raises:
        InputError: a file is missing, or is another one.
    """
    kind = KINDS[name]
    if kind.heads and not heads:
        raise InputError(f"{name} needs LPIPS's heads too: get {kind.heads} and name it by --lin.")
    network, state = kind.network(), read_state(source, kind.source)
    try:
        if kind.heads and heads:
            state = _lpips(state, read_state(heads, kind.heads), network.features)
        else:
            state = _arcface(state)
        return filled(network, state).eval().requires_grad_(False)
    except (KeyError, IndexError, RuntimeError) as error:
        pairs = (source, heads), (kind.source, kind.heads)
        given, wanted = (" and ".join(str(x) for x in pair if x) for pair in pairs)
        raise InputError(f"{name} cannot be made of {given}: get {wanted}.") from error


def save_loss_network(network: FrozenNetwork, path: Path) -> None:
    """Write a network in float32, when it was read back as training reads it.

    Raises:
        InputError: the folder cannot be written to.
    """
    with replacing(path) as temporary:
        save_file(network.state_dict(), temporary)
        type(network).from_file(temporary)


def _lpips(backbone: Tensors, heads: Tensors, ours: LayerFeatures) -> Tensors:
    """torchvision's backbone and LPIPS's heads, by our names, for images scaled as `ours` scales them."""
    state = {name: value for name, value in backbone.items() if name.startswith("features.")}
    state |= {name.replace(".model.1.", "."): value for name, value in heads.items()}
    weight, bias = state["features.0.weight"], state["features.0.bias"]
    shift, scale = torch.tensor(SHIFT)[:, None, None], torch.tensor(SCALE)[:, None, None]
    # Our input is (x - ours.shift) / ours.scale, LPIPS's (x - shift) / scale. The two are one, but for SqueezeNet,
    # whose first layer has no padding: so the difference goes into that layer, exactly.
    bias = bias + (weight * ((ours.shift - shift) / scale)).sum(dim=(1, 2, 3))
    weight = weight * (ours.scale / scale)
    return state | {"features.0.weight": weight.flip(1) if ours.bgr else weight, "features.0.bias": bias}


def _arcface(state: Tensors) -> Tensors:
    renamed = {f"body.{name}": value for name, value in arcface_body(state).items()}
    layers = {"output_layer.0": "norm", "output_layer.3": "embedding", "output_layer.4": "embedding_norm"}
    for theirs, ours in layers.items():
        renamed |= under(state, theirs, ours)
    return renamed
