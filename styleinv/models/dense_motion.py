"""Dense motion: how a photo's own pixels move when its latent does, and where the photo does not show what is needed.

Backward flow and an occlusion map, as in the first-order motion model (Siarohin et al., arXiv:2003.00148), but driven
by the decoder's features of w_0 and w_t instead of key points. The picture is V * warp(photo, flow) + (1 - V) * G(w_t).
"""

import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .layers import ResidualBlock
from .ops import Part, resize

SIDE = 64           # cells along a side of the crop, for flow and occlusion; also that of the stem's features
LARGEST_GAIN = 2.0  # of the light, either way
MOST_COLOUR = 1.3   # factor of colourfulness
FAINT = 0.003       # of a colour's square, in [-1, 1]: less has no colour that could be matched
DIM = 0.1           # of a brightness from 0 to 2: what is darker has hardly a saturation
HUELESS, COLOURED = 0.1, 0.35   # saturations of teeth, and of skin
NOTHING = -80.0     # logit of what is not hidden at all
SEEN = 0.02     # share of the decoder's picture below which it is left out: two levels of 255 at most


@dataclass(frozen=True)
class Source:
    """What all frames of a clip share: N photos and their inversions."""

    trunk: torch.Tensor     # features of the decoder's trunk at w_0, [N, C, 32, 32]
    reduced: torch.Tensor   # the same through the 1x1 convolution, [N, K, 32, 32]
    keys: torch.Tensor      # their unit vectors, with a margin of zeros, [N, K, 32 + 2 reach, 32 + 2 reach]
    fine: torch.Tensor      # what the photo, G(w_0) and the stem's features say at 64 px, [N, F, 64, 64]
    thumbnail: torch.Tensor # of G(w_0), [N, 3, 64, 64]
    gain: torch.Tensor      # the photo's light and colours over those of G(w_0), [N, 4, 64, 64], see `matched`

    def repeat(self, times: int) -> "Source":
        """Each source so many times in a row."""
        if times == 1:
            return self
        return Source(*(getattr(self, f.name).repeat_interleave(times, dim=0) for f in fields(self)))


class DenseMotion(ModelMixin, ConfigMixin):
    """Features of w_0 and w_t -> backward flow and the logit of occlusion, both at 64 px.

    Untrained, the flow is zero. Where w_t is w_0, and always at the border of the crop, the flow is zero and nothing is
    hidden, whatever the weights.
    """

    @register_to_config
    def __init__(
        self,
        trunk_channels: int = 512,  # width of the decoder's trunk at 32 px
        stem_channels: int = 512,   # and of its stem at 64 px
        trunk_width: int = 40,      # of the trunk's features that are kept, for matching too
        stem_width: int = 16,       # width at 64 px
        thumbnail_widths: tuple[int, ...] = (48, 32),   # of what guesses the decoder's picture
        widths: tuple[int, ...] = (64, 96, 112),    # at 32, 16 and 8 px
        reach: int = 3,             # cells of 1/32 of a side, either way, in which features are matched
        border: float = 0.1,        # share of the side over which the flow fades out
        least: float = 0.01,        # relative change of the features below which all motion fades out
    ):
        super().__init__()
        w32, w16, w8 = widths
        self.thumbnail = nn.Sequential(
            nn.Conv2d(stem_channels, thumbnail_widths[0], 1), nn.LeakyReLU(0.2),
            nn.Conv2d(*thumbnail_widths, 3, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(thumbnail_widths[1], 3, 3, padding=1))
        self.reduce = nn.Conv2d(trunk_channels, trunk_width, 1)
        self.source_stem = nn.Conv2d(stem_channels, stem_width, 1)
        self.source_image = nn.Conv2d(9, stem_width, 3, padding=1)
        self.stem = nn.Conv2d(stem_channels, stem_width, 1)
        self.image = nn.Conv2d(6, stem_width, 3, padding=1)
        self.down32 = nn.Conv2d(stem_width, w32, 3, stride=2, padding=1)
        self.mix32 = nn.Conv2d(w32 + 2 * trunk_width + (2 * reach + 1) ** 2, w32, 1)
        self.block32 = nn.Conv2d(w32, w32, 3, padding=1)
        self.down16 = nn.Conv2d(w32, w16, 3, stride=2, padding=1)
        self.block16 = ResidualBlock(w16)
        self.down8 = nn.Conv2d(w16, w8, 3, stride=2, padding=1)
        self.block8 = nn.Sequential(ResidualBlock(w8), ResidualBlock(w8))
        self.up16 = nn.Sequential(nn.Conv2d(w16 + w8, w16, 1), nn.LeakyReLU(0.2), nn.Conv2d(w16, w16, 3, padding=1))
        self.up32 = nn.Sequential(nn.Conv2d(w32 + w16, w32, 1), nn.LeakyReLU(0.2), nn.Conv2d(w32, w32, 3, padding=1))
        self.up64 = nn.Conv2d(w32, stem_width, 1)
        self.last = nn.Conv2d(stem_width, stem_width, 3, padding=1)
        self.to_flow = nn.Conv2d(stem_width, 2, 3, padding=1)
        self.to_hidden = nn.Conv2d(stem_width, 1, 3, padding=1)
        nn.init.zeros_(self.to_flow.weight)
        nn.init.zeros_(self.to_flow.bias)
        nn.init.zeros_(self.to_hidden.weight)
        nn.init.constant_(self.to_hidden.bias, -2.0)        # the photo is trusted first
        self.register_buffer("window", border_window(border), persistent=False)        # [64, 64]

    def prepare(self, trunk: torch.Tensor, stem: torch.Tensor, photo: torch.Tensor, decoded: torch.Tensor) -> Source:
        """What depends on the photo and w_0 alone.

        Args:
            trunk, stem: the decoder's features of w_0, [N, C, 32, 32] and [N, C', 64, 64].
            photo, decoded: the photo's crop and G(w_0), [N, 3, S, S] in [-1, 1], S >= 64.
        """
        photo, small = resize(photo, SIDE), self.thumbnail(stem)                        # [N, 3, 64, 64] each
        reduced = self.reduce(trunk)                                                    # [N, K, 32, 32]
        keys = F.pad(F.normalize(reduced, dim=1), 4 * [self.config.reach])
        fine = self.source_stem(stem) + self.source_image(torch.cat([photo, small, photo - small], dim=1))
        return Source(trunk, reduced, keys, fine, small, colour_gain(photo, resize(decoded, SIDE)))

    def forward(
        self, source: Source, trunk: torch.Tensor, stem: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What the decoder has at w_t, as in `prepare`, for N frames of as many sources.

        Returns:
            flow [N, 2, 64, 64], x and y in sides of the crop: where in the photo each cell comes from,
                less where it is;
            hidden [N, 1, 64, 64], the logit of 1 - V, V being the occlusion map:
                1 where the photo shows what is needed;
            thumbnail [N, 3, 64, 64] of G(w_t), guessed: to draw G(w_t) would take most of a frame's time.
        """
        small = self.thumbnail(stem)                                                    # [N, 3, 64, 64]
        fine = source.fine + self.stem(stem) + self.image(torch.cat([small, small - source.thumbnail], dim=1))
        fine = F.leaky_relu(fine, 0.2)                                                  # [N, F, 64, 64]
        reduced = self.reduce(trunk)                                                    # [N, K, 32, 32]
        x = [self.down32(fine), reduced, source.reduced, self._match(source.keys, reduced)]
        x32 = F.leaky_relu(self.mix32(F.leaky_relu(torch.cat(x, dim=1), 0.2)), 0.2)
        x32 = F.leaky_relu(self.block32(x32), 0.2)                                      # [N, w32, 32, 32]
        x16 = self.block16(self.down16(x32))                                            # [N, w16, 16, 16]
        x8 = self.block8(self.down8(x16))                                               # [N, w8, 8, 8]
        x16 = F.leaky_relu(self.up16(torch.cat([x16, _doubled(x8)], dim=1)), 0.2)       # [N, w16, 16, 16]
        x32 = F.leaky_relu(self.up32(torch.cat([x32, _doubled(x16)], dim=1)), 0.2)      # [N, w32, 32, 32]
        x = F.leaky_relu(self.last(fine + _doubled(self.up64(x32))), 0.2)               # [N, F, 64, 64]
        gate = self._gate(source.trunk, trunk)                                          # [N, 1, 1, 1]
        gate = gate * self.window                                                       # [N, 1, 64, 64]
        return 0.1 * self.to_flow(x) * gate, (self.to_hidden(x) + gate.log()).clamp(min=NOTHING), small

    def _match(self, keys: torch.Tensor, reduced: torch.Tensor) -> torch.Tensor:
        """Cosines of each position's features with those of the source around it, [N, (2 reach + 1)^2, 32, 32]."""
        queries, (height, width) = F.normalize(reduced, dim=1), reduced.shape[2:]
        across = range(2 * self.config.reach + 1)
        shifted = (keys[:, :, y : y + height, x : x + width] for y in across for x in across)
        return torch.stack([(queries * around).sum(dim=1) for around in shifted], dim=1)

    def _gate(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        """[N, 1, 1, 1]: 0 where nothing changed, 1 for any real motion."""
        change = (after - before).abs().mean((1, 2, 3), keepdim=True) / before.abs().mean((1, 2, 3), keepdim=True)
        return 1 - (-change / self.config.least).exp()


def _doubled(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def border_window(border: float) -> torch.Tensor:
    """[64, 64]: 0 in the outermost cells, 1 further in than `border` sides, smooth between."""
    cells = torch.arange(SIDE)
    x = (torch.minimum(cells, SIDE - 1 - cells) / (border * SIDE)).clamp(max=1)
    x = x * x * (3 - 2 * x)
    return x[:, None] * x


def colour_gain(photo: torch.Tensor, decoded: torch.Tensor) -> torch.Tensor:
    """What brings the decoder's picture into the photo's light and colours, as :func:`matched` takes it.

    Images [N, 3, 64, 64] in [-1, 1] -> [N, 4, 64, 64]: three factors on the scale from 0, black, their mean smooth over
    about a sixth of the side and their hue over a third, since red lips must not make teeth green; then one of the
    colourfulness, smooth over three cells, so that lips have their own.
    """
    light = (_light(photo) / _light(decoded)).clamp(1 / LARGEST_GAIN, LARGEST_GAIN)     # [N, 3, 64, 64]
    wanted, found = (_smoothed(x - x.mean(1, keepdim=True)) for x in (photo, (decoded + 1) * light - 1))
    agree, own = ((x * found).sum(1, keepdim=True) + FAINT for x in (wanted, found))
    return torch.cat([light, (agree / own).clamp(0, MOST_COLOUR)], dim=1)


def matched(decoded: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """Images [N, 3, S, S] in [-1, 1], in the light and the colours that a gain [N, 4, 64, 64] says.

    What has no hue takes none: teeth beside skin of another hue than the decoder's stay white.
    """
    gain, bright = enlarged(gain, decoded), decoded + 1
    saturation = 1 - bright.amin(1, keepdim=True) / bright.amax(1, keepdim=True).clamp(min=DIM)
    hue = ((saturation - HUELESS) / (COLOURED - HUELESS)).clamp(0, 1)                   # [N, 1, S, S]
    light = gain[:, :3].mean(1, keepdim=True)
    lit = bright * torch.lerp(light, gain[:, :3], hue) - 1
    colour = torch.lerp(gain[:, 3:].clamp(max=1), gain[:, 3:], hue)                     # nor are they yellower
    return torch.lerp(lit.mean(1, keepdim=True), lit, colour)


def _light(images: torch.Tensor) -> torch.Tensor:
    """How bright the surroundings are, in each channel, [N, 3, 64, 64]."""
    bright, hue = _low(images.mean(1, keepdim=True), 16), _low(images, 8)
    return bright * hue / hue.mean(1, keepdim=True)


def _low(images: torch.Tensor, count: int) -> torch.Tensor:
    """Means over so many cells along a side, above a dark grey, smoothed and enlarged again."""
    cells = _smoothed(F.avg_pool2d(images, SIDE // count)) + 1.1                        # [N, C, count, count]
    return F.interpolate(cells, size=images.shape[2:], mode="bilinear", align_corners=False)


def _smoothed(images: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)


def warp(images: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """Images [N, 3, S, S] carried by a backward flow [N, 2, 64, 64] in sides; exactly themselves where it is zero."""
    side = images.shape[-1]
    flow = F.interpolate(flow, size=(side, side), mode="bilinear", align_corners=False)
    at = (2 * torch.arange(side, dtype=flow.dtype, device=flow.device) + 1) / side - 1  # centres of pixels, in [-1, 1]
    grid = torch.stack([at.expand(side, side), at[:, None].expand(side, side)], dim=2) + 2 * flow.permute(0, 2, 3, 1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def blend(
    warped: torch.Tensor, decoded: torch.Tensor, gain: torch.Tensor, hidden: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The picture: the warped photo, and the decoder's in the photo's light where that is hidden.

    Args:
        warped, decoded: [N, 3, S, S] and [N, 3, S', S'] in [-1, 1].
        gain: the source's, carried by the flow, [N, 4, 64, 64].
        hidden: logit of 1 - V, [N, 1, 64, 64].

    Returns:
        [N, 3, S, S], and 1 - V, [N, 1, S, S].
    """
    # Enlarged before the sigmoid, so that edges of what is hidden are sharp.
    share = enlarged(hidden, warped).sigmoid()
    share = share * (share > SEEN)                                                      # [N, 1, S, S]
    return warped + share * (enlarged(matched(decoded, gain), warped) - warped), share


def enlarged(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """[N, C, H, W] at the sides of another picture."""
    return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)


def gap_box(hidden: torch.Tensor) -> Part:
    """The cells, with a margin of one, outside of which nothing is hidden in any of [N, 1, 64, 64]."""
    seen = hidden.amax((0, 1)) > math.log(SEEN / (1 - SEEN))                            # [64, 64]
    return Part(_span(seen.any(dim=1)), _span(seen.any(dim=0)), SIDE)


def _span(seen: torch.Tensor) -> slice:
    cells = seen.nonzero()[:, 0]
    return slice(max(0, int(cells[0]) - 1), int(cells[-1]) + 2) if len(cells) else slice(0, 0)
