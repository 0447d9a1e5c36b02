"""Tests of all features together: what they promise without drift, and what they find."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.detector import Verdict
from kanaria.serving.drift.multivariate import least_squares_density_difference
from kanaria.serving.drift.multivariate.least_squares_density_difference import (
    LeastSquaresDensityDifference,
)
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy import MaximumMeanDiscrepancy
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy_fourier import (
    FourierMaximumMeanDiscrepancy,
)
from kanaria.serving.drift.table_columns import from_matrix
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov

KINDS = [
    MaximumMeanDiscrepancy,
    FourierMaximumMeanDiscrepancy,
    LeastSquaresDensityDifference,
]
every_kind = pytest.mark.parametrize("kind", KINDS)
WINDOWS = 150
NULLS = {
    "normal, one alike to the other": lambda g, n: g.normal(size=(n, 1)) + g.normal(size=(n, 3)),
    "heavy tails": lambda g, n: g.standard_cauchy((n, 2)),
    "rounded, one constant": lambda g, n: np.round(g.normal(size=(n, 3))) * [1, 1, 0],
}


@every_kind
@pytest.mark.parametrize("draw", NULLS.values(), ids=NULLS)
def test_false_alarms_are_as_many_as_promised(kind, draw):
    generator = np.random.default_rng(30)
    detector = kind(alpha=0.1, permutations=39, least=0)
    alarms = 0
    for _ in range(WINDOWS):
        reference = detector.fit(from_matrix(draw(generator, 120)))
        alarms += detector.test(reference, from_matrix(draw(generator, 40))).drifted
    # Of 40 places among the deals, 3 are below 0.1.
    assert alarms <= stats.binom.ppf(0.999, WINDOWS, 0.1)
    assert alarms >= stats.binom.ppf(0.001, WINDOWS, 3 / 40)


def correlated(generator, rows, correlation):
    """Return two features, normal each, that vary together."""
    first, second = generator.normal(size=(2, rows))
    second = correlation * first + np.sqrt(1 - correlation**2) * second
    return {"distance": 800 + 300 * first, "hour": 12 + 3 * second}


@every_kind
def test_features_that_vary_together_otherwise_are_seen_though_each_alone_is_as_before(kind):
    generator = np.random.default_rng(31)
    rows = correlated(generator, 1000, 0.0)
    alone, together = KolmogorovSmirnov(), kind()
    seen_alone = alarms = 0
    for _ in range(20):
        window = correlated(generator, 200, 0.8)
        seen_alone += alone.test(alone.fit(rows), window).drifted
        alarms += together.test(together.fit(rows), window).drifted
    assert alarms == 20
    assert seen_alone <= stats.binom.ppf(0.999, 20, 0.05)


@every_kind
def test_a_large_window_does_not_alarm_on_next_to_nothing(kind):
    generator = np.random.default_rng(32)
    detector = kind()
    reference = detector.fit(from_matrix(generator.normal(size=(4000, 1))))
    result = detector.test(reference, from_matrix(generator.normal(0.13, 1, (4000, 1))))
    assert result.p_value < 0.05
    assert result.effect.value < result.effect.least
    assert result.verdict is Verdict.STABLE


@every_kind
def test_a_small_window_says_that_it_is_small(kind):
    generator = np.random.default_rng(33)
    detector = kind()
    reference = detector.fit(from_matrix(generator.normal(size=(500, 2))))
    for rows in (1, 10):
        result = detector.test(reference, from_matrix(generator.normal(size=(rows, 2))))
        assert result.verdict is Verdict.NOT_ENOUGH_DATA


@every_kind
@settings(max_examples=30)
@given(
    shift=st.floats(-5, 5),
    rows=st.tuples(st.integers(25, 60), st.integers(2, 40)),
    features=st.integers(1, 5),
)
def test_an_effect_lies_in_its_interval_between_zero_and_one(kind, shift, rows, features):
    generator = np.random.default_rng(34)
    detector = kind(permutations=20)
    reference = detector.fit(from_matrix(generator.normal(size=(rows[0], features))))
    window = from_matrix(generator.normal(shift, 1, (rows[1], features)))
    effect = detector.test(reference, window).effect
    assert 0 <= effect.low <= effect.value <= effect.high <= 1


@every_kind
def test_the_farther_the_larger_the_effect_and_no_p_value_is_below_one_deal(kind):
    generator = np.random.default_rng(35)
    detector = kind()
    reference = detector.fit({"x": generator.normal(size=400)})
    near, far = (
        detector.test(reference, {"x": generator.normal(shift, 1, 400)}) for shift in (0.5, 50)
    )
    assert near.p_value == far.p_value == 1 / 101
    assert 0 < near.effect.value < far.effect.value


@every_kind
def test_equal_seeds_give_equal_results(kind):
    generator = np.random.default_rng(36)
    rows = from_matrix(generator.normal(size=(300, 2)))
    window = from_matrix(generator.normal(0.1, 1, (100, 2)))
    first, again, other = (
        detector.test(detector.fit(rows), window)
        for detector in (kind(seed=1), kind(seed=1), kind(seed=2))
    )
    assert first == again
    assert first != other


@every_kind
def test_rows_with_gaps_are_left_out_and_counted(kind):
    generator = np.random.default_rng(37)
    rows = generator.normal(size=(100, 2))
    window = generator.normal(size=(50, 2))
    window[:4, 1] = [np.nan, np.inf, -np.inf, 1e200]
    detector = kind()
    reference = detector.fit(from_matrix(rows))
    result = detector.test(reference, from_matrix(window))
    whole = detector.test(reference, from_matrix(window[4:]))
    assert (result.window_rows, whole.window_rows) == (50, 46)
    assert result.features == whole.features
    assert result.features[0].window_rows == 46
    assert result.features[0].feature == ""


@every_kind
def test_without_whole_rows_there_is_nothing_to_say(kind):
    detector = kind()
    reference = detector.fit({"x": np.full(30, np.nan), "y": np.arange(30)})
    result = detector.test(reference, {"x": np.arange(9.0), "y": np.arange(9)})
    assert result.verdict is Verdict.NOT_ENOUGH_DATA and result.p_value == 1


@every_kind
def test_constant_rows_differ_from_nothing_but_other_rows(kind):
    detector = kind()
    reference = detector.fit({"x": np.ones(100), "y": np.zeros(100)})
    same = detector.test(reference, {"x": np.ones(50), "y": np.zeros(50)})
    assert same.p_value == 1 and same.effect.value == 0
    assert detector.test(reference, {"x": np.full(50, 9.0), "y": np.zeros(50)}).drifted


@every_kind
def test_all_columns_of_text_are_named(kind):
    rows = {"hour": np.arange(3), "carrier": np.array(["A", "B", "C"]), "day": np.array(["x"] * 3)}
    with pytest.raises(DataError, match=r"\['carrier', 'day'\].*encode"):
        kind().fit(rows)
    reference = kind().fit({"hour": np.arange(9), "carrier": np.arange(9)})
    with pytest.raises(DataError, match=r"\['carrier'\]"):
        kind().test(reference, rows)


def test_scaling_lets_a_feature_of_small_numbers_be_seen():
    generator = np.random.default_rng(38)

    def flights(delay):
        return {
            "distance": generator.normal(800, 300, 400),
            "cancelled": generator.normal(delay, 0.01, 400),
        }

    scaled = MaximumMeanDiscrepancy()
    plain = dataclasses.replace(scaled, scaled=False)
    rows, window = flights(0.0), flights(0.03)
    assert scaled.test(scaled.fit(rows), window).drifted
    assert not plain.test(plain.fit(rows), window).drifted


def test_the_interval_of_a_mean_discrepancy_holds_its_true_value():
    # Of normal samples a shift apart, with a kernel as wide as they are.
    shift, detector = 0.5, MaximumMeanDiscrepancy(sigma=(1.0,), scaled=False, permutations=20)
    true = np.sqrt((1 - np.exp(-(shift**2) / 6)) / np.sqrt(3))
    generator = np.random.default_rng(39)
    held = []
    for _ in range(60):
        reference = detector.fit({"x": generator.normal(size=300)})
        effect = detector.test(reference, {"x": generator.normal(shift, 1, 100)}).effect
        held.append(effect.low <= true <= effect.high)
    assert sum(held) >= stats.binom.ppf(0.001, 60, 0.95)


def test_the_interval_of_a_density_difference_holds_its_true_value():
    generator = np.random.default_rng(40)
    detector = LeastSquaresDensityDifference(permutations=40)
    centres = generator.normal(size=(20, 2))

    def effect(rows):
        old, new = generator.normal(size=(rows[0], 2)), generator.normal(0.3, 1, (rows[1], 2))
        return least_squares_density_difference.tested(detector, centres, old, new, (1.0,)).effect

    true = effect((4_000, 4_000)).value
    effects = [effect((400, 100)) for _ in range(60)]
    held = sum(one.low <= true <= one.high for one in effects)
    assert held >= stats.binom.ppf(0.001, 60, 0.95)
    assert np.mean([one.value for one in effects]) == pytest.approx(true, abs=0.05)
