"""A clip before it is drawn: at each moment the latents, where the eyes look, and how the head leans."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from ..clip.drawers import drawers
from ..clip.recipe import Recipe
from ..models.mobile_stylegan import MobileDecoder
from ..models.motion import MotionNetwork
from ..models.steering import Steering
from .answers import Answers
from .driver import Driver
from .expression import NAMES, Carry, Expression, Pose, bounded, kind_of
from .eyes import AHEAD, Gaze
from .follower import Follower
from .moods import MOODS, Laid
from .steady import steady_glasses, steady_light
from .sway import Sway
from .tracks import smooth

BLOCK = 8       # frames that one pass of the motion network makes; fixed, so that rounding never depends on the request
RELAX = 1.2     # s in which a pose that is not held goes over into the photo's
WIDEST = 1.2    # spans that a mouth opens, unless the photo's is wider: of talkers' frames one in twenty has more
ASLEEP, OPEN = 0.65, 1.2    # spans of the lids: a photo that caught a blink has less than the first, then the second
NARROWED = 0.12 # share of their opening by which eyes narrow between blinks, at most: small ones would look asleep
CLOSE = 1.5     # s, at most, in which a seamless loop comes back to its beginning


@dataclass(frozen=True)
class Moment:
    """One frame before it is drawn."""

    ws: torch.Tensor            # [1, num_ws, w_dim]; [2, ...] where the halves of the face differ, the left one first
    gaze: Gaze = AHEAD
    sway: Sway | None = None


class Path:
    """Learned motion, what a mood lays over it, and a pose, as moments of a clip."""

    @torch.no_grad()
    def __init__(
        self,
        decoder: MobileDecoder,
        network: MotionNetwork,
        steering: Steering | None,      # for moods; without it there are none
        w0: torch.Tensor,               # of the photo, [1, w_dim]
        detail: torch.Tensor,           # [num_ws, w_dim]
        pose: Pose | None,              # how the clip begins
        recipe: Recipe,                 # with a seed
        driver: Driver | None = None,   # whose motion it is, instead of a learned one
        answers: Answers | None = None, # what was found of this face before, to which is added
        carry: Carry | None = None,     # the photo at other ws, if that is what moves
    ):
        self.decoder, self.network, self.steering, self.carry = decoder, network, steering, carry
        self.answers = answers or Answers()
        self.w0, self.detail, self.pose, self.recipe = w0, detail, pose, recipe
        self.driver, self.mood = driver, MOODS[recipe.mood] if steering and driver is None else None
        self.ends = recipe.frames / recipe.fps * recipe.speed           # s of the motion's own time

    @cached_property
    @torch.no_grad()
    def prefix(self) -> torch.Tensor:
        """[1, C, h, w]. The motion network reads G(w0), not the photo."""
        return self.network.prefix(self.decoder.synthesis(self.w0, min(self.decoder.config.sizes)))

    @cached_property
    def rest(self) -> torch.Tensor:
        """What little the network adds at time 0, [1, 1, w_dim]."""
        return self._offsets(torch.zeros(1, 1))

    @property
    def steady(self) -> torch.Tensor:
        """The map of offsets that leaves light and glasses as they are, [w_dim, w_dim]."""
        return self.answers.get(f"steady {kind_of(self.carry)}", self._steady).to(self.w0)

    def _steady(self) -> torch.Tensor:
        ws = self.w0[0] + self.detail
        light = steady_light(self.decoder, ws)
        if self.steering is None or self.steering.glasses is None:
            return light
        return light @ steady_glasses(self.decoder, ws, self.steering.glasses @ light, self.steering.directions)

    @cached_property
    def expression(self) -> Expression:
        """How this face answers to what a mood lays over its motion."""
        assert self.steering is not None
        return Expression(self.decoder, self.steering, self.w0[0] + self.detail, self.answers, self.carry)

    @cached_property
    def follower(self) -> Follower:
        """How this face does what the driver does."""
        assert self.driver is not None
        return Follower(self.driver, self.expression, self.steady)

    def study(self) -> None:
        """Find out now what is kept of this face."""
        steady = drawers().submit(lambda: self.steady)      # one thread's work, beside the pictures that are tried
        if self.steering:
            _ = self.expression.closing
        steady.result()

    @torch.no_grad()
    def latents(self, block: int) -> torch.Tensor:
        """w_t of the frames of one block by the learned motion, [BLOCK, w_dim]."""
        seconds = self._seconds(block)
        offsets = self.follower(_frames(block)) if self.driver else self._learned(seconds)
        shares = torch.from_numpy(self._shares(seconds.numpy())).to(offsets)
        return self.w0 + self.recipe.motion * (shares[:, None] * offsets) @ self.steady

    def _learned(self, seconds: torch.Tensor) -> torch.Tensor:
        """The network's motion at [T], in the way of the mood, [T, w_dim]."""
        t = (seconds * self.network.config.frame_rate).float()[None]                            # in its frames
        offsets = torch.where(t[..., None] > 0, self._offsets(t) - self.rest, 0.0)[0]           # at time 0 none at all
        if self.mood and self.steering:
            gains = torch.from_numpy(self.mood.factors()).to(offsets)
            offsets = self.mood.rest * self.steering.rebalanced(offsets, gains / self.mood.rest)
        return offsets

    @torch.no_grad()
    def moments(self, block: int) -> list[Moment]:
        """The frames of one block."""
        ws, seconds = self.latents(block), self._seconds(block).numpy()                         # [BLOCK, w_dim]
        shares = self._shares(seconds)
        held = np.ones_like(seconds) if self.recipe.hold else np.maximum(1 - smooth(seconds / RELAX), 1 - shares)
        if self.driver:
            sways = self.recipe.motion * shares[:, None] * self.driver.at(_frames(block))[2]
            return [self.moment(w[None], self.pose, share, AHEAD, sway)
                    for w, share, sway in zip(ws, held, sways.tolist())]
        if not (self.mood and self.recipe.motion):
            return [self.moment(w[None], self.pose, share) for w, share in zip(ws, held)]
        laid = self.mood.at(self.recipe.seed or 0, seconds, self.ends, shares * self.recipe.motion)
        offsets = ws - self.w0
        amounts = self._amounts(laid, seconds, shares, offsets)
        ws = self.w0 + bounded(offsets + self.expression.offsets(amounts) @ self.steady)
        return [self.moment(w[None], self.pose, share, (x, y), sway)
                for w, share, (x, y), sway in zip(ws, held, laid.gaze.tolist(), laid.sway.tolist())]

    def moment(
        self, w: torch.Tensor, pose: Pose | None, share: float = 1.0, gaze: Gaze = AHEAD,
        sway: list[float] | None = None,
    ) -> Moment:
        """Latents [1, w_dim] with so much of a pose."""
        roll, *shift = sway or [0.0, 0.0, 0.0]
        if pose and share:
            w = w + share * (pose.offsets if pose.winks else pose.offsets[:1]).to(w)     # [1 or 2, ...]
            gaze = gaze[0] + share * pose.gaze[0], gaze[1] + share * pose.gaze[1]
            roll += share * pose.tilt
        return Moment(w[:, None] + self.detail, gaze, Sway(roll, *shift) if roll or any(shift) else None)

    def _offsets(self, t: torch.Tensor) -> torch.Tensor:
        """w_t - w0 as the network has it, [1, T, w_dim], for times t [1, T] in frames."""
        v = self.network.style.clip_motion(self.recipe.seed or 0, t.to(self.w0.device))
        return self.network.frames(self.prefix, self.w0, v) - self.w0[:, None]

    def _amounts(self, laid: Laid, seconds: np.ndarray, shares: np.ndarray, offsets: torch.Tensor) -> torch.Tensor:
        """What a mood lays over the measures, in spans, [T, 7], where the learned motion has offsets [T, w_dim]."""
        assert self.mood is not None and self.steering is not None
        mouth, lids = NAMES.index("mouth"), NAMES.index("lids")
        amounts, face = torch.from_numpy(laid.amounts).float(), self.expression.measures
        relaxed = torch.from_numpy(smooth(seconds / RELAX) * np.minimum(shares * self.recipe.motion, 1)).float()
        awake = (OPEN - face[lids]) * relaxed if face[lids] < ASLEEP else 0 * relaxed
        amounts[:, mouth] -= max(0.0, face[mouth] - self.mood.mouth) * relaxed
        amounts[:, lids] = torch.maximum(amounts[:, lids], -NARROWED * (face[lids] + awake).clamp(min=0))
        amounts[:, lids] += awake + torch.from_numpy(laid.closed).float() * (self.expression.closing - awake)
        opened = face[mouth] + amounts[:, mouth] + (offsets @ self.steering.response[mouth]).cpu()
        widest = max(WIDEST, face[mouth])
        amounts[:, mouth] -= (opened - widest).clamp(min=0)
        return amounts

    def _seconds(self, block: int) -> torch.Tensor:
        """Times of the frames of one block in the motion's own time, float64 [BLOCK]."""
        return torch.from_numpy(_frames(block)).double() / self.recipe.fps * self.recipe.speed

    def _shares(self, seconds: np.ndarray) -> np.ndarray:
        """How much of all motion there is, [T]: at the end of a seamless loop it goes back to where it began."""
        if self.recipe.loop != "seamless":
            return np.ones_like(seconds)
        return smooth((self.ends - seconds) / min(CLOSE * self.recipe.speed, self.ends / 2))


def _frames(block: int) -> np.ndarray:
    """Numbers of the frames of a block, [BLOCK]."""
    return np.arange(block * BLOCK, (block + 1) * BLOCK)
