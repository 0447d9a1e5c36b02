"""What the terminal says of a run on a server. Pure."""

from collections.abc import Iterator

from kanaria.components.shared.times import stopwatch
from kanaria.pipelines.submit.listing import Listed
from kanaria.pipelines.submit.progress import line
from kanaria.pipelines.submit.runs import Finished, Run
from kanaria.pipelines.submit.watch import Outcome, Snapshot

LONGEST_NAME = 48


def listed(run: Listed) -> str:
    """Return the line of a run in a list."""
    created = f"{run.created:%Y-%m-%d %H:%M:%S} UTC" if run.created else ""
    took = stopwatch(run.seconds) if run.seconds else ""
    return f"{run.run_name:{LONGEST_NAME}} {run.said:11} {created}  {took:13} {run.run_id}".rstrip()


def failures(finished: Finished, link: str) -> Iterator[str]:
    """Yield what failed, with its cause and where its log is."""
    for task in finished.failed:
        yield f"error: {task.name}: {task.cause}"
        if task.log:
            yield f"log: {task.log}"
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
    yield from (line(task) for task in now.tasks)
    yield from ending(finished) if finished else [now.state.value.lower()]
    yield f"run: {run.link}"
