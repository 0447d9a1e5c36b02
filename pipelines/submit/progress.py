"""Shows a run on the server while it goes on: a line for each task that begins or ends."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

from kanaria.components.shared.command_line import columns, wrapped
from kanaria.components.shared.times import duration, stopwatch
from kanaria.pipelines.submit.run_snapshot import FINISHED, Snapshot, State, Task
from kanaria.pipelines.submit.wait_reasons import Teller

NAME_WIDTH = 24


def line(task: Task) -> str:
    """Return the line of a task: name, state, seconds."""
    ended = task.seconds and task.state in FINISHED and not task.cached
    took = f"{stopwatch(task.seconds):>11}" if ended else ""
    return f"  {task.name:{NAME_WIDTH}} {task.said:10}{took}".rstrip()


def _status(now: Snapshot) -> str:
    running = [task for task in now.tasks if task.state is State.RUNNING]
    status = ", ".join(f"{task.name} {duration(task.seconds)}" for task in running)
    return f"  {now.state.value.lower()}: {status}".rstrip(": ")


def on(stream: TextIO, tell: Teller | None = None) -> Callable[[Snapshot], None]:
    """Return what shows a run's change on `stream`; a terminal also shows the seconds passing.

    Args:
        stream: where to.
        tell: says why tasks wait, when it is time to; None for not at all.
    """
    live = stream.isatty()
    shown: dict[str, State] = {}

    def show(now: Snapshot) -> None:
        reasons = tell(now.waiting, datetime.now(UTC)) if tell else []
        if live:
            stream.write("\r\x1b[K")
        for task in now.tasks:
            if task.state is not shown.get(task.key, State.PENDING):
                shown[task.key] = task.state
                stream.write(f"{line(task)}\n")
        for why in reasons:
            stream.write(f"  {wrapped(why, stream)}\n")
        if live and now.state not in FINISHED:
            stream.write(_status(now)[: columns(stream) - 1])
        stream.flush()

    return show
