"""What a motion must leave as it is: the light on a face, and the glasses before its eyes.

Both are linear maps of offsets of w. How a picture follows w differs from person to person, so gradients are taken at
this one's ws.
"""

import torch
import torch.nn.functional as F

from ..models.mobile_stylegan import MobileDecoder

EYES = (0.36, 0.62), (0.18, 0.82)   # rows and columns of an aligned face in which glasses are, in sides
AWAY = 0.5          # length of the move by which glasses are seen to vanish,
TRIAL = 0.5         # and of those by which measures change
GIVEN_BACK = 1.4    # of what the gradient says is lost: they vanish faster than it says
FAINT = 1.5e-3      # mean square by which pictures change at most if there are no glasses to vanish


def steady_light(decoder: MobileDecoder, ws: torch.Tensor) -> torch.Tensor:
    """The projection [w_dim, w_dim] that takes out of an offset of w what would change the picture's mean colour.

    Real light does not change when a head moves. The gradient at ws [num_ws, w_dim] explains nine tenths of the
    pumping, and costs a few hundredths of the motion.
    """
    def colour(offset: torch.Tensor) -> torch.Tensor:
        return decoder.synthesis((ws + offset)[None], min(decoder.config.sizes)).mean((0, 2, 3))

    with torch.enable_grad():
        gradient = torch.autograd.functional.jacobian(colour, torch.zeros_like(ws[0]))          # [3, w_dim]
    return torch.eye(ws.shape[1], device=ws.device) - gradient.T @ torch.linalg.pinv(gradient).T


@torch.no_grad()
def steady_glasses(
    decoder: MobileDecoder, ws: torch.Tensor, away: torch.Tensor, directions: torch.Tensor
) -> torch.Tensor:
    """The map [w_dim, w_dim] that gives back to an offset of w what it takes from the glasses of ws [num_ws, w_dim].

    What vanishes around the eyes along `away` [w_dim], and is like nothing that the measures do there whose
    `directions` [K, w_dim] are given, is the pattern of the glasses. How much of it an offset takes away is given back
    along `away`. Of a person without glasses nothing vanishes, and nothing is given back.
    """
    away, moves, same = F.normalize(away, dim=0), TRIAL * F.normalize(directions, dim=1), torch.eye(len(away)).to(ws)

    def eyes(offsets: torch.Tensor) -> torch.Tensor:
        images = decoder.synthesis(ws + offsets[:, None], min(decoder.config.sizes))            # [N, 3, S, S]
        top, bottom, left, right = (round(images.shape[-1] * part) for side in EYES for part in side)
        return images[:, :, top:bottom, left:right].flatten(1)                                  # [N, P]

    there, gone = eyes(torch.stack([0 * away, AWAY * away]))                                    # [P] each
    vanished = gone - there
    if vanished.square().mean() < FAINT:
        return same
    done = eyes(moves) - eyes(-moves)                                                           # [K, P]
    likely = torch.linalg.qr(done.T).Q                                                          # [P, K]
    pattern = vanished - likely @ (likely.T @ vanished)
    with torch.enable_grad():
        gradient = torch.autograd.functional.jacobian(
            lambda offset: (pattern * eyes(offset[None])[0]).mean(), torch.zeros_like(away))    # [w_dim]
    slope = gradient @ away
    return same - GIVEN_BACK * slope / (slope**2 + FAINT**2) * torch.outer(gradient, away)
