"""Which rows are unlike the reference, and how many without drift are taken for such."""

import numpy as np
import pytest
from scipy import stats

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.outliers.isolation_forest import IsolationForest
from kanaria.serving.drift.outliers.mahalanobis import Mahalanobis
from kanaria.serving.drift.table_columns import from_matrix

DETECTORS = {
    "mahalanobis": Mahalanobis(flag_share=0.05),
    "isolation_forest": IsolationForest(flag_share=0.05, trees=20),
}
NULLS = {
    "normal": lambda g, n: g.normal(size=(n, 3)) @ np.array([[1, 1, 0], [0, 1, 2], [0, 0, 9]]),
    "heavy tails": lambda g, n: g.standard_t(2, (n, 3)),
    "categories": lambda g, n: np.column_stack([g.integers(0, 4, (n, 2)), g.normal(size=n)]),
}


@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("kind", DETECTORS)
def test_the_promised_share_of_rows_without_drift_is_flagged(kind, null):
    generator = np.random.default_rng(5)
    detector, rows, references, flagged = DETECTORS[kind], 1_000, 4, 0
    for _ in range(references):
        reference = detector.fit(from_matrix(NULLS[null](generator, 2_000)))
        fresh = from_matrix(NULLS[null](generator, rows))
        flagged += int(detector.outliers(reference, fresh).sum())
    # The level comes from 1,000 rows a reference, so it varies as the flags do.
    spread = np.sqrt(2) * stats.binom.std(references * rows, 0.05)
    assert abs(flagged - references * rows * 0.05) < 3.3 * spread


@pytest.mark.parametrize("kind", DETECTORS)
def test_of_rows_that_all_occurred_often_none_are_flagged(kind):
    generator = np.random.default_rng(10)
    for moved in range(6):
        rows = {"a": generator.integers(0, 6, 600) + 10.0 * moved}
        reference = DETECTORS[kind].fit(rows)
        assert not DETECTORS[kind].outliers(reference, rows).any()


@pytest.mark.parametrize("kind", DETECTORS)
def test_rows_far_away_are_flagged_and_rows_with_gaps_are_not(kind):
    generator = np.random.default_rng(6)
    detector = DETECTORS[kind]
    reference = detector.fit(from_matrix(generator.normal(size=(1_000, 2))))
    rows = {"0": np.array([0.0, 9.0, np.nan]), "1": np.array([0.0, -9.0, 9.0])}
    assert detector.outliers(reference, rows).tolist() == [False, True, False]
    result = detector.test(reference, rows)
    assert (result.window_rows, result.features[0].window_rows) == (3, 2)
    assert (result.statistic, result.effect.value) == (1, 0.5)


def test_a_window_with_many_outliers_drifted_and_one_without_did_not():
    generator = np.random.default_rng(7)
    detector = Mahalanobis()
    reference = detector.fit(from_matrix(generator.normal(size=(2_000, 2))))
    assert not detector.test(reference, from_matrix(generator.normal(size=(200, 2)))).drifted
    spoilt = generator.normal(size=(200, 2))
    spoilt[:30] *= 20
    result = detector.test(reference, from_matrix(spoilt))
    assert result.drifted and result.effect.low > 0.05


def test_the_p_value_of_a_window_is_the_share_of_windows_with_as_many_outliers():
    draw, rows, reference_rows, share = np.random.default_rng(3), 40, 200, 0.05
    detector = Mahalanobis(flag_share=share, least=0.0)
    statistics, p_values = [], {}
    for _ in range(2_000):
        # Distances of one number without a tail: the fitted half changes no order of the others.
        reference = detector.fit({"a": draw.normal(size=reference_rows)})
        result = detector.test(reference, {"a": draw.normal(size=rows)})
        statistics.append(result.statistic)
        p_values[result.statistic] = result.p_value
    for flagged in (1, 3, 5):
        share_of_windows = np.mean(np.array(statistics) >= flagged)
        spread = np.sqrt(p_values[flagged] * (1 - p_values[flagged]) / len(statistics))
        assert abs(share_of_windows - p_values[flagged]) < 3.3 * spread


def test_too_few_reference_rows_to_flag_any_are_not_taken_for_calm():
    detector = Mahalanobis(flag_share=0.001)
    reference = detector.fit({"a": np.random.default_rng(4).normal(size=200)})
    assert detector.test(reference, {"a": np.full(50, 90.0)}).verdict.value == "not enough data"


def test_a_row_off_the_plane_of_the_reference_is_an_outlier():
    line = np.random.default_rng(8).normal(size=1_000)
    reference = Mahalanobis().fit({"a": line, "twice": 2 * line, "constant": np.ones(1_000)})
    rows = {"a": np.zeros(3), "twice": np.array([0.0, 0.5, 0.0]), "constant": [1.0, 1.0, 1.1]}
    assert Mahalanobis().outliers(reference, rows).tolist() == [False, True, True]


def test_a_gap_between_clusters_is_seen_by_the_forest():
    generator = np.random.default_rng(9)
    clusters = generator.normal(generator.choice([-8.0, 8.0], (2_000, 1)), 1, (2_000, 2))
    middle = from_matrix(np.zeros((1, 2)))
    forest = IsolationForest(trees=30)
    assert forest.outliers(forest.fit(from_matrix(clusters)), middle).all()


def test_references_of_parts_find_the_same_outliers_as_one_of_all_rows():
    rows = np.random.default_rng(10).normal(size=(1_000, 3))
    detector = Mahalanobis()
    whole = detector.fit(from_matrix(rows))
    merged = detector.fit(from_matrix(rows[600:])).merged(detector.fit(from_matrix(rows[:600])))
    window = from_matrix(rows[:50] * 3)
    assert detector.score(merged, window) == pytest.approx(detector.score(whole, window))
    assert (detector.outliers(merged, window) == detector.outliers(whole, window)).all()


def test_a_reference_with_few_rows_is_refused():
    reference = Mahalanobis().fit({"a": np.arange(60.0)})
    with pytest.raises(DataError, match="give at least 100 rows without missing values"):
        Mahalanobis().score(reference, {"a": np.zeros(1)})
