"""The runs of this machine, as their records tell them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from kanaria.pipelines.local.record import RunRecord, State, all_runs
from kanaria.pipelines.run_metrics.run_facts import (
    PUSH,
    SPAN,
    Ending,
    RunFact,
    ScheduleFact,
    last_day,
)

RESOLVE = "resolve-span"
"""The step that says which data a run reads."""
ENDINGS = {
    State.SUCCEEDED: Ending.SUCCEEDED,
    State.FAILED: Ending.FAILED,
    State.INTERRUPTED: Ending.CANCELED,
}


class LocalFacts:
    """The runs below a folder; there are no schedules here."""

    def __init__(self, runs: Path) -> None:
        """Read the runs below `runs` at each look."""
        self._runs = runs

    def look(self, _now: float, /) -> tuple[Sequence[RunFact], Sequence[ScheduleFact]]:
        """Return all runs."""
        return [_fact(record) for record in all_runs(self._runs)], ()


def _fact(record: RunRecord) -> RunFact:
    started = datetime.fromisoformat(record.started).timestamp()
    ending = ENDINGS.get(record.state)
    ended = started + record.seconds if ending and record.seconds else None
    # A release that was there already is of an earlier run, which made it.
    pushed = any(task.name == PUSH and task.state is State.SUCCEEDED for task in record.tasks)
    spans = [task.parameters.get(SPAN) for task in record.tasks if task.name == RESOLVE]
    return RunFact(
        pipeline=record.pipeline,
        schedule="",
        started=started,
        ended=ended,
        ending=ending,
        blessed=ended if pushed else None,
        data_day=last_day(str(spans[0])) if spans else None,
    )
