"""The runs and schedules of a KFP server, read page by page and remembered as far as they ended."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.run_metrics.due_time import last_cron, last_period
from kanaria.pipelines.run_metrics.run_facts import (
    PUSH,
    SCHEDULE_TIME,
    SPAN,
    Ending,
    RunFact,
    ScheduleFact,
    last_day,
)
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.run_listing import ANSWER_SECONDS, NOT_ARCHIVED, UNKNOWN
from kanaria.pipelines.submit.run_snapshot import Outcome, State, ended, snapshot, state_of
from kanaria.pipelines.submit.schedule import ENABLED
from kanaria.pipelines.submit.workflow_nodes import EPOCH_YEAR

FIRST_RUNS, MOST_RUNS = 5000, 200
"""Runs that are read at the first look, and at each later one: the newest."""
MOST_LOOKUPS = 20
"""Runs a look whose steps are asked for, one request each."""
ENDINGS = {
    Outcome.SUCCEEDED: Ending.SUCCEEDED,
    Outcome.FAILED: Ending.FAILED,
    Outcome.CANCELED: Ending.CANCELED,
}


class ServerFacts:
    """What a server knows, and what it knew at earlier looks of runs that are too old to list."""

    def __init__(self, server: Server) -> None:
        """Ask `server`."""
        self._server = server
        self._runs: dict[str, tuple[str, RunFact]] = {}
        self._pipelines: dict[str, str] = {}
        self._blessed: dict[str, float | None] = {}

    def look(self, now: float, /) -> tuple[Sequence[RunFact], Sequence[ScheduleFact]]:
        """Return all runs that are known, and the schedules that there are."""
        entries = list(self._server.schedules())
        names = {entry.recurring_run_id: entry.display_name or "" for entry in entries}
        self._read_runs()
        self._look_up()
        # The runs of a schedule that is gone are nobody's any more.
        runs = [
            replace(fact, schedule=names.get(schedule, ""), blessed=self._blessed.get(run_id))
            for run_id, (schedule, fact) in self._runs.items()
            if not schedule or schedule in names
        ]
        return runs, [self._schedule(entry, now) for entry in entries]

    def _read_runs(self) -> None:
        most = MOST_RUNS if self._runs else FIRST_RUNS
        listed = list(itertools.islice(self._server.runs(NOT_ARCHIVED), most))
        new = {entry.run_id: (entry.recurring_run_id or "", self._fact(entry)) for entry in listed}
        is_whole = len(listed) < most
        oldest = min((fact.started for _, fact in new.values()), default=0.0)
        # What is not listed though it is new enough was deleted.
        older = {
            run_id: run
            for run_id, run in self._runs.items()
            if not is_whole and run[1].started < oldest
        }
        self._runs = older | new

    def _fact(self, entry: Any) -> RunFact:
        now = snapshot(entry, UNKNOWN, datetime.now(UTC))
        outcome = ended(now.state, now.canceling)
        return RunFact(
            pipeline=self._pipeline(entry),
            schedule="",
            started=_seconds(entry.created_at) or 0.0,
            ended=_seconds(entry.finished_at) if outcome else None,
            ending=ENDINGS[outcome] if outcome else None,
            data_day=_data_day(entry),
        )

    def _pipeline(self, entry: Any) -> str:
        """Return the pipeline's name of a run or a schedule; each version is asked for once."""
        version = entry.pipeline_version_reference
        key = version.pipeline_version_id if version and not entry.pipeline_spec else ""
        if key not in self._pipelines or not key:
            document: Mapping[str, Any] = self._server.specification(entry)
            self._pipelines[key] = str(document.get("pipelineInfo", {}).get("name", ""))
        return self._pipelines[key]

    def _look_up(self) -> None:
        """Ask the newest successful runs for their steps, until one has released a model."""
        self._blessed = {key: when for key, when in self._blessed.items() if key in self._runs}
        left, done = MOST_LOOKUPS, set[tuple[str, str]]()
        newest = sorted(self._runs.items(), key=lambda one: one[1][1].started, reverse=True)
        for run_id, (schedule, fact) in newest:
            key = (fact.pipeline, schedule)
            if key in done or fact.ending is not Ending.SUCCEEDED or left == 0:
                continue
            if run_id not in self._blessed:
                left -= 1
                self._blessed[run_id] = self._pushed(run_id)
            if self._blessed[run_id] is not None:
                done.add(key)

    def _pushed(self, run_id: str) -> float | None:
        """Return when a run's step released a model, None where it did not or was reused."""
        try:
            details = self._server.run(run_id, ANSWER_SECONDS).run_details
        except ParameterError:  # It was deleted since it was listed.
            return None
        tasks = (details and details.task_details) or []
        pushed = [t for t in tasks if t.display_name == PUSH and _ran(t)]
        return max((_seconds(task.end_time) or 0.0 for task in pushed), default=None)

    def _schedule(self, entry: Any, now: float) -> ScheduleFact:
        is_on = entry.status == ENABLED
        due = _due(entry, datetime.fromtimestamp(now, UTC)) if is_on else None
        return ScheduleFact(
            pipeline=self._pipeline(entry),
            name=entry.display_name or "",
            enabled=is_on,
            due=due.timestamp() if due else None,
        )


def _ran(task: Any) -> bool:
    """Tell whether a step did its work; one that was reused ended when it began."""
    return state_of(task.state) is State.SUCCEEDED and task.end_time != task.create_time


def _data_day(entry: Any) -> float | None:
    """Return the day that a run was told to read; which one is the latest its server cannot say."""
    parameters = (entry.runtime_config and entry.runtime_config.parameters) or {}
    span = str(parameters.get(SPAN, ""))
    if span == SCHEDULE_TIME:
        planned = _moment(entry.scheduled_at)
        span = planned.isoformat() if planned else ""
    return last_day(span)


def _due(entry: Any, now: datetime) -> datetime | None:
    cron = entry.trigger and entry.trigger.cron_schedule
    periodic = entry.trigger and entry.trigger.periodic_schedule
    either = cron or periodic
    if either is None:
        return None
    until = min(now, _moment(either.end_time) or now)
    begin = _moment(either.start_time)
    # What was due before it was there it did not miss. When it was last resumed nobody keeps.
    since = max(filter(None, (begin, _moment(entry.created_at))), default=None)
    if cron:
        due = last_cron(cron.cron, until)
    else:
        origin = begin or _moment(entry.created_at)
        every = int(periodic.interval_second)
        due = last_period(every, origin, begin is not None, until) if origin else None
    return due if due and (since is None or due >= since) else None


def _moment(when: Any) -> datetime | None:
    return when if when is not None and when.year > EPOCH_YEAR else None


def _seconds(when: Any) -> float | None:
    moment = _moment(when)
    return moment.timestamp() if moment else None
