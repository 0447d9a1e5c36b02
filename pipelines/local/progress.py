"""Shows a run while it goes on: one line a task, rewritten in place on a terminal."""

from collections.abc import Callable
from typing import TextIO

from kanaria.pipelines.local.record import State, TaskRecord

NAME_WIDTH = 24


def line(task: TaskRecord) -> str:
    """Return the line of a task: name, state, seconds."""
    seconds = f"{task.seconds:7.1f} s" if task.seconds else ""
    return f"  {task.name:{NAME_WIDTH}} {task.state.value:10}{seconds}".rstrip()


def on(stream: TextIO) -> Callable[[TaskRecord], None]:
    """Return what shows a task's change on `stream`."""
    live = stream.isatty()

    def show(task: TaskRecord) -> None:
        if live:
            stream.write(f"\r\x1b[K{line(task)}")
        elif task.state is not State.RUNNING:
            stream.write(line(task))
        if task.state is not State.RUNNING:
            stream.write("\n")
        stream.flush()

    return show
