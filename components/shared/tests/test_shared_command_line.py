import os
import pty
import signal
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from kanaria.components.shared.command_line import (
    Stopped,
    code_of,
    columns,
    program,
    typed,
    wrapped,
)
from kanaria.components.shared.errors import DataError


def stopped_by(number: int) -> Callable[[], int]:
    """Return a command that is told to stop by a signal while it works."""

    def command() -> int:
        signal.raise_signal(number)
        raise AssertionError("it went on")

    return command


@pytest.mark.parametrize(
    ("number", "line"),
    [(signal.SIGINT, "stopped by Ctrl-C\n"), (signal.SIGTERM, "stopped by SIGTERM\n")],
)
def test_a_signal_is_one_line_and_its_code(
    number: int, line: str, capsys: pytest.CaptureFixture[str]
):
    before = signal.getsignal(number)
    assert code_of(stopped_by(number)) == 128 + number
    assert capsys.readouterr().err == line
    assert signal.getsignal(number) is before


def test_who_cleans_up_may_add_what_follows(capsys: pytest.CaptureFixture[str]):
    def command() -> int:
        try:
            return stopped_by(signal.SIGTERM)()
        except Stopped as stop:
            stop.remark = "; call again"
            raise

    assert code_of(command) == 143
    assert capsys.readouterr().err == "stopped by SIGTERM; call again\n"


def failing(error: Exception) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]):
    assert code_of(failing(DataError("a.csv: no rows; add some"))) == 1
    assert capsys.readouterr().err == "error: a.csv: no rows; add some\n"


def test_a_file_that_the_system_refuses_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert code_of(lambda: len(tmp_path.read_text())) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}: Is a directory\n"


def test_a_fault_of_the_code_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        code_of(failing(ZeroDivisionError()))
    with pytest.raises(OSError, match="no file is named"):
        code_of(failing(OSError("no file is named")))


def test_a_path_is_told_as_it_is_typed_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert typed(tmp_path / "runs/a") == "runs/a"
    assert typed(Path("my runs")) == "'my runs'"
    assert typed(Path("/elsewhere")) == "/elsewhere"


def test_the_program_is_called_by_its_name_only_where_the_shell_finds_it(
    monkeypatch: pytest.MonkeyPatch,
):
    folder = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin")
    assert program() == "kanaria"
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.chdir(folder.parent)
    assert program() == "bin/kanaria"


def test_a_long_line_is_wrapped_between_words_on_a_terminal_alone(tmp_path: Path):
    line = "error: data: no such file: /a/very-long/path-that-is-copied/as-it-stands.csv; mend it"
    reading, writing = pty.openpty()
    termios.tcsetwinsize(writing, (24, 40))
    with os.fdopen(writing, "w") as terminal, (tmp_path / "file").open("w") as file:
        assert (columns(terminal), columns(file)) == (40, 80)
        assert wrapped(line, file) == line
        lines = wrapped(line, terminal).splitlines()
    os.close(reading)
    assert lines == [
        "error: data: no such file:",
        "  /a/very-long/path-that-is-copied/as-it-stands.csv;",
        "  mend it",
    ]
