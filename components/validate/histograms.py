"""Small comparable histograms out of TFDV's statistics. Pure functions."""

from collections.abc import Sequence

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

BINS = 10
TOP_VALUES = 10

Feature = statistics_pb2.FeatureNameStatistics


def missing_share(feature: Feature) -> float:
    """Return the share of rows without a value, 0 to 1."""
    common = common_statistics(feature)
    rows = common.num_missing + common.num_non_missing
    return common.num_missing / rows if rows else 1.0


def common_statistics(feature: Feature) -> statistics_pb2.CommonStatistics:
    """Return the counts that every type of feature has."""
    which = feature.WhichOneof("stats")
    return getattr(feature, which).common_stats if which else statistics_pb2.CommonStatistics()


def distinct(feature: Feature) -> int | None:
    """Return the number of distinct values of a text feature, None for a number."""
    return feature.string_stats.unique if feature.HasField("string_stats") else None


def _standard(feature: Feature) -> statistics_pb2.Histogram | None:
    for histogram in feature.num_stats.histograms:
        if histogram.type == statistics_pb2.Histogram.STANDARD and histogram.buckets:
            return histogram
    return None


def _rebinned(histogram: statistics_pb2.Histogram, edges: np.ndarray) -> np.ndarray:
    """Spread each bucket evenly over the common bins; `edges` has shape (bins + 1,)."""
    shares = np.zeros(len(edges) - 1)
    for bucket in histogram.buckets:
        low, high = bucket.low_value, max(bucket.high_value, np.nextafter(bucket.low_value, np.inf))
        overlap = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
        shares += bucket.sample_count * np.clip(overlap, 0, None) / (high - low)
    return shares / max(shares.sum(), 1e-12)


def numeric(features: Sequence[Feature | None]) -> tuple[list[str], list[list[float]]]:
    """Return bin labels and, for each feature, shares over the same bins, shape (bins,).

    Args:
        features: one feature in several data sets; None where it is absent.
    """
    found = [_standard(feature) if feature else None for feature in features]
    bounds = [b for h in found if h for bucket in h.buckets for b in (bucket.low_value, bucket.high_value)]
    finite = [bound for bound in bounds if np.isfinite(bound)]
    if not finite:
        return [], [[] for _ in features]
    low, high = min(finite), max(finite)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    labels = [f"{a:.4g} to {b:.4g}" for a, b in zip(edges, edges[1:], strict=False)]
    return labels, [_rebinned(h, edges).tolist() if h else [0.0] * BINS for h in found]


def categorical(features: Sequence[Feature | None]) -> tuple[list[str], list[list[float]]]:
    """Return the most frequent values and, for each feature, their shares of its values."""
    counts = [
        {b.label: b.sample_count for b in f.string_stats.rank_histogram.buckets} if f else {}
        for f in features
    ]
    totals = {label: sum(c.get(label, 0) for c in counts) for c in counts for label in c}
    top = sorted(totals, key=lambda label: (-totals[label], label))[:TOP_VALUES]
    sums = [max(sum(c.values()), 1e-12) for c in counts]
    return top, [[c.get(label, 0) / s for label in top] for c, s in zip(counts, sums, strict=True)]
