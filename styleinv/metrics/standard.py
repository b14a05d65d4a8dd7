"""The field's metrics, over the field's networks alone: FID, KID, IS, FVD.

Over any other network they have other names.
Distances follow StyleGAN2-ADA's and StyleGAN-V's evaluation, whose TorchScript files these are.
"""

import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..checkpoint import sha256
from ..errors import InputError
from ..files import replacing
from .frechet import kernel_distance

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
BATCH = 16          # images, or frames of clips in 16s, that pass a network at once


@dataclass(frozen=True)
class Standard:
    """A network that a metric is defined by."""

    file: str       # its usual name
    url: str        # where it is published
    sha256: str     # of the file
    what: str       # for reports


INCEPTION = Standard(
    "inception-2015-12-05.pt",
    "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt",
    "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4",
    "Inception-v3 of 2015-12-05, as TorchScript by NVIDIA",
)
I3D = Standard(
    "i3d_torchscript.pt",
    "https://www.dropbox.com/s/ge9e5ujwgetktms/i3d_torchscript.pt?dl=1",
    "bec6519f66ea534e953026b4ae2c65553c17bf105611c746d904657e5860a5e2",
    "I3D on Kinetics-400, as TorchScript by StyleGAN-V",
)


def load_standard(standard: Standard, folder: str | Path, download: bool = False) -> torch.jit.ScriptModule:
    """The network from its file in `folder`, in eval mode, after its sum was checked; `download` fetches a missing one.

    Raises:
        InputError: the file is missing, cannot be fetched, or is another one.
    """
    path = Path(folder) / standard.file
    if not path.is_file():
        if not download:
            raise InputError(f"{path} is missing: get it from {standard.url}, or add --download.")
        _fetch(standard.url, path)
    if sha256(path) != standard.sha256:
        raise InputError(f"{path} is not the network that defines the metric: its sha256 is not {standard.sha256}.")
    return torch.jit.load(path, map_location=DEVICE).eval()


def _fetch(url: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with replacing(path) as temporary:
            urllib.request.urlretrieve(url, temporary)
    except OSError as error:
        raise InputError(f"{url} cannot be fetched: get {path.name} in another way and name its folder.") from error


@torch.no_grad()
def image_features(inception: torch.nn.Module, images: torch.Tensor) -> np.ndarray:
    """uint8 [N, S, S, 3] -> [N, 2048]."""
    parts = [inception(x.permute(0, 3, 1, 2).to(DEVICE), return_features=True) for x in images.split(BATCH)]
    return torch.cat(parts).cpu().double().numpy()


@torch.no_grad()
def image_classes(inception: torch.nn.Module, images: torch.Tensor) -> np.ndarray:
    """uint8 [N, S, S, 3] -> probabilities [N, 1008], without the last layer's bias as the score is defined."""
    parts = [inception(x.permute(0, 3, 1, 2).to(DEVICE), no_output_bias=True) for x in images.split(BATCH)]
    return torch.cat(parts).cpu().double().numpy()


@torch.no_grad()
def clip_features(i3d: torch.nn.Module, clip: torch.Tensor) -> np.ndarray:
    """uint8 [T, S, S, 3] -> [400], before the softmax."""
    x = clip.permute(3, 0, 1, 2)[None].float().to(DEVICE)               # [1, 3, T, S, S] in 0..255
    return i3d(x, rescale=True, resize=True, return_features=True)[0].cpu().double().numpy()


def kernel_score(fake: np.ndarray, real: np.ndarray, subsets: int = 100, most: int = 1000, seed: int = 0) -> float:
    """KID: the kernel distance of features [N, D] and [M, D], mean over random subsets of at most `most`."""
    rng, size = np.random.default_rng(seed), min(len(fake), len(real), most)
    def draw(x):
        return x[rng.choice(len(x), size, replace=False)]
    return float(np.mean([kernel_distance(draw(fake), draw(real)) for _ in range(subsets)]))


def inception_score(classes: np.ndarray, splits: int = 10) -> tuple[float, float]:
    """IS of probabilities [N, C] (Salimans et al., arXiv:1606.03498): mean and deviation over `splits`; 1 to C."""
    scores = []
    for part in np.array_split(classes, min(splits, len(classes))):
        divergence = part * (np.log(part.clip(1e-16)) - np.log(part.mean(0, keepdims=True).clip(1e-16)))
        scores.append(np.exp(divergence.sum(1).mean()))
    return float(np.mean(scores)), float(np.std(scores))
