"""The record of a run: `run.json` in the run's folder, rewritten whenever a task changes."""

import fcntl
import json
import logging
import os
import re
import signal
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts.document_format import (
    DocumentFormat,
    NewerFormatError,
    unchanged,
)
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.storage import owner_only_files

FILE = "run.json"
LOCK = ".lock"
"""It is held as long as the run's runner lives, and has the number of that process in it."""
POLL_SECONDS = 0.05
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
FORMAT = DocumentFormat((unchanged, unchanged))
"""Format 2 says of a task what it waits for, when it began and of what types its outputs are; read
from an earlier one they are empty."""
logger = logging.getLogger(__name__)


class State(StrEnum):
    """State of a task or a run.

    A run is RUNNING, then SUCCEEDED, FAILED or INTERRUPTED (its runner was stopped). A task:

    PENDING -> RUNNING -> SUCCEEDED | FAILED
    PENDING -> REUSED      an earlier result with the same content
    PENDING -> SKIPPED     its condition did not hold
    PENDING                stays when an earlier task failed: not run
    """

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REUSED = "reused"
    SKIPPED = "skipped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(kw_only=True, slots=True)
class TaskRecord:
    """One task of a run.

    Attributes:
        name: as in the compiled pipeline.
        after: names of the tasks that must have ended before it.
        state: see State.
        began: seconds from the run's begin to its own; 0 when reused.
        seconds: wall time, imports included; 0 when reused.
        peak_mb: highest memory over all its processes, MiB; 0 when reused.
        cause: why it failed, or "".
        log: path of its log, or "".
        parameters: output parameters.
        artifacts: output artifact -> path.
        copies: output artifact -> URI of its copy below the pipeline root.
        metadata: output artifact -> its metadata.
        types: output artifact -> its type in KFP, as system.Metrics.
    """

    name: str
    after: list[str] = field(default_factory=list)
    state: State = State.PENDING
    began: float = 0.0
    seconds: float = 0.0
    peak_mb: int = 0
    cause: str = ""
    log: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class RunRecord:
    """One run.

    Attributes:
        run_id: name of its folder.
        pipeline: name of the pipeline.
        arguments: parameter -> value.
        started: when it began, UTC, ISO 8601.
        state: see State.
        tasks: in the order they run.
        seconds: wall time; 0 until it has ended.
    """

    run_id: str
    pipeline: str
    arguments: dict[str, Any]
    started: str
    state: State
    tasks: list[TaskRecord]
    seconds: float = 0.0


JSON_TYPES: Mapping[type[Any], Mapping[str, Any]] = {
    TaskRecord: dict.fromkeys(("name", "cause", "log"), str)
    | dict.fromkeys(("began", "seconds", "peak_mb"), (int, float))
    | dict.fromkeys(("parameters", "artifacts", "copies", "metadata", "types"), dict)
    | {"after": list},
    RunRecord: dict.fromkeys(("run_id", "pipeline", "started"), str)
    | {"arguments": dict, "seconds": (int, float)},
}
"""Record -> field -> what it is in JSON."""


def new(
    pipeline: str,
    arguments: Mapping[str, Any],
    tasks: Mapping[str, Collection[str]],
    run_name: str = "",
) -> RunRecord:
    """Return the record of a run that begins now.

    Args:
        pipeline: its name.
        arguments: parameter -> value.
        tasks: names in the order they run -> those that must have ended before.
        run_name: "" for one of its own.
    """
    now = datetime.now(UTC)
    return RunRecord(
        run_id=run_name or f"{pipeline}-{now:%Y%m%d-%H%M%S}-{os.urandom(2).hex()}",
        pipeline=pipeline,
        arguments=dict(arguments),
        started=now.isoformat(timespec="milliseconds"),
        state=State.RUNNING,
        tasks=[TaskRecord(name=name, after=sorted(after)) for name, after in tasks.items()],
    )


def write(record: RunRecord, folder: Path) -> None:
    """Write `run.json` into the run's folder, atomically."""
    owner_only_files.write_text(
        folder / FILE, json.dumps(FORMAT.numbered(asdict(record)), indent=1)
    )


def check_name(name: str) -> None:
    """Refuse a name that no run can have.

    Raises:
        ParameterError: it is no name.
    """
    if not RUN_NAME.fullmatch(name):
        raise ParameterError(
            f"run_name={shown(name)}: use up to 100 letters, digits, '.', '_' and '-'"
        )


def claim(folder: Path) -> None:
    """Make the folder of a run, which of several processes one alone can.

    Raises:
        ParameterError: it is there, so a run has this name.
    """
    owner_only_files.folder(folder.parent)
    try:
        folder.mkdir(owner_only_files.FOLDER)
    except FileExistsError as error:
        raise ParameterError(
            f"run_name={shown(folder.name)}: there is a run of this name in {folder.parent}; "
            "name another"
        ) from error
    folder.chmod(owner_only_files.FOLDER)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Show that the runner of the run in `folder` lives; the kernel lets go when it does not."""
    with owner_only_files.opened(folder / LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def stop(folder: Path) -> bool:
    """Tell the runner of the run in `folder` to end, and wait until it has.

    Returns:
        Whether it lived.
    """
    number = ""
    while _is_held(folder):
        # It writes its number just after it has taken the lock.
        if not number and (number := (folder / LOCK).read_text()):
            with suppress(ProcessLookupError):
                os.kill(int(number), signal.SIGTERM)
        time.sleep(POLL_SECONDS)
    return bool(number)


def _is_held(folder: Path) -> bool:
    try:
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _made(kind: type[Any], raw: Mapping[str, Any]) -> Any:
    """Return a record from its JSON; what another version wrote besides is left out.

    Raises:
        ValueError: a field is missing, or has another type than it is written with.
    """
    values = {each.name: raw[each.name] for each in fields(kind) if each.name in raw}
    for name, expected in JSON_TYPES[kind].items():
        if name in values and not isinstance(values[name], expected):
            raise ValueError(f"{name}={values[name]!r}")
    return kind(**{**values, "state": State(values["state"])})


def _parsed(text: str, where: str) -> RunRecord | None:
    """Return the record that a file holds, None if it is damaged or of a newer program."""
    try:
        raw = FORMAT.current(json.loads(text), where)
        tasks = [_made(TaskRecord, task) for task in raw["tasks"]]
        run: RunRecord = _made(RunRecord, {**raw, "tasks": tasks})
    except NewerFormatError as error:
        logger.warning("%s", error)
        return None
    except (DataError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return run


def read(folder: Path) -> RunRecord | None:
    """Read the record of the run in `folder`; one whose runner was killed is INTERRUPTED.

    A record that is missing or damaged, or that this version cannot read, is None.
    """
    alive = _is_held(folder)  # Asked first: a run that ends meanwhile has written its end.
    try:
        run = _parsed((folder / FILE).read_text(encoding="utf-8"), str(folder / FILE))
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    if run and run.state is State.RUNNING and not alive:
        run.state = State.INTERRUPTED
    return run


def all_runs(runs: Path) -> list[RunRecord]:
    """Return the records of all runs below `runs` that can be read, the oldest first."""
    read_all = [read(path.parent) for path in runs.glob(f"*/{FILE}")]
    records = [record for record in read_all if record is not None]
    return sorted(records, key=lambda record: (record.started, record.run_id))
