"""Shows a run while it goes on: a line a task that has ended, and one of those that run.

That last line, on a terminal alone, is rewritten in place; it tells of the task that has run
longest, and names those beside it.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterable
from typing import TextIO

from kanaria.components.shared.command_line import Stopped, columns, wrapped
from kanaria.components.shared.times import stopwatch
from kanaria.pipelines.local.record import State, TaskRecord
from kanaria.pipelines.local.summary import short

NAME_WIDTH = 24


def line(task: TaskRecord) -> str:
    """Return the line of a task: name, state, how long it took or why it was skipped."""
    took = f"{stopwatch(task.seconds):>11}" if task.seconds else ""
    why = task.cause if task.state is State.SKIPPED else ""
    return f"  {short(task):{NAME_WIDTH}} {task.state.value:10}{took}{why}".rstrip()


def on(stream: TextIO) -> Callable[[TaskRecord], None]:
    """Return what shows a task's change on `stream`; it raises `Stopped` when nobody reads on.

    It may be called by several threads.
    """
    live = stream.isatty() and os.environ.get("TERM") != "dumb"
    running: dict[str, TaskRecord] = {}
    lock = threading.Lock()

    def show(task: TaskRecord) -> None:
        try:
            with lock:
                _write(stream, task, live, running)
                stream.flush()
        except BrokenPipeError as error:
            raise Stopped(signal.SIGPIPE) from error

    return show


def running_line(running: Iterable[TaskRecord]) -> str:
    """Return the line of the tasks that run, given in the order in which they started."""
    first, *others = running
    beside = f"  beside {', '.join(short(each) for each in others)}" if others else ""
    return line(first) + beside


def _write(stream: TextIO, task: TaskRecord, live: bool, running: dict[str, TaskRecord]) -> None:
    if task.state is State.RUNNING:
        running[task.name] = task
    else:
        running.pop(task.name, None)
        start = "\r\x1b[K" if live else ""
        stream.write(f"{start}{wrapped(line(task), stream)}\n")
    if live and running:  # A line that the terminal wraps could not be rewritten.
        stream.write(f"\r\x1b[K{running_line(running.values())[: columns(stream) - 1]}")
