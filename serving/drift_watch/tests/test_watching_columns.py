import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from watched_traffic import exchange

from kanaria.serving.drift.model_outputs.black_box_shift import BlackBoxShift
from kanaria.serving.drift.model_outputs.uncertainty import Uncertainty
from kanaria.serving.drift.multivariate.domain_classifier import DomainClassifier
from kanaria.serving.drift.multivariate.maximum_mean_discrepancy_fourier import (
    FourierMaximumMeanDiscrepancy,
)
from kanaria.serving.drift.report.histogram_bars import distributions
from kanaria.serving.drift.report.verdict_wording import changes
from kanaria.serving.drift.report_records import VERDICTS, dump_window, load_window
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift.univariate.chi_squared import ChiSquared
from kanaria.serving.drift.univariate.fisher_exact import FisherExact
from kanaria.serving.drift.univariate.kolmogorov_smirnov import KolmogorovSmirnov
from kanaria.serving.drift.univariate.missing_values import MissingValues
from kanaria.serving.drift_watch import window_columns
from kanaria.serving.drift_watch.column_alignment import aligned
from kanaria.serving.drift_watch.examine_window import Fitted, examine
from kanaria.serving.drift_watch.window_columns import (
    chosen,
    of_requests,
    of_responses,
    read,
)

DRAW = np.random.default_rng(1)
ROWS = {
    "delay": DRAW.normal(size=300),
    "hour": DRAW.integers(0, 24, 300),
    "carrier": DRAW.choice(["WN", "AA"], 300).astype(object),
    "late": DRAW.random(300) < 0.5,
}
TABLE = Table()
FITTED = Fitted(detector=TABLE, reference=TABLE.fit(ROWS))


def test_a_float32_of_a_tensor_is_the_decimal_that_was_meant():
    tensor = {"name": "x", "datatype": "FP32", "shape": [2], "data": [39.02, 0.1]}
    assert read([exchange({"inputs": [tensor]})]).inputs["x"].tolist() == [39.02, 0.1]


def test_requests_of_different_columns_fit_together_and_gaps_are_missing():
    rows = read(
        [
            exchange({"instances": [{"x": 1, "c": "a"}, {"x": 2, "c": "b"}]}, time=7.0),
            exchange({"instances": [{"x": 3.5}]}, rows=1),
            exchange({"inputs": {"x": [4, 5], "y": [True, False]}}, time=9.0),
        ]
    )
    assert (rows.begin, rows.end, rows.rows) == (5.0, 9.0, 5)
    assert rows.inputs["x"].tolist() == [1, 2, 3.5, 4, 5]
    assert rows.inputs["c"].tolist() == ["a", "b", None, None, None]
    np.testing.assert_equal(rows.inputs["y"], [np.nan, np.nan, np.nan, 1.0, 0.0])


def test_a_matrix_of_one_input_has_the_names_of_its_places():
    columns = of_requests({"input-0": np.array([[1, 2], [3, 4]])})
    assert {name: values.tolist() for name, values in columns.items()} == {"0": [1, 3], "1": [2, 4]}
    assert of_requests({"x": np.array([[1.0], [2.0]])})["x"].tolist() == [1, 2]
    assert list(of_requests({"x": np.zeros((2, 2)), "y": np.zeros(2)})) == ["x.0", "x.1", "y"]
    assert list(of_responses({"p": np.zeros((2, 2))})) == ["p.0", "p.1"]
    assert of_requests({"series": np.zeros((2, 8, 8))})["series"].shape == (2, 8, 8)


def test_features_are_looked_for_in_requests_then_responses_then_both():
    rows = read(
        [
            exchange({"instances": [{"x": 1}]}, {"predictions": [0.5]}, rows=1),
            exchange({"instances": [{"x": 2}]}, rows=1),
            exchange(None, {"predictions": [0.7]}, rows=1),
        ]
    )
    assert chosen(rows, ["x"])["x"].tolist() == [1, 2]
    assert chosen(rows, ["predictions"])["predictions"].tolist() == [0.5, 0.7]
    both = chosen(rows, ["x", "predictions"])
    assert (both["x"].tolist(), both["predictions"].tolist()) == ([1], [0.5])
    matrix = read([exchange({"instances": [[1, 2]]}, {"predictions": [[3, 4]]}, rows=1)])
    assert set(chosen(matrix, ["0", "predictions.1"])) == {
        "0",
        "1",
        "predictions.0",
        "predictions.1",
    }


def test_columns_that_no_row_has_in_common_take_no_memory(monkeypatch):
    monkeypatch.setattr(window_columns, "MOST_VALUES", 100)
    rows = read([exchange({"instances": [{f"x{n}": 1}]}, rows=1) for n in range(90)])
    assert (rows.rows, len(rows.inputs)) == (90, 4)
    many = read([exchange({"instances": [1] * 60}, rows=60) for _ in range(3)])
    assert (many.rows, len(many.inputs["instances"])) == (180, 120)
    assert many.differences == ("rows beyond the 5,000,000 values that are looked at (60)",)


def test_a_body_that_cannot_be_read_is_told_and_its_rows_count():
    rows = read([exchange(b"broken"), exchange({"instances": [1, 2]})])
    assert (rows.rows, rows.inputs["instances"].tolist()) == (4, [1, 2])
    assert "body that cannot be read" in rows.differences[0]


def test_a_detector_of_predictions_tests_the_responses():
    detector = KolmogorovSmirnov(least=0.3)
    reference = detector.fit({"predictions": DRAW.random(500)})
    fitted = Fitted(detector=detector, reference=reference)
    high = {"predictions": (0.7 + DRAW.random(200) * 0.3).tolist()}
    window = examine(read([exchange({"instances": [1]}, high, rows=200)]), fitted, binary=True)
    assert window.verdict == "drifted"
    assert window.outputs[0].shares == {"1": 1.0}


def test_values_of_another_kind_are_missing_or_text_and_are_told():
    columns = {
        "delay": np.array([1.0, "x", None], dtype=object),
        "hour": np.array(["4", "5", "6"], dtype=object),
        "carrier": np.array([1.0, np.nan, 2.5]),
        "extra": np.zeros(3),
    }
    aligned_columns, said = aligned(columns, distributions(FITTED.reference))
    np.testing.assert_equal(aligned_columns["delay"], [1.0, np.nan, np.nan])
    assert np.isnan(aligned_columns["hour"]).all()
    assert aligned_columns["carrier"].tolist() == ["1", None, "2.5"]
    assert np.isnan(aligned_columns["late"]).all()
    for difference in (
        "delay: 1 of 3 values are no numbers, as 'x'",
        "hour: 3 of 3 values are no numbers, as '4'",
        "carrier: 2 rows have values that the reference does not have, as ['1', '2.5']",
        "late: no row has this column",
        "columns that the reference does not have: ['extra']",
    ):
        assert difference in said


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(st.text(), SCALARS))
RECORDS = st.dictionaries(st.sampled_from([*ROWS, "other", ""]), VALUES, max_size=5)


@given(st.lists(st.one_of(RECORDS, VALUES), min_size=1, max_size=8), st.booleans())
def test_whatever_clients_send_is_tested_or_told(instances, one_by_one):
    parts = [[instance] for instance in instances] if one_by_one else [instances]
    rows = read([exchange({"instances": part}, {"predictions": part}) for part in parts])
    window = examine(rows, FITTED)
    assert window.verdict in VERDICTS
    assert not window.failure or "rows" in window.failure or "no column" in window.failure
    assert load_window(dump_window(window)) == window


def test_rows_without_a_value_are_told_of_a_detector_that_counts_them():
    detector = MissingValues(least=0.3)
    fitted = Fitted(detector=detector, reference=detector.fit({"delay": ROWS["delay"]}))
    sent = [{"delay": "text"}, {"delay": None}, {"delay": 3}] * 60
    window = examine(read([exchange({"instances": sent})]), fitted)
    ((name, said),) = changes(window)
    assert (name, said.startswith("missing 0 % → 33.3 %")) == ("delay", True)


def test_a_detector_of_all_features_together_gets_them_in_the_references_order():
    detector = FourierMaximumMeanDiscrepancy()
    rows = {"x": ROWS["delay"], "y": ROWS["hour"].astype(float)}
    fitted = Fitted(detector=detector, reference=detector.fit(rows))
    sent = [{"y": 30.0, "x": float(x)} for x in DRAW.normal(5, 1, 200)]
    assert examine(read([exchange({"instances": sent})]), fitted).verdict == "drifted"


def test_detectors_of_a_classifiers_answers_get_the_responses():
    def probabilities(share, count):
        return np.where(DRAW.random((count, 1)) < share, [[0.9, 0.1]], [[0.2, 0.8]])

    for detector in (BlackBoxShift(), Uncertainty()):
        fitted = Fitted(
            detector=detector, reference=detector.fit({"predictions": probabilities(0.5, 3000)})
        )
        sent = {"predictions": probabilities(0.9, 500).tolist()}
        window = examine(read([exchange({"instances": [1]}, sent, rows=500)]), fitted)
        assert (window.verdict, window.outputs[0].rows) == ("drifted", 500)


def test_a_domain_classifier_gets_numbers_and_categories():
    detector = DomainClassifier()
    rows = {name: ROWS[name] for name in ("delay", "carrier")}
    fitted = Fitted(detector=detector, reference=detector.fit(rows))
    sent = [{"delay": float(x), "carrier": "WN"} for x in DRAW.normal(5, 1, 200)]
    assert examine(read([exchange({"instances": sent})]), fitted).verdict == "drifted"


@pytest.mark.parametrize("body", [None, {"instances": []}])
def test_a_window_without_any_rows_says_so(body):
    window = examine(read([exchange(body, rows=0)]), FITTED)
    assert (window.verdict, "no rows" in window.failure) == ("failed", True)


def test_a_detector_of_ones_and_zeros_gets_them_beside_nulls():
    detector = FisherExact(least=0.3)
    reference = detector.fit({"late": DRAW.random(300) < 0.1})
    sent = {"instances": [{"late": True}, {"late": None}, {"late": True}] * 60}
    window = examine(read([exchange(sent)]), Fitted(detector=detector, reference=reference))
    assert (window.verdict, window.inputs[0].missing) == ("drifted", 60)


@pytest.mark.parametrize(
    ("reference", "sent"),
    [
        (["1.0", "2.0"], [1, 2]),
        (["1.0", "2.0"], [1.0, 2.0]),
        (["1", "2"], ["1.0", "2.0"]),
        (["0.5", "1.5"], ["0.50", 1.5]),
        (["True", "False"], [True, False]),
        (["true", "false"], [1, 0.0]),
        ([True, False], ["True", "false"]),
        ([1, 0], [True, False]),
        (["a", "01"], ["a", "01"]),
    ],
)
@pytest.mark.parametrize("gaps", [[], [None]])
def test_a_number_or_a_flag_is_the_category_that_the_reference_spells_in_another_way(
    reference, sent, gaps
):
    values = np.empty(len(reference), dtype=object)
    values[:] = reference
    fitted_distributions = distributions(ChiSquared().fit({"c": values}), "")
    rows = read([exchange({"instances": [{"c": value} for value in sent + gaps]})])
    aligned_columns, said = aligned(chosen(rows, fitted_distributions), fitted_distributions)
    assert said == []
    assert set(aligned_columns["c"].tolist()) - {None} == set(
        fitted_distributions["c"].kinds.tolist()
    )


def test_texts_that_differ_stay_different():
    fitted_distributions = distributions(ChiSquared().fit({"c": np.array(["1", "1.10", "a"])}), "")
    rows = read([exchange({"instances": [{"c": value} for value in ("1.1", "01", "A", "nan")]})])
    aligned_columns, _ = aligned(chosen(rows, fitted_distributions), fitted_distributions)
    assert aligned_columns["c"].tolist() == ["1.1", "01", "A", "nan"]


def test_the_columns_of_a_matrix_are_compared_by_the_names_of_the_features():
    draw = np.random.default_rng(2)
    reference = {"delay": draw.normal(size=5000), "hour": draw.integers(0, 24, 5000).astype(float)}
    fitted = Fitted(detector=TABLE, reference=TABLE.fit(reference), matrix=("hour", "delay"))
    same = np.column_stack([draw.integers(0, 24, 5000), draw.normal(size=5000)]).tolist()
    same[3][1] = None
    table = {"hour": [3.0], "delay": [0.5]}
    tensor = {"name": "any", "datatype": "FP32", "shape": [2, 2], "data": [5, 0.1, 6, 0.2]}
    window = examine(
        read(
            [
                exchange({"instances": same}, rows=5000),
                exchange({"instances": [table]}, rows=1),
                exchange({"inputs": [tensor]}, rows=2),
            ]
        ),
        fitted,
    )
    assert (window.failure, window.verdict) == ("", "stable")
    assert window.differences == ()
    moved = examine(read([exchange({"instances": [[h, d + 2] for h, d in same[4:]]})]), fitted)
    assert [one.feature for one in moved.features if one.drifted] == ["delay"]


def test_a_matrix_of_another_width_is_told():
    fitted = Fitted(detector=TABLE, reference=TABLE.fit(ROWS), matrix=("hour", "delay", "late"))
    window = examine(read([exchange({"instances": [[1.0, 2.0]] * 20})]), fitted)
    assert "where the model takes ['hour', 'delay', 'late']" in " ".join(window.differences)
