"""What a photo shows and its inversion does not, as a residual of the decoder's trunk.

A latent knows faces and no caps; features do (HFGI, Wang et al., arXiv:2109.06590; StyleRes, Pehlivan et al.,
arXiv:2212.14359). All tops stand on the trunk, so what is found for the raw decoder is in every style too.
"""

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .layers import ResidualBlock
from .ops import resize

SIDE = 256      # px of the pictures that are compared
CELL = 4        # px that one position of the fine features holds


class ResidualEncoder(ModelMixin, ConfigMixin):
    """A photo and its decoded inversion -> what to add to the trunk's features. Untrained, it adds nothing.

    It may be asked again with the picture that the sum gives: each pass adds to the one before.
    """

    @register_to_config
    def __init__(
        self,
        trunk_channels: int = 512,  # C, width of the decoder's trunk at 32 px
        fine_width: int = 64,       # at 64 px
        width: int = 160,           # at 32 px
        depth: int = 4,             # residual blocks at 32 px
    ):
        super().__init__()
        self.fine = nn.Conv2d(9 * CELL**2, fine_width, 3, padding=1)
        self.fine_block = ResidualBlock(fine_width)
        self.down = nn.Conv2d(fine_width, width, 4, stride=2, padding=1)
        self.trunk = nn.Conv2d(trunk_channels, width, 1)
        self.blocks = nn.Sequential(*(ResidualBlock(width) for _ in range(depth)))
        self.to_residual = nn.Conv2d(width, trunk_channels, 1)
        nn.init.zeros_(self.to_residual.weight)
        nn.init.zeros_(self.to_residual.bias)

    def forward(self, photo: torch.Tensor, decoded: torch.Tensor, trunk: torch.Tensor) -> torch.Tensor:
        """What is to be added to the trunk.

        Args:
            photo, decoded: the crop and the decoder's picture, [N, 3, S, S] in [-1, 1].
            trunk: the features from which that was drawn, [N, C, 32, 32].

        Returns:
            [N, C, 32, 32].
        """
        photo, decoded = resize(photo, SIDE), resize(decoded, SIDE)
        pictures = torch.cat([photo, decoded, photo - decoded], dim=1)
        fine = self.fine_block(self.fine(F.pixel_unshuffle(pictures, CELL)))            # [N, F, 64, 64]
        x = self.down(fine) + self.trunk(trunk)                                         # [N, W, 32, 32]
        return self.to_residual(F.leaky_relu(self.blocks(x), 0.2))
