"""What the terminal says of a run on a server. Pure."""

from collections.abc import Iterable, Iterator

from kanaria.components.shared.times import stopwatch
from kanaria.pipelines.submit.progress import line
from kanaria.pipelines.submit.run_listing import Listed
from kanaria.pipelines.submit.run_snapshot import Outcome, Snapshot, State, Task
from kanaria.pipelines.submit.server_runs import Finished, Run

LONGEST_NAME = 48


def listed(run: Listed) -> str:
    """Return the line of a run in a list."""
    created = f"{run.created:%Y-%m-%d %H:%M:%S} UTC" if run.created else ""
    took = stopwatch(run.seconds) if run.seconds else ""
    return f"{run.run_name:{LONGEST_NAME}} {run.said:11} {created}  {took:13} {run.run_id}".rstrip()


def of_tasks(failed: Iterable[Task]) -> Iterator[str]:
    """Yield the tasks that failed, with their causes and where their logs are; each line once."""
    lines = [(f"error: {task.name}: {task.cause}", f"log: {task.log}") for task in failed]
    yield from (line for pair in dict.fromkeys(lines) for line in pair if line != "log: ")


def failures(finished: Finished, link: str) -> Iterator[str]:
    """Yield what failed, with its cause and where its log is."""
    yield from of_tasks(finished.failed)
    if finished.cause:
        yield f"error: {finished.cause}"
    if finished.outcome is Outcome.FAILED and not (finished.failed or finished.cause):
        yield f"error: the run failed, and no step did; see {link}"


def ending(finished: Finished) -> Iterator[str]:
    """Yield how a run ended, one fact a line."""
    yield f"{finished.outcome.said} after {stopwatch(finished.seconds)}"
    if finished.never_ran:
        yield f"not run: {', '.join(finished.never_ran)}"
    yield from finished.verdicts


def shown(run: Run, now: Snapshot, finished: Finished | None) -> Iterator[str]:
    """Yield a run's tasks, how it stands and its link."""
    yield f"{run.run_name} ({run.run_id})"
    if run.trigger:
        yield f"started by {run.trigger}"
    waits = State.PENDING  # What still says so in the end is told as not run.
    yield from (line(task) for task in now.tasks if not finished or task.state is not waits)
    yield from ending(finished) if finished else [now.state.value.lower()]
    yield f"run: {run.link}"
