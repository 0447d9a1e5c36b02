"""From row to row: cuts a stream at its alarms, and keeps results free of how it was cut."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kanaria.serving.drift.online.protocol import OnlineFeature, OnlineResult, State
from kanaria.serving.drift.protocol import Floats

ROWS = 256
"""Looked at together; more cost memory, fewer cost time."""


class Run(Protocol):
    """How one kind of detector follows a run."""

    def scan(self, state: State, values: Floats) -> tuple[NDArray[np.bool_], State]:
        """Return at which rows a statistic is above its threshold, and the state after all."""

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
        state = _advance(run, state, values[first : first + ROWS])
        features = run.describe(state)
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
        features=described or features,
    )


def _advance(run: Run, state: State, values: Floats) -> State:
    """Return the state at the first alarm, or after all of `values`."""
    crossed, after = run.scan(state, values)
    done = 0
    # An effect that does not matter makes no alarm, so several rows may have to be looked at.
    for row in np.flatnonzero(crossed):
        state = run.scan(state, values[done : row + 1])[1]
        done = row + 1
        if any(feature.drifted for feature in run.describe(state)):
            return state
    return after
