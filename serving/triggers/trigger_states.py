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


class Life(StrEnum):
    """Where a trigger is in its life."""

    ACCEPTED = "accepted"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"


NEXT: Mapping[Life, frozenset[Life]] = {
    Life.ACCEPTED: frozenset({Life.STARTING, Life.REFUSED}),
    Life.STARTING: frozenset({Life.RUNNING, Life.FAILED}),
    Life.RUNNING: frozenset({Life.SUCCEEDED, Life.FAILED}),
    Life.SUCCEEDED: frozenset(),
    Life.FAILED: frozenset(),
    # Its sender says again that it still holds, as Alertmanager does.
    Life.REFUSED: frozenset({Life.ACCEPTED}),
}
"""State -> the states that may follow."""
UNDER_WAY = (Life.STARTING, Life.RUNNING)
OPEN = (Life.ACCEPTED, Life.STARTING)
"""What waits for this server to act."""


def may_follow(state: Life, following: Life) -> bool:
    """Tell whether one state may follow another."""
    return following in NEXT[state]
