"""What every decoder offers, so that either can stand behind motion, styles and training."""

from typing import Protocol

import torch


class Decoder(Protocol):
    """Latents -> images: the default `mobile_stylegan`, and the paper's `stylegan2`.

    `ws` is W [N, w_dim], or W+ [N, num_ws, w_dim] with a latent per style row. All sizes and styles share the trunk.
    """

    @property
    def num_ws(self) -> int:
        """Style rows."""
        ...

    @property
    def resolution(self) -> int:
        """The largest output side, in pixels."""
        ...

    @property
    def w_avg(self) -> torch.Tensor:
        """The mean latent, [w_dim]."""
        ...

    def mapping(self, z: torch.Tensor, psi: float = 1.0) -> torch.Tensor:
        """z [N, z_dim] -> w [N, w_dim]; psi is the truncation."""
        ...

    def trunk(self, ws: torch.Tensor) -> torch.Tensor:
        """ws -> features [N, C, R, R], R the trunk's resolution."""
        ...

    def top(self, features: torch.Tensor, ws: torch.Tensor) -> torch.Tensor:
        """Features of the trunk and ws -> image [N, 3, S, S] in about [-1, 1]."""
        ...

    def synthesis(self, ws: torch.Tensor) -> torch.Tensor:
        """ws -> image: the top of the trunk."""
        ...
