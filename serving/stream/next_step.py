"""What is done after the model has answered, or not. Pure.

A row that the model refuses is sought by asking halves of its request, so that it spoils no other.
A failure that may pass is waited for without end; but where the model fails on one row again and
again, and answers one that it answered before just before each time, the row is at fault: a poison
message must not hold up its partition. Before such a row is alone, its request is halved as well.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from kanaria.serving.stream.messages import Reason
from kanaria.serving.stream.model_answers import Kind

MOST_FAILURES = {500: 5, 0: 8, 502: 8, 503: 8, 504: 8}
"""By status, on one row, each just after the model was well, until the row is at fault. 500 is the
model's own failure; the others, 0 for no answer, come too where a row kills or stops its process.
No other status is ever a row's fault, such as 429 of a model that is overloaded, or 404 of one that
is not where it should be."""
FIRST_WAIT, LONGEST_WAIT, LONGEST_ASKED_WAIT = 0.1, 5.0, 60.0
"""Seconds between two tries; the last is how far a server's Retry-After is followed."""
REASONS = {
    Kind.REFUSED: Reason.REFUSED,
    Kind.TOO_LARGE: Reason.TOO_LARGE,
    Kind.UNUSABLE: Reason.UNUSABLE_ANSWER,
    Kind.PASSING: Reason.MODEL_FAILED,
}


class Step(StrEnum):
    """What is done with the rows of a request.

    GO_ON   they have their answers
    HALVE   they are asked again in two halves
    BURY    the one row is a dead letter
    WAIT    they are asked again later
    """

    GO_ON = "go_on"
    HALVE = "halve"
    BURY = "bury"
    WAIT = "wait"


@dataclass(frozen=True, kw_only=True, slots=True)
class Try:
    """One request that was answered, or not.

    Attributes:
        kind: what the answer says.
        status: of HTTP, 0 where nobody answered.
        rows: that were asked, at least one.
        failures: of these rows before, each just after the model was well.
        was_well: whether the model answered another request just before.
    """

    kind: Kind
    status: int
    rows: int
    failures: int
    was_well: bool

    @property
    def counted(self) -> int:
        """Failures with this one."""
        return self.failures + (self.was_well and self.status in MOST_FAILURES)


def step(one: Try) -> Step:
    """Return what follows from a try."""
    if one.kind is Kind.SCORED:
        return Step.GO_ON
    if one.kind is Kind.PASSING:
        most = 1 if one.rows > 1 else MOST_FAILURES.get(one.status, 0)
        if one.status not in MOST_FAILURES or one.counted < most:
            return Step.WAIT
    return Step.HALVE if one.rows > 1 else Step.BURY


def wait_seconds(waits: int, retry_after: float) -> float:
    """Return how long to wait before the next try.

    Args:
        waits: before this one.
        retry_after: seconds that the server asked for, 0 for none.
    """
    doubled = min(FIRST_WAIT * 2 ** min(waits, 20), LONGEST_WAIT)
    # Streams that lost the model together do not come back together.
    return max(doubled * random.uniform(0.8, 1.2), min(retry_after, LONGEST_ASKED_WAIT))
