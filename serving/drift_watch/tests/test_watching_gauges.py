import math
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from watched_traffic import BEGIN, Traffic, instances, table, watch

from kanaria.serving.drift_watch import stored_verdicts, verdict_gauges
from kanaria.serving.drift_watch.verdict_line import line
from kanaria.serving.payload_log.open_store import open_reader

LATE = BEGIN + 1_000_000.0
STREAM = {"namespace": "default", "service": "flights", "version": "3", "detector": "drift"}
LABELS = {"task": "binary", "delay_hours": 0}


@pytest.fixture
def traffic(tmp_path):
    return Traffic(str(tmp_path / "events.sqlite"))


def newest(traffic):
    reader = open_reader(traffic.location)
    verdicts = stored_verdicts.newest(reader)
    reader.close()
    return verdicts


def series(verdicts):
    families = text_string_to_metric_families(verdict_gauges.text(verdicts).decode())
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def key(name, **labels):
    return (name, *sorted((STREAM | labels).items()))


def test_the_numbers_of_the_newest_window_are_those_that_were_sent(traffic):
    traffic.send_table(200, seed=2)
    rows = instances(table(200, 3, moved=2.0))
    for row in rows[:50]:
        row["delay"] = None
    traffic.send(rows, [0.75] * 150 + [0.25] * 50, [1] * 150 + [0] * 50)
    traffic.runner(watch(labels=LABELS)).turn(LATE)
    gauges = series(newest(traffic))
    delays = [row["delay"] for row in rows[50:]]
    expected = {
        key("kanaria_input_missing_ratio", feature="delay"): 0.25,
        key("kanaria_input_mean", feature="delay"): sum(delays) / 150,
        key("kanaria_input_length", feature="carrier"): 2.0,
        key("kanaria_output_mean", feature="predictions"): 0.625,
        key("kanaria_output_missing_ratio", feature="predictions"): 0.0,
        key("kanaria_output_class_ratio", **{"feature": "predictions", "class": "1"}): 0.75,
        key("kanaria_drift_window_rows"): 200.0,
        key("kanaria_drift_window_end_timestamp_seconds"): BEGIN + 39,
        key("kanaria_drift_verdict", feature=""): 1.0,
        key("kanaria_drift_verdict", feature="delay"): 1.0,
        key("kanaria_drift_verdict", feature="carrier"): 0.0,
        key("kanaria_drift_failed"): 0.0,
        key("kanaria_quality_value", metric="accuracy"): 1.0,
        key("kanaria_quality_high", metric="accuracy"): 1.0,
        key("kanaria_quality_failed"): 0.0,
    }
    assert {name: gauges[name] for name in expected} == pytest.approx(expected)
    window = newest(traffic)[0].window
    delay = window.features[0]
    assert gauges[key("kanaria_drift_p_value", feature="delay")] == delay.p_value
    assert gauges[key("kanaria_drift_effect", feature="delay")] == delay.effect.value
    assert gauges[key("kanaria_drift_statistic", feature="")] == window.statistic


def test_not_enough_data_is_neither_0_nor_1(traffic):
    traffic.send_table(20, seed=2)
    traffic.runner(watch(window={"minutes": 60})).turn(LATE)
    assert math.isnan(series(newest(traffic))[key("kanaria_drift_verdict", feature="")])


def test_the_number_of_series_is_bounded_and_the_rest_is_counted(traffic):
    traffic.send_table(200, seed=2)
    traffic.runner().turn(LATE)
    (one,) = newest(traffic)
    feature, column = one.window.features[0], one.window.inputs[0]
    many = replace(
        one.window,
        features=tuple(replace(feature, feature=f"f{n}") for n in range(500)),
        inputs=tuple(replace(column, name=f"f{n}") for n in range(500)),
    )
    gauges = series([replace(one, window=many)])
    assert len(gauges) < 10 * verdict_gauges.MOST_FEATURES
    assert gauges[key("kanaria_drift_features_left_out")] == 400


def test_the_newest_window_is_told_in_one_line(traffic):
    assert newest(traffic) == []
    traffic.send_table(200, seed=3, moved=2.0, labels=[0, 1] * 100)
    traffic.runner(watch(labels=LABELS)).turn(LATE)
    (one,) = newest(traffic)
    text = line(one)
    begins = "default/flights, version 3, drift; DRIFTED; 2001-09-09 02:00:00 – 02:00:19 UTC, "
    assert text.startswith(f"{begins}200 rows; effects: delay 0.")
    assert "labels 100 %, half within 0 h, accuracy 0." in text
    failed = replace(one.window, verdict="failed", failure="no\x1b[2J\nrows")
    assert line(replace(one, window=failed)).endswith(
        "failed; " + text.split("; ")[2] + "; no [2J rows; " + text.split("; ")[-1]
    )


def test_verdicts_that_another_program_kept_are_left_out(traffic):
    traffic.send_table(200, seed=2)
    traffic.runner().turn(LATE)
    (verdict,) = traffic.heard
    foreign = replace(verdict, detector="foreign", document="[1, 2]")
    traffic.store.keep_verdict("foreign", 0, 9, foreign)
    (readable, other) = newest(traffic)
    assert (readable.name, readable.window.rows, other.name, other.window) == (
        "drift",
        200,
        "foreign",
        None,
    )
    assert series([readable]) == series([readable, other])


def test_a_report_has_all_windows_of_each_version_in_the_order_of_time(location):
    traffic = Traffic(location)
    other = Traffic(traffic.location, version="")
    for one in (traffic, other):
        one.send_table(600, seed=2)
    traffic.runner().turn(LATE)
    reader = open_reader(location)
    ends = {one.window.end for one in stored_verdicts.newest(reader)}
    assert ends == {BEGIN + 59}
    report = stored_verdicts.report(reader, LATE)
    assert [(one.name, len(one.windows)) for one in report.watched] == [
        ("default/flights, no version, drift", 3),
        ("default/flights, version 3, drift", 3),
    ]
    begins = [window.begin for window in report.watched[0].windows]
    assert begins == sorted(begins)
    assert [verdict.begin for verdict in reader.newest_verdicts(2)] == sorted(begins[1:] * 2)


def test_every_gauge_that_is_shown_is_described_with_its_labels(traffic):
    traffic.send_table(200, seed=2, labels=[0, 1] * 100)
    traffic.runner(watch(labels=LABELS)).turn(LATE)
    families = text_string_to_metric_families(verdict_gauges.text(newest(traffic)).decode())
    shown = {
        (sample.name, frozenset(sample.labels)) for family in families for sample in family.samples
    }
    described = {(name, frozenset(labels)) for name, labels, _ in verdict_gauges.described()}
    assert len(shown) > 15
    assert shown <= described
