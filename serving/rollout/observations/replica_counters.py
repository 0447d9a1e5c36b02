"""From raw counters, which only grow until a process ends, to what one interval added. Pure.

a replica                         counts as
-------------------------------   -----------------------------------------------------
in the first sample of all        nothing: its past is not the rollout's
seen before, not smaller          the difference
seen before, smaller or started   all it shows: it restarted from zero
since
new, started before the memory    nothing: it was there, only not sampled
new otherwise                     all it shows
missing                           nothing; its last value is kept for KEPT_SECONDS, so that a
                                  gap in the samples is made up for when it is seen again
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kanaria.components.shared.errors import DataError
from kanaria.serving.protocol.comparison_document import MOST_COUNTED
from kanaria.serving.rollout.observations.interval_observation import Counts

KEPT_SECONDS = 3600.0
"""Replicas come and go for as long as a rollout lasts; what is kept of them must not grow."""

SAME_START_SECONDS = 1.5
"""Linux tells boot time in whole seconds and corrects it, and a start time moves with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Replica:
    """The raw counters of one process of a revision, as sampled.

    Attributes:
        name: of the process, for instance a pod's.
        requests: answered since it started.
        errors: of those, answered with a server's error.
        refused: of those, answered with a refusal (3xx or 4xx); None if not measured.
        slower: (seconds, requests that took longer), bounds ascending; None if not measured.
        started: when it started, seconds since 1970, or None where not known.
    """

    name: str
    requests: float
    errors: float
    refused: float | None = None
    slower: tuple[tuple[float, float], ...] | None = None
    started: float | None = None

    def require_possible(self) -> "Replica":
        """Return the replica, whose counters can be those of a process.

        Raises:
            DataError: one is no number, negative or too large to be exact, or exceeds the requests.
        """
        counts = (self.requests, self.errors, self.refused or 0.0)
        possible = all(0 <= count <= MOST_COUNTED for count in counts)
        if not possible or max(counts) > self.requests:
            raise DataError(
                f"{self.name}: {self.requests:g} requests, {self.errors:g} errors, "
                f"{self.refused or 0.0:g} refused: no process counts so"
            )
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """The last value seen of every replica.

    Attributes:
        sampled: when the last sample was taken, or None before the first.
        replicas: name -> its counters when last seen.
        missing: name -> since when it is missing, seconds since 1970; those not missing are not
            listed.
    """

    sampled: float | None = None
    replicas: Mapping[str, Replica] = field(default_factory=dict)
    missing: Mapping[str, float] = field(default_factory=dict)


def advance(
    memory: Memory, replicas: Iterable[Replica], now: float
) -> tuple[Memory, Counts | None]:
    """Return the new memory and what the replicas added since the last sample.

    The order of the replicas does not matter. The first sample gives None: nothing to compare
    with, so nothing is known.

    Args:
        memory: of one revision.
        replicas: all processes of that revision that answered this time.
        now: when they were sampled, seconds since 1970.
    """
    replica_by_name = {replica.name: replica for replica in replicas}
    after = _remembered(memory, replica_by_name, now)
    if memory.sampled is None:
        return after, None
    added = [_added(memory, replica_by_name[name]) for name in sorted(replica_by_name)]
    return after, _sum(added)


def _remembered(memory: Memory, replica_by_name: Mapping[str, Replica], now: float) -> Memory:
    gone = {
        name: memory.missing.get(name, now)
        for name in memory.replicas
        if name not in replica_by_name
    }
    missing = {name: since for name, since in gone.items() if now - since < KEPT_SECONDS}
    replicas = {name: memory.replicas[name] for name in missing} | dict(replica_by_name)
    return Memory(sampled=now, replicas=replicas, missing=missing)


def _added(memory: Memory, replica: Replica) -> Replica:
    before = memory.replicas.get(replica.name)
    if before is None:
        old = replica.started is not None and replica.started < (memory.sampled or 0.0)
        return _difference(replica, replica) if old else replica
    return replica if _restarted(before, replica) else _difference(before, replica)


def _restarted(before: Replica, after: Replica) -> bool:
    if after.requests < before.requests or after.errors < before.errors:
        return True
    if after.refused is not None and after.refused < (before.refused or 0.0):
        return True
    if before.started is None or after.started is None:
        return False
    return after.started - before.started > SAME_START_SECONDS


def _difference(before: Replica, after: Replica) -> Replica:
    return Replica(
        name=after.name,
        requests=after.requests - before.requests,
        errors=after.errors - before.errors,
        refused=_refused_since(before, after),
        slower=_slower_since(before, after) or None,
    )


def _refused_since(before: Replica, after: Replica) -> float | None:
    """Return what was refused in between; None where one of the two does not tell."""
    if after.refused is None or (before.refused is None and before.requests):
        return None
    return after.refused - (before.refused or 0.0)


def _slower_since(before: Replica, after: Replica) -> tuple[tuple[float, float], ...]:
    """Return what took longer in between, for the bounds of which both tell something possible.

    A count that fell is no answer that was fast: of that bound nothing is known.
    """
    earlier = dict(before.slower or ())
    unknown = math.inf if before.requests else 0.0
    since = (
        (seconds, count - earlier.get(seconds, unknown)) for seconds, count in after.slower or ()
    )
    return tuple((seconds, count) for seconds, count in since if count >= 0)


def _sum(added: list[Replica]) -> Counts:
    requests = sum(round(replica.requests) for replica in added)
    errors = sum(round(replica.errors) for replica in added)
    return Counts(
        requests=requests,
        errors=min(errors, requests),
        refused=_sum_refused(added, requests),
        slower=_sum_slower(added, requests),
    )


def _sum_refused(added: list[Replica], requests: int) -> int | None:
    """Sum what was refused; None where a replica with requests does not tell, or there is none."""
    refusals = [replica.refused for replica in added if replica.requests > 0]
    measured = [refused for refused in refusals if refused is not None]
    if not refusals or len(measured) < len(refusals):
        return None
    return min(sum(round(refused) for refused in measured), requests)


def _sum_slower(added: list[Replica], requests: int) -> tuple[tuple[float, int], ...] | None:
    """Sum the bounds that all replicas with requests share; None where there are none."""
    tables = [dict(replica.slower or ()) for replica in added if replica.requests > 0]
    if not tables:
        return None
    shared = sorted(set.intersection(*(set(table) for table in tables)))
    if not shared:
        return None
    totals = ((bound, sum(round(table[bound]) for table in tables)) for bound in shared)
    # A histogram and its count are two reads of a live process: they may differ by a few.
    return tuple((bound, min(count, requests)) for bound, count in totals)
