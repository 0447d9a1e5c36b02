"""The domain classifier: what features do together, its promise, and the sample it learns from."""

import numpy as np
import pytest
from scipy import stats

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving.drift.detector import Verdict
from kanaria.serving.drift.multivariate.domain_classifier import DomainClassifier
from kanaria.serving.drift.references.sample_reference import SampleReference
from kanaria.serving.drift.table_detector import Table

ALPHA, WINDOWS = 0.1, 60


def correlated(generator, rows, correlation):
    x = generator.normal(size=rows)
    y = correlation * x + np.sqrt(1 - correlation**2) * generator.normal(size=rows)
    return {"x": x, "y": y, "carrier": generator.choice(["UA", "DL", "AA"], rows)}


def test_a_change_of_correlation_is_seen_that_no_single_feature_shows():
    generator = np.random.default_rng(1)
    rows, window = correlated(generator, 2000, 0.0), correlated(generator, 1000, 0.8)
    result = DomainClassifier().test(DomainClassifier().fit(rows), window)
    assert result.verdict is Verdict.DRIFTED
    assert result.effect.name == "separation" and result.effect.low > 0.1
    assert not Table().test(Table().fit(rows), window).drifted


def test_missing_values_and_new_categories_are_learned_too():
    generator = np.random.default_rng(2)
    detector = DomainClassifier()
    reference = detector.fit(correlated(generator, 1000, 0))
    empty = correlated(generator, 1000, 0)
    empty["x"][::2] = np.nan
    assert detector.test(reference, empty).drifted
    replaced = correlated(generator, 1000, 0)
    replaced["carrier"] = np.where(replaced["carrier"] == "UA", "WN", replaced["carrier"])
    assert detector.test(reference, replaced).drifted


@pytest.mark.parametrize("draw", ["numbers", "categories"])
def test_false_alarms_are_as_promised(draw):
    generator = np.random.default_rng(3)
    drawn = {
        "numbers": lambda n: {name: generator.normal(size=n) for name in "abc"},
        "categories": lambda n: {"a": generator.choice(["u", "v", "w"], n)},
    }[draw]
    detector = DomainClassifier(alpha=ALPHA, least=0)
    alarms = sum(detector.test(detector.fit(drawn(100)), drawn(60)).drifted for _ in range(WINDOWS))
    assert alarms <= stats.binom.ppf(0.999, WINDOWS, ALPHA)


def test_a_column_without_values_and_infinite_ones_are_borne():
    generator = np.random.default_rng(6)
    rows = {"x": generator.normal(size=400), "empty": np.full(400, np.nan)}
    window = {"x": np.where(rows["x"] > 0.5, np.inf, rows["x"]), "empty": rows["empty"]}
    assert DomainClassifier().test(DomainClassifier().fit(rows), window).drifted
    alone = {"empty": rows["empty"]}
    result = DomainClassifier().test(DomainClassifier().fit(alone), alone)
    assert result.verdict is Verdict.NOT_ENOUGH_DATA


def test_few_rows_are_not_enough_data():
    generator = np.random.default_rng(4)
    detector = DomainClassifier()
    reference = detector.fit(correlated(generator, 500, 0))
    for rows in (2, 30):
        result = detector.test(reference, correlated(generator, rows, 0))
        assert result.verdict is Verdict.NOT_ENOUGH_DATA


def test_every_row_is_as_likely_in_the_sample_whether_it_occurs_often_or_once():
    # Half of the rows are equal, as where a sensor says zero.
    x = np.concatenate([np.zeros(5000), np.arange(5000.0)])
    parts = [SampleReference.of({"x": part}, (), 1000) for part in (x[::3], x[1::3], x[2::3])]
    merged = parts[0].merged(parts[1]).merged(parts[2])
    for sample in (SampleReference.of({"x": x}, (), 1000), merged):
        zeros = int((sample.columns["x"] == 0).sum())
        assert len(sample.places) == 1000 and sample.rows == 10_000
        # A sample without replacement; the parts share places of equal rows, which adds variance.
        assert abs(zeros - 500) < 4 * np.sqrt(3 * 250)


def test_a_sample_of_rows_that_differ_does_not_depend_on_how_it_was_made():
    x = np.random.default_rng(5).normal(size=3000)
    whole = SampleReference.of({"x": x}, (), 200)
    parts = [SampleReference.of({"x": part}, (), 200) for part in (x[:700], x[700:])]
    np.testing.assert_array_equal(parts[1].merged(parts[0]).columns["x"], whole.columns["x"])


def test_what_it_cannot_learn_from_is_refused():
    with pytest.raises(ParameterError, match=r"alpha=2.*rows=1"):
        DomainClassifier(alpha=2, rows=1)
    reference = DomainClassifier().fit({"x": np.arange(50.0)})
    with pytest.raises(DataError, match=r"'x': .* a number is needed"):
        DomainClassifier().test(reference, {"x": np.array(["a"] * 50)})
    with pytest.raises(DataError, match="samples of 10000 and 200 rows"):
        reference.merged(DomainClassifier(rows=200).fit({"x": np.arange(50.0)}))
