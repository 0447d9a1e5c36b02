"""Without drift the mean run length is the promised one; with drift it is far shorter."""

import numpy as np
import pytest
from scipy import stats

from kanaria.serving.drift.online import online_maximum_mean_discrepancy, run_length
from kanaria.serving.drift.online.online_cramer_von_mises import OnlineCramerVonMises
from kanaria.serving.drift.online.online_fisher_exact import OnlineFisherExact
from kanaria.serving.drift.online.online_maximum_mean_discrepancy import (
    OnlineMaximumMeanDiscrepancy,
)
from kanaria.serving.drift.online.page_hinkley import PageHinkley

NOMINAL = 60
WINDOWS = (5, 20)
VON_MISES = OnlineCramerVonMises(expected_run_time=NOMINAL, window_sizes=WINDOWS, least=0)
FISHER = OnlineFisherExact(expected_run_time=NOMINAL, window_sizes=WINDOWS, least=0)
TOGETHER = OnlineMaximumMeanDiscrepancy(expected_run_time=NOMINAL, window_size=10, least=0)
PAGE = PageHinkley(expected_run_time=NOMINAL, allowance=0.5, least=0)
NULLS = {
    "normal": (VON_MISES, lambda g, n: g.normal(size=n)),
    "heavy tails": (VON_MISES, lambda g, n: g.standard_cauchy(n)),
    "rounded": (VON_MISES, lambda g, n: np.round(g.normal(size=n))),
    "ones": (FISHER, lambda g, n: g.binomial(1, 0.3, n)),
    "rare ones": (FISHER, lambda g, n: g.binomial(1, 0.03, n)),
    "all together": (TOGETHER, lambda g, n: g.normal(size=n)),
    "sums": (PAGE, lambda g, n: g.normal(size=n)),
    "sums of skewed values": (PAGE, lambda g, n: g.exponential(size=n)),
}


@pytest.fixture(autouse=True)
def fewer_streams(monkeypatch):
    monkeypatch.setattr(run_length, "STREAMS", 20_000)
    monkeypatch.setattr(online_maximum_mean_discrepancy, "MOST", 1_000)


def run_lengths(detector, draw, rows=10_000, references=3, reference_rows=50_000):
    """Return the lengths of all runs over fresh references and streams."""
    generator = np.random.default_rng(7)
    lengths, state = [], None
    for _ in range(references):
        reference = detector.fit({"a": draw(generator, reference_rows)})
        state = state or detector.start(reference)
        _, result = detector.update(reference, state, {"a": draw(generator, rows)})
        lengths += list(np.diff([0, *result.alarms]))
    return np.array(lengths)


@pytest.mark.parametrize("name", NULLS)
def test_runs_without_drift_have_the_promised_mean(name):
    lengths = run_lengths(*NULLS[name])
    # Run lengths are geometric, so the standard deviation is about the mean.
    error = 4 * NOMINAL / np.sqrt(len(lengths))
    assert abs(lengths.mean() - NOMINAL) < error + 0.03 * NOMINAL


def test_every_row_of_a_run_alarms_with_the_same_chance():
    lengths = run_lengths(*NULLS["normal"]) - 5
    early = int((lengths < 15).sum())
    share = 1 - (1 - 1 / (NOMINAL - 4)) ** 15
    assert stats.binomtest(early, len(lengths), share).pvalue > 0.001


DRIFTS = {
    "shifted": (OnlineCramerVonMises(), lambda g, n: g.normal(size=n) + (n == 3_000)),
    "more ones": (OnlineFisherExact(), lambda g, n: g.binomial(1, 0.4 if n == 3_000 else 0.1, n)),
    "turned": (
        OnlineMaximumMeanDiscrepancy(expected_run_time=500),
        lambda g, n: g.normal(size=n) * (3 if n == 3_000 else 1),
    ),
    "a little more": (PageHinkley(), lambda g, n: g.normal(size=n) + 0.5 * (n == 3_000)),
}


@pytest.mark.parametrize("name", DRIFTS)
def test_drift_ends_a_run_early(name):
    lengths = run_lengths(*DRIFTS[name], rows=3_000)
    assert np.median(lengths) < 50


def test_a_level_beyond_the_values_follows_an_exponential_tail():
    values = np.random.default_rng(3).exponential(size=100_000)
    assert run_length.exceeded(values, 0.01) == np.quantile(values, 0.99)
    rare = run_length.exceeded(values, 1e-6)
    assert rare == pytest.approx(-np.log(1e-6), rel=0.1)
