import io
import os
import pty
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest

from kanaria.components.shared.command_line import Stopped
from kanaria.pipelines.local import progress
from kanaria.pipelines.local.record import State, TaskRecord


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO) -> str:
    task = TaskRecord(name="bake")
    show = progress.on(stream)
    for state, seconds in ((State.RUNNING, 0.0), (State.RUNNING, 1.2), (State.SUCCEEDED, 200.0)):
        task.state, task.seconds = state, seconds
        show(task)
    return stream.getvalue()


def test_a_file_gets_one_line_a_task():
    assert shown(io.StringIO()).split() == ["bake", "succeeded", "3", "min", "20", "s"]


def test_a_terminal_shows_the_seconds_while_a_task_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    lines = shown(Terminal()).split("\r\x1b[K")
    assert [line.split() for line in lines[1:]] == [
        ["bake", "running"],
        ["bake", "running", "1.2", "s"],
        ["bake", "succeeded", "3", "min", "20", "s"],
    ]


def test_a_terminal_that_cannot_go_back_gets_whole_lines(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in shown(Terminal())


@contextmanager
def narrow_terminal(columns: int) -> Iterator[tuple[int, TextIO]]:
    """Yield the reading side and the stream of a real terminal."""
    reading, writing = pty.openpty()
    termios.tcsetwinsize(writing, (24, columns))
    with os.fdopen(writing, "w") as stream:
        yield reading, stream
    os.close(reading)


def test_a_narrow_terminal_never_wraps_the_line_that_is_rewritten(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("TERM", "xterm")
    with narrow_terminal(30) as (reading, stream):
        progress.on(stream)(TaskRecord(name="transform-data", state=State.RUNNING, seconds=12.0))
        written = os.read(reading, 1000).decode()
    assert written == f"\r\x1b[K{'  transform-data':26} ru"


def test_a_skipped_task_says_why_between_words(monkeypatch: pytest.MonkeyPatch):
    why = "evaluate_model did not pass: auc = 0.5 is below the lower bound 0.6"
    task = TaskRecord(name="blessed/push-model", state=State.SKIPPED, cause=why)
    stream = io.StringIO()
    progress.on(stream)(task)
    assert stream.getvalue().split() == ["push-model", "skipped", *why.split()]
    monkeypatch.setenv("TERM", "xterm")
    with narrow_terminal(60) as (reading, stream):
        progress.on(stream)(task)
        lines = os.read(reading, 1000).decode().removeprefix("\r\x1b[K").splitlines()
    assert len(lines) == 2
    assert all(len(line) <= 60 for line in lines)
    assert " ".join(lines).split() == ["push-model", "skipped", *why.split()]


def test_a_run_whose_output_nobody_reads_is_told_to_stop():
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    with pytest.raises(Stopped) as caught:
        progress.on(stream)(TaskRecord(name="bake", state=State.SUCCEEDED))
    assert caught.value.code == 141
    with pytest.raises(BrokenPipeError):  # It holds what could not be written.
        stream.close()
