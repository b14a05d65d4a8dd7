"""One face's answer to the controls, found by trying: how far along each direction of W it must go."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..clip.drawers import each_beside
from ..errors import InputError
from ..face.expression import SHUT, SPANS, expression, eye_opening, of_itself
from ..face.landmarks import steady_landmarks
from ..models.mobile_stylegan import MobileDecoder
from ..models.ops import to_uint8
from ..models.steering import Steering
from .answers import Answers
from .controls import PRESETS, checked

Carry = Callable[[torch.Tensor], torch.Tensor]      # ws [1, num_ws, w_dim] -> the photo at it, [1, 3, SIDE, SIDE]

NAMES = tuple(SPANS)
SIDE = 256              # px, of the pictures that are tried
TRIAL = 0.9             # spans either way: about what half a span then takes, for small moves do less than their share
FARTHEST = 6.0  # length of a move of w: a turn of 20 degrees has 3.6, and people differ by some 12
LEAST, MOST = 0.3, 1.7  # answers beyond are misreadings of the landmarks
LOOKS = 2               # at how far the eyes have shut
RIDGE = 0.1             # of a correction, per square of a move by spans
MODEST = 0.4            # the least answer that a mood counts on: who hardly puckers is not made to


@dataclass(frozen=True, eq=False)
class Pose:
    """How an expression differs from that of the photo."""

    offsets: torch.Tensor                       # of w, for the left and the right half of the picture, [2, w_dim]
    gaze: tuple[float, float] = (0.0, 0.0)      # of the controls gaze_x and gaze_y
    tilt: float = 0.0                           # degrees

    @property
    def winks(self) -> bool:
        """The halves differ."""
        return not torch.equal(self.offsets[0], self.offsets[1])


class Expression:
    """A face and its controls.

    Example:
        >>> Expression(pipe.decoder, pipe.steering, inversion.ws).pose(turn=10, smile=0.5)
    """

    @torch.no_grad()
    def __init__(
        self,
        decoder: MobileDecoder,
        steering: Steering,
        ws: torch.Tensor,       # of the face, [num_ws, w_dim]
        answers: Answers | None = None,     # what was found of this face before, to which is added
        carry: Carry | None = None,         # the photo at other ws, which moves less; without it, the decoder's picture
    ):
        self.steering, self.ws = steering, ws.to(decoder.device)
        self.answers, self.kind = answers or Answers(), kind_of(carry)
        self.picture = carry or (lambda ws: decoder.synthesis(ws, SIDE))
        face = self.answers.get(f"landmarks {self.kind}", lambda: self.seen(self.ws[None]))    # [1, 68, 2]
        self.measures = expression(face)[0]                                             # [7], in spans
        opening = float(np.mean([eye_opening(face[:, part])[0] for part in (slice(36, 42), slice(42, 48))]))
        self.opened = max(0.0, float(self.measures[NAMES.index("mouth")]))              # spans from shut to as it is
        self.lowering = min(0.0, SHUT - opening) / SPANS["lids"]    # spans that the lids fall from as they are to shut

    def directions(self, least: float = LEAST) -> torch.Tensor:
        """What moves each measure of this face by its span, [7, w_dim], as if none did less than so much of it."""
        answers = of_itself(self.response).diagonal().clip(least, MOST)
        return self.steering.directions / torch.from_numpy(answers.copy())[:, None].to(self.ws)

    @property
    def response(self) -> np.ndarray:
        """By how much the measures move for each of them that is asked to by its span, [7 asked, 7 seen]."""
        return self.answers.get(f"measures {self.kind}", self._answered)

    @torch.no_grad()
    def _answered(self) -> np.ndarray:
        moves = bounded(TRIAL * self.steering.directions)                               # [7, w_dim]
        up, down = np.split(self.measured(torch.cat([moves, -moves])), 2)              # [7, 7] each
        tried = np.full(len(NAMES), 2 * TRIAL)
        tried[NAMES.index("mouth")] = TRIAL + min(TRIAL, self.opened)                   # no mouth is shut further
        return (up - down) / tried[:, None]

    @property
    def closing(self) -> float:
        """Spans of the lids that shut the eyes if they are asked for: many fall slower than they rise."""
        return self.answers.get(f"closing {self.kind}", self._closing)

    @torch.no_grad()
    def _closing(self) -> float:
        asked, lids = self.lowering, NAMES.index("lids")
        for _ in range(LOOKS if asked else 0):
            moves = bounded(asked * self.directions()[lids : lids + 1])                 # [1, w_dim]
            fallen = self.measured(moves)[0, lids] - self.measures[lids]
            asked *= max(1.0, self.lowering / min(fallen, LEAST * self.lowering))
        return float(max(asked, MOST * self.lowering))

    def measured(
        self, moves: torch.Tensor, landmarks: Callable[[np.ndarray], np.ndarray] = steady_landmarks
    ) -> np.ndarray:
        """The measures of the face with its w moved by [N, w_dim], [N, 7]."""
        return expression(self.seen(self.ws + moves[:, None], landmarks))

    def seen(self, ws: torch.Tensor, landmarks: Callable[[np.ndarray], np.ndarray] = steady_landmarks) -> np.ndarray:
        """ws [N, num_ws, w_dim] -> landmarks [N, 68, 2], as they are found in each picture."""
        @torch.no_grad()
        def look(one: torch.Tensor) -> np.ndarray:
            return landmarks(to_uint8(self.picture(one))[0].cpu().numpy())

        beside = each_beside if len(ws) > 1 and ws.device.type == "cpu" else map
        return np.stack(list(beside(look, ws.split(1))))

    def offsets(self, amounts: torch.Tensor, least: float = MODEST) -> torch.Tensor:
        """Measures' changes in spans, [..., 7] -> moves of w, [..., w_dim]; of what a face hardly does not all."""
        return amounts.to(self.ws) @ self.directions(least)

    def corrections(self, lacking: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Moves of w that bring what measures lack, in spans [T, 7], all at once: [T, w_dim].

        Least squares by this face's response, in which each measure counts by its weight [7], and small moves are
        rather made than large ones.
        """
        weighted = torch.from_numpy(self.response).float() * weights                    # [7 asked, 7 seen]
        gram = weighted @ weighted.T + RIDGE * torch.eye(len(NAMES))
        amounts = torch.linalg.solve(gram, weighted @ (lacking * weights).T).T          # [T, 7]
        return amounts.to(self.ws) @ self.steering.directions

    def pose(self, controls: Mapping[str, Any]) -> Pose:
        """The pose of some controls, see `controls.CONTROLS`; the others are at rest.

        Raises:
            InputError: a value out of its range.
        """
        wanted = checked(controls)
        amounts = torch.tensor([[wanted.get(name, 0.0) / unit(name) for name in NAMES]] * 2)       # [2, 7]
        lids = torch.tensor([wanted["lid_left"], wanted["lid_right"]]) + wanted["lids"]
        amounts[:, NAMES.index("lids")] = self.lowering * lids.clamp(-0.5, 0) + self.closing * lids.clamp(0, 1)
        amounts[:, NAMES.index("mouth")].clamp_(min=-self.opened)
        offsets = bounded(self.offsets(amounts, LEAST))
        return Pose(offsets, (wanted["gaze_x"], wanted["gaze_y"]), wanted["tilt"])

    def preset(self, name: str | None) -> dict[str, float]:
        """The controls of a preset, of which "neutral" closes a mouth that the photo caught open; of None, none.

        Raises:
            InputError: there is no such preset.
        """
        if name == "neutral":
            return {"mouth": -min(1.0, self.opened)}
        if name not in (None, *PRESETS):
            raise InputError(f"expression is {name}: choose neutral, {', '.join(PRESETS)}.")
        return dict(PRESETS[name]) if name else {}


def kind_of(carry: Carry | None) -> str:
    """What answers are found on, by which they are kept apart."""
    return "of the photo" if carry else "of the decoder's picture"


def unit(name: str) -> float:
    """What a control is divided by to be in spans: degrees are said as they are."""
    return SPANS[name] if name in ("turn", "nod") else 1.0


def bounded(offsets: torch.Tensor) -> torch.Tensor:
    """Moves of w [T, w_dim], those beyond reason shortened: farther away the decoder knows no faces."""
    lengths = offsets.norm(dim=1, keepdim=True).clamp(min=1e-6)
    return offsets * (FARTHEST * (lengths / FARTHEST).tanh() / lengths)
