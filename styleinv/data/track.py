"""One face through a video: landmarks frame by frame, by detection near where it was."""

from collections.abc import Iterable

import numpy as np

from ..face.detection import frontal_boxes
from ..face.landmarks import Box, box_of, landmarks_in

FIRST_SIDE = 800        # px, longest side of a frame in which the face is first looked for
NEAR_SIDE = 288         # px, side of the neighbourhood in which it is looked for again: the face has some 130 px
MAX_MISSES = 5          # frames that it may stay unseen (a hand, a turn of the head) before the track ends


def longest_track(frames: Iterable[np.ndarray]) -> tuple[int, np.ndarray]:
    """The longest stretch of a video in which one face is seen.

    Args:
        frames: uint8 [H, W, 3] each.

    Returns:
        The number of its first frame, and its landmarks [T, 68, 2] in pixels; T is 0 if no face was seen.
    """
    best: tuple[int, list[np.ndarray]] = (0, [])
    points: list[np.ndarray] = []
    start, misses = 0, 0
    for number, frame in enumerate(frames):
        found, seen = _follow(frame, points[-1]) if points else (_first(frame), True)
        misses = 0 if seen else misses + 1
        if found is None or misses > MAX_MISSES:
            best = max(best, (start, points[: len(points) - misses + 1]), key=lambda track: len(track[1]))
            start, points, misses = number + 1, [], 0
        else:
            points.append(found)
    start, points = max(best, (start, points[: len(points) - misses]), key=lambda track: len(track[1]))
    return start, np.array(points, np.float32).reshape(-1, 68, 2)


def _first(frame: np.ndarray) -> np.ndarray | None:
    """Landmarks [68, 2] of the largest face, if there is one."""
    boxes = [box for box, _ in frontal_boxes(frame, FIRST_SIDE)]
    return landmarks_in(frame, max(boxes, key=lambda box: box.area)) if boxes else None


def _follow(frame: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, bool]:
    """Landmarks [68, 2] near those of the frame before, and whether a face was detected there."""
    box = box_of(before)
    margin = 0.6 * (box.right - box.left)
    left, top = (max(0, round(edge - margin)) for edge in box[:2])
    near = frame[top : max(top + 1, round(box.bottom + margin)), left : max(left + 1, round(box.right + margin))]
    seen = [Box(b.left + left, b.top + top, b.right + left, b.bottom + top) for b, _ in frontal_boxes(near, NEAR_SIDE)]
    seen = [other for other in seen if other.overlap(box) > 0.3]
    return landmarks_in(frame, max(seen, key=box.overlap, default=box)), bool(seen)
