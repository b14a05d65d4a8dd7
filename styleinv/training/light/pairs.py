"""Synthetic pairs for inversion: latents and the faces they decode to, cached on disk, exact and free."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...models.mobile_stylegan import MobileDecoder
from ...models.ops import to_uint8


@dataclass(frozen=True)
class PairsConfig:
    count: int = 12_000         # pairs
    side: int = 128             # px, one of the decoder's sizes
    psi: tuple[float, float] = (0.5, 1.0)   # truncation, uniform in this range
    strength: float = 1.5       # standard deviation along each edit direction
    edited: float = 0.5         # share of pairs with edits
    seed: int = 5               # of the latents


@torch.no_grad()
def sample_latents(decoder: MobileDecoder, config: PairsConfig, directions: torch.Tensor | None = None) -> torch.Tensor:
    """Latents [count, w_dim]; `directions` [K, w_dim] of unit length widen their range of poses and expressions."""
    generator = torch.Generator().manual_seed(config.seed)
    z = torch.randn(config.count, decoder.w_avg.numel(), generator=generator)
    low, high = config.psi
    psi = low + (high - low) * torch.rand(config.count, 1, generator=generator)
    w = decoder.w_avg + psi * (decoder.mapping(z) - decoder.w_avg)
    if directions is not None:
        amounts = config.strength * torch.randn(config.count, len(directions), generator=generator)
        amounts *= torch.rand(config.count, 1, generator=generator) < config.edited
        w = w + amounts @ directions                                    # [count, w_dim]
    return w


@torch.no_grad()
def make_pairs(
    decoder: MobileDecoder, folder: Path, config: PairsConfig, directions: torch.Tensor | None = None
) -> None:
    """Write ws.npy [count, w_dim] and images.npy uint8 [count, side, side, 3]; continues an unfinished cache."""
    folder.mkdir(parents=True, exist_ok=True)
    ws = sample_latents(decoder, config, directions)
    np.save(folder / "ws.npy", ws.numpy())
    shape, path = (config.count, config.side, config.side, 3), folder / "images.npy"
    images = np.lib.format.open_memmap(path, "r+" if path.exists() else "w+", np.uint8, shape)
    first = next((i for i in range(0, config.count, 8) if not images[i].any()), config.count)
    for i in range(max(0, first - 8), config.count, 8):
        images[i : i + 8] = to_uint8(decoder.synthesis(ws[i : i + 8], config.side)).numpy()
