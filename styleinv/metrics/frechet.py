"""Distances of two sets of features, in float64.

Called FID or KID only over the standard Inception features; over ours they carry the name of those features.
"""

import numpy as np


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared Wasserstein-2 distance of the Gaussians fitted to `a` [N, D] and `b` [M, D]; 0 for equal sets, N, M >= 2.

    Heusel et al., arXiv:1706.08500: |mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)), A and B the covariances.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return gaussian_distance(a.mean(0), covariance(a), b.mean(0), covariance(b))


def gaussian_distance(mean_a: np.ndarray, cov_a: np.ndarray, mean_b: np.ndarray, cov_b: np.ndarray) -> float:
    """The same for two Gaussians that are given: means [D], covariances [D, D]; >= 0."""
    root = symmetric_root(cov_a)
    # A B is not symmetric, but A^(1/2) B A^(1/2) is and has the same eigenvalues:
    # no complex root of a singular product.
    cross = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(0)).sum()
    distance = np.square(mean_a - mean_b).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * cross
    return max(float(distance), 0.0)


def covariance(x: np.ndarray) -> np.ndarray:
    """Unbiased covariance [D, D] of samples [N, D]."""
    centred = x - x.mean(0)
    return centred.T @ centred / (len(x) - 1)


def symmetric_root(matrix: np.ndarray) -> np.ndarray:
    """Square root [D, D] of a symmetric matrix without negative eigenvalues; those that rounding made are cut."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def kernel_distance(a: np.ndarray, b: np.ndarray, degree: int = 3) -> float:
    """Unbiased squared MMD of `a` [N, D] and `b` [M, D] with the kernel (x.y / D + 1)^degree; about 0, also below it,
    for two sets of one distribution. Binkowski et al., "Demystifying MMD GANs", arXiv:1801.01401 (KID).
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** degree         # [len(x), len(y)]

    return float(_mean_of_pairs(kernel(a, a)) + _mean_of_pairs(kernel(b, b)) - 2 * kernel(a, b).mean())


def _mean_of_pairs(kernel: np.ndarray) -> float:
    """Mean of a kernel matrix [N, N] without its diagonal."""
    n = len(kernel)
    return (kernel.sum() - np.trace(kernel)) / (n * (n - 1))
