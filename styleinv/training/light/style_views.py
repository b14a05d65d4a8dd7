"""How the judges of a style look at images: shrunk, in part, the inner face, its tones, and what changes in time."""

import torch
import torch.nn.functional as F

from ...models.ops import from_uint8, resize, to_uint8

JUDGED = 256                # px of what perceptual network and discriminator look at


def shrunk(images: torch.Tensor) -> torch.Tensor:
    """uint8 [N, S, S, 3] -> [N, JUDGED, JUDGED, 3]."""
    return to_uint8(resize(from_uint8(images), JUDGED))


def view(images: torch.Tensor, corner: list[int]) -> torch.Tensor:
    """What the judges see of images [N, 3, S, S]: the whole; of larger ones the whole and a part,
    [2 N, 3, JUDGED, JUDGED]."""
    if images.shape[-1] <= JUDGED:
        return images
    y, x = corner
    return torch.cat([resize(images, JUDGED), images[:, :, y : y + JUDGED, x : x + JUDGED]])


def inner_face(images: torch.Tensor) -> torch.Tensor:
    """FFHQ-framed images [N, 3, S, S] -> brows to chin, [N, 3, 0.44 S, 0.56 S]."""
    side = images.shape[-1]
    return images[:, :, round(0.38 * side) : round(0.82 * side), round(0.22 * side) : round(0.78 * side)]


def relative_tone(images: torch.Tensor) -> torch.Tensor:
    """Colours of 4x4 cells of the face against their mean over the batch, [N, 3, 4, 4].

    A style may shift all skin and light, but a person's own must not change from frame to frame, nor all become alike.
    """
    cells = F.adaptive_avg_pool2d(inner_face(images), 4)                    # [N, 3, 4, 4]
    return cells - cells.mean(0)


def frame_flicker(frame: torch.Tensor, neighbours: torch.Tensor) -> torch.Tensor:
    """Relative flicker of a frame [1, 3, S, S] and its neighbours [2, 3, S, S]."""
    return (frame[0] - neighbours.mean(0)).abs().mean() / (frame - neighbours).abs().mean()


def colour_change(moments: torch.Tensor) -> torch.Tensor:
    """How much the colours of places differ between two moments [2, 3, S, S] of a clip, [3, 8, 8]."""
    cells = F.adaptive_avg_pool2d(moments, 8)                               # [2, 3, 8, 8]
    return (cells[0] - cells[1]).abs()
