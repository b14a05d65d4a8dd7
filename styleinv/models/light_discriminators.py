"""Small discriminators, which learn on a CPU: of images, of latents in time, and on frozen features.

- `ImageDiscriminator` judges patches; for the decoder's tops.
- `LatentDiscriminator` judges some latents of a clip and their times, with no images; for motion.
- `ProjectedDiscriminator` learns from a few hundred images within minutes: a pretrained network sees them, small heads
  judge what it sees at several depths, and a frozen random mixing of channels keeps a head from leaning on a few of
  them (Sauer et al., "Projected GANs Converge Faster", arXiv:2111.01007); for styles.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class DownBlock(nn.Module):
    """Residual block that halves the resolution (StyleGAN2's discriminator, section 4)."""

    def __init__(
        self,
        in_channels: int,   # C_in
        out_channels: int,  # C_out
    ):
        super().__init__()
        self.conv0 = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.skip = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, C_in, R, R] -> [N, C_out, R/2, R/2]."""
        y = F.leaky_relu(self.conv0(x), 0.2)
        y = F.leaky_relu(self.conv1(F.avg_pool2d(y, 2)), 0.2)   # [N, C_out, R/2, R/2]
        return (y + self.skip(F.avg_pool2d(x, 2))) / 2**0.5


class ImageDiscriminator(nn.Module):
    """Judges patches: image [N, 3, S, S] -> logits [N, 1, P, P], P = S / 2**(1 + blocks)."""

    def __init__(
        self,
        channels: tuple[int, ...] = (16, 32, 64, 128, 128),  # widths behind the stem and each block
    ):
        super().__init__()
        self.stem = nn.Conv2d(12, channels[0], 1)
        self.blocks = nn.Sequential(*(DownBlock(a, b) for a, b in itertools.pairwise(channels)))
        self.head = nn.Conv2d(channels[-1], 1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stem(F.pixel_unshuffle(images, 2))             # [N, C0, S/2, S/2]
        return self.head(F.leaky_relu(self.blocks(x), 0.2))     # [N, 1, P, P]


class LatentDiscriminator(nn.Module):
    """Does a face move like this? Motion coordinates of the first frame and of three later ones -> logit [B]."""

    def __init__(
        self,
        dims: int = 32,     # motion coordinates, of unit variance
        hidden: int = 512,  # width of the layers
        waves: int = 6,     # sines that encode each time
    ):
        super().__init__()
        self.register_buffer("frequencies", torch.pi * 2.0 ** torch.arange(waves), persistent=False)
        inputs = dims * 6 + 3 * (1 + 2 * waves)
        self.layers = nn.Sequential(
            nn.Linear(inputs, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden), nn.LeakyReLU(0.2),
            nn.Linear(hidden, hidden), nn.LeakyReLU(0.2),
        )
        self.head = nn.Linear(hidden + 1, 1)

    def forward(self, first: torch.Tensor, offsets: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """first [B, D], offsets from it [B, 3, D], their times t [B, 3] in frames -> [B]."""
        steps = offsets.diff(dim=1) / t.diff(dim=1)[..., None].sqrt()               # [B, 2, D], as a walk's increments
        time = torch.cat([t[:, :1], t.diff(dim=1)], dim=1)[..., None] / 128         # [B, 3, 1]
        waves = (time * self.frequencies)                                           # [B, 3, W]
        time = torch.cat([time, waves.sin(), waves.cos()], dim=2).flatten(1)        # [B, 3 (1 + 2 W)]
        x = self.layers(torch.cat([first, offsets.flatten(1), 3 * steps.flatten(1), time], dim=1))
        # Variety within groups of eight, [B].
        spread = x.unflatten(0, (-1, 8)).std(dim=1).mean(dim=1).repeat_interleave(8)
        return self.head(F.pad(x, (0, 1)) + F.pad(spread[:, None], (x.shape[1], 0)))[:, 0]


class FeatureHead(nn.Module):
    """Judges the feature map of one depth."""

    def __init__(
        self,
        in_channels: int,   # C of the feature map
        width: int = 48,    # channels after the mixing
    ):
        super().__init__()
        self.mix = nn.Conv2d(in_channels, width, 1).requires_grad_(False)
        self.conv0 = spectral_norm(nn.Conv2d(width, width, 3, stride=2, padding=1))
        self.conv1 = spectral_norm(nn.Conv2d(width, width, 3, padding=1))
        self.out = spectral_norm(nn.Conv2d(width, 1, 1))
        nn.init.kaiming_normal_(self.mix.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, C, R, R] -> logits [N, 1, R/2, R/2]."""
        x = F.leaky_relu(self.conv0(self.mix(x)), 0.2)          # [N, width, R/2, R/2]
        return self.out(F.leaky_relu(self.conv1(x), 0.2))       # [N, 1, R/2, R/2]


class ProjectedDiscriminator(nn.Module):
    """Features of several depths -> logits [N, 1, P, P] of each."""

    def __init__(
        self,
        channels: tuple[int, ...],  # widths of the feature maps
        width: int = 48,            # of each head
    ):
        super().__init__()
        self.heads = nn.ModuleList(FeatureHead(c, width) for c in channels)

    def forward(self, features: list[torch.Tensor]) -> list[torch.Tensor]:
        return [head(x) for head, x in zip(self.heads, features, strict=True)]


def hinge_d(real: list[torch.Tensor], fake: list[torch.Tensor]) -> torch.Tensor:
    """Loss of the discriminator: the mean of every head's hinge loss (Lim and Ye, arXiv:1705.02894)."""
    return sum(F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in zip(real, fake)) / len(real)


def hinge_g(fake: list[torch.Tensor]) -> torch.Tensor:
    """Loss of the generator."""
    return -sum(f.mean() for f in fake) / len(fake)
