"""Images and clips of the reference networks, trained or imported, as folders of frames that `compare` reads."""

from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image

from ..models.motion import MotionNetwork
from ..models.ops import to_uint8
from ..models.stylegan2 import StyleGAN2

CHUNK = 16      # frames, or images, that are made at once: memory does not grow with the number


@torch.no_grad()
def generate(
    decoder: StyleGAN2,
    motion: MotionNetwork | None,
    folder: Path,
    count: int = 2048,
    frames: int = 128,
    seed: int = 0,
    noise: str = "const",
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> None:
    """Write `count` clips, FOLDER/000000/000000.png and so on; without motion, images FOLDER/000000.png.

    Each is of a person and a noise of its own, drawn by `seed` and its number, so parts of a set can be made apart.

    Args:
        frames: of a clip.
        noise: of the decoder, "const" or "none": frames of a clip must share it.
    """
    for index in range(count):
        progress("clips" if motion else "images", index, count)
        z = torch.randn(1, decoder.config.z_dim, generator=torch.Generator().manual_seed(seed + index))
        w0 = decoder.mapping(z.to(decoder.w_avg))                                                           # [1, w_dim]
        if motion is None:
            _save(decoder.synthesis(w0, noise=noise), folder, index)
        else:
            _write_clip(decoder, motion, w0, seed + index, folder / f"{index:06}", frames, noise)


def _write_clip(
    decoder: StyleGAN2, motion: MotionNetwork, w0: torch.Tensor, seed: int, folder: Path, frames: int, noise: str
) -> None:
    prefix = motion.prefix(decoder.synthesis(w0, noise=noise))
    folder.mkdir(parents=True, exist_ok=True)
    for begin in range(0, frames, CHUNK):
        t = torch.arange(begin, min(begin + CHUNK, frames), device=w0.device)[None].float()                 # [1, T]
        ws = motion.frames(prefix, w0, motion.style.clip_motion(seed, t))[0]                                # [T, w_dim]
        _save(decoder.synthesis(ws, noise=noise), folder, begin)


def _save(images: torch.Tensor, folder: Path, first: int) -> None:
    """Images [N, 3, S, S] as PNG files, numbered from `first` on."""
    for number, image in enumerate(to_uint8(images).cpu().numpy(), start=first):
        Image.fromarray(image).save(folder / f"{number:06}.png")
