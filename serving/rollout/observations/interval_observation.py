"""What one interval showed: counters of both revisions, and facts about the canary. Pure data."""

from dataclasses import dataclass, field

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.protocol.comparison_document import ModelCounts


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What happened to one revision's requests in one interval.

    Attributes:
        requests: answered in the interval, at least 0.
        errors: of those, answered with a server's error.
        refused: of those, answered with a refusal (3xx or 4xx); None where that is not measured.
        slower: (seconds, requests that took longer) for each bound of the latency histogram,
            bounds ascending; None where latency is not measured.

    Raises:
        DataError: a count is negative or exceeds the requests, or bounds do not ascend.
    """

    requests: int
    errors: int
    refused: int | None = None
    slower: tuple[tuple[float, int], ...] | None = None

    def __post_init__(self) -> None:
        """Check the counts against each other."""
        counts = [self.errors, self.refused or 0, *(count for _, count in self.slower or ())]
        bounds = [seconds for seconds, _ in self.slower or ()]
        if self.requests < 0 or not all(0 <= count <= self.requests for count in counts):
            raise DataError(f"counts {shown(self)}: each must be 0 to the number of requests")
        if bounds != sorted(set(bounds)):
            raise DataError(f"counts {shown(self)}: the bounds of latency must ascend")


@dataclass(frozen=True, kw_only=True, slots=True)
class RevisionFacts:
    """What the platform says about the canary in one interval.

    Attributes:
        ready: whether it can serve; None where this is not known.
        failure: why its model did not load, or "".
        restarts: of its containers in the interval.
        oom_kills: containers ended for memory in the interval.
    """

    ready: bool | None = None
    failure: str = ""
    restarts: int = 0
    oom_kills: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """One interval of a rollout.

    Attributes:
        interval: its number; numbers ascend, and a number seen again is the same interval.
        now: its end in seconds since 1970 (UTC).
        canary: counters of the revision on trial; None where the source gave none.
        stable: counters of the stable revision; None where the source gave none.
        facts: about the canary.
        percent: share of the requests that the canary really has, or None where not known.
        models: what both models answered; None where the source gave nothing.
    """

    interval: int
    now: float
    canary: Counts | None = None
    stable: Counts | None = None
    facts: RevisionFacts = field(default_factory=RevisionFacts)
    percent: int | None = None
    models: ModelCounts | None = None
