"""Shows a run on the server while it goes on: a line for each task that begins or ends."""

from collections.abc import Callable
from typing import TextIO

from kanaria.components.shared.command_line import columns
from kanaria.components.shared.times import duration, stopwatch
from kanaria.pipelines.submit.watch import FINISHED, Snapshot, State, Task

NAME_WIDTH = 24


def line(task: Task) -> str:
    """Return the line of a task: name, state, seconds."""
    took = f"{stopwatch(task.seconds):>11}" if task.seconds and task.state in FINISHED else ""
    return f"  {task.name:{NAME_WIDTH}} {task.state.value.lower():10}{took}".rstrip()


def on(stream: TextIO) -> Callable[[Snapshot], None]:
    """Return what shows a run's change on `stream`; a terminal also shows the seconds passing."""
    live = stream.isatty()
    shown: dict[str, State] = {}

    def show(now: Snapshot) -> None:
        if live:
            stream.write("\r\x1b[K")
        for task in now.tasks:
            if task.state is not shown.get(task.key, State.PENDING):
                shown[task.key] = task.state
                stream.write(f"{line(task)}\n")
        if live and now.state not in FINISHED:
            running = [t for t in now.tasks if t.state is State.RUNNING]
            status = ", ".join(f"{task.name} {duration(task.seconds)}" for task in running)
            whole = f"  {now.state.value.lower()}: {status}".rstrip(": ")
            stream.write(whole[: columns(stream) - 1])
        stream.flush()

    return show
