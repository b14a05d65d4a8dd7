"""StyleInV: the inversion encoder, modulated in time (Wang, Jiang, Loy, ICCV 2023, section 3)."""

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .inversion import BODIES, InversionEncoder
from .layers import EqualLinear
from .ops import resize
from .temporal_style import TemporalStyle


class AdaIN(nn.Module):
    """Instance normalisation, then a scale and a shift that a style gives (Huang and Belongie, arXiv:1703.06868)."""

    def __init__(
        self,
        channels: int,      # C
        style_dim: int,     # width of a style
    ):
        super().__init__()
        self.affine = EqualLinear(style_dim, 2 * channels)

    def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """x [N, C, H, W], style [N, style_dim] -> [N, C, H, W]."""
        gamma, beta = self.affine(style)[:, :, None, None].chunk(2, dim=1)      # 2 x [N, C, 1, 1]
        return (1 + gamma) * F.instance_norm(x) + beta


class AdaINBlock(nn.Module):
    """Residual block of two modulated convolutions, behind each group of the body."""

    def __init__(
        self,
        channels: int,      # C
        style_dim: int,     # width of a style
    ):
        super().__init__()
        self.norm0, self.norm1 = AdaIN(channels, style_dim), AdaIN(channels, style_dim)
        self.conv0 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        for conv in (self.conv0, self.conv1):
            nn.init.kaiming_normal_(conv.weight, a=0.2)

    def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """x [N, C, H, W], style [N, style_dim] -> [N, C, H, W]."""
        y = self.conv0(F.leaky_relu(self.norm0(x, style), 0.2))
        y = self.conv1(F.leaky_relu(self.norm1(y, style), 0.2))
        return (x + y) / 2**0.5


class MotionNetwork(ModelMixin, ConfigMixin):
    """First frame, its latent, a motion code and times -> latents: w_t = w0 + head(body(x0, style_t)), or, `anchored`,
    w_t = w0 + head(body(x0, style_t)) - head(body(x0, style_0)).

    What precedes the first AdaIN block does not depend on time: :meth:`prefix` computes it once a clip. The defaults
    are the light network; the paper's has preset "irse50", input_size 256, z_dim 512, frequencies 256, lr_mul 0.01 and
    aligner_gain 1.
    """

    @register_to_config
    def __init__(
        self,
        preset: str = "mobileface", # preset of the body, as in the inversion encoder
        input_size: int = 64,       # side that the first frame is resized to
        w_dim: int = 512,           # width of w
        z_dim: int = 128,           # width of an anchor's noise
        style_dim: int = 512,       # width of a style
        frequencies: int = 128,     # sines of the acyclic encoding
        distance: int = 16,         # frames between anchors
        min_period: float = 16.0,   # frames
        max_period: float = 128.0,  # frames
        lr_mul: float = 1.0,        # learning-rate multiplier of the temporal style
        aligner_gain: float = 2.0,  # of the acyclic encoding
        frame_rate: float = 25.0,   # its frames per second: those of its clips, or more, to move as quickly
        anchored: bool = False,     # subtract what the head says at time 0, so that the first frame needs no learning
    ):
        super().__init__()
        self.style = TemporalStyle(
            w_dim, z_dim, style_dim, frequencies, distance, min_period, max_period, lr_mul, aligner_gain
        )
        self.body = BODIES[preset]()
        self.blocks = nn.ModuleList(AdaINBlock(c, style_dim) for c in self.body.widths)
        self.head = EqualLinear(self.body.widths[-1], w_dim)
        if not anchored:
            nn.init.zeros_(self.head.weight)    # untrained, it stands still

    def warm_start(self, encoder: InversionEncoder) -> None:
        """Take over the body of an inversion encoder."""
        self.body.load_state_dict(encoder.body.state_dict())

    def prefix(self, x0: torch.Tensor) -> torch.Tensor:
        """First frames G(w0) [B, 3, S, S] in [-1, 1] -> features [B, C, H, W] that all frames share."""
        return self.body.group(0, resize(x0, self.config.input_size))

    def frames(self, prefix: torch.Tensor, w0: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """prefix [B, C, H, W], w0 [B, w_dim], motion features v [B, T, D] -> latents [B, T, w_dim]."""
        if self.config.anchored:
            v = torch.cat([self.style.origin().expand(len(v), 1, -1), v], dim=1)    # [B, 1 + T, D]
        b, t = v.shape[:2]
        style = self.style(w0, v).flatten(0, 1)                                 # [B T, style_dim]
        x = prefix[:, None].expand(-1, t, -1, -1, -1).flatten(0, 1)             # [B T, C, H, W]
        for index, block in enumerate(self.blocks):
            x = block(self.body.group(index, x) if index else x, style)
        offset = self.head(x.mean(dim=(2, 3))).unflatten(0, (b, t))             # [B, T, w_dim]
        return w0[:, None] + (offset[:, 1:] - offset[:, :1] if self.config.anchored else offset)

    def forward(self, x0: torch.Tensor, w0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """x0 [B, 3, S, S], w0 [B, w_dim], noise [B, K, z_dim], t [B, T] in frames -> latents [B, T, w_dim]."""
        v = self.style.motion(self.style.codes(noise), t)                       # [B, T, D]
        return self.frames(self.prefix(x0), w0, v)
