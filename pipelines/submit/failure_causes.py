"""Why tasks failed and what judging steps found, from where the run's artifacts lie.

KFP's API gives no cause of a failed task. Its launcher uploads what a step wrote:

    <pipeline root>/<pipeline>/<run id>/<task>/<id of the execution>/executor-logs-<attempt>

and the step's artifacts beside it. Only the end of a log is read, however long it is.
"""

import glob
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from kanaria.components.shared import log_cause
from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.errors import KanariaError
from kanaria.components.shared.one_line import one_line
from kanaria.components.shared.storage import uri_files
from kanaria.pipelines.submit.run_snapshot import State, Task

TAIL_BYTES, MOST_BYTES = 1 << 16, 1 << 22
"""Of the end of a log: read first, and once more where those tell nothing."""
MOST_LOGS = 20
"""Of one task of a loop."""
ATTEMPT = re.compile(r"/executor-logs(?:-(\d+))?$")
BELOW_UNKNOWN = (
    "lies below the server's own pipeline root, which its API does not tell; "
    "give it as --pipeline-root"
)


@contextmanager
def _without_attempts() -> Iterator[None]:
    """Keep single failed attempts at a store out of the terminal; the last one is told."""
    logger = logging.getLogger("kanaria.components.shared.storage.retry")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def place(pipeline_root: str, pipeline: str, run_id: str) -> str:
    """Return the folder of a run's artifacts, "" where the pipeline root is not known."""
    # KFP takes settings of the store behind a question mark.
    root = pipeline_root.partition("?")[0]
    return uri_files.join(root, pipeline, run_id) if root and pipeline else ""


def _end(uri: str, most: int) -> list[str]:
    data = uri_files.tail(uri, most)
    lines = data.decode("utf-8", "replace").splitlines()
    return (len(data) == most and lines[1:]) or lines  # The first is cut.


def _newest(uris: Iterable[str]) -> list[str]:
    """Return the log of the last attempt of each execution."""
    attempts: dict[str, tuple[int, str]] = {}
    for uri in uris:
        match = ATTEMPT.search(uri)
        if match:
            attempt = (int(match[1] or 0), uri)
            folder = uri[: match.start()]
            attempts[folder] = max(attempts.get(folder, attempt), attempt)
    return [uri for _, uri in attempts.values()]


def _logs(folder: str, task: Task) -> list[str]:
    for name in dict.fromkeys((task.node, task.name)):
        logs = _newest(uri_files.matches(f"{glob.escape(folder)}/{name}/*/executor-logs*"))
        if logs:
            return logs
    return []


def _read(folder: str, task: Task) -> Task:
    """Return a failed task with its cause, from the logs of its executions."""
    logs = _logs(folder, task)
    if not logs:
        where = f"{folder}/{task.node}"
        return replace(task, cause=f"failed; it left no log in {where}: its pod may never have run")
    lines_of = {uri: _end(uri, TAIL_BYTES) for uri in logs[-MOST_LOGS:]}
    # A message may hold a whole batch, and so be longer than what was read.
    if not any(log_cause.said(lines) for lines in lines_of.values()):
        lines_of[logs[-1]] = _end(logs[-1], MOST_BYTES)
    causes = {uri: cause for uri, lines in lines_of.items() if (cause := log_cause.said(lines))}
    if causes:
        uri = next(reversed(causes))
        joined = "; ".join(dict.fromkeys(causes.values()))
        return replace(task, cause=joined, log=uri, certain=True)
    uri, lines = list(lines_of.items())[-1]
    last = next((text for line in reversed(lines) if (text := one_line(line))), "")
    ending = f"ends with '{last}'" if last else "is empty"
    return replace(
        task, cause=f"failed, and its log tells no error but {ending}: was it killed?", log=uri
    )


def of_tasks(folder: str, tasks: Iterable[Task]) -> tuple[Task, ...]:
    """Return failed tasks with their causes and logs; what the server told stays.

    Args:
        folder: see `place`.
        tasks: those that failed.
    """
    explained, trouble = [], "" if folder else f"its log {BELOW_UNKNOWN}"
    with _without_attempts():
        for task in tasks:
            if not task.cause and not trouble:
                try:
                    task = _read(folder, task)
                except (KanariaError, OSError) as error:
                    trouble = f"its log cannot be read from here ({error})"
            if not task.cause:
                log = f"{folder}/{task.node}/*/executor-logs-0" if folder else ""
                task = replace(task, cause=f"failed; {trouble}", log=log)
            explained.append(task)
    return tuple(explained)


def _verdicts(folder: str, task: Task) -> Iterator[str]:
    ending = f"/{outcome.FILE_NAME}"
    for uri in uri_files.matches(f"{glob.escape(folder)}/{task.node}/*/outcome{ending}"):
        with uri_files.opened(uri.removesuffix(ending)) as path:
            verdict = outcome.read(path)
        if not verdict.passed:
            yield one_line(verdict.summary())


def of_judges(
    folder: str, judges: Sequence[str], tasks: Iterable[Task]
) -> tuple[tuple[str, ...], str]:
    """Return what judging steps did not let pass, and why some cannot be asked, or "".

    Args:
        folder: see `place`.
        judges: nodes of the judging steps.
        tasks: all of the run; one that took an earlier result left nothing here.
    """
    ended = (State.SUCCEEDED, State.FAILED)
    judging = [t for t in tasks if t.node in judges and t.state in ended and not t.cached]
    if not judging:
        return (), ""
    subject = f"what {', '.join(dict.fromkeys(task.name for task in judging))} found"
    if not folder:
        return (), f"{subject} {BELOW_UNKNOWN}"
    try:
        with _without_attempts():
            return tuple(line for task in judging for line in _verdicts(folder, task)), ""
    except (KanariaError, OSError) as error:
        return (), f"{subject} lies in {folder}, and cannot be read ({error})"
