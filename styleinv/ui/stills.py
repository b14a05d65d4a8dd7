"""A visitor's own face in every style, for the pictures that one chooses by."""

import numpy as np
import torch

from ..inversion import Inversion
from ..models.ops import to_uint8
from ..pipeline import StyleInVPipeline

SIDE = 256      # px


@torch.no_grad()
def stills(pipe: StyleInVPipeline, inversion: Inversion) -> dict[str, np.ndarray]:
    """By name, uint8 [SIDE, SIDE, 3]: one trunk pass, and a top for each style. Nothing moves."""
    shelf, ws, images = pipe.shelf, inversion.ws[None].to(pipe.device), {}
    trunk = pipe.decoder.trunk(ws)
    for name in shelf.names(tuple(pipe.styles)):
        (top,) = shelf.tops([name], SIDE).values()
        image = pipe.decoder.styled(pipe.decoder.stem(trunk, ws, top.size), ws, top, SIDE)
        images[name] = to_uint8(image)[0].cpu().numpy()
    return images
