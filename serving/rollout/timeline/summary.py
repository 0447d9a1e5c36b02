"""The facts of a timeline for machines: plain JSON values, all numbers finite. Pure."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from kanaria.serving.rollout.observations.observation import Observation
from kanaria.serving.rollout.timeline.decision_table import Row, rows
from kanaria.serving.rollout.timeline.headline import headline
from kanaria.serving.rollout.timeline.history import History, Moment, Totals
from kanaria.serving.rollout.timeline.phrases import step_name


def plain(history: History) -> dict[str, Any]:
    """Return what the page tells.

    Times are seconds since 1970, spans are seconds, shares of traffic are in percent. `steps`
    has one entry for each stretch of time in a step, in order; `decisions` the rows of the audit
    table, `count` of them in each.
    """
    said, state = headline(history), history.state
    last = history.moments[-1] if history.moments else None
    return {
        "facts": dict(history.facts),
        "verdict": state.phase.value,
        "light": said.light.value,
        "sentence": said.sentence,
        "started": history.started,
        "ended": history.ended,
        "seconds": history.ended - history.started,
        "percent": state.desired_percent,
        "canary": _counted(last.canary if last else Totals()),
        "stable": _counted(last.stable if last else Totals()),
        "steps": _steps(history),
        "gates": [
            {
                "gate": finding.gate,
                "text": finding.text,
                "spent": finding.spent,
                "agrees": finding.accepted,
                "numbers": dict(finding.numbers),
            }
            for finding in (last.findings if last else ())
        ],
        "decisions": [_decision(row) for row in rows(history.moments)],
        "policy": history.policy.model_dump(mode="json"),
    }


def _counted(totals: Totals) -> dict[str, int]:
    return {"requests": totals.requests, "errors": totals.errors}


def _steps(history: History) -> list[dict[str, Any]]:
    """Return what was counted in each step: in the one that an interval met, not the one after."""
    found: list[dict[str, Any]] = []
    canary, stable, since = Totals(), Totals(), history.started
    for (step, percent), group in groupby(history.moments, key=_met):
        last = list(group)[-1]
        found.append(
            {
                "step": step_name(history.policy, step),
                "percent": percent,
                "started": since,
                "seconds": last.when - since,
                "canary": _counted(last.canary.minus(canary)),
                "stable": _counted(last.stable.minus(stable)),
            }
        )
        canary, stable, since = last.canary, last.stable, last.when
    return found


def _met(moment: Moment) -> tuple[int, int]:
    return moment.before.step, moment.before.desired_percent


def _decision(row: Row) -> dict[str, Any]:
    verdict = row.last.decision.verdict
    return {
        "number": row.number,
        "from": row.first.when,
        "to": row.last.when,
        "count": len(row.moments),
        "what": row.what,
        "action": verdict.action.value,
        "percent": verdict.percent,
        "by": row.last.who,
        "rule": row.last.rule,
        "reasons": list(verdict.reasons),
        "intervals": _intervals(row.moments),
        "canary": _counted(row.last.canary),
        "stable": _counted(row.last.stable),
    }


def _intervals(moments: Sequence[Moment]) -> list[int]:
    """Return the numbers of the first and the last interval; none for a command."""
    seen = [one.entry.interval for one in moments if isinstance(one.entry, Observation)]
    return [seen[0], seen[-1]] if seen else []
