"""The distances over bins: their values, their exact test, and their effects."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance as scipy_distance

from kanaria.serving.drift.detector import Verdict
from kanaria.serving.drift.univariate import bin_distances, jensen_shannon, population_stability
from kanaria.serving.drift.univariate.jensen_shannon import JensenShannon
from kanaria.serving.drift.univariate.population_stability import PopulationStability
from kanaria.serving.drift.univariate.wasserstein import Wasserstein

counts = st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any).map(np.array)
both = pytest.mark.parametrize("detector", [JensenShannon(), PopulationStability(), Wasserstein()])


@given(counts, counts)
def test_jensen_shannon_is_scipys(old, new):
    expected = scipy_distance.jensenshannon(old, new, base=2)
    value = float(jensen_shannon.distance(old, new, np.arange(3)))
    assert value == pytest.approx(expected, abs=1e-7)


def test_the_index_of_a_known_table():
    old, new = np.array([199.5, 799.5]), np.array([399.5, 599.5])
    expected = 0.2 * np.log(0.4 / 0.2) - 0.2 * np.log(0.6 / 0.8)
    value = float(population_stability.index(old, new, np.arange(1)))
    assert value == pytest.approx(expected, rel=5e-3)


@given(st.lists(st.integers(-3, 3), min_size=1), st.lists(st.integers(-3, 3), min_size=1))
def test_every_row_is_in_one_bin(reference, window):
    edges, old, new = bin_distances.bins(np.sort(reference), np.sort(window), 10)
    assert (old.sum(), new.sum()) == (len(reference), len(window))
    assert np.all(old + new > 0) and len(old) == len(edges) + 1


@pytest.mark.parametrize("shift", [0.3, 1.0, 2.0])
def test_the_wasserstein_distance_is_the_way_moved(shift):
    # Two normal samples apart by `shift`; their own mixture is wider, so it counts for less.
    generator = np.random.default_rng(4)
    old, new = generator.normal(size=20_000), generator.normal(shift, size=20_000)
    (feature,) = Wasserstein().test(Wasserstein().fit({"x": old}), {"x": new}).features
    spread = np.ptp(np.quantile([*old, *new], [0.1, 0.9])) / 2.563103
    expected = stats.wasserstein_distance(old, new) / spread
    assert feature.statistic == pytest.approx(expected, rel=0.05)


@both
def test_a_shift_is_found_and_noise_in_a_big_window_is_not(detector):
    generator = np.random.default_rng(1)
    reference = detector.fit({"x": generator.normal(size=5000), "y": generator.normal(size=5000)})
    shifted = {"x": generator.normal(0.6, size=2000), "y": generator.normal(size=2000)}
    result = detector.test(reference, shifted)
    assert [feature.drifted for feature in result.features] == [True, False]
    assert result.features[0].effect.low > result.features[1].effect.high
    same = {"x": generator.normal(size=5000), "y": generator.normal(size=5000)}
    assert detector.test(reference, same).verdict is Verdict.STABLE


@both
def test_many_features_leave_the_strictest_threshold_in_reach(detector):
    generator = np.random.default_rng(2)
    rows = {str(i): generator.normal(size=200) for i in range(60)}
    window = rows | {"7": rows["7"] + 3}
    result = detector.test(detector.fit(rows), window)
    assert [feature.feature for feature in result.features if feature.drifted] == ["7"]


@both
def test_false_alarms_are_as_promised(detector):
    generator = np.random.default_rng(3)
    kind = type(detector)(least=0)
    alarms = 0
    for _ in range(200):
        reference = kind.fit({"x": generator.normal(size=300)})
        alarms += kind.test(reference, {"x": generator.normal(size=150)}).drifted
    lowest, highest = stats.binom.ppf([0.001, 0.999], 200, 0.05)
    assert lowest <= alarms <= highest


@pytest.mark.parametrize("detector", [JensenShannon(), PopulationStability()])
def test_categories_are_bins_as_they_are(detector):
    generator = np.random.default_rng(5)

    def flights(rows, cancelled):
        hour = generator.integers(0, 24, rows)
        return {"carrier": generator.choice(["UA", "DL", cancelled], rows), "hour": hour}

    detector = type(detector)(categorical=("hour",))
    reference = detector.fit(flights(3000, "AA"))
    result = detector.test(reference, flights(2000, "WN"))
    assert [(f.feature, f.drifted) for f in result.features] == [("carrier", True), ("hour", False)]
    assert detector.test(reference, flights(2000, "AA")).verdict is Verdict.STABLE


def test_a_known_table_of_categories():
    rows = {"carrier": np.repeat(["UA", "DL"], [20, 80])}
    window = {"carrier": np.repeat(["UA", "DL"], [40, 60])}
    (feature,) = JensenShannon().test(JensenShannon().fit(rows), window).features
    expected = scipy_distance.jensenshannon([0.2, 0.8], [0.4, 0.6], base=2)
    assert feature.statistic == pytest.approx(expected)
    table = [[20, 80], [40, 60]]
    assert feature.p_value == pytest.approx(stats.fisher_exact(table).pvalue, abs=2e-3)


@pytest.mark.parametrize("share", [0.005, 0.2])
def test_infinite_values_move_a_number_as_the_outermost_finite_ones_do(share):
    draw = np.random.default_rng(0)
    reference, window = draw.normal(size=2000), draw.normal(size=500)
    window[: int(500 * share)] = np.inf
    detector = Wasserstein(least=0.15)
    result = detector.test(detector.fit({"x": reference}), {"x": window})
    assert 0 <= result.p_value <= 1
    assert np.isfinite([result.effect.value, result.effect.low, result.effect.high]).all()
    assert result.drifted == (share > 0.1)
