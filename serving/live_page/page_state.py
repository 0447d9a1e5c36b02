"""What the page shows, as values: worked out of what was read last and of the history. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kanaria.serving.live_page.band import Band

ROUTER, ROLLOUTS, DRIFT = "local server", "rollouts", "drift server"
"""Names of the sources."""


class Condition(StrEnum):
    """How far what a source told can be relied on; each is said in words."""

    FRESH = "fresh"
    STALE = "stale"
    """It told something, but does not any more."""
    AWAY = "away"
    """It has told nothing yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where numbers come from.

    Attributes:
        name: of the server or the folder.
        place: its URL or path.
        condition: of its numbers.
        age: seconds since it was last read, None where it never was.
        fault: why it cannot be read now, "" where it can.
    """

    name: str
    place: str
    condition: Condition
    age: float | None
    fault: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RevisionState:
    """A revision, and what it answered in the newest minutes.

    Attributes:
        name: of the revision.
        is_ready: whether its predictor answers; None where that is not told.
        share_set: share of the requests that it gets, 0 to 1; None where that is not told.
        share_seen: share of its service's requests that it got.
        requests: answered in the newest minutes.
        per_second: requests, over the seconds that were looked at; None before two looks.
        refused: requests that were answered with a client's error.
        errors: share of requests that ended with a server's error.
        median: seconds within which half of the requests were answered.
        slow: seconds within which 95 % were.
        restarts: of its predictor.
        course: the same numbers by minutes, oldest first.
    """

    name: str
    is_ready: bool | None
    share_set: float | None
    share_seen: Band | None
    requests: int
    per_second: float | None
    refused: int
    errors: Band | None
    median: Band | None
    slow: Band | None
    restarts: int
    course: "Sequence[CoursePoint]"


@dataclass(frozen=True, kw_only=True, slots=True)
class CoursePoint:
    """A minute of a revision: its end, in minutes from now (0 or less), and what it answered."""

    minutes: float
    errors: Band | None
    slow: Band | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceState:
    """A service and its revisions; `fault` says what the server tells is wrong with it, or ""."""

    namespace: str
    name: str
    fault: str
    revisions: Sequence[RevisionState]


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutState:
    """The newest rollout of a service.

    Attributes:
        service: namespace/name.
        number: of the service's rollouts.
        phase: in which it is.
        is_active: whether it decides over the traffic still.
        needs_person: whether it waits for a person.
        rows: what `kanaria rollout status` says, without the service.
        look_age: seconds since its numbers were read last, None before the first time.
        desired: share of the requests that was decided for the canary.
        spent: gate -> share of the promise against false rollbacks that its evidence has used up.
    """

    service: str
    number: int
    phase: str
    is_active: bool
    needs_person: bool
    rows: Sequence[tuple[str, str]]
    look_age: float | None
    desired: float
    spent: Mapping[str, float]


class Light(StrEnum):
    """What a watch says of its newest window."""

    DRIFTED = "drifted"
    STABLE = "stable"
    UNKNOWN = "unknown"
    FAILED = "failed"
    BROKEN = "broken"


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftState:
    """A watch of one version.

    Attributes:
        service: namespace/name.
        version: of the model, "" for a watch that has no window yet.
        detector: name of the watch.
        light: of the newest window.
        recent: verdict -> how many of the newest three windows have it.
        rows: of the newest window.
        window_age: seconds since its last exchange; None where there is no window.
        features: that drifted, the largest effect first.
    """

    service: str
    version: str
    detector: str
    light: Light
    recent: Mapping[str, int]
    rows: int | None
    window_age: float | None
    features: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityState:
    """A metric of one version on its labels; `expected` is what is told before labels come."""

    service: str
    version: str
    detector: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    expected: float | None
    coverage: float | None
    has_failed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PageState:
    """The whole page.

    Attributes:
        at: when it was made, seconds since 1970.
        window_seconds: of the newest minutes that were looked at.
        sources: all of them.
        services: by namespace and name.
        rollouts: the newest of each service.
        drift: all watches.
        quality: all metrics.
    """

    at: float
    window_seconds: float
    sources: Mapping[str, Source]
    services: Sequence[ServiceState]
    rollouts: Sequence[RolloutState]
    drift: Sequence[DriftState]
    quality: Sequence[QualityState]
