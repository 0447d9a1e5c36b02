"""Small comparable histograms out of TFDV's statistics. Pure functions."""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import statistics_pb2

BINS = 10
TOP_VALUES = 8

Feature = statistics_pb2.FeatureNameStatistics


def common_statistics(feature: Feature) -> statistics_pb2.CommonStatistics:
    """Return the counts that every type of feature has."""
    which = feature.WhichOneof("stats")
    return getattr(feature, which).common_stats if which else statistics_pb2.CommonStatistics()


def missing_share(feature: Feature) -> float:
    """Return the share of rows without a value, 0 to 1."""
    common = common_statistics(feature)
    rows = common.num_missing + common.num_non_missing
    return common.num_missing / rows if rows else 1.0


def distinct(feature: Feature) -> int | None:
    """Return the number of distinct values, None for a number, whose values TFDV does not count."""
    return feature.string_stats.unique if feature.WhichOneof("stats") == "string_stats" else None


def _buckets(feature: Feature | None) -> list[tuple[float, float, float]]:
    """Return (low, high, count) of the finite buckets of the standard histogram."""
    for histogram in feature.num_stats.histograms if feature else ():
        if histogram.type == statistics_pb2.Histogram.STANDARD:
            found = [(b.low_value, b.high_value, b.sample_count) for b in histogram.buckets]
            return [bucket for bucket in found if np.isfinite(bucket).all()]
    return []


def _rebinned(
    buckets: list[tuple[float, float, float]], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Spread each bucket evenly over the common bins; `edges` has shape (bins + 1,)."""
    counts = np.zeros(len(edges) - 1)
    for low, high, count in buckets:
        overlap = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
        share = np.clip(overlap, 0, None)
        if share.sum() > 0:
            counts += count * share / share.sum()
        else:  # A bucket of one value has no width; it belongs to the bin around it.
            at = np.searchsorted(edges, low, side="right") - 1
            counts[min(at, len(counts) - 1)] += count
    return counts / max(counts.sum(), 1e-12)


def numeric(features: Sequence[Feature | None]) -> tuple[list[str], list[list[float]]]:
    """Return bin labels and, for each feature, shares over the same bins, shape (bins,).

    Args:
        features: one feature in several data sets; None where it is absent.
    """
    found = [_buckets(feature) for feature in features]
    bounds = [bound for buckets in found for low, high, _ in buckets for bound in (low, high)]
    if not bounds:
        return [], [[] for _ in features]
    low, high = min(bounds), max(bounds)
    edges = np.linspace(low, high if high > low else low + max(1.0, abs(low) * 1e-6), BINS + 1)
    labels = [f"{a:.4g} to {b:.4g}" for a, b in itertools.pairwise(edges)]
    return labels, [_rebinned(buckets, edges).tolist() for buckets in found]


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
