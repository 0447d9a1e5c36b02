"""The last lines of a run on the terminal. Pure."""

from collections.abc import Iterator
from datetime import datetime

from kanaria.components.shared.times import stopwatch
from kanaria.pipelines.local.record import RunRecord, State, TaskRecord
from kanaria.pipelines.local.run_page.markdown_page import to_open

OUTCOME = "outcome"


def short(task: TaskRecord) -> str:
    """Return the task's name without the conditions around it."""
    return task.name.rpartition("/")[2]


def clock(moment: str) -> str:
    """Return an ISO 8601 time in UTC as a person reads it."""
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M:%S} UTC"


def failures(record: RunRecord) -> Iterator[str]:
    """Yield what failed, with its cause and where its log is."""
    for task in record.tasks:
        if task.state is State.FAILED:
            yield f"error: {short(task)}: {task.cause}"
            yield f"log: {task.log}"


def lines(record: RunRecord) -> Iterator[str]:
    """Yield the summary of a finished run, one fact a line."""
    reused = sum(task.state is State.REUSED for task in record.tasks)
    again = f", {reused} {'task' if reused == 1 else 'tasks'} reused" if reused else ""
    yield f"{record.state.value} in {stopwatch(record.seconds)}{again}"
    waiting = [short(task) for task in record.tasks if task.state is State.PENDING]
    if waiting:
        yield f"not run: {', '.join(waiting)}"
    for task in record.tasks:
        pages = (to_open(path) for path in task.artifacts.values())
        yield from (f"report: {page}" for page in pages if page)
    yield from _refusals(record)


def _refusals(record: RunRecord) -> Iterator[str]:
    """Yield what a judging step did not let pass, unless a task failed for it and said so."""
    causes = [task.cause for task in record.tasks if task.state is State.FAILED]
    for task in record.tasks:
        outcome = task.metadata.get(OUTCOME, {})
        summary = str(outcome.get("summary", ""))
        if outcome.get("passed") is False and not any(summary in cause for cause in causes):
            yield summary
