"""Starts the programs of the control plane, waits until they answer, and tells when one ended."""

import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from control_plane.errors import ControlPlaneError
from control_plane.layout import BINARIES, LOGS

POLL_SECONDS = 0.1
_LAST_LINES = 15

_started: dict[str, subprocess.Popen[bytes]] = {}


def start(
    name: str,
    arguments: Sequence[str | Path] = (),
    *,
    program: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Start a program that runs until the sandbox ends; its output goes to a log file.

    Args:
        name: of the process and its log.
        arguments: of the program.
        program: where it is not the built program of that name.
        environment: variables to add.
    """
    with (LOGS / f"{name}.log").open("ab") as log:
        _started[name] = subprocess.Popen(
            [program or BINARIES / name, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **(environment or {})},
        )


def stop(name: str) -> None:
    """End a process that is not needed until the sandbox ends."""
    process = _started.pop(name)
    process.terminate()
    process.wait()


def ended() -> list[str]:
    """Return the processes that no longer run, though nobody stopped them."""
    return [name for name, process in _started.items() if process.poll() is not None]


def last_lines(name: str) -> str:
    """Return the end of a process's log."""
    lines = (LOGS / f"{name}.log").read_text(errors="replace").splitlines()
    return "\n".join(lines[-_LAST_LINES:])


def wait(name: str, holds: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until `holds`, which may fail meanwhile with an `OSError` or a `ControlPlaneError`.

    Raises:
        ControlPlaneError: the time is over, or a process ended; with the end of the log of the
            process called `name`, if there is one.
    """
    deadline = time.monotonic() + seconds
    why = "no answer"
    while time.monotonic() < deadline:
        if failed := ended():
            raise ControlPlaneError(f"{failed[0]}: it ended:\n{last_lines(failed[0])}")
        try:
            if holds():
                return
        except (OSError, ControlPlaneError) as error:
            why = str(error)
        time.sleep(POLL_SECONDS)
    log = f"\n{last_lines(name)}" if name in _started else ""
    raise ControlPlaneError(f"{name}: not ready after {seconds} s: {why}{log}")


def answers(url: str) -> bool:
    """Tell whether an HTTP server answers at `url` with anything but a fault of its own."""
    # Who answers is certain, since nobody else is inside the sandbox.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(url, timeout=3):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
