"""The manners that every command and every server shares.

Wrong usage is one line and code 2, an error is one line and code 1. A command that is told to
stop ends cleanly, says so in one line, and exits with 128 and the signal's number, as shells do:
130 after Ctrl-C, 143 after SIGTERM, 141 when nobody reads its output on, as after `| head`.
"""

import argparse
import difflib
import logging
import os
import shlex
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

from kanaria.components.shared import json_log
from kanaria.components.shared.errors import KanariaError, shown
from kanaria.components.shared.signal_delivery import delivered

WRONG_USAGE = 2
USUAL_COLUMNS = 80
STOPS = (signal.SIGINT, signal.SIGTERM)
MOST_PORTS = 65535


class Stopped(KeyboardInterrupt):
    """A signal told this process to stop.

    Attributes:
        code: exit code that says so.
        name: what a person calls the signal.
        remark: what whoever lets it pass adds to the line that tells of it.
    """

    def __init__(self, number: int) -> None:
        """Name the signal."""
        super().__init__()
        self.number = number
        self.code = 128 + number
        self.remark = ""
        self.name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name


def _stop(number: int) -> NoReturn:
    raise Stopped(number)


def code_of(command: Callable[[], int]) -> int:
    """Call a command and return its exit code; what ends it early is told on stderr in one line.

    Args:
        command: returns the exit code. It may raise a `KanariaError`, an `OSError` that names a
            file, and `Stopped`, which SIGINT and SIGTERM raise wherever it stands.
    """
    with delivered(STOPS, _stop):
        try:
            code = command()
            sys.stdout.flush()
            return code
        except KanariaError as error:
            _tell_error(str(error))
        except Stopped as stop:
            return _stopped(stop)
        except BrokenPipeError:
            return _stopped(Stopped(signal.SIGPIPE))
        except OSError as error:
            if error.filename is None:  # Nothing that a user named.
                raise
            _tell_error(f"{error.filename}: {error.strerror}")
    return 1


def _tell_error(text: str) -> None:
    """Write the line that ends a command, in the form of a server's log where it has one."""
    if json_log.is_json():
        logging.getLogger("kanaria").error("%s", text)
    else:
        tell(f"error: {text}")


def _stopped(stop: Stopped) -> int:
    if stop.number == signal.SIGPIPE:
        # Python flushes at its end, which would fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    elif json_log.is_json():
        logging.getLogger("kanaria").info("stopped by %s%s", stop.name, stop.remark)
    else:
        start = "\n" if sys.stderr.isatty() else ""  # Behind ^C, or a line that is under way.
        sys.stderr.write(f"{start}stopped by {stop.name}{stop.remark}\n")
    return stop.code


def columns(stream: TextIO) -> int:
    """Return the width of the terminal that the stream is."""
    try:
        # A terminal that does not tell its width, as one in a container, tells 0.
        return os.get_terminal_size(stream.fileno()).columns or USUAL_COLUMNS
    except OSError:
        return USUAL_COLUMNS


def wrapped(text: str, stream: TextIO) -> str:
    """Return a line as the stream shows it: whole, but wrapped between words on a terminal."""
    if not stream.isatty():
        return text
    return textwrap.fill(
        text,
        columns(stream),
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def say(text: str) -> None:
    """Write a line to stdout at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def tell(text: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(f"{wrapped(text, sys.stderr)}\n")


def typed(path: Path) -> str:
    """Return a path as it is typed in the current folder's shell."""
    path, here = path.absolute(), Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def program() -> str:
    """Return what calls `kanaria` in the current folder's shell."""
    own, on_path = Path(sys.executable).with_name("kanaria"), shutil.which("kanaria")
    return "kanaria" if on_path and Path(on_path).absolute() == own.absolute() else typed(own)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, with what was probably meant."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what argparse takes; options are written out."""
        super().__init__(*args, **{"allow_abbrev": False, **kwargs})

    def error(self, message: str) -> NoReturn:
        """Exit with what is wrong and where to read on."""
        message = message.replace("the following arguments are required:", "missing:")
        self.exit(WRONG_USAGE, f"error: {message}; see `{self.prog} --help`\n")

    def parse_known_args(  # type: ignore[override]  # Argparse has overloads for the namespace.
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse; what is not known is an error of the command it was given to."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            option = unknown[0].split("=", 1)[0]
            hint = meant(option, [name for one in self._actions for name in one.option_strings])
            self.error(f"{shown(option)} is not known{hint}")
        return options, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            names = [str(choice) for choice in action.choices]
            hint = meant(str(value), names) or f", there are {', '.join(names)}"
            raise argparse.ArgumentError(None, f"{shown(value)} is not known{hint}")

    def show_help(self, _: argparse.Namespace) -> int:
        """Show the help of a command that was called without the verb it needs."""
        self.print_help(sys.stderr)
        return WRONG_USAGE


def meant(written: str, names: Collection[str]) -> str:
    """Return ", did you mean NAME?" for the nearest of the names, "" when none is near."""
    near = difflib.get_close_matches(written, names, n=1)
    return f", did you mean {near[0]}?" if near else ""


def port(text: str) -> int:
    """Read a port from the command line; 0 takes a free one."""
    if not text.isdecimal() or int(text) > MOST_PORTS:
        raise argparse.ArgumentTypeError(f"{shown(text)}: use 0 to {MOST_PORTS}")
    return int(text)


def amount(text: str) -> float:
    """Read a number above 0 from the command line."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{shown(text)}: use a number above 0")
    return number
