"""Reads what the runner of one machine keeps of a run while it goes on."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kanaria.components.report.run_outcome import Left, Step
from kanaria.components.shared.artifacts.document_format import DocumentFormat, unchanged
from kanaria.components.shared.errors import DataError
from kanaria.components.shared.storage import uri_files

FILE = "run.json"
FORMAT = DocumentFormat((unchanged, unchanged))
"""Of the record; what is read here was the same in all formats."""
OUTCOME, ENDPOINT = "outcome", "endpoint"


def read(folder: str, own: str) -> Left | None:
    """Return what the record of the run in `folder` tells; None where there is none.

    Args:
        folder: of the run.
        own: name of the task that asks, which is not one of those it reports on.

    Raises:
        DataError: the record cannot be read.
    """
    uri = uri_files.join(folder, FILE)
    if uri_files.is_remote(folder) or not uri_files.exists(uri):
        return None
    try:
        raw = FORMAT.current(json.loads(uri_files.read_text(uri)), uri)
        tasks = [task for task in raw["tasks"] if task["name"] != own]
        endpoints = [task["metadata"][ENDPOINT] for task in tasks if ENDPOINT in task["metadata"]]
        return Left(
            steps=tuple(_step(task) for task in tasks),
            endpoint=(endpoints or [{}])[-1],
            pages=dict(page for task in tasks for page in _pages(task)),
            arguments=raw.get("arguments", {}),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{uri}: not the record of a run: {error}") from error


def _pages(task: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the pages of a task that are there."""
    for name, path in task.get("artifacts", {}).items():
        if Path(path).is_file():
            yield f"{task['name'].rpartition('/')[2]}/{name}", path


def _step(task: Mapping[str, Any]) -> Step:
    judged = task["metadata"].get(OUTCOME, {})
    return Step(
        name=str(task["name"]).rpartition("/")[2],
        state="not run" if task["state"] == "pending" else str(task["state"]),
        seconds=float(task["seconds"]),
        cause=str(task["cause"]),
        passed=judged.get("passed"),
        verdict=str(judged.get("summary", "")),
    )
