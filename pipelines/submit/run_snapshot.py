"""A run on the server as its watcher sees it, and when and how it has ended. Pure.

state                    | shown as           | ends the run as
-------------------------|--------------------|---------------------------------------------
"", unspecified, PENDING | pending            |
RUNNING, PAUSED          | running, paused    |
CANCELING                | canceling          |
SUCCEEDED                | succeeded          | SUCCEEDED
FAILED                   | failed             | CANCELED if CANCELING went before, else FAILED
CANCELED                 | canceled           | CANCELED
SKIPPED                  | skipped            | SUCCEEDED

KFP 2.17.0 reports a cancelled run as CANCELING and then FAILED; other versions report CANCELED.
That CANCELING went before is known from the run's history, or from whoever saw it. A task that was
FAILED by the cancellation is shown as stopped, one whose result the server had already as cached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any

from kanaria.components.shared.one_line import one_line
from kanaria.pipelines.submit import workflow_nodes
from kanaria.pipelines.submit.workflow_nodes import EPOCH_YEAR, Names, Waiting


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


UNDRIVEN = (
    "KFP's driver of this step failed, before the step began; the log of the driver's pod says why"
)
FINISHED = (State.SUCCEEDED, State.SKIPPED, State.FAILED, State.CANCELED)


class Outcome(Enum):
    """How a run ended; the value is the command's exit code."""

    SUCCEEDED = 0
    FAILED = 1
    CANCELED = 3

    @property
    def said(self) -> str:
        """What a person calls it."""
        return "cancelled" if self is Outcome.CANCELED else self.name.lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A task of the pipeline in a run.

    Attributes:
        key: the server's id of it.
        name: what people call it.
        node: its key in the pipeline, which names its folder in the store.
        state: see State.
        seconds: how long it has run, 0 before it does.
        cause: why it failed, or "".
        log: URI of its log in the store, or "".
        certain: whether the cause is an error that somebody wrote, not what is made of its absence.
        cached: whether an earlier result was taken.
        stopped: whether it was ended with its run, by whoever cancelled that.
    """

    key: str
    name: str
    state: State
    seconds: float
    cause: str = ""
    node: str = ""
    log: str = ""
    certain: bool = False
    cached: bool = False
    stopped: bool = False

    @property
    def said(self) -> str:
        """The state as a person calls it."""
        if self.cached or self.stopped:
            return "cached" if self.cached else "stopped"
        return self.state.value.lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """A run at one moment.

    Attributes:
        state: see State.
        tasks: the pipeline's tasks that the server knows of by now.
        cause: the run's own error, or "".
        canceling: whether it was being cancelled, now or before it ended.
        waiting: tasks whose pod does not run yet.
    """

    state: State
    tasks: tuple[Task, ...]
    cause: str
    canceling: bool = False
    waiting: tuple[Waiting, ...] = ()

    @property
    def failed(self) -> tuple[Task, ...]:
        """The tasks that failed by themselves."""
        return tuple(t for t in self.tasks if t.state is State.FAILED and not t.stopped)


def state_of(text: str | None) -> State:
    """Return the state that the server named; what is not known yet is pending."""
    return State.__members__.get(text or "", State.PENDING)


def _cause(entry: Any) -> str:
    """Return the error of a run or task: its own, or the last of its history."""
    errors = [entry.error, *(status.error for status in reversed(entry.state_history or []))]
    messages = [error.message for error in errors if error is not None and error.message]
    return one_line(messages[0]) if messages else ""


def _seconds(detail: Any, state: State, now: datetime) -> float:
    start, end = detail.start_time, detail.end_time
    if start is None or start.year <= EPOCH_YEAR:
        return 0.0
    known_end = state in FINISHED and end is not None and end.year > EPOCH_YEAR
    return max((end if known_end else now).timestamp() - start.timestamp(), 0.0)


def _is_canceling(run: Any) -> bool:
    """Tell whether a run is being cancelled, or ended so; one that was retried since is not."""
    state = state_of(run.state)
    past = [state_of(status.state) for status in run.state_history or []]
    before = past[:-1] if past and past[-1] is state else past
    ended_so = state is State.FAILED and before[-1:] == [State.CANCELING]
    return ended_so or state in (State.CANCELING, State.CANCELED)


def _cancelled_at(run: Any) -> datetime | None:
    """Return when the cancellation was first seen by the server, None where it did not note it."""
    times = [s.update_time for s in run.state_history or [] if s.state == State.CANCELING]
    return next((time for time in reversed(times) if time is not None), None)


def _was_stopped(detail: Any, since: datetime | None) -> bool:
    end = detail.end_time
    is_timed = since is not None and end is not None and end.year > EPOCH_YEAR
    return not is_timed or bool(end >= since)


def snapshot(run: Any, names: Names, now: datetime, was_canceling: bool = False) -> Snapshot:
    """Read the server's answer about a run.

    Args:
        run: kfp's V2beta1Run.
        names: the pipeline's tasks. The answer's list holds nodes of the workflow engine too;
            whatever is not named here is one of those.
        now: the time, for tasks that still run.
        was_canceling: whether somebody saw that the run was being cancelled.
    """
    details: Sequence[Any] = (run.run_details.task_details if run.run_details else None) or []
    if not names.is_complete:
        details = [detail for detail in details if not workflow_nodes.is_workflow(detail)]
    canceling = was_canceling or _is_canceling(run)
    since = _cancelled_at(run)
    tasks = []
    for detail in details:
        state = state_of(detail.state)
        node, cause = detail.display_name or "", _cause(detail)
        if state is State.FAILED and node.endswith(workflow_nodes.DRIVER):
            node, cause = node.removesuffix(workflow_nodes.DRIVER), cause or UNDRIVEN
        name = names.of(node, state is State.SKIPPED) or names.branches.get(node, "") * bool(cause)
        if name:
            task = Task(
                key=detail.task_id,
                name=name,
                node=node,
                state=state,
                seconds=_seconds(detail, state, now),
                cause=cause,
                certain=bool(_cause(detail)),
                cached=workflow_nodes.is_cached(detail, details),
                stopped=canceling and state is State.FAILED and _was_stopped(detail, since),
            )
            tasks.append(task)
    return Snapshot(
        state=state_of(run.state),
        tasks=tuple(tasks),
        cause=_cause(run),
        canceling=canceling,
        waiting=()
        if state_of(run.state) in FINISHED
        else workflow_nodes.waiting(run, details, names),
    )


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
