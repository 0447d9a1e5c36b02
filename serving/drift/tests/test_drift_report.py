import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift import report_records
from kanaria.serving.drift.report import column_measures, report_page, window_record
from kanaria.serving.drift.report.histogram_bars import bars, distributions
from kanaria.serving.drift.report.verdict_wording import Light, changes, light, sentence
from kanaria.serving.drift.table_detector import Table

DETECTOR = Table()


def rows(count, seed, moved=0.0, share=0.5):
    draw = np.random.default_rng(seed)
    return {
        "delay": draw.normal(moved, 1.0, count),
        "hour": draw.integers(0, 24, count).astype(float),
        "carrier": draw.choice(["WN", "<b>"], count, p=[share, 1 - share]).astype(object),
    }


REFERENCE = DETECTOR.fit(rows(2000, 1))


def looked_at(columns, *span):
    return window_record.window(
        DETECTOR.test(REFERENCE, columns), REFERENCE, columns, span=span or (None, None)
    )


def a_report(*windows, labels=()):
    watched = report_records.Watched(name="default/flights 3", windows=windows, labels=labels)
    return report_records.Report(title="Drift", created=0.0, watched=(watched,))


def test_a_window_is_described_by_what_the_detector_and_the_columns_say():
    columns = rows(1000, 2, moved=1.0)
    columns["delay"][:100] = np.nan
    window = looked_at(columns, 10.0, 20.0)
    delay = window.features[0]
    assert (window.verdict, delay.drifted, window.rows) == ("drifted", True, 1000)
    assert delay.window == column_measures.column("delay", columns["delay"])
    assert (delay.window.missing, delay.reference.missing) == (100, 0)
    assert sum(delay.bars.reference) == pytest.approx(1)
    assert sum(delay.bars.window) == pytest.approx(1)


def test_what_changed_is_told_in_words_for_what_drifted_alone():
    ((feature, said),) = changes(looked_at(rows(1000, 3, share=0.9)))
    assert feature == "carrier"
    assert re.search(r"WN: 49.2 % → 89.9 %; .*; total variation", said)


def test_the_light_follows_the_newest_window():
    calm, moved = looked_at(rows(1000, 4)), looked_at(rows(1000, 4, moved=1.0))
    failed = report_records.Window(
        detector="table", rows=5, verdict=report_records.FAILED, failure="no delay"
    )
    lights = [light(a_report(*windows).watched[0]) for windows in ((moved, calm), (calm, moved))]
    assert lights == [Light.GREEN, Light.RED]
    assert "no delay" in sentence(a_report(calm, failed).watched[0])
    assert light(a_report().watched[0]) is Light.YELLOW


def test_the_page_loads_nothing_from_elsewhere_and_escapes_what_was_sent():
    metric = report_records.Metric(name="accuracy", value=0.9, low=0.8, high=0.95)
    labels = report_records.Labels(
        begin=0.0, end=1.0, rows=10, labelled=5, lag=60.0, task="binary", metrics=(metric,)
    )
    window = replace(
        looked_at(rows(1000, 5, share=0.9), 0.0, 1.0),
        estimated=(metric,),
        differences=("<script>",),
    )
    page = report_page.render(a_report(window, labels=(labels,)))
    assert len(re.findall(r"<script", page)) == len(re.findall(r"</script>", page)) == 3
    written = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"<script|src=|href=|url\(|<b> ", written)
    for text in ("What changed", "&lt;script&gt;", "Effect over time", "cannot see", "50 %"):
        assert text in page


def test_the_page_shows_the_numbers_of_the_json():
    window = looked_at(rows(1000, 2, moved=1.0))
    (document,) = json.loads(report_records.dump(a_report(window)))["watched"]
    page = report_page.render(a_report(window))
    exact = re.findall(r'<td[^>]* data-value="([^"]*)"', page)
    plain = re.findall(r"<td[^>]*>(-?[\d.e-]+)</td>", page)
    numbers = {float(text) for text in (*exact, *plain)}
    for feature in document["windows"][0]["features"]:
        effect = feature["effect"]
        expected = {effect[key] for key in ("value", "low", "high")} | {feature["p_value"]}
        assert expected <= numbers
    drifted = sum(feature["drifted"] for feature in document["windows"][0]["features"])
    assert f"{drifted} of 3 features drifted" in page


def test_the_page_of_very_much_stays_below_its_size():
    window = looked_at(rows(1000, 2, moved=1.0), 0.0, 1.0)
    features = tuple(replace(window.features[0], feature=f"<{n}>" * 40) for n in range(300))
    wide = replace(window, features=features)
    watched = report_records.Watched(name="<" * 500, windows=(wide,) * 60)
    report = report_records.Report(title="Drift", created=0.0, watched=(watched,) * 30)
    assert len(report_page.render(report).encode()) <= 2_000_000


def test_the_page_holds_with_windows_that_lack_everything():
    empty = report_records.Window(
        detector="table", rows=0, verdict=report_records.FAILED, failure="why"
    )
    assert "why" in report_page.render(a_report(empty))
    assert "not enough data" in report_page.render(a_report(looked_at(rows(3, 6))))


def test_the_json_twin_has_finite_numbers_and_comes_back_equal():
    columns = rows(50, 7) | {"delay": np.full(50, np.nan)}
    window = looked_at(columns)

    def refuse(constant):
        raise AssertionError(constant)

    document = json.loads(report_records.dump(a_report(window)), parse_constant=refuse)
    assert document["watched"][0]["windows"][0]["features"][0]["statistic"] is None
    assert report_records.load_window(report_records.dump_window(window)) == window
    with pytest.raises(DataError, match=r"window '\{\}'"):
        report_records.load_window("{}")


@given(arrays(float, st.integers(1, 30), elements=st.floats(width=32, allow_nan=True)))
def test_bars_of_any_numbers_hold_all_values_that_are_there(values):
    both = bars("delay", distributions(REFERENCE)["delay"], values)
    if both is None:
        assert not np.isfinite(values).any()
    else:
        assert sum(both.window) == pytest.approx(1)
        assert list(both.edges) == sorted(both.edges)


@pytest.mark.parametrize(
    ("values", "missing", "facts"),
    [
        (np.array([1.0, np.nan, 3.0]), 1, {"mean": 2.0}),
        (np.array(["ab", None, "abcd"], dtype=object), 1, {"length": 3.0}),
        (np.array([1, "a", None, 3], dtype=object), 1, {"mean": 2.0, "length": 1.0}),
        (np.array([[1.0, np.nan], [1.0, 2.0]]), 1, {"mean": 4 / 3}),
        (np.array([True, False]), 0, {"mean": 0.5}),
        (np.empty(0), 0, {}),
    ],
)
def test_a_column_tells_what_is_missing_and_the_measure_of_its_kind(values, missing, facts):
    column = column_measures.column("x", values)
    assert (column.rows, column.missing) == (len(values), missing)
    measures = {name: getattr(column, name) for name in ("mean", "length")}
    assert measures == {"mean": None, "length": None} | facts


@pytest.mark.parametrize(
    ("values", "binary", "expected"),
    [
        (np.array(["a", "b", "a", None], dtype=object), False, {"a": 2 / 3, "b": 1 / 3}),
        (np.array([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]]), False, {"1": 2 / 3, "0": 1 / 3}),
        (np.array([[0.9], [0.1]]), True, {"1": 0.5, "0": 0.5}),
        (np.array([0.9, 0.1]), False, {}),
        (np.array([3, 3]), False, {"3": 1.0}),
    ],
)
def test_classes_are_told_where_answers_have_them(values, binary, expected):
    assert column_measures.shares(values, binary=binary) == pytest.approx(expected)


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_a_calendar_feature_tells_what_was_expected_of_each_value(dtype: type):
    detector = Table()
    expected = np.repeat(np.arange(7), [300, 300, 300, 300, 300, 200, 100]).astype(dtype)
    reference = detector.fit({"weekday": expected})
    rows = {"weekday": np.repeat([0, 6], [50, 950]).astype(dtype)}
    window = window_record.window(detector.test(reference, rows), reference, rows)
    (feature,) = window.features
    assert feature.bars.kinds == ("0", "1", "2", "3", "4", "5", "6")
    assert feature.bars.reference == pytest.approx([1 / 6] * 5 + [1 / 9, 1 / 18])
    assert feature.bars.window == pytest.approx([0.05, 0, 0, 0, 0, 0, 0.95])
    assert "6: 5.56 % → 95 %" in dict(changes(window))["weekday"]


@pytest.mark.parametrize(
    "values",
    [np.arange(33), np.array([0.5, 1.0]), np.array([0, 1e300]), np.array([2.0**60, 2.0**60 + 1])],
)
def test_other_numbers_have_bins(values: np.ndarray):
    detector = Table()
    columns = {"x": np.tile(values, 50).astype(float)}
    reference = detector.fit(columns)
    window = window_record.window(detector.test(reference, columns), reference, columns)
    bars = window.features[0].bars
    assert bars is None or (len(bars.edges) == 21 and not bars.kinds)
