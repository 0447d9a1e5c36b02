"""The Gaussian kernel k(x, y) = exp(-|x - y|^2 / (2 sigma^2)) and the median heuristic for sigma.

With several sigmas the kernel is the mean of theirs. It lies between 0 and 1, and k(x, x) = 1.
"""

import functools
from collections.abc import Iterator, Sequence

import numpy as np

from kanaria.serving.drift.detector import Floats

BLOCK = 256
"""Rows of one block: its kernel matrix stays in a core's cache."""
FARTHEST = 174.0
"""Squared distance in bandwidths from which on a kernel is too small for float32."""


def blocks(rows: int) -> list[slice]:
    """Return slices of at most `BLOCK` rows that cover `rows`."""
    return [slice(start, min(start + BLOCK, rows)) for start in range(0, rows, BLOCK)]


def gaussian(first: Floats, second: Floats, sigmas: Sequence[float]) -> Floats:
    """Return the kernel between each of `first` (n, d) and of `second` (m, d), as (n, m) float32.

    Distances are taken in float64, where close rows far from the origin stay apart.
    """
    widest = max(sigmas)
    first, second = first / widest, second / widest
    # |x - y|^2 = |x|^2 - 2 x y + |y|^2 in one product of matrices.
    left = np.column_stack([first, np.einsum("ij,ij->i", first, first), np.ones(len(first))])
    right = np.column_stack(
        [-2.0 * second, np.ones(len(second)), np.einsum("ij,ij->i", second, second)]
    )
    squared = left @ right.T
    # Rounding may leave the distance of equal rows a little below zero.
    np.maximum(squared, 0.0, out=squared)
    near = np.minimum(squared, FARTHEST, out=squared).astype(np.float32)
    kernels = (np.exp(near * np.float32(-0.5 * (widest / sigma) ** 2)) for sigma in sigmas)
    return functools.reduce(np.add, kernels) / np.float32(len(sigmas))


def median_bandwidth(points: Floats) -> float:
    """Return sigma, with 2 sigma^2 the median of the squared distances between `points` (n, d).

    The lower median over all pairs that differ (Gretton et al. 2012, section 8); 1 without any
    such pair. It takes n^2 time and little memory, since the median is found by the digits of
    the distances: first the upper half of their bits, then the lower.
    """
    upper = np.zeros(1 << 16, dtype=np.int64)
    for bits in _distances(points):
        upper += np.bincount(bits >> 16, minlength=1 << 16)
    pairs = int(upper.sum())
    if pairs == 0:
        return 1.0
    rank = (pairs - 1) // 2
    ends = np.cumsum(upper)
    digit = int(np.searchsorted(ends, rank, side="right"))
    rank -= int(ends[digit] - upper[digit])
    lower = np.zeros(1 << 16, dtype=np.int64)
    for bits in _distances(points):
        lower += np.bincount(bits[bits >> 16 == digit] & 0xFFFF, minlength=1 << 16)
    last = int(np.searchsorted(np.cumsum(lower), rank, side="right"))
    median = np.array((digit << 16) | last, dtype=np.uint32).view(np.float32)
    return float(np.sqrt(0.5 * np.float64(median)))


def _distances(points: Floats) -> Iterator[Floats]:
    """Yield the squared distances of pairs that differ, as bits; bits and distances sort alike."""
    from scipy.spatial.distance import cdist

    parts = blocks(len(points))
    for number, first in enumerate(parts):
        for second in parts[number:]:
            squared = cdist(points[first], points[second], "sqeuclidean").astype(np.float32)
            chosen = squared[np.triu_indices(len(squared), k=1)] if first == second else squared
            yield chosen[chosen > 0].view(np.uint32)
