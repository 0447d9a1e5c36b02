"""Warm processes that are kept for later runs: found by what they imported, by their user alone.

The name of its socket (`socket_folder`) is a hash of what it has (`process_identity`), so a run
finds only a process that is as one which it would start. One that has imported all and does not
answer within `socket_folder.ANSWER_SECONDS` is not used: it is ended, unless it runs a step for
another run.
"""

import json
import os
import select
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from kanaria.components.shared.command_line import tell
from kanaria.components.shared.errors import KanariaError, ParameterError
from kanaria.components.shared.storage import owner_only_files
from kanaria.pipelines.local.warm_process import (
    hang_detector,
    messages,
    process_identity,
    socket_folder,
)
from kanaria.pipelines.local.warm_process.client import LaterUse, Warm


class SilentError(KanariaError):
    """A kept process does not answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A warm process that is kept.

    Attributes:
        pid: its id.
        runs: how many runs use it now.
        seconds: for how long it is kept after the last of them.
        state: whether it answers, imports and cannot answer, or is silent for another reason.
    """

    pid: int
    runs: int = 0
    seconds: int = 0
    state: str = "answers"


@dataclass(frozen=True, slots=True)
class _Met:
    """A kept process, and a lease of it."""

    lease: socket.socket
    waiting: Waiting


def _met(path: Path) -> _Met | None:
    """Connect to the process that listens at `path`, and let it answer; None where there is none.

    Raises:
        SilentError: it does not answer, and does not import either.
    """
    try:
        lease = socket_folder.connected(path)
    except (BlockingIOError, TimeoutError) as error:
        raise SilentError(f"it takes nobody any more: {error}") from error
    if not lease:
        return None
    try:
        waiting = _own_account(lease, path)
    except BaseException:
        lease.close()
        raise
    if not waiting:
        lease.close()
        socket_folder.remove(path)  # It has just ended, or its files are not there any more.
        return None
    return _Met(lease, waiting)


def _own_account(lease: socket.socket, path: Path) -> Waiting | None:
    """Return what a process says of itself, None where it ends instead."""
    process = socket_folder.pid(path)
    before, deadline = hang_detector.work(process), time.monotonic() + socket_folder.ANSWER_SECONDS
    try:
        lease.sendall(messages.WORD.pack(messages.TELL, 0))
        while not select.select([lease], [], [], 0.1)[0]:
            if not socket_folder.is_ready(path) and hang_detector.work(process) != before:
                return Waiting(pid=process, runs=1, state="imports")
            if time.monotonic() > deadline:
                raise SilentError(f"it did not answer within {socket_folder.ANSWER_SECONDS:.0f} s")
        said = lease.recv(messages.LINE)
    except (BrokenPipeError, ConnectionResetError):
        return None
    return Waiting(**json.loads(said)) if said else None


def _end_silent(path: Path, error: SilentError) -> str:
    """End a process that does not answer, unless it runs a step; return a sentence on it.

    A step goes on while the process that it was forked from is stopped.
    """
    process = socket_folder.pid(path)
    about = f"the warm process {process} of an earlier run is not used: {error}"
    if not process or hang_detector.children(process):
        return f"{about}; it runs a step and was left, `kill -9 {process}` ends both"
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    socket_folder.remove(path)
    return f"{about}; it was ended"


def reused_or_started(
    python: Path, variables: Mapping[str, str], log: Path, seconds: int
) -> Warm | None:
    """Return a use of a kept process; with `seconds` above 0 one is started where there is none.

    Args:
        python: the interpreter of the steps.
        variables: the environment of the steps.
        log: file for what a process that is started here writes.
        seconds: for how long it is kept after its last run; 0 leaves a process that is there as
            it is.
    """
    folder = socket_folder.folder()
    if not seconds and not socket_folder.sockets():
        return None
    folder.mkdir(mode=owner_only_files.FOLDER, exist_ok=True)
    if not socket_folder.is_own(folder):
        raise ParameterError(
            f"{folder}: warm processes are kept in this folder, which is another user's, or open "
            "to others; remove it, or name another place in XDG_RUNTIME_DIR"
        )
    path = folder / f"{process_identity.key(python, variables)[:32]}{socket_folder.ENDING}"
    with socket_folder.alone(folder):
        try:
            met = _met(path)
        except SilentError as error:
            said = _end_silent(path, error)
            tell(f"note: {said}")
            owner_only_files.write_text(log, f"{said}\n")
            met = None
        if met:
            return _used(met, log, seconds)
        if not seconds or path.exists():  # A silent one that was left keeps its name.
            return None
        return _started(path, variables, log, seconds)


def _used(met: _Met, log: Path, seconds: int) -> Warm:
    if seconds:
        met.lease.sendall(messages.WORD.pack(messages.KEEP, seconds))
    owner_only_files.write_text(log, "this run uses the warm process of an earlier one\n")
    return Warm(met.lease, log, met.waiting.pid)


def _started(path: Path, variables: Mapping[str, str], log: Path, seconds: int) -> Warm:
    _stop_at(
        socket_folder.sockets()
    )  # Memory for one is enough, and what is older serves other code.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        later_use = LaterUse(listener=listener, seconds=seconds)
        warm = Warm.started(process_identity.lasting(variables), log, later_use)
    owner_only_files.write_text(path.with_suffix(socket_folder.PID), str(warm.pid))
    return warm


def waiting() -> list[Waiting]:
    """Return the warm processes of this user that are kept."""
    processes = []
    for path in socket_folder.sockets():
        with socket_folder.alone(path.parent):
            try:
                met = _met(path)
            except SilentError:
                processes.append(Waiting(pid=socket_folder.pid(path), state="is silent"))
                continue
        if met:
            with closing(met.lease):
                processes.append(met.waiting)
    return processes


def stop() -> int:
    """Let every kept process end, now or with the run that uses it; return how many end."""
    paths = socket_folder.sockets()
    if not paths:
        return 0
    with socket_folder.alone(paths[0].parent):
        return _stop_at(paths)


def _stop_at(paths: list[Path]) -> int:
    """Do so with the processes that listen at these sockets; nobody else changes the folder."""
    count = 0
    for path in paths:
        try:
            met = _met(path)
        except SilentError as error:
            tell(f"note: {_end_silent(path, error)}")
            count += not path.exists()
            continue
        if met:
            # It ended just now, or hears this when it has imported all.
            with closing(met.lease), suppress(BrokenPipeError, ConnectionResetError):
                met.lease.sendall(messages.WORD.pack(messages.KEEP, 0))
            socket_folder.remove(path)
            count += 1
    return count
