"""How a stream is cut into updates changes nothing, and every alarm begins a new run."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving.drift.online import run_length
from kanaria.serving.drift.online.adaptive_window import AdaptiveWindow
from kanaria.serving.drift.online.online_cramer_von_mises import (
    OnlineCramerVonMises,
    _simulated,
    statistic,
)
from kanaria.serving.drift.online.online_fisher_exact import OnlineFisherExact
from kanaria.serving.drift.online.online_maximum_mean_discrepancy import (
    OnlineMaximumMeanDiscrepancy,
)
from kanaria.serving.drift.online.page_hinkley import PageHinkley

GENERATOR = np.random.default_rng(11)
NUMBERS = {"a": GENERATOR.normal(size=300), "b": GENERATOR.integers(0, 9, 300)}
ONES = {"a": GENERATOR.integers(0, 2, 300), "b": GENERATOR.binomial(1, 0.1, 300)}
DETECTORS = {
    "cramer_von_mises": (OnlineCramerVonMises(expected_run_time=40, window_sizes=(4, 9)), NUMBERS),
    "adaptive_window": (AdaptiveWindow(delta=0.9, longest=100), NUMBERS),
    "fisher_exact": (OnlineFisherExact(expected_run_time=40, window_sizes=(4, 9)), ONES),
    "page_hinkley": (PageHinkley(expected_run_time=40, allowance=0.5), NUMBERS),
    "maximum_mean_discrepancy": (
        OnlineMaximumMeanDiscrepancy(expected_run_time=40, window_size=5),
        NUMBERS,
    ),
}


@cache
def started(name: str):
    """Return a detector, its reference and its state before the first row."""
    detector, rows = DETECTORS[name]
    reference = detector.fit(rows)
    with pytest.MonkeyPatch.context() as patch:
        # Thresholds need not be right here, only the same.
        patch.setattr(run_length, "STREAMS", 2_000)
        return detector, reference, detector.start(reference)


def stream(name: str, rows: int, seed: int) -> dict[str, np.ndarray]:
    """Return rows drawn from the reference's, a tenth of the values missing."""
    generator = np.random.default_rng(seed)
    drawn = {key: generator.choice(column, rows) for key, column in DETECTORS[name][1].items()}
    return {
        key: np.where(generator.random(rows) < 0.1, np.nan, column) for key, column in drawn.items()
    }


@pytest.mark.parametrize("name", DETECTORS)
@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(1, 299), unique=True, max_size=4), seed=st.integers(0, 2**32 - 1))
def test_a_stream_may_be_cut_anywhere(name, cuts, seed):
    detector, reference, began = started(name)
    rows = stream(name, 300, seed)
    after, result = detector.update(reference, began, rows)
    state, alarms = began, ()
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), 300], strict=True):
        part = {key: column[first:last] for key, column in rows.items()}
        state, part_result = detector.update(
            reference, type(state).from_arrays(state.arrays()), part
        )
        alarms += part_result.alarms
    assert alarms == result.alarms
    np.testing.assert_array_equal(state.memory, after.memory)
    np.testing.assert_array_equal(state.counts, after.counts)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_result_describes_its_first_alarm(name):
    detector, reference, began = started(name)
    # Drawn alike, so an alarm is false; 1,500 rows without one would be a wonder.
    rows = stream(name, 1_500, 5)
    _, result = detector.update(reference, began, rows)
    until = {key: column[: result.alarms[0]] for key, column in rows.items()}
    state, first = detector.update(reference, began, until)
    assert first.alarms == (result.row,) == result.alarms[:1]
    assert first.features == result.features and any(f.drifted for f in first.features)
    assert not state.counts.any()


def test_a_quiet_stream_is_described_at_its_last_row():
    detector, reference, began = started("cramer_von_mises")
    _, result = detector.update(reference, began, {"a": np.zeros(3), "b": [4, np.nan, 4]})
    assert not result.drifted and result.row == 3
    assert [feature.position for feature in result.features] == [3, 2]
    assert [feature.statistic for feature in result.features] == [0, 0]


def test_an_effect_that_does_not_matter_makes_no_alarm():
    detector = OnlineCramerVonMises(expected_run_time=40, window_sizes=(4, 9), least=1)
    reference = detector.fit(NUMBERS)
    _, result = detector.update(
        reference, detector.start(reference), stream("cramer_von_mises", 1_500, 5)
    )
    assert not result.drifted


def test_sums_that_change_by_one_value_give_the_statistic_of_each_window():
    streams = np.random.default_rng(4).random((30, 6))
    for position, statistics in enumerate(_simulated(streams, (3, 8), 50), start=3):
        ended = [streams[position - size : position].T for size in (3, 8) if size <= position]
        expected = np.max([statistic(windows, 50) for windows in ended], axis=0)
        np.testing.assert_allclose(statistics, expected, atol=1e-12)


def test_what_cannot_be_followed_is_named():
    detector, reference, began = started("cramer_von_mises")
    with pytest.raises(DataError, match=r"'b' .* hold no numbers"):
        detector.update(reference, began, {"a": np.zeros(2), "b": np.array(["x", "y"])})
    with pytest.raises(DataError, match="give at least 9 each"):
        detector.start(detector.fit({"a": np.zeros(8)}))
    with pytest.raises(DataError, match=r"\['a'\]: values other than 0 and 1"):
        detector, reference, began = started("fisher_exact")
        detector.update(reference, began, {"a": np.array([0.5]), "b": np.zeros(1)})
    with pytest.raises(ParameterError, match=r"window_sizes=\(9, 4\)"):
        OnlineCramerVonMises(window_sizes=(9, 4))
