"""Figures of many clips -> the figures of a report."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..metrics.face_motion import SIGNALS, MotionStats
from ..metrics.frechet import frechet_distance


@dataclass(frozen=True)
class ClipFigures:
    """One clip; identity and frame 0 only where it was made from an inversion."""

    stats: MotionStats              # motion, flicker, colour
    features: np.ndarray            # [windows, 12] of `motion_features`
    identity: float | None = None   # median descriptor distance of the frames to the inversion
    start: float | None = None      # PSNR of frame 0 to the inversion, dB


def summarise(clips: Sequence[ClipFigures], real: Sequence[ClipFigures]) -> dict[str, Any]:
    """Medians over clips, their ratios to those of real clips (1 is life-like), and what must not happen, counted."""
    own, reference = _medians(clips), _medians(real)
    return {
        "clips": len(clips),
        **own,
        "ratio": None if clips is real else _ratios(own, reference),
        "identity": _median([clip.identity for clip in clips]),
        "start": min((clip.start for clip in clips if clip.start is not None), default=None),
        "torn": sum(clip.stats.torn for clip in clips),
        "blinks_per_minute": 60 * sum(c.stats.blinks for c in clips) / sum(c.stats.seconds for c in clips),
        "motion_distance": motion_distance(clips, real),
    }


def motion_distance(clips: Sequence[ClipFigures], real: Sequence[ClipFigures]) -> float | None:
    """Frechet distance of the motion features of two sets of clips; of a set to itself: of one half to the other.

    None where a set gives fewer than two windows.
    """
    if clips is real:
        clips, real = real[::2], real[1::2]
    a, b = ([row for clip in each for row in clip.features] for each in (clips, real))
    return frechet_distance(np.stack(a), np.stack(b)) if min(len(a), len(b)) > 1 else None


def _medians(clips: Sequence[ClipFigures]) -> dict[str, Any]:
    stats = [asdict(clip.stats) for clip in clips]
    nested = {part: {name: _median([s[part][name] for s in stats]) for name in SIGNALS} for part in ("spread", "speed")}
    return nested | {part: _median([s[part] for s in stats]) for part in ("jerk", "flicker", "pumping")}


def _ratios(own: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Of two nested dicts of figures; None where a real figure is 0."""
    return {
        key: _ratios(own[key], value) if isinstance(value, dict) else own[key] / value if value else None
        for key, value in reference.items()
    }


def _median(values: Sequence[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return float(np.median(measured)) if measured else None
