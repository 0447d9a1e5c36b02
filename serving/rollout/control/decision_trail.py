"""What a service's audit trail lacks of its rollouts, worked out from their records.

A decision is recorded with the rollout in one write, before anything is done. Its entry in the
trail follows from that record, so whoever comes next can write what a process that died left out,
and an entry says where in the record it is from, so that nobody writes it twice.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from kanaria.serving.audit.chain import Chain
from kanaria.serving.audit.entry import Entry, Source
from kanaria.serving.rollout.control.rollout_store import Store
from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.decision.rollout_commands import Command
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.rollout.timeline.decision_table import is_marked
from kanaria.serving.rollout.timeline.phrases import why
from kanaria.serving.rollout.timeline.record_history import Moment, read

BEGUN = "start"
_POLICY = TypeAdapter(Policy)


def due(chain: Chain, store: Store, namespace: str, service: str) -> tuple[Entry, ...]:
    """Return the decisions that are recorded and not in the trail, in the order they were made.

    Args:
        chain: the trail of the service.
        store: of the rollouts.
        namespace: of the service.
        service: its name.

    Raises:
        DataError, ParameterError: a record is damaged.
        NotReadyError: the store does not answer.
    """
    written = _written(chain)
    lacking: list[Entry] = []
    for rollout in _newest_first(store, namespace, service):
        last = written.get((rollout.number, rollout.started), -1)
        entries = (each for each in _decisions(store, rollout) if _place(each) > last)
        lacking[:0] = entries
        if last >= 0:
            break  # Those before it were over when it began.
    return tuple(lacking)


def _written(chain: Chain) -> dict[tuple[int, float], int]:
    """Return rollout -> last place in its record that is in the trail.

    Only what comes after is added: a later program that judges an old record otherwise must not
    tell of decisions that nobody made.
    """
    sources = [entry.source for entry in chain.entries if entry.source is not None]
    return {(source.rollout, source.started): source.entry for source in sources}


def _newest_first(store: Store, namespace: str, service: str) -> Iterator[Rollout]:
    stored = store.load(namespace, service)
    while stored is not None:
        yield stored.rollout
        stored = store.load(namespace, service, stored.rollout.number - 1)


def _place(entry: Entry) -> int:
    return entry.source.entry if entry.source else 0


def _decisions(store: Store, rollout: Rollout) -> Iterator[Entry]:
    """Yield the beginning of a rollout, and whatever was done, asked or commanded in it."""
    target = rollout.target
    yield Entry(
        when=rollout.started,
        who=rollout.started_by,
        what=BEGUN,
        about=target.canary,
        why=f"rollout {rollout.number} against {target.stable or 'no other'}",
        numbers={
            "canary_uri": target.canary_uri,
            "stable_uri": target.stable_uri,
            "policy": _POLICY.dump_python(rollout.policy, mode="json"),
        },
        source=Source(rollout=rollout.number, started=rollout.started, entry=0),
    )
    entries = store.entries(target.namespace, target.service, rollout.number)
    history = read(asdict(target), rollout.policy, rollout.started, entries)
    for place, moment in enumerate(history.moments, 1):
        if is_marked(moment):
            yield _decision(rollout, place, moment)


def _decision(rollout: Rollout, place: int, moment: Moment) -> Entry:
    verdict = moment.decision.verdict
    command = moment.entry if isinstance(moment.entry, Command) else None
    step = f"step {command.step}".removesuffix("step ") if command else ""
    return Entry(
        when=moment.when,
        who=moment.who or f"rule {moment.rule}",
        what=str(command.kind if command else verdict.action),
        about=rollout.target.canary,
        why=(command.reason or step) if command else why(verdict, moment.findings),
        numbers={"rollout": rollout.number, "percent": verdict.percent, **_evidence(moment)},
        source=Source(rollout=rollout.number, started=rollout.started, entry=place),
    )


def _evidence(moment: Moment) -> dict[str, Any]:
    """Return what both revisions answered until then, and what every gate made of it."""
    gates = {
        finding.gate: {
            "text": finding.text,
            "spent": finding.spent,
            "accepted": finding.accepted,
            "numbers": dict(finding.numbers),
        }
        for finding in moment.findings
    }
    return {"canary": asdict(moment.canary), "stable": asdict(moment.stable), "gates": gates}
