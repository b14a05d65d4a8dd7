"""What stage `residual` reads: photos with their inversions, and some of them restyled by a style's own teacher."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ...data.names import PICTURES, restyled_files
from ...data.splits import listed_names
from ...inversion import refine
from ...models.inversion import InversionEncoder
from ...models.mobile_stylegan import MobileDecoder
from ...models.ops import from_uint8

SIDE = 256      # px, of all pictures
REFINED = 3     # times that a refined inversion is drawn as often as another one


@dataclass(frozen=True)
class Photos:
    """Photos as the encoder inverts them; which of them are restyled."""

    images: np.ndarray                          # uint8 [N, SIDE, SIDE, 3]
    w0: torch.Tensor                            # [N, w_dim]
    detail: torch.Tensor                        # float16 [N, num_ws, w_dim]
    restyled: Mapping[str, dict[int, Path]]     # by style, by photo

    def photos(self, index: list[int]) -> torch.Tensor:
        """[N, 3, SIDE, SIDE]."""
        return from_uint8(torch.from_numpy(self.images[index]))

    def ws(self, index: list[int]) -> torch.Tensor:
        """[N, num_ws, w_dim]."""
        return self.w0[index, None] + self.detail[index].float()

    def truth(self, style: str, index: list[int]) -> torch.Tensor:
        """The restyled photos, [N, 3, SIDE, SIDE]."""
        return from_uint8(torch.from_numpy(np.stack([_read(self.restyled[style][i]) for i in index])))


def photo_files(data: Path, more: Path | None, held_out: bool) -> list[Path]:
    """Aligned pictures of data/faces, of one side of the split, and for training those of another folder."""
    kept = listed_names(data / "splits.json")
    folders = [data / "faces"] + ([more] if more and not held_out else [])
    return [path for folder in folders for path in sorted(folder.iterdir())
            if path.suffix.lower() in PICTURES and (path.stem in kept) == held_out]


def read_photos(
    files: list[Path], cache: Path, encoder: InversionEncoder, restyled: Mapping[str, Path]
) -> Photos:
    """Pictures and their inversions, which are found once and kept at `cache`.

    Args:
        restyled: by style, a folder with some of the pictures restyled, under their own names.

    Raises:
        InputError: such a folder has none of them.
    """
    images = np.stack([_read(path) for path in files])
    if not cache.exists():
        torch.save(_inverted(images, encoder), cache)
    w0, detail = torch.load(cache, weights_only=True)
    numbers = {path: number for number, path in enumerate(files)}
    found = {style: {numbers[photo]: path for photo, path in restyled_files(files, folder).items()}
             for style, folder in restyled.items()}
    return Photos(images, w0, detail, found)


def with_refined(photos: Photos, encoder: InversionEncoder, decoder: MobileDecoder, count: int, cache: Path) -> Photos:
    """The photos, and so many of those that are restyled again, by inversions that were refined on them, as close
    likeness shows them: some seconds of a core each, once, then kept at `cache`.
    """
    everywhere = set.intersection(*map(set, photos.restyled.values())) if photos.restyled else set()
    index = sorted(everywhere)[:count]
    if not index:
        return photos
    if not cache.exists():
        torch.save(_refined(photos, encoder, decoder, index), cache)
    w0, detail = torch.load(cache, weights_only=True)
    again = {len(photos.images) + place: number for place, number in enumerate(REFINED * index)}
    restyled = {style: known | {place: known[number] for place, number in again.items()}
                for style, known in photos.restyled.items()}
    return Photos(np.concatenate([photos.images, photos.images[REFINED * index]]),
                  torch.cat([photos.w0, w0.repeat(REFINED, 1)]),
                  torch.cat([photos.detail, detail.repeat(REFINED, 1, 1)]), restyled)


def _refined(
    photos: Photos, encoder: InversionEncoder, decoder: MobileDecoder, index: list[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    parts = [refine(encoder, decoder, photos.photos([number]), photos.w0[[number]], photos.detail[[number]].float())
             for number in index]
    return torch.cat([w0 for w0, _ in parts]), torch.cat([detail for _, detail in parts]).half()


@torch.no_grad()
def _inverted(images: np.ndarray, encoder: InversionEncoder) -> tuple[torch.Tensor, torch.Tensor]:
    parts = [encoder(from_uint8(torch.from_numpy(part))) for part in np.array_split(images, max(1, len(images) // 16))]
    return torch.cat([w0 for w0, _ in parts]), torch.cat([detail for _, detail in parts]).half()


def _read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS))
