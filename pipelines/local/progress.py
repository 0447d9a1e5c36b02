"""Shows a run while it goes on: one line a task, rewritten in place on a terminal."""

import os
import signal
from collections.abc import Callable
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
    """Return what shows a task's change on `stream`; it raises `Stopped` when nobody reads on."""
    live = stream.isatty() and os.environ.get("TERM") != "dumb"

    def show(task: TaskRecord) -> None:
        try:
            _write(stream, task, live)
            stream.flush()
        except BrokenPipeError as error:
            raise Stopped(signal.SIGPIPE) from error

    return show


def _write(stream: TextIO, task: TaskRecord, live: bool) -> None:
    if task.state is not State.RUNNING:
        start = "\r\x1b[K" if live else ""
        stream.write(f"{start}{wrapped(line(task), stream)}\n")
    elif live:  # A line that the terminal wraps could not be rewritten.
        stream.write(f"\r\x1b[K{line(task)[: columns(stream) - 1]}")
