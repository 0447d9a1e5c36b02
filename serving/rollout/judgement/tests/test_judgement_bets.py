from itertools import product
from math import comb, exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from kanaria.serving.rollout.judgement.e_process_bets import (
    Bursts,
    bet_on_limit,
    bet_on_ratio,
    canary_chance,
    dispersion,
    log_factor,
    mixed,
    variation,
)


def bursts(variation, stable_rate):
    return Bursts(variation=variation, stable_rate=stable_rate)


chances = st.floats(0.0, 1.0)
sizes = st.integers(1, 6)


def binomial(hits, trials, chance):
    return comb(trials, hits) * chance**hits * (1 - chance) ** (trials - hits)


def expected_ratio_factor(canary, stable, of_canary, of_stable, ratio, odds):
    """The exact expectation over all counts of two independent streams."""
    chance = canary_chance(canary, stable, ratio)
    return sum(
        binomial(x, canary, of_canary)
        * binomial(y, stable, of_stable)
        * exp(log_factor(x, x + y, chance, odds))
        for x, y in product(range(canary + 1), range(stable + 1))
    )


@given(sizes, sizes, chances, chances, st.floats(1.01, 50), st.floats(1, 5))
def test_a_bet_on_harm_gains_nothing_where_the_canary_is_no_worse(n, m, p, q, odds, ratio):
    worst = min(p, q * ratio)
    assert expected_ratio_factor(n, m, worst, q, ratio, odds) <= 1 + 1e-9


@given(sizes, sizes, chances, chances, st.floats(0.02, 0.99), st.floats(1, 5))
def test_a_bet_on_health_gains_nothing_where_the_canary_is_at_the_margin(n, m, p, q, odds, ratio):
    stable = min(q, p / ratio)
    assert expected_ratio_factor(n, m, p, stable, ratio, odds) <= 1 + 1e-9


COUNTS = np.arange(400)
"""So many events of one revision in one look that more have no chance that counts, below."""
means, spreads = st.floats(0.05, 3.0), st.floats(0.2, 1.4)


def bursty(mean, spread):
    """The chances of COUNTS where a gamma factor of this spread is on the rate."""
    shape = spread**-2
    return nbinom.pmf(COUNTS, shape, shape / (shape + mean))


def expected_with_bursts(canary, stable, ratio, odds, spread, allowed, stable_rate):
    """The expectation of a factor where each revision has bursts of its own; numbers are means."""
    rate = stable_rate / 1000
    requests = canary / (ratio * rate), stable / rate
    grid = COUNTS[:, None], COUNTS[None, :]
    factor = np.exp(bet_on_ratio(grid, requests, ratio, odds, bursts(allowed, rate)))
    return bursty(canary, spread) @ factor @ bursty(stable, spread)


@given(means, means, st.floats(1.05, 20), st.floats(1, 5), spreads, st.floats(0.5, 1.0))
def test_bets_on_harm_allow_for_bursts_of_each_revision(canary, stable, odds, ratio, spread, part):
    expectation = expected_with_bursts(canary, stable, ratio, odds, part * spread, spread, 10.0)
    assert expectation <= 1 + 1e-6


@given(means, means, st.floats(0.1, 0.95), st.floats(1, 5), spreads, st.floats(0.5, 1.0))
def test_bets_on_health_allow_for_them_too(canary, stable, odds, ratio, spread, part):
    expectation = expected_with_bursts(canary, stable, ratio, odds, part * spread, spread, 10.0)
    assert expectation <= 1 + 1e-6


def test_bets_that_do_not_allow_for_bursts_gain_by_them():
    assert expected_with_bursts(2.0, 2.0, 1.0, 2.0, 1.0, 0.0, 10.0) > 1.2
    assert expected_with_bursts(2.0, 2.0, 2.0, 0.45, 1.0, 0.0, 10.0) > 1.2


@given(means, st.floats(1.05, 20) | st.floats(0.05, 0.95), spreads)
def test_bets_against_a_limit_allow_for_bursts(mean, odds, spread):
    shape = spread**-2
    chances = nbinom.logpmf(COUNTS, shape, shape / (shape + mean))
    gained = bet_on_limit(COUNTS, 1000, mean / 1000, odds, spread)
    assert np.exp(chances + gained).sum() <= 1 + 1e-6


@given(st.integers(0, 20), st.integers(0, 20), st.floats(1.05, 20), st.floats(1, 5))
def test_a_variation_of_almost_nothing_is_that_of_none(hits, others, odds, ratio):
    steady, almost = (
        bet_on_ratio((hits, others), (60, 540), ratio, odds, bursts(spread, 0.01))
        for spread in (0.0, 1e-7)
    )
    assert almost == pytest.approx(min(steady, np.log(4.0)), abs=1e-6)
    steady, almost = (bet_on_limit(hits, 10**7, 1e-6, odds, spread) for spread in (0.0, 1e-7))
    assert almost == pytest.approx(steady, abs=1e-2)


@pytest.mark.parametrize(
    ("hits", "requests"), [((0, 9), (0, 540)), ((9, 0), (60, 0)), ((0, 0), (0, 0))]
)
@pytest.mark.parametrize("odds", [2.0, 0.5])
def test_a_look_without_requests_of_one_revision_decides_nothing(hits, requests, odds):
    assert bet_on_ratio(hits, requests, 1.0, odds, bursts(1.0, 0.01)) == 0.0


def test_bursts_tell_how_much_a_rate_varies():
    generator = np.random.default_rng(1)
    counts = generator.poisson(5.4 * generator.gamma(0.5, 2.0, 20_000))
    index = counts.var() / counts.mean()
    assert variation(index, counts.sum(), len(counts)) == pytest.approx(2**0.5, rel=0.05)
    assert variation(0.9, 100, 10) == 0.0


@given(sizes, sizes, st.data(), st.floats(1.01, 50))
def test_shared_bursts_break_no_promise_where_routing_is_random(n, m, data, odds):
    events = data.draw(st.integers(0, n + m))
    chance = canary_chance(n, m, 1.0)
    ways = comb(n + m, events)
    expected = sum(
        comb(n, x) * comb(m, events - x) / ways * exp(log_factor(x, events, chance, odds))
        for x in range(max(0, events - m), min(n, events) + 1)
    )
    assert expected <= 1 + 1e-9


@given(sizes, chances, chances, st.floats(1.01, 50))
def test_a_bet_against_a_limit_gains_nothing_below_it(n, p, limit, odds):
    rate = min(p, limit)
    expected = sum(binomial(x, n, rate) * exp(log_factor(x, n, limit, odds)) for x in range(n + 1))
    assert expected <= 1 + 1e-9


def test_the_factor_is_the_likelihood_ratio_of_two_shares():
    # Odds 2 on a share of 10 % bet on a share of 2 * 0.1 / 1.1.
    other = 0.2 / 1.1
    by_hand = (other / 0.1) ** 3 * ((1 - other) / 0.9) ** 7
    assert exp(log_factor(3, 10, 0.1, 2.0)) == pytest.approx(by_hand)


def test_wealth_is_summed_over_the_last_axis():
    assert mixed(np.log([[0.5, 1.5], [1.0, 3.0]])) == pytest.approx(np.log([2.0, 4.0]))


def test_independent_events_have_a_dispersion_of_one():
    events = np.random.default_rng(3).binomial(540, 0.01, 2000)
    squares = float(np.sum(events**2 / 540))
    index = dispersion(squares, float(events.sum()), 540.0 * 2000, 2000)
    assert index == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("events", "intervals"), [(0, 50), (20, 9)])
def test_too_little_shows_no_dispersion(events, intervals):
    assert dispersion(1.0, events, 1000, intervals) is None
