"""The univariate detectors: the p-values of the field, effects that matter, and their promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving.drift.detector import Verdict
from kanaria.serving.drift.table_columns import from_matrix
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift.univariate.chi_squared import ChiSquared
from kanaria.serving.drift.univariate.cramer_von_mises import CramerVonMises
from kanaria.serving.drift.univariate.fisher_exact import FisherExact
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov

numbers = st.lists(
    st.floats(-3, 3, width=16) | st.integers(-2, 2).map(float), min_size=2, max_size=40
)


def compared(detector, reference, window):
    return detector.test(detector.fit(reference), window)


@given(numbers, numbers, st.sampled_from(["two-sided", "less", "greater"]))
def test_kolmogorov_smirnov_has_scipys_p_value_with_ties_too(reference, window, alternative):
    detector = KolmogorovSmirnov(alternative=alternative)
    (feature,) = compared(detector, {"x": np.array(reference)}, {"x": np.array(window)}).features
    expected = stats.ks_2samp(reference, window, alternative=alternative, method="asymp")
    assert feature.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert feature.p_value == pytest.approx(expected.pvalue, abs=1e-9)


@given(st.lists(st.integers(0, 4), min_size=1), st.lists(st.integers(0, 6), min_size=1))
def test_chi_squared_has_scipys_p_value_with_new_and_vanished_categories(reference, window):
    (feature,) = compared(
        ChiSquared(), {"x": np.array(reference)}, {"x": np.array(window)}
    ).features
    kinds = sorted({*reference, *window})
    table = [[rows.count(kind) for kind in kinds] for rows in (reference, window)]
    expected = stats.chi2_contingency(table)
    assert feature.statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert feature.p_value == pytest.approx(expected.pvalue, abs=1e-9)


@given(
    st.lists(st.booleans(), min_size=1),
    st.lists(st.booleans(), min_size=1),
    st.sampled_from(["two-sided", "less", "greater"]),
)
def test_fishers_test_asks_whether_the_window_has_more_ones(reference, window, alternative):
    detector = FisherExact(alternative=alternative)
    (feature,) = compared(detector, {"x": np.array(reference)}, {"x": np.array(window)}).features
    ones = [sum(window), sum(reference)]
    table = [ones, [len(window) - ones[0], len(reference) - ones[1]]]
    assert feature.p_value == pytest.approx(stats.fisher_exact(table, alternative).pvalue)


@given(st.permutations(range(50)), st.integers(2, 48))
def test_cramer_von_mises_has_scipys_p_value_without_ties(values, cut):
    reference, window = values[:cut], values[cut:]
    (feature,) = compared(
        CramerVonMises(), {"x": np.array(reference)}, {"x": np.array(window)}
    ).features
    expected = stats.cramervonmises_2samp(reference, window)
    assert feature.p_value == pytest.approx(expected.pvalue, abs=1e-9)


def test_cramer_von_mises_finds_no_drift_in_numbers_that_are_only_rounded():
    generator = np.random.default_rng(9)
    reference = {"x": np.round(generator.normal(size=1000))}
    window = {"x": np.round(generator.normal(size=500))}
    assert compared(CramerVonMises(least=0), reference, window).p_value > 0.05
    moved = {"x": np.round(generator.normal(0.5, size=500))}
    assert compared(CramerVonMises(), reference, moved).drifted


def test_a_mixed_table_is_tested_by_kind_under_one_correction():
    generator = np.random.default_rng(1)
    reference = {
        "delay": generator.normal(size=500),
        "carrier": generator.choice(["UA", "DL", "AA"], 500),
        "hour": generator.integers(0, 24, 500),
    }
    window = reference | {"carrier": generator.choice(["UA", "DL", "WN"], 500)}
    result = compared(Table(categorical=("hour",)), reference, window)
    assert [feature.feature for feature in result.features] == ["delay", "carrier", "hour"]
    assert [feature.drifted for feature in result.features] == [False, True, False]
    assert {feature.threshold for feature in result.features} == {0.05 / 3}
    assert result.p_value == pytest.approx(3 * result.features[1].p_value)
    assert result.effect.name == "total variation" and 0.2 < result.effect.value < 0.5


def test_benjamini_hochberg_finds_more_than_bonferroni():
    generator = np.random.default_rng(2)
    reference = from_matrix(generator.normal(size=(2000, 10)))
    shifts = np.linspace(0, 0.4, 10)
    window = from_matrix(generator.normal(size=(300, 10)) + shifts)
    by = {
        correction: compared(KolmogorovSmirnov(correction=correction, least=0), reference, window)
        for correction in ("bonferroni", "fdr")
    }
    counts = {name: sum(f.drifted for f in result.features) for name, result in by.items()}
    assert counts["fdr"] > counts["bonferroni"] > 0
    p_values = [feature.p_value for feature in by["fdr"].features]
    adjusted = stats.false_discovery_control(p_values)
    assert by["fdr"].p_value == pytest.approx(adjusted.min())
    assert [f.p_value < f.threshold for f in by["fdr"].features] == list(adjusted < 0.05)


@pytest.mark.parametrize("detector", [KolmogorovSmirnov(), CramerVonMises(), Table()])
def test_a_big_window_does_not_alarm_on_a_difference_that_does_not_matter(detector):
    generator = np.random.default_rng(3)
    reference = {"x": generator.normal(size=50_000)}
    result = compared(detector, reference, {"x": generator.normal(0.05, size=50_000)})
    assert result.p_value < 1e-6
    assert result.verdict is Verdict.STABLE


def test_a_small_window_is_not_called_stable():
    generator = np.random.default_rng(4)
    reference = {"x": generator.normal(size=1000)}
    result = compared(KolmogorovSmirnov(), reference, {"x": generator.normal(size=20)})
    assert not result.drifted
    assert result.verdict is Verdict.NOT_ENOUGH_DATA


def test_a_gross_change_shows_in_a_small_window():
    generator = np.random.default_rng(5)
    reference = {"brightness": generator.normal(120, 20, size=1000)}
    result = compared(KolmogorovSmirnov(), reference, {"brightness": np.zeros(8)})
    assert result.verdict is Verdict.DRIFTED


@pytest.mark.parametrize("detector", [KolmogorovSmirnov(), CramerVonMises(), ChiSquared()])
def test_a_feature_without_values_is_not_enough_data(detector):
    reference = {"x": np.arange(1000.0) % 7}
    (feature,) = compared(detector, reference, {"x": np.full(500, np.nan)}).features
    assert (feature.reference_rows, feature.window_rows) == (1000, 0)
    assert not feature.drifted and not feature.enough


def test_missing_values_do_not_change_the_test_of_the_others():
    values = np.random.default_rng(6).normal(size=300)
    detector = KolmogorovSmirnov()
    whole = compared(detector, {"x": values}, {"x": values[:100] + 0.1})
    gaps = np.concatenate([values[:100] + 0.1, np.full(50, np.nan)])
    assert compared(detector, {"x": values}, {"x": gaps}).features == whole.features


def test_what_is_enough_would_be_found_were_it_there():
    # A difference of exactly the least size that matters is significant where there is enough.
    for rows in (100, 300, 1000, 3000):
        reference = {"x": np.arange(2000.0)}
        window = {"x": np.linspace(200, 2000, rows, endpoint=False)}
        (feature,) = compared(KolmogorovSmirnov(), reference, window).features
        if feature.enough:
            assert feature.p_value < feature.threshold
    assert feature.enough


@pytest.mark.parametrize(
    ("detector", "draw"),
    [
        (KolmogorovSmirnov(least=0), lambda g, n: g.normal(size=n)),
        (CramerVonMises(least=0), lambda g, n: g.gamma(2, size=n)),
        (ChiSquared(least=0), lambda g, n: g.integers(0, 5, n)),
        (FisherExact(least=0), lambda g, n: g.integers(0, 2, n)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_interval_of_the_effect_holds_its_true_value(detector, draw):
    generator = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        result = compared(detector, {"x": draw(generator, 400)}, {"x": draw(generator, 200)})
        held += result.effect.low == 0.0
    assert held >= 190 - 3 * np.sqrt(200 * 0.05 * 0.95)


def test_all_missing_columns_are_named_at_once():
    detector = KolmogorovSmirnov()
    reference = detector.fit({name: np.arange(5.0) for name in ("a", "b", "c")})
    with pytest.raises(DataError, match=r"\['a', 'c'\]"):
        detector.test(reference, {"b": np.arange(5.0)})


def test_what_a_detector_cannot_test_is_refused_with_a_remedy():
    with pytest.raises(DataError, match=r"feature 'x': .*number"):
        KolmogorovSmirnov().fit({"x": np.array(["a"])})
    with pytest.raises(DataError, match="use chi_squared"):
        FisherExact().fit({"x": np.array([0, 1, 2])})


def test_settings_that_promise_nothing_are_refused_all_at_once():
    with pytest.raises(ParameterError, match=r"alpha=0.*least=2"):
        KolmogorovSmirnov(alpha=0, least=2)
