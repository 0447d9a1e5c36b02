"""Reads what the steps of a run left beside each other in the artifact store.

KFP 2.17 writes `<root>/<pipeline>/<run>/<task>/<id>/<artifact>`, and beside the artifacts
`executor-logs-<attempt>`. Artifacts are there only after success, but for those of a step that
fails on what it found and keeps them itself (see `shared.refusal`). A reused task has no folder in
this run, as its outputs are those of another; one with parameters alone leaves only its log.
"""

import glob
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kanaria.components.report.run_outcome import Left, State, Step, ordered
from kanaria.components.shared.artifacts import outcome, release
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.errors import DataError, KanariaError, shown
from kanaria.components.shared.log_cause import last_line, said
from kanaria.components.shared.storage import uri_files

LOG = re.compile(r"executor-logs(?:-(\d+))?")
TAIL_BYTES = 1 << 18
MOST_READ = 100
"""Files that are read of one run: a loop may have left thousands."""


@dataclass(slots=True)
class _Files:
    """The URIs of what one execution of a task left: its newest log, and its artifacts' files."""

    log: str = ""
    artifacts: dict[str, str] = field(default_factory=dict)

    def add(self, uri: str, parts: Sequence[str]) -> None:
        """Take a file; the log of a later attempt replaces that of an earlier one."""
        if len(parts) > 1 or not LOG.fullmatch(parts[0]):
            self.artifacts["/".join(parts)] = uri
        elif _number(self.log) <= _number(uri):
            self.log = uri

    @property
    def verdicts(self) -> list[str]:
        """The URI of the outcome, if there is one."""
        return self.named(outcome.FILE_NAME)

    @property
    def report_uris(self) -> list[str]:
        """The URIs of the artifacts that are one file, as reports are."""
        return [uri for path, uri in self.artifacts.items() if "/" not in path]

    def named(self, name: str) -> list[str]:
        """Return the URIs of the files with this name in an artifact's folder."""
        return [uri for path, uri in self.artifacts.items() if path.split("/")[1:] == [name]]


def _number(uri: str) -> int:
    match = LOG.fullmatch(uri.rpartition("/")[2])
    return int(match[1] or 0) if match else -1


class _Reader:
    """Reads small files as long as the bound allows, and notes what it could not read."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._left = MOST_READ

    def parsed(self, uri: str, parse: Any) -> Any:
        """Return what `parse` makes of the file's folder, None where it cannot be read."""
        if not self._may(uri):
            return None
        try:
            with uri_files.opened(uri) as path:
                return parse(path)
        except (KanariaError, OSError, ValueError) as error:
            self.notes.append(f"{uri}: {error}")
            return None

    def log(self, uri: str) -> list[str]:
        """Return the last lines of a log."""
        if not self._may(uri):
            return []
        try:
            return uri_files.tail(uri, TAIL_BYTES).decode("utf-8", "replace").splitlines()
        except (KanariaError, OSError) as error:
            self.notes.append(f"{uri}: {error}")
            return []

    def _may(self, uri: str) -> bool:
        self._left -= 1
        if self._left == -1:
            self.notes.append(f"{uri} and those after it: not read, {MOST_READ} files were")
        return self._left >= 0


def _endpoint(file: Path) -> Mapping[str, Any]:
    document = json.loads(file.read_text(encoding="utf-8"))
    return release.ENDPOINT_FORMAT.current(document, str(file))


def run_folder(uri: str, run_id: str) -> str:
    """Return the folder of a run from the URI of one of its artifacts.

    Raises:
        DataError: the URI does not hold the run's id as a folder.
    """
    above, separator, _ = uri.partition(f"/{run_id}/")
    if not (separator and run_id):
        raise DataError(f"uri={shown(uri)}: not below a folder {shown(run_id)} of this run")
    return f"{above}/{run_id}"


def read(folder: str, order: Sequence[str]) -> Left:
    """Return what the steps of the run in `folder` left; what cannot be read is noted.

    Args:
        folder: URI of `<root>/<pipeline>/<run>`.
        order: names of the pipeline's tasks.
    """
    try:
        files = _by_task(folder, uri_files.matches(uri_files.join(glob.escape(folder), "**")))
    except (KanariaError, OSError) as error:
        return Left(steps=ordered({}, order), notes=(f"{folder}: {error}",))
    reader = _Reader()
    steps = {name: _step(name, executions, reader) for name, executions in files.items()}
    endpoints = [u for task in files.values() for one in task for u in one.named(release.ENDPOINT)]
    documents = [reader.parsed(uri, _endpoint) for uri in endpoints]
    endpoint: Mapping[str, Any] = next((each for each in reversed(documents) if each), {})
    pages = {
        f"{name}/{path}": uri
        for name, executions in files.items()
        for one in executions
        for path, uri in one.artifacts.items()
        if "/" not in path
    }
    return Left(
        steps=ordered(steps, order), endpoint=endpoint, pages=pages, notes=tuple(reader.notes)
    )


def _by_task(folder: str, uris: Sequence[str]) -> dict[str, list[_Files]]:
    files: dict[str, dict[str, _Files]] = defaultdict(lambda: defaultdict(_Files))
    for uri in uris:
        parts = uri.removeprefix(folder).strip("/").split("/")
        if len(parts) > 2:  # Task, id, and the artifact or log.
            files[parts[0]][parts[1]].add(uri, parts[2:])
    return {name: list(executions.values()) for name, executions in files.items()}


@dataclass(frozen=True, slots=True)
class _Ending:
    """One execution: whether it went well, its verdict, what it raised, and what it wrote last."""

    went_well: bool
    verdict: Outcome | None = None
    raised: str = ""
    last: str = ""


def _ending(one: _Files, reader: _Reader) -> _Ending:
    """Return what is known of an execution; the log counts where it may have failed."""
    verdicts = [reader.parsed(u, lambda path: outcome.read(path.parent)) for u in one.verdicts]
    verdict = next((each for each in verdicts if each is not None), None)
    if one.artifacts and (verdict is None or verdict.passed):
        return _Ending(went_well=True, verdict=verdict)
    lines = reader.log(one.log) if one.log else []
    raised = said(lines)
    went_well = bool(one.artifacts) and not raised  # A judging step, that lets others refuse.
    return _Ending(went_well=went_well, verdict=verdict, raised=raised, last=last_line(lines))


def _step(name: str, executions: Sequence[_Files], reader: _Reader) -> Step:
    """Return what is known of a task: a retried run, or a loop, has executed it several times."""
    endings = [_ending(one, reader) for one in executions]
    raised = "; ".join(dict.fromkeys(one.raised for one in endings if one.raised))
    verdict = next((one.verdict for one in reversed(endings) if one.verdict), None)
    step = Step(
        name=name,
        state=State.ENDED,
        cause=raised or "; ".join(one.last for one in endings if not one.went_well),
        passed=verdict.passed if verdict else None,
        verdict=verdict.summary() if verdict else "",
    )
    if any(one.went_well for one in endings):
        return replace(step, state=State.SUCCEEDED, cause=raised)
    report_uris = tuple(uri for one in executions for uri in one.report_uris)
    return replace(step, state=State.FAILED, report_uris=report_uris) if raised else step
