"""Histograms of one feature in several data sets share their bins."""

import itertools
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import statistics_pb2

from kanaria.components.validate import histograms
from kanaria.components.validate.comparators import by_name

numbers = st.floats(-1e30, 1e30)
sets = st.lists(st.lists(numbers, min_size=2, max_size=11), min_size=1, max_size=3)


def feature(bounds: list[float]) -> statistics_pb2.FeatureNameStatistics:
    made = statistics_pb2.FeatureNameStatistics()
    histogram = made.num_stats.histograms.add(type=statistics_pb2.Histogram.QUANTILES)
    ordered = sorted(bounds)
    for low, high in itertools.pairwise(ordered):
        histogram.buckets.add(low_value=low, high_value=high, sample_count=10)
    return made


@settings(deadline=None)
@given(sets)
@example([[0.0, 0.0]])
@example([[5.0, 5.0], [0.0, 1.0]])
@example([[1e30, 1e30], [-1e30, -1e30]])
@example([[math.inf, math.inf], [1.0, 2.0]])
def test_every_share_is_kept_and_counted_once(all_bounds: list[list[float]]):
    edges, shares = histograms.numeric([feature(bounds) for bounds in all_bounds])
    assert len(edges) == histograms.BINS + 1
    assert edges == sorted(edges)
    for bounds, shares_of_set in zip(all_bounds, shares, strict=True):
        expected = 1.0 if all(map(math.isfinite, bounds)) else 0.0
        assert sum(shares_of_set) == pytest.approx(expected)
        assert all(share >= 0 for share in shares_of_set)


def test_an_outlier_does_not_hide_the_bulk(statistics_of):
    one = by_name(statistics_of({"x": [float(i) for i in range(99)] + [1e6]}))["x"]
    _, [shares] = histograms.numeric([one])
    assert max(shares) < 0.3


def test_data_sets_apart_fill_different_bins():
    _, [low, high] = histograms.numeric([feature([0, 1, 2]), feature([8, 9, 10])])
    assert all(a == 0 or b == 0 for a, b in zip(low, high, strict=True))


def test_an_absent_feature_has_no_bar():
    assert histograms.numeric([None]) == ([], [[]])
    edges, shares = histograms.numeric([feature([0, 1]), None])
    assert len(edges) == histograms.BINS + 1
    assert sum(shares[1]) == 0


def test_shares_rank_the_most_frequent_values(statistics_of):
    large = by_name(statistics_of({"x": ["a"] * 80 + ["b"] * 20}))["x"]
    small = by_name(statistics_of({"x": ["c"] * 3 + ["b"]}))["x"]
    labels, shares = histograms.categorical([large, small])
    assert labels == ["a", "c", "b"]
    assert shares == [[0.8, 0.0, 0.2], [0.0, 0.75, 0.25]]


def test_the_shift_is_the_total_variation_distance_to_the_farthest_set():
    assert histograms.shift([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]]) == 0.5
    assert histograms.shift([[0.5, 0.5], [0.0, 0.0]]) is None
    assert histograms.shift([[1.0]]) is None
