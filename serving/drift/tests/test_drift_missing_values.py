"""Missing values: a column that is empty in more rows than before is found, and named."""

import numpy as np
import pytest
from scipy import stats

from kanaria.serving.drift.detector import Verdict
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift.univariate.missing_values import MissingValues

ALPHA, WINDOWS = 0.05, 200


def flights(generator, rows, missing):
    delay = generator.normal(size=rows)
    delay[generator.random(rows) < missing] = np.nan
    carrier = generator.choice(np.array(["UA", "DL", None], dtype=object), rows, p=[0.6, 0.3, 0.1])
    return {"delay": delay, "carrier": carrier, "distance": generator.normal(size=rows)}


def test_a_column_that_is_suddenly_empty_in_a_third_of_the_rows_is_named():
    generator = np.random.default_rng(1)
    detector = Table()
    result = detector.test(detector.fit(flights(generator, 2000, 0)), flights(generator, 1000, 0.3))
    assert [f.feature for f in result.features if f.drifted] == ["delay (missing)"]
    (feature,) = [f for f in result.features if f.feature == "delay (missing)"]
    assert feature.effect.low < 0.3 < feature.effect.high
    assert result.verdict is Verdict.DRIFTED


def test_a_column_that_is_empty_altogether_is_drift():
    generator = np.random.default_rng(2)
    rows = {"x": generator.normal(size=500)}
    result = Table().test(Table().fit(rows), {"x": np.full(200, np.nan)})
    assert [(f.feature, f.drifted) for f in result.features] == [
        ("x", False),
        ("x (missing)", True),
    ]


def test_features_without_missing_values_cost_the_table_no_power():
    rows = {name: np.random.default_rng(3).normal(size=200) for name in ("x", "y")}
    result = Table().test(Table().fit(rows), rows)
    assert [f.feature for f in result.features] == ["x", "y"]
    assert result.features[0].threshold == 0.05 / 2


def test_the_usual_share_of_missing_values_is_not_drift():
    generator = np.random.default_rng(4)
    detector = Table(least=0)
    alarms = 0
    for _ in range(WINDOWS):
        reference = detector.fit(flights(generator, 400, 0.2))
        alarms += detector.test(reference, flights(generator, 200, 0.2)).drifted
    assert alarms <= stats.binom.ppf(0.999, WINDOWS, ALPHA)


@pytest.mark.parametrize(
    ("alternative", "drifted"), [("two-sided", True), ("greater", True), ("less", False)]
)
def test_alone_it_tests_columns_of_any_kind(alternative, drifted):
    generator = np.random.default_rng(5)
    detector = MissingValues(alternative=alternative)
    rows = flights(generator, 500, 0.1)
    window = flights(generator, 500, 0.1)
    window["carrier"] = np.where(generator.random(500) < 0.5, None, window["carrier"])
    result = detector.test(detector.fit(rows), window)
    drifted_by_feature = {f.feature: f.drifted for f in result.features}
    assert drifted_by_feature == {"delay": False, "carrier": drifted, "distance": False}
