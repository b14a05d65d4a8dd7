"""What a face does, in seven measures of its 68 landmarks: where it turns, and what lids, brows and mouth do.

Pose is a proxy: one distance of the nose to the line of the eyes, through a face of average depth. Its zero differs
from person to person, its changes are about degrees. Lengths are in inter-ocular distances, what a turn of the head
hides of them added again.
"""

import numpy as np

NOSE_DEPTH = 0.5            # the nose stands out from the plane of the eyes by this many inter-ocular distances
NOSE_DROP = 0.68            # and lies this far below them in a level face (median of 2,646 portraits)
WIDENING = 1.15             # a smile widens the mouth by so much of what it lifts its corners (250 real clips)
SHUT = 0.12                 # aspect ratio of an eye that is shut, as the landmarks see it
SPANS = {                   # each measure, and what counts as a full movement of it
    "turn": 20.0,           # degrees, positive when the nose points to the right of the image
    "nod": 15.0,            # degrees, positive when it points down
    "smile": 0.10,          # lift of the corners of the mouth, inter-ocular distances
    "mouth": 0.25,          # gap of the inner lips, inter-ocular distances
    "pucker": 0.08,         # narrowing of the mouth beside what a smile does, inter-ocular distances
    "lids": 0.20,           # opening of the eyes, height over width
    "brows": 0.08,          # rise of the brows over the eyes, inter-ocular distances
}

SEEMING = np.array([        # what a turn and a nod by a span make the other measures seem to change, in spans
    [0.07, -0.03, -0.14, -0.07, 0.03],
    [0.49, -0.15, 0.76, 0.30, -0.39],
])                          # least squares over 286 real clips, each around its mean


def expression(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks [T, 68, 2] in any unit of length -> the measures in the order of SPANS, in their spans, [T, 7]."""
    left, right = landmarks[:, 36:42].mean(1), landmarks[:, 42:48].mean(1)      # [T, 2], eyes as the image shows them
    yaw, pitch, distance = pose(left, right, landmarks[:, 30:36].mean(1))
    axis = (right - left) / lengths(right - left)[:, None]                      # [T, 2], along the eyes
    below = (landmarks * np.stack([-axis[:, 1], axis[:, 0]], axis=1)[:, None]).sum(2)       # [T, 68], down the face
    lift = (below[:, [51, 57, 62, 66]].mean(1) - below[:, [48, 54]].mean(1)) / distance
    width = lengths(landmarks[:, 54] - landmarks[:, 48]) / distance
    measures = {
        "turn": np.degrees(yaw),
        "nod": np.degrees(pitch),
        "smile": lift,
        "mouth": mouth_gap(landmarks) / distance,
        "pucker": WIDENING * lift - width,
        "lids": (eye_opening(landmarks[:, 36:42]) + eye_opening(landmarks[:, 42:48])) / 2,
        "brows": (below[:, 36:48].mean(1) - below[:, 17:27].mean(1)) / distance,
    }
    return np.stack([measures[name] / span for name, span in SPANS.items()], axis=1)


def of_itself(changes: np.ndarray) -> np.ndarray:
    """Changes of the measures [..., 7] without what a head that turns and nods makes the others seem to do.

    Lips lie on a curve and brows on a slope: seen from above, a mouth that rests is narrower, its corners are lifted.
    """
    poses = len(SEEMING)
    return np.concatenate([changes[..., :poses], changes[..., poses:] - changes[..., :poses] @ SEEMING], axis=-1)


def pose(left: np.ndarray, right: np.ndarray, nose: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eyes and nose, [T, 2] each -> yaw and pitch in radians, distance of the eyes in pixels without yaw, [T] each."""
    distance = lengths(right - left)                        # [T]
    axis = (right - left) / distance[:, None]               # [T, 2], along the eyes
    offset = nose - (left + right) / 2                      # [T, 2]
    yaw = np.arctan((offset * axis).sum(1) / (NOSE_DEPTH * distance))   # depth * sin(yaw) over cos(yaw)
    true_distance = distance / np.cos(yaw)
    drop = offset[:, 1] * axis[:, 0] - offset[:, 0] * axis[:, 1]        # [T], px below the line of the eyes
    return yaw, (drop / true_distance - NOSE_DROP) / NOSE_DEPTH, true_distance


def eye_opening(eye: np.ndarray) -> np.ndarray:
    """Eye aspect ratio of Soukupova and Cech (2016): six points [T, 6, 2] -> [T], 0.1 closed to 0.4 wide open."""
    heights = lengths(eye[:, 1] - eye[:, 5]) + lengths(eye[:, 2] - eye[:, 4])
    return heights / (2 * lengths(eye[:, 0] - eye[:, 3]))


def mouth_gap(landmarks: np.ndarray) -> np.ndarray:
    """Mean distance of the inner lips, landmarks [T, 68, 2] -> [T], in their unit."""
    return lengths(landmarks[:, 61:64] - landmarks[:, [67, 66, 65]]).mean(1)


def lengths(vectors: np.ndarray) -> np.ndarray:
    """[..., 2] -> [...]."""
    return np.linalg.norm(vectors, axis=-1)
