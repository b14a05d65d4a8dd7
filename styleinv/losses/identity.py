"""Identity losses: networks that embed a face so that the cosine of two embeddings tells one person from two.

- `MobileFaceNet`: Chen et al., arXiv:1804.07573; weights of sirius-ai/MobileFaceNet_TF, trained on MS1M-refine-v2.
  Batch norm is folded into the convolutions.
- `ArcFace` on IR-SE50, the paper's, from which its encoder starts: Deng et al., arXiv:1801.07698; weights of
  TreB1eN/InsightFace_Pytorch, which `styleinv convert arcface` reads.

Both were trained on cleanings of MS-Celeb-1M, which its publisher withdrew in 2019.
"""

import torch
import torch.nn.functional as F
from torch import nn

from ..models.irse import IRSE
from ..models.mobileface import MobileFaceBody
from .frozen import FrozenNetwork

INPUT_SIZE = 112                                    # px that both networks were trained on
BOX = (30 / 256, 28 / 256, 226 / 256, 224 / 256)    # left, top, right, bottom of MobileFaceNet's face, of a crop's side
FRAME = 256                                         # px of the frame in which ArcFace's face is cut out
ROWS, COLUMNS = slice(35, 223), slice(32, 220)      # of it, as pSp cuts


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
