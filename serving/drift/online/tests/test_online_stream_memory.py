"""A stream goes on after a restart from what was kept; a window of it is told like any other."""

import numpy as np
import pytest

from kanaria.serving.drift import saved_detector
from kanaria.serving.drift.online.online_cramer_von_mises import OnlineCramerVonMises
from kanaria.serving.drift.online.online_fisher_exact import OnlineFisherExact
from kanaria.serving.drift.online.page_hinkley import PageHinkley
from kanaria.serving.drift.online.stream_memory import resumed
from kanaria.serving.drift.outliers.isolation_forest import IsolationForest

GENERATOR = np.random.default_rng(14)
ROWS = {"a": GENERATOR.normal(size=400)}
DRIFTING = GENERATOR.normal(size=100) + 0.7
DETECTOR = PageHinkley(expected_run_time=300, allowance=0.5)
REFERENCE = DETECTOR.fit(ROWS)


def alarm(result, before=0):
    """Return at which row of the stream a window alarmed: its p-value tells it."""
    rows = np.log1p(-result.p_value) / np.log1p(-1 / DETECTOR.expected_run_time)
    return before + round(rows)


def test_a_stream_goes_on_from_what_was_kept():
    uncut = DETECTOR.test(REFERENCE, {"a": DRIFTING})
    first = resumed(DETECTOR, REFERENCE, None)
    assert not first.test(REFERENCE, {"a": DRIFTING[:5]}).drifted
    again = resumed(DETECTOR, REFERENCE, first.memory(REFERENCE))
    rest = again.test(REFERENCE, {"a": DRIFTING[5:]})
    assert uncut.drifted and rest.drifted
    assert alarm(rest, before=5) == alarm(uncut)
    _, stream = DETECTOR.update(REFERENCE, DETECTOR.start(REFERENCE), {"a": DRIFTING})
    assert alarm(uncut) == stream.alarms[0]


@pytest.mark.parametrize(
    ("detector", "reference"),
    [
        (PageHinkley(expected_run_time=300, allowance=0.6), REFERENCE),
        (DETECTOR, DETECTOR.fit({"a": ROWS["a"][:300]})),
    ],
)
def test_the_memory_of_another_detector_or_reference_begins_anew(detector, reference):
    first = resumed(DETECTOR, REFERENCE, None)
    first.test(REFERENCE, {"a": DRIFTING[:5]})
    memory = first.memory(REFERENCE)
    assert resumed(DETECTOR, REFERENCE, memory).state.rows == 5
    assert resumed(detector, reference, memory).state.rows == 0
    assert resumed(detector, reference, b"of another release").state.rows == 0


def test_an_alarm_at_the_last_row_of_a_window_counts():
    last = alarm(DETECTOR.test(REFERENCE, {"a": DRIFTING}))
    assert DETECTOR.test(REFERENCE, {"a": DRIFTING[:last]}).drifted
    assert not DETECTOR.test(REFERENCE, {"a": DRIFTING[: last - 1]}).drifted


def test_a_window_too_short_to_alarm_says_so():
    detector = OnlineCramerVonMises(expected_run_time=50, window_sizes=(10,))
    reference = detector.fit(ROWS)
    assert detector.test(reference, {"a": DRIFTING[:9]}).verdict.value == "not enough data"
    assert detector.test(reference, {"a": ROWS["a"][:10]}).verdict.value == "stable"


def test_ones_and_zeros_told_as_texts_are_those_told_as_numbers():
    rows = (GENERATOR.random(400) < 0.2).astype(float)
    detector = OnlineFisherExact(expected_run_time=100, window_sizes=(10,))
    reference = detector.fit({"late": rows})
    numbers = np.array([1.0, np.nan, 0.0] * 20)
    texts = np.array([None if np.isnan(one) else str(int(one)) for one in numbers], dtype=object)
    assert detector.test(reference, {"late": texts}) == detector.test(reference, {"late": numbers})


@pytest.mark.parametrize("detector", [DETECTOR, IsolationForest(trees=10)])
def test_a_saved_detector_says_the_same(detector, tmp_path):
    reference = detector.fit(ROWS)
    saved_detector.save(tmp_path / "detector", detector, reference)
    same, again = saved_detector.load(tmp_path / "detector")
    assert same == detector
    window = {"a": DRIFTING}
    assert same.test(again, window) == detector.test(reference, window)
