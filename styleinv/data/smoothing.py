"""Smoothing over time, of anything that is measured frame by frame."""

import numpy as np


def smooth(series: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian over the first axis, its window cut off at the ends.

    Args:
        series: [T, ...].
        sigma: width in steps of the first axis.

    Returns:
        [T, ...].
    """
    steps = np.arange(len(series))
    weights = np.exp(-0.5 * np.square((steps[:, None] - steps) / sigma))    # [T, T]
    return np.tensordot(weights / weights.sum(1, keepdims=True), series, axes=1)
