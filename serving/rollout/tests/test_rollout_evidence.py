from itertools import product
from math import comb, exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.serving.rollout.evidence import canary_chance, dispersion, log_factor, mixed

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
    found = dispersion(squares, float(events.sum()), 540.0 * 2000, 2000)
    assert found == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("events", "intervals"), [(0, 50), (20, 9)])
def test_too_little_shows_no_dispersion(events, intervals):
    assert dispersion(1.0, events, 1000, intervals) is None
