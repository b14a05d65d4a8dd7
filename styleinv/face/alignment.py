"""The FFHQ crop of a face: from 68 landmarks to a square picture. Pure functions of arrays.

The recipe is that of the FFHQ data set (Karras et al., "A Style-Based Generator Architecture for Generative
Adversarial Networks", arXiv:1812.04948): pictures cropped by it lie where an FFHQ generator expects them.
"""

import numpy as np
from PIL import Image, ImageFilter

LEFT_EYE, RIGHT_EYE, MOUTH_CORNERS = slice(36, 42), slice(42, 48), (48, 54)     # of the 68 landmarks; left as seen


def eye_centres(landmarks: np.ndarray) -> np.ndarray:
    """[68, 2] -> [2, 2]: the left and the right eye as seen, in pixels."""
    return np.stack([landmarks[LEFT_EYE].mean(0), landmarks[RIGHT_EYE].mean(0)]).astype(np.float64)


def interocular(landmarks: np.ndarray) -> float:
    """Distance between the eye centres, in pixels."""
    left, right = eye_centres(landmarks)
    return float(np.hypot(*(right - left)))


def crop_quad(landmarks: np.ndarray) -> np.ndarray:
    """Corners of the FFHQ crop: top left, bottom left, bottom right, top right.

    Args:
        landmarks: [68, 2], pixels.

    Returns:
        float64 [4, 2], pixels, a rotated square that may reach beyond the photo.
    """
    left, right = eye_centres(landmarks)
    eye_to_eye, eyes = right - left, (left + right) / 2
    eye_to_mouth = landmarks[list(MOUTH_CORNERS)].mean(0) - eyes
    # The mouth's direction, turned to point right, steadies the roll where the eyes alone are unsure.
    across = eye_to_eye + np.array([eye_to_mouth[1], -eye_to_mouth[0]])
    across *= max(2.0 * np.hypot(*eye_to_eye), 1.8 * np.hypot(*eye_to_mouth)) / np.hypot(*across)
    down = np.array([-across[1], across[0]])
    centre = eyes + 0.1 * eye_to_mouth
    return np.stack([centre - across - down, centre - across + down, centre + across + down, centre + across - down])


def align(image: np.ndarray, landmarks: np.ndarray, size: int = 256) -> np.ndarray:
    """The FFHQ crop of one face; what lies beyond the photo is mirrored and softly blurred.

    Args:
        image: uint8 [H, W, 3].
        landmarks: [68, 2], pixels of `image`.
        size: side of the crop in pixels.

    Returns:
        uint8 [size, size, 3].
    """
    quad = crop_quad(landmarks)
    patch, quad = _surroundings(image, quad)
    patch, quad = _shrink(patch, quad, size)
    patch, quad = _pad(patch, quad)
    corners = tuple((quad + 0.5).flatten())                 # PIL counts from corners of pixels, landmarks from centres
    fine = max(1024, 2 * size)                              # sampled finer, then averaged: no stairs, no moire
    square = Image.fromarray(patch).transform((fine, fine), Image.Transform.QUAD, corners, Image.Resampling.BILINEAR)
    return np.asarray(square.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0))


def _side(quad: np.ndarray) -> float:
    return float(np.hypot(*(quad[3] - quad[0])))


def _border(quad: np.ndarray) -> int:
    """Pixels kept around the quad, so that blurred borders fade out before they reach it."""
    return max(round(0.1 * _side(quad)), 3)


def _surroundings(image: np.ndarray, quad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of the photo around the quad, and the quad in its pixels."""
    limit = np.array(image.shape[1::-1])                    # width, height
    low = np.clip(np.floor(quad.min(0)).astype(int) - _border(quad), 0, limit - 1)
    high = np.clip(np.ceil(quad.max(0)).astype(int) + _border(quad), low + 1, limit)
    return image[low[1] : high[1], low[0] : high[0]], quad - low


def _shrink(patch: np.ndarray, quad: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Reduce by a whole factor, so that the quad's side is about twice `size` still."""
    factor = round(_side(quad) / size / 2)
    if factor <= 1:
        return patch, quad
    return np.asarray(Image.fromarray(patch).reduce(factor)), (quad + 0.5) / factor - 0.5


def _pad(patch: np.ndarray, quad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mirror the patch outwards where the quad leaves it."""
    limit, border = np.array(patch.shape[1::-1]), _border(quad)
    before = np.ceil(-quad.min(0)).astype(int) + border     # x, y; at most the border where nothing is missing
    after = np.ceil(quad.max(0) - limit).astype(int) + border
    if max(*before, *after) <= border - 4:
        return patch, quad
    least = round(0.3 * _side(quad))
    before, after = np.maximum(before, least), np.maximum(after, least)
    padded = np.pad(patch, [(before[1], after[1]), (before[0], after[0]), (0, 0)], mode="reflect")
    return _soften(padded, before, after, 0.02 * _side(quad)), quad + before


def _soften(padded: np.ndarray, before: np.ndarray, after: np.ndarray, radius: float) -> np.ndarray:
    """Blur the mirrored borders, the more the farther out, and let them fade to the median colour."""
    height, width = padded.shape[:2]
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    inside_x = np.minimum(x / before[0], x[::-1] / after[0])                    # 0 at the rim, 1 where the photo begins
    inside_y = np.minimum(y / before[1], y[::-1] / after[1])
    outside = 1 - np.minimum(inside_x, inside_y)[..., None]                     # [H, W, 1]
    blurred = np.asarray(Image.fromarray(padded).filter(ImageFilter.GaussianBlur(radius)), np.float32)
    pixels = padded + (blurred - padded) * np.clip(3 * outside + 1, 0, 1)
    colour = np.median(pixels[::8, ::8], axis=(0, 1)).astype(np.float32)        # every eighth pixel says as much
    pixels += (colour - pixels) * np.clip(outside, 0, 1)
    return np.rint(pixels, out=pixels).astype(np.uint8)


def at_least(crop: np.ndarray, side: int) -> np.ndarray:
    """A crop whose sides are `side` or more, as the descriptor wants it."""
    if min(crop.shape[:2]) >= side:
        return crop
    return np.asarray(Image.fromarray(crop).resize((side, side), Image.Resampling.LANCZOS))
