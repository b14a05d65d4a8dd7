"""Stage `dense-motion`: real pairs of a clip's frames, and pairs of the decoder with planted detail, teach the flow
that carries a photo and the map of what it cannot show.

What a clip's latents say of a move is noisy, and a network that learns from noisy moves alone makes them too small. So
people who pose, and whose landmarks are known, say how far things go.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F

from ...losses.lpips import SqueezePerceptual
from ...metrics.psnr import psnr
from ...models.dense_motion import SIDE, DenseMotion, blend, border_window, warp
from ...models.inversion import InversionEncoder
from ...models.mobile_stylegan import MobileDecoder
from ...models.ops import resize
from ..fields import Above0, Count, OutputSide, Share
from ..loop import Checkpointed, save_sheet
from ..optim import average_parameters, warm_half_cosine
from .clip_pairs import ClipPairs, Moments
from .dense_motion_losses import flow_error, importance, landmark_error, perceptual_distance, roughness, weighted_mean
from .planted import Landmarks, before_grounds, draw_details
from .posed import PosedPeople


@dataclass(frozen=True)
class DenseMotionConfig:
    steps: Count = 5000         # length of the learning-rate schedule
    size: OutputSide = 128      # px at which pictures are made and compared
    drawn: OutputSide = 256     # px of the decoder's pictures in clips, whose stem the network reads
    sources: Count = 2          # real photos per step
    samples: int = 2            # photos per step that the decoder makes: their moves are those of the latents, no less
    posed: int = 2              # and that pose, with landmarks; none without `PosedPeople`
    moments: Count = 2          # moments of each
    grounds: Share = 0.5        # share of the decoder's people who stand before a textured ground
    lr: Above0 = 1e-3           # peak; half a cosine down to one percent
    parts: float = 5.0          # weight of the eyes and the mouth, the rest of the face having 1
    outside: float = 0.3        # weight of what lies around the head: a clip's crop follows the head, the room does not
    pixel: float = 1.0          # weight of the mean absolute error of the picture
    warped: float = 0.5         # weight of the same of the warped photo alone
    perceptual: float = 4.0     # weight of the perceptual distance of the picture
    thumbnail: float = 2.0      # weight of the mean squared error of the thumbnail
    flow: float = 0.2           # weight of the flow's distance to the optical flow of the two pictures, in cells
    landmarks: float = 0.5      # weight of its distance to where the landmarks of people who pose were, in cells
    hidden: float = 0.3         # weight of the mean of 1 - V: the photo is to be trusted
    binary: float = 0.2         # weight of the mean of V (1 - V): an average of two sharp images is a ghost
    smooth: float = 0.05        # weight of the flow's changes from cell to cell, in cells, away from edges
    ema: float = 0.998          # of the network that is kept


def relit(moments: Moments) -> Moments:
    """The same in another light, photo and truth alike, which the inversion does not know of."""
    scale = 1 + 0.15 * torch.randn(len(moments.photo), 3, 1, 1).clamp(-2, 2)
    shift = 0.1 * torch.randn(len(moments.photo), 1, 1, 1)
    target = (moments.target * scale[:, None] + shift[:, None]).clamp(-1, 1)
    return replace(moments, photo=(moments.photo * scale + shift).clamp(-1, 1), target=target)


class DenseMotionStage(Checkpointed):
    """Trains the network against a frozen decoder."""

    parts = ("network", "average", "optimizer")

    def __init__(
        self,
        network: DenseMotion,           # trained in place
        decoder: MobileDecoder,         # frozen
        encoder: InversionEncoder,      # frozen; inverts what the decoder makes
        clips: list[ClipPairs],         # real pairs for training
        held_out: list[ClipPairs],      # and for the figures
        landmarks: Landmarks,           # how they follow w
        perceptual: SqueezePerceptual,  # frozen loss network
        matte: Callable[[torch.Tensor], torch.Tensor] | None = None,    # 1 where a person is; for grounds that stay
        people: PosedPeople | None = None,
        config: DenseMotionConfig = DenseMotionConfig(),
    ):
        self.network, self.config = network.train().requires_grad_(True), config
        self.decoder, self.encoder = decoder, encoder
        self.clips, self.held_out, self.landmarks = clips, held_out, landmarks
        self.perceptual, self.matte, self.people = perceptual, matte, people
        self.average = deepcopy(network).requires_grad_(False)
        self.optimizer = torch.optim.Adam(network.parameters(), config.lr, betas=(0.9, 0.99))
        self.weights, self.window = importance(config.parts, config.outside), border_window(0.1)
        self.shares = torch.tensor([float(len(clip.names)) for clip in clips])

    def step(self, step: int) -> dict[str, float]:
        config = self.config
        self.optimizer.param_groups[0]["lr"] = config.lr * warm_half_cosine(step, config.steps)
        losses = self._losses(*self._batch())
        self.optimizer.zero_grad(set_to_none=True)
        sum(getattr(config, name) * loss for name, loss in losses.items()).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        average_parameters(self.average, self.network, min(config.ema, step / (step + 10)))
        return {name: loss.item() for name, loss in losses.items()}

    @torch.no_grad()
    def _batch(self) -> tuple[Moments, torch.Tensor | None]:
        """Pairs of all kinds, those of people who pose last, and the landmarks of these, [P, 1 + M, 68, 2]."""
        config = self.config
        clips = self.clips[int(torch.multinomial(self.shares, 1))]
        parts = [relit(clips.draw(config.sources, config.moments).resized(config.size))]
        if config.samples:
            real = clips.draw(config.samples, config.moments)
            w0 = self.decoder.mapping(torch.randn(real.w0.shape), 0.5 + 0.5 * float(torch.rand(())))
            w = torch.cat([w0[:, None], w0[:, None] + (real.w - real.w0[:, None])], dim=1)
            parts.append(self._planted(w, self.landmarks(w), real.detail))
        landmarks = None
        if self.people and config.posed:
            w, landmarks = self.people.draw(config.posed, config.moments)
            parts.append(self._planted(w, landmarks, clips.draw(config.posed, 1).detail))
        return Moments.cat(parts), landmarks

    def _planted(self, w: torch.Tensor, landmarks: torch.Tensor, detail: torch.Tensor) -> Moments:
        """The decoder's own pictures, with planted detail, as an encoder's degraded inversion sees them.

        Args:
            w: before and at the moments, [B, 1 + M, w_dim].
            landmarks: of the same, [B, 1 + M, 68, 2].
            detail: rows of real people, [B, num_ws, w_dim].
        """
        config, w0 = self.config, w[:, 0]
        photo, target = self._pictures(w, 0.5 * detail * torch.randn(len(w), 1, 1))
        if self.matte:
            photo, target = before_grounds(photo, target, self.matte, config.grounds)
        before = landmarks[:, 0]
        for detail_kind in draw_details(before, config.size):
            photo = detail_kind.put(photo, before, before)
            moments = zip(target.unbind(1), landmarks[:, 1:].unbind(1))
            target = torch.stack([detail_kind.put(x, before, after) for x, after in moments], dim=1)
        found, rows = self.encoder(photo)
        found = found + 0.1 * torch.rand(len(w), 1) * (self.decoder.mapping(torch.randn_like(w0)) - self.decoder.w_avg)
        rows = rows * torch.randint(2, (len(w), 1, 1))          # half of them without detail
        return Moments(photo, found, rows, found[:, None] + (w[:, 1:] - w0[:, None]), target)

    def _pictures(self, w: torch.Tensor, detail: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """G(w_0) [B, 3, S, S] and G(w_t) [B, M, 3, S, S]."""
        ws = w[:, :, None] + detail[:, None]                                                # [B, 1 + M, num_ws, w_dim]
        images = self.decoder.synthesis(ws.flatten(0, 1), self.config.size).clamp(-1, 1).unflatten(0, ws.shape[:2])
        return images[:, 0], images[:, 1:]

    @torch.no_grad()
    def _decode(self, ws: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Features of the trunk and the stem, and the picture."""
        trunk, config = self.decoder.trunk(ws), self.config
        picture = self.decoder.top(trunk, ws, config.size).clamp(-1, 1)
        return trunk, self.decoder.stem(trunk, ws, config.drawn), picture

    def _run(self, network: DenseMotion, batch: Moments) -> tuple[torch.Tensor, ...]:
        """Decoded, warped and blended pictures [B M, 3, S, S], 1 - V [B M, 1, S, S], flow [B M, 2, 64, 64],
        thumbnails [B M, 3, 64, 64].
        """
        moments = batch.w.shape[1]
        trunk, stem, first = self._decode(batch.w0[:, None] + batch.detail)
        source = network.prepare(trunk, stem, batch.photo, first).repeat(moments)
        trunk, stem, decoded = self._decode((batch.w[:, :, None] + batch.detail[:, None]).flatten(0, 1))
        flow, hidden, small = network(source, trunk, stem)
        warped = warp(batch.photo.repeat_interleave(moments, dim=0), flow)
        blended, share = blend(warped, decoded, warp(source.gain, flow), hidden)
        return decoded, warped, blended, share, flow, small

    def _losses(self, batch: Moments, landmarks: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        decoded, warped, blended, share, flow, thumbnail = self._run(self.network, batch)
        target = batch.target.flatten(0, 1)
        small = F.interpolate(share, scale_factor=0.5, mode="area")
        losses = {
            "pixel": weighted_mean((blended - target).abs(), self.weights)
            + weighted_mean((resize(blended, SIDE) - resize(target, SIDE)).abs(), self.weights),
            "warped": weighted_mean((warped - target).abs(), self.weights),
            "perceptual": perceptual_distance(self.perceptual, blended, target, self.weights),
            "thumbnail": F.mse_loss(thumbnail, resize(decoded, SIDE)),
            "flow": flow_error(flow, batch.photo.repeat_interleave(batch.w.shape[1], dim=0), target, self.weights),
            "hidden": small.mean(),
            "binary": (share * (1 - share)).mean(),
            "smooth": roughness(flow, resize(decoded, SIDE)),
        }
        if landmarks is not None:
            moments = landmarks.shape[1] - 1
            before, after = landmarks[:, :1].expand(-1, moments, -1, -1), landmarks[:, 1:]
            posing = flow[-len(landmarks) * moments :]
            losses["landmarks"] = landmark_error(posing, before.flatten(0, 1), after.flatten(0, 1))
        return losses

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Mean perceptual distance, of the training's own kind, to the true frames of held-out clips;
        the rest beside ours."""
        found = []
        for clips in self.held_out:
            last = clips.starts + clips.counts - 1
            for at in clips.starts.split(4):
                index = torch.arange(len(clips.names))[(clips.starts[:, None] == at).any(dim=1)]
                moments = torch.stack([(at + last[index]) // 2, last[index]], dim=1)
                found.append(self._figures(clips.at(at, moments).resized(self.config.size)))
        return {name: sum(row[name] for row in found) / len(found) for name in found[0]}

    def _figures(self, batch: Moments) -> dict[str, float]:
        decoded, warped, blended, share, _, small = self._run(self.average, batch)
        still, target = batch.photo.repeat_interleave(batch.w.shape[1], dim=0), batch.target.flatten(0, 1)
        pictures = {"still": still, "decoded": decoded, "warp": warped, "blend": blended}
        distances = {name: self.perceptual(x, target).mean().item() for name, x in pictures.items()}
        thumbnail = psnr(small, resize(decoded, SIDE)).mean().item()
        return distances | {"share": share.mean().item(), "thumbnail_psnr": thumbnail}

    @torch.no_grad()
    def snapshot(self, folder: Path) -> dict[str, float]:
        """The network, its figures, and a sheet of held-out people: photo, truth, decoded, warped, 1 - V, blended."""
        self.average.save_pretrained(folder / "dense_motion")
        clips = self.held_out[0]
        at = clips.starts[:: max(1, len(clips.starts) // 12)][:12]
        index = (clips.starts[:, None] == at).any(dim=1)
        batch = clips.at(at, (at + clips.counts[index] * 2 // 3)[:, None]).resized(self.config.size)
        decoded, warped, blended, share, *_ = self._run(self.average, batch)
        rows = [batch.photo, batch.target[:, 0], decoded, warped, 2 * share.expand(-1, 3, -1, -1) - 1, blended]
        save_sheet(folder / "sheet.png", torch.cat(rows), columns=len(at))
        return self.measure()
