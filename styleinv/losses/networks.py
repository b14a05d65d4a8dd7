"""Where the networks of losses and measures lie: one layout of the folder that --networks names, for every command."""

from pathlib import Path

from .frozen import FrozenNetwork
from .identity import ArcFace, MobileFaceNet
from .lpips import LPIPSVGG, LPIPSAlex, SqueezePerceptual

PLACES: dict[type[FrozenNetwork], str] = {
    LPIPSAlex: "perceptual/lpips_alex.safetensors",
    LPIPSVGG: "perceptual/lpips_vgg.safetensors",
    SqueezePerceptual: "perceptual/lpips_squeeze.safetensors",
    MobileFaceNet: "identity/mobilefacenet.safetensors",
    ArcFace: "identity/arcface.safetensors",
}


def network_file(kind: type[FrozenNetwork], networks: Path) -> Path:
    """A network's file in the folder of networks; or right in the named one, as before version 0.2."""
    place = networks / PLACES[kind]
    alone = networks / place.name
    return alone if alone.is_file() and not place.is_file() else place


def light_judges(networks: Path) -> tuple[SqueezePerceptual, MobileFaceNet]:
    """The perceptual and the identity network of the stages that a CPU trains.

    Raises:
        InputError: one of them is missing or damaged.
    """
    perceptual = SqueezePerceptual.from_file(network_file(SqueezePerceptual, networks))
    return perceptual, MobileFaceNet.from_file(network_file(MobileFaceNet, networks))
