"""What KFP tells of a run, as the command line shows it. Pure.

Facts of KFP 2.17: a terminated run is CANCELING and then FAILED, other versions end in CANCELED;
the list of tasks holds nodes of Argo too; a run of a schedule may have no state yet.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from kanaria.pipelines.local.record import State, TaskRecord

TASKS = {
    "RUNNING": State.RUNNING,
    "SUCCEEDED": State.SUCCEEDED,
    "CACHED": State.REUSED,
    "SKIPPED": State.SKIPPED,
    "FAILED": State.FAILED,
    "CANCELED": State.FAILED,
}


class Ending(StrEnum):
    """How a run stands.

    RUNNING    not ended, whatever KFP calls it
    SUCCEEDED  ended well
    FAILED     a task failed, or the run as a whole
    CANCELLED  somebody terminated it: CANCELED, or FAILED after CANCELING
    """

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStatus:
    """A run as far as it has come: its ending, its tasks, and why it failed, or ""."""

    ending: Ending
    tasks: tuple[TaskRecord, ...] = ()
    cause: str = ""


def _ending(state: str, history: Collection[str]) -> Ending:
    if state in ("SUCCEEDED", "SKIPPED"):
        return Ending.SUCCEEDED
    if state == "CANCELED" or (state == "FAILED" and "CANCELING" in history):
        return Ending.CANCELLED
    return Ending.FAILED if state == "FAILED" else Ending.RUNNING


def _seconds(start: datetime | None, end: datetime | None) -> float:
    return max((end - start).total_seconds(), 0.0) if start and end else 0.0


def _message(error: Any) -> str:
    return (getattr(error, "message", "") or "").strip() if error else ""


def status(run: Any, names: Collection[str]) -> RunStatus:
    """Return how a run stands.

    Args:
        run: kfp's V2beta1Run.
        names: display names of the pipeline's own tasks.
    """
    history = [entry.state for entry in run.state_history or [] if entry.state]
    details = (run.run_details.task_details if run.run_details else None) or []
    own = [detail for detail in details if detail.display_name in names]
    failed = [
        f"{detail.display_name}: {_message(detail.error) or 'failed; see its log'}"
        for detail in own
        if detail.state == "FAILED"
    ]
    return RunStatus(
        ending=_ending(run.state or "", history),
        tasks=tuple(_tasks(own)),
        cause="; ".join(failed) or _message(run.error),
    )


def _tasks(details: Iterable[Any]) -> Iterable[TaskRecord]:
    for detail in sorted(details, key=lambda found: (found.start_time is None, found.start_time)):
        yield TaskRecord(
            name=detail.display_name,
            state=TASKS.get(detail.state or "", State.PENDING),
            seconds=_seconds(detail.start_time, detail.end_time),
        )
