"""Small comparable histograms out of TFDV's statistics. Pure functions."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import statistics_pb2

BINS = 10
TOP_VALUES = 8

Feature: TypeAlias = statistics_pb2.FeatureNameStatistics
Bucket = tuple[float, float, float]


def common_statistics(feature: Feature) -> statistics_pb2.CommonStatistics:
    """Return the counts that every type of feature has."""
    which = feature.WhichOneof("stats")
    return getattr(feature, which).common_stats if which else statistics_pb2.CommonStatistics()


def _buckets(feature: Feature | None) -> list[Bucket]:
    """Return the finite (low, high, count) of the quantiles histogram, in order.

    Its buckets hold equal counts, so one outlier does not hide the bulk of the values.
    """
    for histogram in feature.num_stats.histograms if feature else ():
        if histogram.type == statistics_pb2.Histogram.QUANTILES:
            edges = [(b.low_value, b.high_value, b.sample_count) for b in histogram.buckets]
            return [bucket for bucket in edges if np.isfinite(bucket).all()]
    return []


def _range(histograms: list[list[Bucket]]) -> tuple[float, float]:
    """Return the bulk of all values: the middle 80 % and half of that width on either side."""
    low = min(buckets[0][1] for buckets in histograms if buckets)
    high = max(buckets[-1][0] for buckets in histograms if buckets)
    low, high = min(low, high), max(low, high)
    least = min(buckets[0][0] for buckets in histograms if buckets)
    most = max(buckets[-1][1] for buckets in histograms if buckets)
    low, high = max(least, low - (high - low) / 2), min(most, high + (high - low) / 2)
    return low, high if high > low else low + max(1.0, abs(low) * 1e-6)


def _rebinned(buckets: list[Bucket], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spread each bucket evenly over the bins; the outer bins are open; shape (bins,)."""
    lower, upper = np.append(-np.inf, edges[1:-1]), np.append(edges[1:-1], np.inf)
    counts = np.zeros(len(lower))
    for low, high, count in buckets:
        share = np.clip(np.minimum(upper, high) - np.maximum(lower, low), 0, None)
        if share.sum() > 0:
            counts += count * share / share.sum()
        else:  # A bucket of one value has no width; it belongs to the bin around it.
            counts[int(np.searchsorted(lower, low, side="right")) - 1] += count
    return counts / max(counts.sum(), 1e-12)


def numeric(features: Sequence[Feature | None]) -> tuple[list[float], list[list[float]]]:
    """Return the edges of common bins and, for each feature, the shares of its values in them.

    The outer bins are open: they also hold what lies beyond their outer edge.

    Args:
        features: one feature in several data sets; None where it is absent.

    Returns:
        Edges, ascending, shape (bins + 1,), empty where no feature has a number; and shares, shape
        (bins,) each.
    """
    histograms = [_buckets(feature) for feature in features]
    if not any(histograms):
        return [], [[] for _ in features]
    edges = np.linspace(*_range(histograms), BINS + 1)
    return edges.tolist(), [_rebinned(buckets, edges).tolist() for buckets in histograms]


def categorical(features: Sequence[Feature | None]) -> tuple[list[str], list[list[float]]]:
    """Return the most frequent values and, for each feature, their shares of its values.

    Args:
        features: one feature in several data sets; None where it is absent.
    """
    counts = [
        {b.label: b.sample_count for b in f.string_stats.rank_histogram.buckets} if f else {}
        for f in features
    ]
    sums = [max(sum(c.values()), 1e-12) for c in counts]
    # Shares, not counts, rank the values, so that a small data set is seen beside a large one.
    totals = {
        label: sum(c.get(label, 0) / s for c, s in zip(counts, sums, strict=True))
        for values in counts
        for label in values
    }
    top = sorted(totals, key=lambda label: (-totals[label], label))[:TOP_VALUES]
    return top, [[c.get(label, 0) / s for label in top] for c, s in zip(counts, sums, strict=True)]


def shift(shares: Sequence[Sequence[float]]) -> float | None:
    """Return how far the first data set is from the one farthest from it, 0 to 1.

    It is the total variation distance of what is drawn: half the sum of the differences.

    Args:
        shares: of each data set over the same bins or values; empty ones are left out.

    Returns:
        None where there are less than two to compare.
    """
    first, *others = shares
    sums = [
        sum(abs(a - b) for a, b in zip(first, other, strict=True)) / 2
        for other in others
        if sum(first) and sum(other)
    ]
    return max(sums, default=None)
