import numpy as np
import pytest
from watched_traffic import BEGIN, Traffic, fitted, instances, table, watch

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.report_records import FAILED
from kanaria.serving.drift_watch.examine_window import Fitted

LATE = BEGIN + 1_000_000.0


@pytest.fixture
def traffic(tmp_path):
    return Traffic(str(tmp_path / "events.sqlite"))


def test_each_full_window_is_tested_and_told(traffic):
    traffic.send_table(200, seed=2)
    traffic.send_table(210, seed=3, moved=2.0)
    assert traffic.runner().turn(LATE) == 2
    (calm, _), (moved, window) = traffic.verdicts()
    assert (calm.drifted, moved.drifted, moved.rows) == (False, True, 200)
    assert [feature.feature for feature in window.features if feature.drifted] == ["delay"]
    assert (calm.begin, calm.end, moved.begin) == (BEGIN, BEGIN + 19, BEGIN + 20)
    assert traffic.heard == [calm, moved]


def test_a_restart_and_a_second_process_test_no_window_twice(location):
    traffic = Traffic(location)
    traffic.send_table(600, seed=2)
    first, second = traffic.runner(), traffic.runner()
    assert [first.turn(LATE), second.turn(LATE), traffic.runner().turn(LATE)] == [3, 0, 0]
    traffic.send_table(200, seed=3)
    assert [second.turn(LATE), first.turn(LATE)] == [1, 0]
    assert len(traffic.verdicts()) == 4


def test_versions_have_windows_of_their_own(traffic):
    other = Traffic(traffic.location, version="4")
    for seed in (2, 3):
        traffic.send_table(100, seed)
        other.send_table(100, seed, moved=2.0)
    traffic.runner().turn(LATE)
    assert {(v.stream.version, v.drifted) for v, _ in traffic.verdicts()} == {
        ("3", False),
        ("4", True),
    }


class Broken:
    """A detector that fails on its first window."""

    name = "broken"

    def __init__(self, error):
        self.error, self.calls = error, 0

    def test(self, reference, window):
        self.calls += 1
        if self.calls == 1:
            raise self.error
        return fitted().detector.test(reference, window)


@pytest.mark.parametrize("error", [DataError("too dark"), ZeroDivisionError("too dark")])
def test_a_window_that_cannot_be_tested_is_kept_as_failed_and_the_next_is_tested(
    traffic, caplog, error
):
    traffic.send_table(400, seed=2)
    broken = Fitted(detector=Broken(error), reference=fitted().reference)
    assert traffic.runner(detector=broken).turn(LATE) == 2
    (_, failed), (_, tested) = traffic.verdicts()
    assert (failed.verdict, "too dark" in failed.failure) == (FAILED, True)
    assert (failed.rows, tested.verdict) == (200, "stable")
    assert "default/flights, version 3, drift: " in caplog.text


def test_windows_by_time_end_on_the_clock_and_every_exchange_is_in_one(location):
    traffic = Traffic(location)
    traffic.send_table(200, seed=2, every=300.0)
    runner = traffic.runner(watch(window={"minutes": 60}))
    assert runner.turn(BEGIN + 3600 + 59) == 0
    assert runner.turn(BEGIN + 3600 + 60) == 1
    assert runner.turn(LATE) == 1
    assert [verdict.rows for verdict, _ in traffic.verdicts()] == [120, 80]


def test_a_window_ends_by_rows_or_by_time_whichever_is_first(traffic):
    traffic.send_table(100, seed=2, every=10.0)
    traffic.send_table(100, seed=3, every=400.0)
    assert traffic.runner(watch(window={"rows": 90, "minutes": 60})).turn(LATE) == 4
    assert [verdict.rows for verdict, _ in traffic.verdicts()] == [90, 10, 80, 20]


def test_rows_of_another_form_are_told_and_stop_nothing(traffic):
    traffic.send(["a", None, {"delay": 1}, 3.5, [1, 2], {}, 7, 8, 9, 10] * 10, [None] * 100)
    odd = [{"delay": "late", "carrier": 7, "new": [1, 2]}, {"delay": [1], "carrier": None}] * 50
    traffic.send(odd, [{"b64": "AA=="}] * 100)
    traffic.runner().turn(LATE)
    ((_, window),) = traffic.verdicts()
    assert (window.verdict, window.rows) == ("drifted", 200)
    said = "; ".join(window.differences)
    for difference in ("delay: 50 of 200 values are no numbers", "'7'", "'new.0'", "'instances'"):
        assert difference in said


def labelled(traffic, count, seed, *, wrong=0.0):
    """Send rows whose labels come true as predicted, but for a share of them."""
    draw = np.random.default_rng(seed)
    chances = draw.random(count)
    labels = (draw.random(count) < chances) ^ (draw.random(count) < wrong)
    rows = instances(table(count, seed))
    traffic.send(rows, chances.tolist(), labels.astype(int).tolist())


LABELS = {"task": "binary", "delay_hours": 24}


def test_labels_are_judged_once_they_are_due(location):
    traffic = Traffic(location)
    labelled(traffic, 200, seed=2)
    runner = traffic.runner(watch(labels=LABELS))
    assert runner.turn(BEGIN + 3600) == 1
    assert traffic.verdicts("drift/labels") == []
    assert runner.turn(BEGIN + 25 * 3600) == 1
    ((_, labels),) = traffic.verdicts("drift/labels")
    assert (labels.rows, labels.labelled, labels.coverage, labels.lag) == (200, 200, 1.0, 0.0)
    assert {metric.name for metric in labels.metrics} >= {"accuracy", "auc", "brier"}


def test_what_is_expected_without_labels_holds_what_comes_true(traffic):
    settings = watch(labels=LABELS | {"delay_hours": 0})
    for seed in range(6):
        labelled(traffic, 200, seed=10 + seed)
        traffic.runner(settings).turn(LATE)
    for (_, window), (_, labels) in zip(
        traffic.verdicts()[1:], traffic.verdicts("drift/labels")[1:], strict=True
    ):
        expected = {metric.name: metric for metric in window.estimated}
        for metric in labels.metrics:
            if metric.name in expected:
                assert expected[metric.name].low - 0.05 < metric.value
                assert metric.value < expected[metric.name].high + 0.05


def test_errors_that_rise_are_found_where_expectations_stay(traffic):
    settings = watch(labels=LABELS | {"delay_hours": 0}, window={"rows": 400})
    for seed in range(3):
        labelled(traffic, 400, seed=seed)
    labelled(traffic, 400, seed=7, wrong=0.5)
    traffic.runner(settings).turn(LATE)
    labels_by_window = [labels for _, labels in traffic.verdicts("drift/labels")]
    assert [bool(labels.changes) for labels in labels_by_window] == [False, False, False, True]
    (_, window), accuracy = traffic.verdicts()[-1], labels_by_window[-1].metrics[0]
    assert not window.estimated or window.estimated[0].low > accuracy.high


def test_labels_that_do_not_fit_are_told(traffic):
    traffic.send(instances(table(200, 2)), [0.5] * 200, ["late"] * 200)
    traffic.runner(watch(labels=LABELS)).turn(LATE)
    ((verdict, judged_labels),) = traffic.verdicts("drift/labels")
    assert ("label 'late'" in judged_labels.failure, verdict.drifted) == (True, False)


def test_a_response_that_never_comes_is_waited_for_and_then_not(traffic):
    traffic.send_table(200, seed=2, answered=False)
    runner = traffic.runner()
    assert runner.turn(BEGIN + 60) == 0
    assert runner.turn(BEGIN + 80) == 1
