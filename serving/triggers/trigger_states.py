"""The life of a trigger, from its event to the end of its run. Pure.

ACCEPTED   the event is in the store, nothing is decided
STARTING   a run is to begin, and its name is in the store
RUNNING    the run has begun, and its id is in the store
SUCCEEDED  the run ended well
FAILED     the run failed, or could not be started
REFUSED    no run begins, for a reason that is kept

A process may end at any moment. What is ACCEPTED is decided on, and what is STARTING is looked for
by its run's name before it is started, by whoever comes next.
"""

from collections.abc import Mapping
from enum import StrEnum


class TriggerState(StrEnum):
    """Where a trigger is in its life."""

    ACCEPTED = "accepted"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"


NEXT: Mapping[TriggerState, frozenset[TriggerState]] = {
    TriggerState.ACCEPTED: frozenset({TriggerState.STARTING, TriggerState.REFUSED}),
    TriggerState.STARTING: frozenset({TriggerState.RUNNING, TriggerState.FAILED}),
    TriggerState.RUNNING: frozenset({TriggerState.SUCCEEDED, TriggerState.FAILED}),
    TriggerState.SUCCEEDED: frozenset(),
    TriggerState.FAILED: frozenset(),
    # Its sender says again that it still holds, as Alertmanager does.
    TriggerState.REFUSED: frozenset({TriggerState.ACCEPTED}),
}
"""State -> the states that may follow."""
UNDER_WAY = (TriggerState.STARTING, TriggerState.RUNNING)
OPEN = (TriggerState.ACCEPTED, TriggerState.STARTING)
"""What waits for this server to act."""


def may_follow(state: TriggerState, following: TriggerState) -> bool:
    """Tell whether one state may follow another."""
    return following in NEXT[state]
