"""How a face moves, from 68 landmarks per frame (dlib's numbering) and from the frames themselves.

Pose is a proxy: one distance of the nose to the line of the eyes, through a face of average depth. Its zero differs
from person to person, its changes are about degrees. Landmarks tremble by about half a pixel at 256 px, more than a
face moves between two frames, so they are smoothed first, by the same filter for real and for generated clips: compare
only figures that both went through here, of clips of about equal length.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from ..face.expression import eye_opening, lengths, mouth_gap, pose

SMOOTHING = 0.04            # s, Gaussian sigma: one frame at 25 fps, short beside a blink (0.1-0.4 s)
BLINK = 0.65                # closed: eye opening below this share of the clip's median (18 per minute in real clips)
TORN = 0.25                 # inter-ocular distances from one frame to the next: a face that jumps, not one that turns
COLOUR_WINDOW = 0.2         # s, Gaussian sigma: slower changes of colour are lighting, faster ones pumping
WINDOW = 1.28               # s, one sample of `motion_features`
SIGNALS = ("yaw", "pitch", "mouth", "eyes")
UNITS = ("degrees", "degrees", "inter-ocular distances", "aspect ratio")
SCALES = (4.0, 3.5, 0.05, 0.04)     # of the SIGNALS, their median spread in 250 real clips: makes features comparable


@dataclass(frozen=True)
class Signals:
    """What a face does over a clip, each [T]."""

    yaw: np.ndarray     # about degrees, positive when the nose points to the right of the image
    pitch: np.ndarray   # about degrees, positive when it points down
    roll: np.ndarray    # degrees, positive clockwise
    mouth: np.ndarray   # gap of the inner lips in inter-ocular distances: 0 closed, about 0.3 wide open
    eyes: np.ndarray    # eye aspect ratio, height over width: about 0.1 closed, 0.3 open

    def matrix(self) -> np.ndarray:
        """The SIGNALS in units of their SCALES, [T, 4]."""
        return np.stack([getattr(self, name) for name in SIGNALS], 1) / SCALES


@dataclass(frozen=True)
class MotionStats:
    """Figures of one clip; ratios of medians over clips compare generated with real ones."""

    seconds: float              # length of the clip
    spread: dict[str, float]    # standard deviation over the clip of each of SIGNALS, in its unit
    speed: dict[str, float]     # mean absolute change of each of SIGNALS, in its unit per second
    jerk: float                 # third derivative of the landmarks over their speed (both RMS), 1/s^2
    jump: float                 # largest jump of the face between neighbouring frames, in inter-ocular distances
    torn: int                   # frames in which it jumps by more than TORN
    blinks: int                 # closures of the eyes
    flicker: float              # mean absolute difference of a frame from the mean of its neighbours, of 255
    pumping: float              # standard deviation of the frames' mean colour, fast changes only, of 255


def motion_stats(frames: np.ndarray, landmarks: np.ndarray, fps: float = 25) -> MotionStats:
    """frames uint8 [T, H, W, 3] and landmarks [T, 68, 2] in pixels of an aligned clip, T >= 4."""
    smooth = smoothed(landmarks, fps)                       # [T, 68, 2]
    signals, moves = face_signals(smooth), jumps(landmarks)
    return MotionStats(
        seconds=len(landmarks) / fps,
        spread={name: float(getattr(signals, name).std()) for name in SIGNALS},
        speed={name: float(np.abs(np.diff(getattr(signals, name))).mean() * fps) for name in SIGNALS},
        jerk=jerk(smooth, fps),
        jump=float(moves.max()),
        torn=int((moves > TORN).sum()),
        blinks=count_blinks(signals.eyes),
        flicker=flicker(frames),
        pumping=colour_pumping(frames, fps),
    )


def smoothed(x: np.ndarray, fps: float = 25, seconds: float = SMOOTHING) -> np.ndarray:
    """Gaussian filter of sigma `seconds` along the first axis of x [T, ...]; the ends are reflected."""
    sigma = seconds * fps                                   # frames
    reach = min(int(np.ceil(3 * sigma)), len(x) - 1)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(np.asarray(x, np.float64), [(reach, reach)] + [(0, 0)] * (np.ndim(x) - 1), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)   # [T, ..., 2 * reach + 1]
    return windows @ (weights / weights.sum())


def face_signals(landmarks: np.ndarray) -> Signals:
    """landmarks [T, 68, 2] in pixels -> Signals."""
    left, right = landmarks[:, 36:42].mean(1), landmarks[:, 42:48].mean(1)  # [T, 2], eyes as the image shows them
    yaw, pitch, true_distance = pose(left, right, landmarks[:, 30:36].mean(1))
    axis = right - left                                                     # [T, 2]
    return Signals(
        yaw=np.degrees(yaw),
        pitch=np.degrees(pitch),
        roll=np.degrees(np.arctan2(axis[:, 1], axis[:, 0])),
        mouth=mouth_gap(landmarks) / true_distance,
        eyes=(eye_opening(landmarks[:, 36:42]) + eye_opening(landmarks[:, 42:48])) / 2,
    )


def count_blinks(eyes: np.ndarray) -> int:
    """How often the eyes, [T], fall below BLINK of their median."""
    closed = eyes < BLINK * np.median(eyes)
    return int((closed[1:] & ~closed[:-1]).sum())


def jerk(landmarks: np.ndarray, fps: float = 25) -> float:
    """RMS third derivative over RMS speed of landmarks [T, 68, 2], in 1/s^2: (2 pi f)^2 for a nod at f Hz."""
    speed = np.square(np.diff(landmarks, axis=0)).mean() * fps**2
    third = np.square(np.diff(landmarks, 3, axis=0)).mean() * fps**6
    return float(np.sqrt(third / speed)) if speed else 0.0


def jumps(landmarks: np.ndarray) -> np.ndarray:
    """Move of the face from each frame to the next, [T - 1]: median over landmarks [T, 68, 2], in inter-ocular
    distances. The median forgives single landmarks that went astray and a mouth that opens; a torn frame it does not.
    """
    distance = np.median(lengths(landmarks[:, 42:48].mean(1) - landmarks[:, 36:42].mean(1)))
    return np.median(lengths(np.diff(landmarks, axis=0)), 1) / distance


def flicker(frames: np.ndarray) -> float:
    """Mean absolute difference of frames uint8 [T, H, W, 3] from the mean of their two neighbours, in levels of 255."""
    middles = zip(frames, frames[1:], frames[2:])
    return float(np.mean([np.abs(b - (a / np.float32(2) + c / np.float32(2))).mean() for a, b, c in middles]))


def relative_flicker(frames: np.ndarray) -> float:
    """`flicker` of frames uint8 [T, H, W, 3], of their mean absolute change: 0 for an even change, about 0.9 for noise.

    An outline that moves changes the picture by its contrast times its way. In levels, a drawing in black and white
    would "flicker" by its contrast alone; of its own change, only by what does not go on as it came.
    """
    change = np.mean([np.abs(b - np.float32(1) * a).mean() for a, b in itertools.pairwise(frames)])
    return flicker(frames) / max(float(change), 1e-9)


def colour_pumping(frames: np.ndarray, fps: float = 25) -> float:
    """Standard deviation over time of the mean colour of frames uint8 [T, H, W, 3], what is slower than about
    COLOUR_WINDOW taken out; in levels of 255."""
    colour = np.stack([frame.mean((0, 1)) for frame in frames])             # [T, 3]
    return float(np.sqrt(np.square(colour - smoothed(colour, fps, COLOUR_WINDOW)).mean()))


def motion_features(landmarks: np.ndarray, fps: float = 25) -> np.ndarray:
    """Features for a Frechet distance of clips: landmarks [T, 68, 2] -> [windows, 12].

    Half-overlapping windows of WINDOW seconds; for each of SIGNALS, in units of SCALES: its mean against the clip's
    median, its standard deviation, and its mean speed per second. A clip shorter than a window gives no row.
    """
    signals = face_signals(smoothed(landmarks, fps)).matrix()               # [T, 4]
    signals = signals - np.median(signals, 0)
    length = round(WINDOW * fps)
    starts = range(0, len(signals) - length + 1, length // 2)
    return np.stack([_window_features(signals[i : i + length], fps) for i in starts]) if starts else np.zeros((0, 12))


def _window_features(window: np.ndarray, fps: float) -> np.ndarray:
    """Signals of one window, [T, 4] -> [12]."""
    speed = np.abs(np.diff(window, axis=0)).mean(0) * fps
    return np.concatenate([window.mean(0), window.std(0), speed])
