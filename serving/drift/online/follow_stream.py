"""From row to row: cuts a stream at its alarms, and keeps results free of how it was cut."""

from typing import Protocol

from kanaria.serving.drift.detector import Floats
from kanaria.serving.drift.online.online_detector import OnlineFeature, OnlineResult, State

ROWS = 128
"""Looked at together; more cost memory, fewer cost time."""


class Run(Protocol):
    """How one kind of detector follows a run."""

    def advance(self, state: State, values: Floats) -> tuple[State, bool]:
        """Return the state at the first row with a statistic above its threshold, and True.

        Without such a row, the state after some of `values`, at least one row, and False.
        """

    def describe(self, state: State) -> tuple[OnlineFeature, ...]:
        """Return what is known at the newest row."""


def follow(
    run: Run, name: str, expected_run_time: int, state: State, values: Floats
) -> tuple[State, OnlineResult]:
    """Return the state after all rows of `values`, and the result; each alarm begins a new run.

    Args:
        run: the detector.
        name: of the detector.
        expected_run_time: as promised.
        state: before the rows.
        values: one row each, at least one.
    """
    began, alarms, described = state.rows, [], None
    while state.rows - began < len(values):
        first = state.rows - began
        state, crossed = run.advance(state, values[first : first + ROWS])
        features = run.describe(state) if crossed else ()
        if any(feature.drifted for feature in features):
            alarms.append(state.rows)
            described = described or features
            state = state.restarted()
    return state, OnlineResult(
        detector=name,
        expected_run_time=expected_run_time,
        rows=len(values),
        row=alarms[0] if alarms else state.rows,
        alarms=tuple(alarms),
        features=described or run.describe(state),
    )
