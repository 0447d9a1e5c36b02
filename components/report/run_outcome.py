"""What happened in a run, and what to call it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How a run ended; `UNFINISHED` where nothing says that it failed, nor that it went through.

    KFP tells neither an exit handler that a run was terminated, nor that a pod was killed.
    """

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNFINISHED = "unfinished"


class State(StrEnum):
    """What became of a step, as far as its files say."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ENDED = "ran, left no artifacts"
    ABSENT = "reused, skipped or not begun"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step.

    Attributes:
        name: of its task.
        state: see State, or how the runner of this machine calls it.
        seconds: how long it took, 0 where that is not known.
        cause: what was raised, in a loop by some of its executions; or the last that a step
            without artifacts wrote; or "".
        passed: its verdict where it judges, None where it does not.
        verdict: the verdict in one line, or "".
        report_uris: URIs of the reports that a step kept which failed; KFP's UI does not show them.
    """

    name: str
    state: str
    seconds: float = 0.0
    cause: str = ""
    passed: bool | None = None
    verdict: str = ""
    report_uris: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Why a run did not go through, and the step that said so, "" for KFP itself."""

    step: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """What the steps of a run left.

    Attributes:
        steps: in the pipeline's order.
        endpoint: what push_model says of the revision, empty where it left nothing.
        pages: task and output -> URI of a page or another single file that it left.
        arguments: of the pipeline, where the record of the run tells them.
        notes: what could not be read, and why.
    """

    steps: tuple[Step, ...] = ()
    endpoint: Mapping[str, Any] = field(default_factory=dict)
    pages: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """What KFP tells an exit handler of the tasks around which it stands."""

    state: str = ""
    code: int = 0
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """One run.

    Attributes:
        pipeline: name of the pipeline.
        run_id: KFP's id of the run.
        run_name: its name in the UI, or "".
        outcome: how it ended.
        causes: why, the likeliest first; empty when it succeeded.
        ended: when this was asked.
        left: what the steps left.
        started: when the run was created, None where that is not known.
    """

    pipeline: str
    run_id: str
    run_name: str
    outcome: Outcome
    causes: tuple[Cause, ...]
    ended: datetime
    left: Left
    started: datetime | None = None

    @property
    def seconds(self) -> float:
        """How long the run took, 0 where that is not known."""
        return max((self.ended - self.started).total_seconds(), 0.0) if self.started else 0.0


SAID = {
    "SUCCEEDED": Outcome.SUCCEEDED,
    "COMPLETE": Outcome.SUCCEEDED,
    "CACHED": Outcome.SUCCEEDED,
    "FAILED": Outcome.FAILED,
    "CANCELLED": Outcome.CANCELLED,
    "CANCELED": Outcome.CANCELLED,
}
"""State in a final status -> outcome. The back end sends the names of ML Metadata (COMPLETE), the
SDK those of its documentation. RUNNING, which it sends too, says nothing: it stays where the last
task was reused or skipped, and where a pod was killed."""


def outcome(status: Status, left: Left, last: str) -> Outcome:
    """Return how a run ended.

    Args:
        status: what KFP says.
        left: what the steps left.
        last: the step that always runs, and without whose artifacts no run is through; or "".
    """
    if status.state in SAID:
        return SAID[status.state]
    states = {step.name: step.state for step in left.steps}
    if State.FAILED in states.values():
        return Outcome.FAILED
    return Outcome.SUCCEEDED if states.get(last) == State.SUCCEEDED else Outcome.UNFINISHED


def causes(run_outcome: Outcome, status: Status, left: Left, last: str) -> tuple[Cause, ...]:
    """Return why a run did not go through, each reason once.

    Args:
        run_outcome: what `outcome` gives.
        status: what KFP says.
        left: what the steps left.
        last: as `outcome` takes it.
    """
    if run_outcome is Outcome.SUCCEEDED:
        return ()
    failed = [Cause(step=s.name, text=s.cause) for s in left.steps if s.state == State.FAILED]
    raised = [s for s in left.steps if s.state == State.SUCCEEDED and s.cause]  # In a loop.
    failed = failed or [Cause(step=s.name, text=s.cause) for s in raised]
    failures = " ".join(cause.text for cause in failed)
    judged = [
        Cause(step=step.name, text=step.verdict)
        for step in left.steps
        if step.passed is False and step.verdict not in failures
    ]
    return tuple(failed + judged) or _guessed(run_outcome, status, left, last)


def _guessed(run_outcome: Outcome, status: Status, left: Left, last: str) -> tuple[Cause, ...]:
    """Return what is known where no step said why."""
    if status.message:
        return (Cause(step="", text=status.message),)
    if run_outcome is Outcome.CANCELLED:
        return (Cause(step="", text="the run was stopped"),)
    begun = [step for step in left.steps if step.state != State.ABSENT]
    if begun and begun[-1].state == State.ENDED:
        text = f"it ended without artifacts and without an error; it last wrote: {begun[-1].cause}"
        return (Cause(step=begun[-1].name, text=text),)
    if last and left.steps:
        text = "it left nothing: the run was terminated, or a pod was killed or could not start"
        return (Cause(step=last, text=text),)
    return (Cause(step="", text="no step left a reason that can be read"),)


def first_cause(run: Happened) -> str:
    """Return the likeliest cause as one line, "" for a run that succeeded."""
    if not run.causes:
        return ""
    first = run.causes[0]
    return f"{first.step}: {first.text}" if first.step else first.text


def ordered(steps: Mapping[str, Step], order: Sequence[str]) -> tuple[Step, ...]:
    """Return the steps in the pipeline's order; one without files is ABSENT, unknown ones last."""
    steps_of_pipeline = [steps.get(name, Step(name=name, state=State.ABSENT)) for name in order]
    return (*steps_of_pipeline, *(steps[name] for name in sorted(steps.keys() - set(order))))
