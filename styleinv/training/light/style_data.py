"""What a style learns on: latents in the midst of clips and of photos, with the parent's images of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ...models.inversion import InversionEncoder
from ...models.mobile_stylegan import MobileDecoder
from ...models.motion import MotionNetwork
from ...models.ops import from_uint8, to_uint8
from .augment import photo_noise


@dataclass(frozen=True)
class StyleData:
    """Latents with the parent's images of them, and the style set; in pairs, one target for each latent."""

    ws: torch.Tensor            # [N, w_dim] or [N, num_ws, w_dim]
    parents: torch.Tensor       # uint8 [N, S, S, 3]
    style: torch.Tensor         # uint8 [M, S, S, 3]
    moves: torch.Tensor         # [K, 3, w_dim], from frames of clips to the ones before and after and to another moment
    paired: bool = False        # style[i] is the target of ws[i]


@torch.no_grad()
def frame_latents(
    decoder: MobileDecoder, motion: MotionNetwork, people: int, times: int = 2, seed: int = 3
) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents of frames in the midst of clips, which the style will have to render, [people * times, w_dim]; and what
    leads from each to the frames before and after it and to another moment of its clip, [people * times, 3, w_dim]."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(people, decoder.w_avg.numel(), generator=generator)
    psi = 0.5 + 0.4 * torch.rand(people, 1, generator=generator)
    found = []
    for number, w0 in enumerate((decoder.w_avg + psi * (decoder.mapping(z) - decoder.w_avg)).split(1)):
        t = 1 + 126 * torch.rand(1, times, generator=generator)
        t = torch.cat([t, t - 1, t + 1], 1)                                 # [1, 3 * times]
        codes = motion.style.clip_codes(number, 0, int(128 // motion.style.distance) + 2)
        prefix = motion.prefix(decoder.synthesis(w0, min(decoder.config.sizes)))
        clip = motion.frames(prefix, w0, motion.style.motion(codes, t, 0)).view(3, times, -1)
        found.append(torch.cat([clip, clip[:1].roll(1, dims=1)]))           # [4, times, w_dim]
    frames, *others = torch.cat(found, 1)                                   # [people * times, w_dim] each
    return frames, torch.stack(others, 1) - frames[:, None]


@torch.no_grad()
def inverted(encoder: InversionEncoder, images: torch.Tensor) -> torch.Tensor:
    """What the encoder makes of faces uint8 [N, S, S, 3] as if they were photographs, [N, num_ws, w_dim].

    Inversions lie nearer to the mean face than samples do, and leave W by their detail rows: a style that never saw any
    renders people's photos dull.
    """
    parts = [encoder(photo_noise(from_uint8(x))) for x in images.split(8)]
    return torch.cat([w[:, None] + detail for w, detail in parts])


@torch.no_grad()
def parent_images(decoder: MobileDecoder, ws: torch.Tensor, size: int) -> torch.Tensor:
    """What the raw decoder shows, uint8 [N, size, size, 3]."""
    return torch.cat([to_uint8(decoder.synthesis(w, size)) for w in ws.split(4)])


def write_pairs(decoder: MobileDecoder, motion: MotionNetwork, folder: Path, people: int = 400, size: int = 512) -> int:
    """Decoded faces to restyle for a paired style: faces/NUMBER.png and latents.npy; returns their number.

    What goes into `folder`/styled, under the same names, is the user's.
    """
    (folder / "faces").mkdir(parents=True, exist_ok=True)
    ws, _ = frame_latents(decoder, motion, people)
    for number, w in enumerate(ws.split(1)):
        Image.fromarray(parent_images(decoder, w, size)[0].numpy()).save(folder / "faces" / f"{number:05}.png")
    np.save(folder / "latents.npy", ws.numpy())
    return len(ws)
