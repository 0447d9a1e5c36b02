"""Confidence sequences: what the intervals hold, and that all looks are paid for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.serving.rollout.judgement.confidence_sequences import deviation, mean_bounds

RUNS, LENGTH = 2000, 600


def runs(mean, seed=5):
    """Sums of 0 and 1 after each of LENGTH draws, one row a run, and the numbers of draws."""
    drawn = np.random.default_rng(seed).random((RUNS, LENGTH)) < mean
    return drawn.cumsum(axis=1), np.arange(1, LENGTH + 1)


@given(trials=st.integers(0, 10_000), share=st.floats(0, 1), error=st.floats(0.001, 0.5))
def test_the_interval_holds_the_mean_that_was_seen(trials, share, error):
    low, high = mean_bounds(share * trials, trials, error)
    assert 0 <= low <= high <= 1
    assert trials == 0 or low - 1e-6 <= share <= high + 1e-6


def test_nothing_seen_is_nothing_known():
    assert mean_bounds(0, 0, 0.05) == (0.0, 1.0)


@pytest.mark.parametrize("mean", [0.02, 0.5])
def test_a_mean_is_outside_at_any_look_with_the_promised_chance_at_most(mean):
    totals, trials = runs(mean)
    looks = slice(9, None, 15)
    low, high = mean_bounds(totals[:, looks], trials[looks], 0.05)
    assert np.mean(((mean < low) | (mean > high)).any(axis=1)) <= 0.05


def test_values_between_hits_and_misses_are_held_too():
    draws = np.random.default_rng(3).integers(0, 3, (RUNS, 200)) / 2
    low, high = mean_bounds(draws.cumsum(axis=1)[:, 9::10], np.arange(10, 201, 10), 0.1)
    assert np.mean(((low > 0.5) | (high < 0.5)).any(axis=1)) <= 0.1


def test_more_rows_say_more():
    widths = [np.subtract(*mean_bounds(n // 10, n, 0.05)[::-1]) for n in (100, 1000, 10_000)]
    assert widths == sorted(widths, reverse=True)


def test_a_mean_deviates_further_at_any_look_with_the_promised_chance_at_most():
    totals, trials = runs(0.5)
    allowed = np.array([deviation(float(n), 0.05) for n in trials])
    assert np.mean((totals / trials - 0.5 > allowed).any(axis=1)) <= 0.05
