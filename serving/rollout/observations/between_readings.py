"""From one reading to the observation of one interval, by what was read before. Pure.

Counters follow the table of `counters`. Restarts of containers do too:

a container                       counts as
-------------------------------   -----------------------------------------------------
in the first reading of all       nothing: its past is not the rollout's
seen before                       the difference; all it shows where that is smaller
new                               all it shows
missing                           nothing; its last value is kept
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import ConfigDict

from kanaria.serving.rollout.observations import replica_counters
from kanaria.serving.rollout.observations.interval_observation import (
    Counts,
    Observation,
    RevisionFacts,
)
from kanaria.serving.rollout.observations.observation_source import Container, Reading
from kanaria.serving.traffic.traffic_protocol import ServiceStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """What was last read. A pydantic TypeAdapter writes and reads it as JSON.

    Attributes:
        canary: counters of the revision on trial.
        stable: counters of the stable revision.
        containers: name -> those that ended, as last read; None before the first reading. Others
            count from zero all the same, and there are ever more of them.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    canary: replica_counters.Memory = field(default_factory=replica_counters.Memory)
    stable: replica_counters.Memory = field(default_factory=replica_counters.Memory)
    containers: Mapping[str, Container] | None = None


def observation(
    memory: Memory, reading: Reading, *, interval: int, status: ServiceStatus | None, canary: str
) -> tuple[Memory, Observation]:
    """Return the new memory, and what happened since the last reading.

    What the reading does not tell is None in the observation, and stays as it was in the memory:
    the next reading that tells makes up for it.

    Args:
        memory: of this rollout.
        reading: taken at the end of the interval.
        interval: its number.
        status: of the service at the end of the interval, or None where it did not answer.
        canary: name of the revision on trial.
    """
    # A replica that began later may have answered before the source saw it: it counts whole.
    sampled = reading.now if reading.sampled is None else reading.sampled
    canary_memory, canary_counts = _counted(memory.canary, reading.canary, sampled)
    stable_memory, stable_counts = _counted(memory.stable, reading.stable, sampled)
    containers, ends = _ended(memory.containers, reading.containers)
    after = Memory(canary=canary_memory, stable=stable_memory, containers=containers)
    result = Observation(
        interval=interval,
        now=reading.now,
        canary=canary_counts,
        stable=stable_counts,
        facts=RevisionFacts(
            ready=_ready(status, canary),
            failure=_failure(status, canary),
            restarts=sum(end.restarts for end in ends),
            oom_kills=sum(end.oom_kills for end in ends),
        ),
        percent=_percent(status, canary),
        models=reading.models,
    )
    return after, result


def _counted(
    memory: replica_counters.Memory,
    replicas: Iterable[replica_counters.Replica] | None,
    sampled: float,
) -> tuple[replica_counters.Memory, Counts | None]:
    return (
        (memory, None) if replicas is None else replica_counters.advance(memory, replicas, sampled)
    )


def _ended(
    before: Mapping[str, Container] | None, containers: tuple[Container, ...] | None
) -> tuple[Mapping[str, Container] | None, list[Container]]:
    if containers is None:
        return before, []
    latest = {**(before or {}), **{one.name: one for one in containers}}
    restarted = {name: one for name, one in latest.items() if one.restarts or one.oom_kills}
    if before is None:
        return restarted, []
    return restarted, [_added(before.get(one.name), one) for one in containers]


def _added(before: Container | None, after: Container) -> Container:
    if before is None or after.restarts < before.restarts or after.oom_kills < before.oom_kills:
        return after
    return Container(
        name=after.name,
        restarts=after.restarts - before.restarts,
        oom_kills=after.oom_kills - before.oom_kills,
    )


def _ready(status: ServiceStatus | None, canary: str) -> bool | None:
    """A newest revision that is not said to be ready is not; of an older one nothing is said."""
    if status is None:
        return None
    if _failure(status, canary):
        return False
    if canary in (status.latest_ready, status.rolled_out):
        return True
    return False if canary == status.latest_created else None


def _failure(status: ServiceStatus | None, canary: str) -> str:
    if status is None or status.failure is None or status.latest_created != canary:
        return ""
    return f"{status.failure.reason}: {status.failure.message}"


def _percent(status: ServiceStatus | None, canary: str) -> int | None:
    """Return the share that is set; none is known while nothing is routed."""
    if status is None or not status.traffic:
        return None
    return sum(share.percent for share in status.traffic if share.revision == canary)
