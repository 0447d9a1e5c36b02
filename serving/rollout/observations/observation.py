"""What one interval showed: counters of both revisions, and facts about the canary. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kanaria.components.shared.errors import DataError, shown

MOST_COUNTED = 2**53
"""Beyond it a float, which gates compute with, does not count exactly."""


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
class ModelCounts:
    """What both models answered since the rollout began, as far as it is known by now.

    These are totals and not what an interval added: a label that comes late or is corrected
    changes what is known of rows of long ago, and the newest totals say it all.

    Attributes:
        canary: class -> rows that the canary gave it.
        stable: class -> rows that the stable revision gave it.
        pairs: rows that both answered.
        canary_apart: class -> of the pairs with two different answers, those to which the canary
            gave it.
        stable_apart: the same of the stable revision; both sum to the rows of disagreement.
        stable_right: rows of disagreement whose label says that the stable revision was right
            (nearer, where numbers are predicted) and the canary was not.
        canary_right: the other way round.
        neither_right: rows of disagreement whose label prefers none.
        windows: of the canary's inputs that were judged for drift.
        drifted: of those, with drift.

    Raises:
        DataError: a count is negative or above MOST_COUNTED, or parts exceed the whole.
    """

    canary: Mapping[str, int] = field(default_factory=dict)
    stable: Mapping[str, int] = field(default_factory=dict)
    pairs: int = 0
    canary_apart: Mapping[str, int] = field(default_factory=dict)
    stable_apart: Mapping[str, int] = field(default_factory=dict)
    stable_right: int = 0
    canary_right: int = 0
    neither_right: int = 0
    windows: int = 0
    drifted: int = 0

    def __post_init__(self) -> None:
        """Check the counts against each other."""
        tables = (self.canary, self.stable, self.canary_apart, self.stable_apart)
        labelled = (self.stable_right, self.canary_right, self.neither_right)
        counts = [*labelled, self.drifted, *(count for one in tables for count in one.values())]
        apart = self.disagreements
        fits = sum(labelled) <= apart <= self.pairs and self.drifted <= self.windows
        fits = fits and max(*counts, self.pairs, self.windows) <= MOST_COUNTED
        if min(counts) < 0 or not fits or apart != sum(self.stable_apart.values()):
            raise DataError(f"counts {shown(self)}: none that can be, or parts exceed the whole")

    @property
    def disagreements(self) -> int:
        """Pairs with two different answers."""
        return sum(self.canary_apart.values())


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
