"""The identity loss: MobileFaceNet, which embeds a face so that the cosine of two embeddings tells one person from two.

Chen et al., "MobileFaceNets", arXiv:1804.07573; weights of sirius-ai/MobileFaceNet_TF, trained on MS1M-refine-v2, a
cleaning of MS-Celeb-1M (withdrawn by its publisher in 2019). Batch norm is folded into the convolutions.
"""

import torch
import torch.nn.functional as F
from torch import nn

from ..models.frozen import FrozenNetwork
from ..models.mobileface import MobileFaceBody

BOX = (30 / 256, 28 / 256, 226 / 256, 224 / 256)    # left, top, right, bottom of the face in an FFHQ crop, of its side
INPUT_SIZE = 112                                    # px that the network was trained on


class MobileFaceNet(MobileFaceBody, FrozenNetwork):
    """Face -> embedding. Cosines: about 0.8 for two portraits of one person, 0.04 for two people, 0.1 % above 0.47."""

    def __init__(self):
        super().__init__()
        self.global_depthwise = nn.Conv2d(512, 512, 7, groups=512)
        self.global_pointwise = nn.Conv2d(512, 512, 1)
        self.embedding = nn.Conv2d(512, 192, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """FFHQ-framed RGB images [N, 3, S, S] in [-1, 1], any S -> embeddings [N, 192] of unit length."""
        return self.embed(face_box(images))

    def embed(self, faces: torch.Tensor) -> torch.Tensor:
        """Faces [N, 3, 112, 112] in [-1, 1], cut by `face_box` -> embeddings [N, 192] of unit length."""
        x = super().forward(faces)[-1]                                  # [N, 512, 7, 7]
        x = self.global_pointwise(self.global_depthwise(x))             # [N, 512, 1, 1]
        return F.normalize(self.embedding(x).flatten(1))                # [N, 192]


def face_box(images: torch.Tensor) -> torch.Tensor:
    """FFHQ-framed images [N, C, S, S] -> the face alone, [N, C, 112, 112]."""
    left, top, right, bottom = (round(images.shape[-1] * edge) for edge in BOX)
    face = images[:, :, top:bottom, left:right]
    return F.interpolate(face, (INPUT_SIZE, INPUT_SIZE), mode="bilinear", antialias=True, align_corners=False)
