"""A run on the server as its watcher sees it, and when and how it has ended. Pure.

state                    | shown as           | ends the run as
-------------------------|--------------------|---------------------------------------------
"", unspecified, PENDING | pending            |
RUNNING, PAUSED          | running, paused    |
CANCELING                | canceling          |
SUCCEEDED                | succeeded          | SUCCEEDED
FAILED                   | failed             | CANCELED if CANCELING was seen, else FAILED
CANCELED                 | canceled           | CANCELED
SKIPPED                  | skipped            | SUCCEEDED

KFP 2.17.0 reports a cancelled run as CANCELING and then FAILED; other versions report CANCELED.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any

EPOCH_YEAR = 1970
"""The server writes a time that is not known yet as the first second of 1970."""


class State(StrEnum):
    """State of a run or a task, as the server names it."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELING = "CANCELING"
    SUCCEEDED = "SUCCEEDED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


FINISHED = (State.SUCCEEDED, State.SKIPPED, State.FAILED, State.CANCELED)


class Outcome(Enum):
    """How a run ended; the value is the command's exit code."""

    SUCCEEDED = 0
    FAILED = 1
    CANCELED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Name of a node on the server -> what it is called here, for all nodes that are shown.

    A branch holds steps and is shown only when it was skipped, since its steps then never appear.
    """

    steps: Mapping[str, str]
    branches: Mapping[str, str]

    def of(self, node: str, state: State) -> str:
        """Return the name to show, "" for what is not shown."""
        return self.steps.get(node) or (
            self.branches.get(node, "") if state is State.SKIPPED else ""
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A task of the pipeline in a run; `seconds` is how long it has run, 0 before it does."""

    key: str
    name: str
    state: State
    seconds: float
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """A run at one moment."""

    state: State
    tasks: tuple[Task, ...]
    cause: str


def state_of(text: str | None) -> State:
    """Return the state that the server named; what is not known yet is pending."""
    return State.__members__.get(text or "", State.PENDING)


def _cause(entry: Any) -> str:
    """Return the error of a run or task: its own, or the last of its history."""
    errors = [entry.error, *(status.error for status in reversed(entry.state_history or []))]
    found = [error.message for error in errors if error is not None and error.message]
    return " ".join(found[0].split()) if found else ""


def _seconds(detail: Any, state: State, now: datetime) -> float:
    start, end = detail.start_time, detail.end_time
    if start is None or start.year <= EPOCH_YEAR:
        return 0.0
    known_end = state in FINISHED and end is not None and end.year > EPOCH_YEAR
    return max((end if known_end else now).timestamp() - start.timestamp(), 0.0)


def snapshot(run: Any, names: Names, now: datetime) -> Snapshot:
    """Read the server's answer about a run.

    Args:
        run: kfp's V2beta1Run.
        names: the pipeline's tasks. The answer's list holds nodes of the workflow engine too;
            whatever is not named here is one of those.
        now: the time, for tasks that still run.
    """
    details = (run.run_details.task_details if run.run_details else None) or []
    tasks = [
        Task(
            key=detail.task_id,
            name=names.of(detail.display_name, state_of(detail.state)),
            state=state_of(detail.state),
            seconds=_seconds(detail, state_of(detail.state), now),
            cause=_cause(detail),
        )
        for detail in details
        if names.of(detail.display_name, state_of(detail.state))
    ]
    return Snapshot(state=state_of(run.state), tasks=tuple(tasks), cause=_cause(run))


def ended(state: State, was_canceling: bool) -> Outcome | None:
    """Return how a run in this state has ended, None while it goes on."""
    match state:
        case State.SUCCEEDED | State.SKIPPED:
            return Outcome.SUCCEEDED
        case State.CANCELED:
            return Outcome.CANCELED
        case State.FAILED:
            return Outcome.CANCELED if was_canceling else Outcome.FAILED
        case _:
            return None
