"""Columns as they come from files and clients: gaps, mixtures, one value in several types."""

import numpy as np
import pytest

from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.category_texts import LONGEST, text_of
from kanaria.serving.drift.detector import Verdict
from kanaria.serving.drift.multivariate.domain_classifier import DomainClassifier
from kanaria.serving.drift.references.counts_reference import CountsReference
from kanaria.serving.drift.references.sample_reference import SampleReference
from kanaria.serving.drift.references.sorted_reference import SortedReference
from kanaria.serving.drift.report import window_record
from kanaria.serving.drift.report_records import dump_window, load_window
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift.univariate.chi_squared import ChiSquared
from kanaria.serving.drift.univariate.jensen_shannon import JensenShannon
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov
from kanaria.serving.drift.univariate.population_stability import PopulationStability

DRAW = np.random.default_rng(1)


def objects(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


NOTHING, NOTHING_TEXT = np.full(900, np.nan), objects(*[None] * 900)
NUMBER, LATER = DRAW.normal(size=900), DRAW.normal(size=900)


@pytest.mark.parametrize("nothing", [NOTHING, NOTHING_TEXT])
@pytest.mark.parametrize("now", [NOTHING, NOTHING_TEXT])
def test_a_column_that_never_had_a_value_leaves_the_others_to_decide(nothing, now):
    for detector in (Table(), PopulationStability()):
        reference = detector.fit({"a": nothing, "b": NUMBER})
        assert detector.test(reference, {"a": now, "b": LATER}).verdict is Verdict.STABLE
        moved = detector.test(reference, {"a": now, "b": LATER + 2})
        assert [one.feature for one in moved.features if one.drifted] == ["b"]
        appears = Table().test(Table().fit({"a": nothing}), {"a": NUMBER})
        assert appears.verdict is Verdict.DRIFTED


def test_a_reference_of_nothing_alone_says_nothing():
    detector = KolmogorovSmirnov()
    result = detector.test(detector.fit({"a": NOTHING}), {"a": NUMBER})
    assert result.verdict is Verdict.NOT_ENOUGH_DATA


@pytest.mark.parametrize("kind", [Table, JensenShannon, PopulationStability])
@pytest.mark.parametrize(
    ("reference", "window", "categorical"),
    [
        ({"x": np.array([1, 2, 3] * 500)}, {"x": objects(None, None)}, ()),
        ({"x": np.array([1, 0, 1] * 500)}, {"x": objects(14, None)}, ("x",)),
        ({"x": objects("a", "b", 123)}, {"x": objects(123.0, b"a", None)}, ()),
        ({"x": np.array([7, np.nan, 9])}, {"x": np.array([np.nan, np.nan])}, ()),
        ({"x": np.array([1, np.inf, -np.inf])}, {"x": np.array([-np.inf, 1e308, -1e308])}, ()),
        ({"x": objects("a", np.nan)}, {"x": objects(None, "a")}, ()),
        ({"x": objects(10**400, 1)}, {"x": objects(-(10**400), 0.5)}, ()),
        ({"x": objects("\ud800", "\udcff")}, {"x": objects("\0", "ä" * 10_000)}, ()),
    ],
)
def test_columns_that_ended_other_monitors_have_results_that_can_be_kept(
    kind, reference, window, categorical
):
    detector = kind(categorical=categorical)
    fitted = detector.fit(reference)
    result = detector.test(fitted, window)
    record = window_record.window(result, fitted, window)
    assert load_window(dump_window(record)) == record


@pytest.mark.parametrize(
    ("reference", "window"),
    [
        (objects(1.0, 2.5) , np.array([1, 2.5])),
        (objects(True, False), np.array([1.0, 0.0])),
        (np.array([True, False]), objects(True, False)),
        (np.array(["1", "0"]), objects(1, False)),
        (np.array([b"a", b"b\xff"]), objects("a", "b\\xff")),
        (np.array([0.1, 0.2], np.float32), objects(0.1, float(np.float32(0.2)))),
        (np.array([2**53 + 1, 2**63 - 1]), objects(2**53 + 1, 2**63 - 1)),
    ],
)  # fmt: skip
def test_a_category_is_the_same_in_any_type_beside_missing_values_too(reference, window):
    detector = ChiSquared()
    fitted = detector.fit({"x": reference})
    for gaps in ([], [None]):
        result = detector.test(fitted, {"x": objects(*window.tolist(), *gaps)})
        assert (result.statistic, result.effect.value) == (0.0, 0.0)


def test_a_long_text_costs_no_memory_and_stays_different_from_others():
    long = ["x" * 1_000_000 + end for end in ("a", "b")]
    assert len({text_of(one) for one in long}) == 2
    assert {len(text_of(one)) for one in long} == {LONGEST}
    kinds = ChiSquared().fit({"x": objects(*long, "c")}).kinds["x"]
    assert kinds.itemsize <= 4 * LONGEST


def test_references_of_earlier_releases_are_read_in_todays_form():
    single = np.float32(39.02)
    ordered = SortedReference.from_arrays(
        {"features": np.array(["x"]), "rows": np.array(1), "values_0": np.array([float(single)])}
    )
    assert ordered.values["x"].tolist() == [39.02]
    counted = CountsReference.from_arrays(
        {
            "features": np.array(["x"]),
            "rows": np.array(12),
            "kinds_0": np.array([2, 10]),
            "counts_0": np.array([3, 9]),
        }
    )
    assert (counted.kinds["x"].tolist(), counted.counts["x"].tolist()) == (["10", "2"], [9, 3])


def test_a_sample_of_an_earlier_release_is_read_in_todays_form(tmp_path):
    detector = DomainClassifier(categorical=("hour",))
    rows = {"hour": np.array([1, 2, 1, 2] * 10), "text": objects(*["1.0", "b"] * 20)}
    reference = detector.fit(rows)
    saved_detector.save(tmp_path / "new", detector, reference)
    _, sample = saved_detector.load(tmp_path / "new")
    assert set(sample.columns["text"]) == {"1.0", "b"}
    old = {name: values for name, values in reference.arrays().items() if name != "form"}
    old["values_0"] = np.array([f"{float(hour)}" for hour in old["values_0"]])
    assert set(SampleReference.from_arrays(old).columns["hour"]) == {"1", "2"}
