"""The paper's identity loss: ArcFace on IR-SE50, the network from which its encoder starts.

Deng et al., arXiv:1801.07698; weights of TreB1eN/InsightFace_Pytorch, trained on a cleaning of MS-Celeb-1M (withdrawn by
its publisher in 2019). `styleinv convert arcface` makes the file.
"""

import torch
import torch.nn.functional as F
from torch import nn

from ..models.frozen import FrozenNetwork
from ..models.irse import IRSE

FRAME = 256                                     # px of the frame in which the face is cut out
ROWS, COLUMNS = slice(35, 223), slice(32, 220)  # of it, as pSp cuts
INPUT_SIZE = 112                                # px that the network was trained on


class ArcFace(FrozenNetwork):
    """Face -> embedding; the cosine of two tells one person from two."""

    def __init__(self):
        super().__init__()
        self.body = IRSE()
        self.norm = nn.BatchNorm2d(512)
        self.embedding = nn.Linear(512 * 7 * 7, 512)
        self.embedding_norm = nn.BatchNorm1d(512)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """FFHQ-framed RGB images [N, 3, S, S] in [-1, 1], any S -> embeddings [N, 512] of unit length."""
        return self.embed(face_crop(images))

    def embed(self, faces: torch.Tensor) -> torch.Tensor:
        """Faces [N, 3, 112, 112] in [-1, 1], cut by `face_crop` -> embeddings [N, 512] of unit length."""
        x = self.norm(self.body(faces)[-1]).flatten(1)                  # [N, 512 * 7 * 7]
        return F.normalize(self.embedding_norm(self.embedding(x)))      # [N, 512]


def face_crop(images: torch.Tensor) -> torch.Tensor:
    """FFHQ-framed images [N, C, S, S] -> the face alone, [N, C, 112, 112], by averages as pSp takes them."""
    frame = images if images.shape[-1] == FRAME else F.adaptive_avg_pool2d(images, FRAME)
    return F.adaptive_avg_pool2d(frame[:, :, ROWS, COLUMNS], INPUT_SIZE)
