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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kanaria.serving.rollout.observation import Counts

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
        slower: (seconds, requests that took longer), bounds ascending; None if not measured.
        started: when it started, seconds since 1970, or None where not known.
    """

    name: str
    requests: float
    errors: float
    slower: tuple[tuple[float, float], ...] | None = None
    started: float | None = None


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
    seen = {replica.name: replica for replica in replicas}
    kept = _kept(memory, seen, now)
    if memory.sampled is None:
        return kept, None
    added = [_added(memory, seen[name]) for name in sorted(seen)]
    return kept, _sum(added)


def _kept(memory: Memory, seen: Mapping[str, Replica], now: float) -> Memory:
    gone = {name: memory.missing.get(name, now) for name in memory.replicas if name not in seen}
    missing = {name: since for name, since in gone.items() if now - since < KEPT_SECONDS}
    replicas = {name: memory.replicas[name] for name in missing} | dict(seen)
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
    if before.started is None or after.started is None:
        return False
    return after.started - before.started > SAME_START_SECONDS


def _difference(before: Replica, after: Replica) -> Replica:
    earlier = dict(before.slower or ())
    slower = after.slower and tuple(
        (seconds, count - earlier.get(seconds, 0.0)) for seconds, count in after.slower
    )
    return Replica(
        name=after.name,
        requests=after.requests - before.requests,
        errors=after.errors - before.errors,
        slower=slower,
    )


def _sum(added: list[Replica]) -> Counts:
    requests = sum(round(replica.requests) for replica in added)
    errors = sum(round(replica.errors) for replica in added)
    return Counts(
        requests=requests,
        errors=min(errors, requests),
        slower=_sum_slower(added, requests),
    )


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
    return tuple((bound, min(max(count, 0), requests)) for bound, count in totals)
