"""The index.html of a run: what goes on or what came of it, reports first. Pure but for `write`.

The page exists from the run's first second and is written anew at every change of a task; while
the run goes on a browser reads it again every few seconds.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from kanaria.components.shared.report import html
from kanaria.components.shared.report.cells import Cell
from kanaria.components.shared.report.page import Page, Section
from kanaria.components.shared.report.table import Table, columns
from kanaria.components.shared.storage import private
from kanaria.components.shared.times import stopwatch
from kanaria.pipelines.local.markdown_page import to_open
from kanaria.pipelines.local.record import RunRecord, State, TaskRecord
from kanaria.pipelines.local.summary import clock, short

FILE = "index.html"
REFRESH_SECONDS = 2
RETURNED = "Output"
"""KFP's name of what a component's function returns: the verdict, which its summary tells."""
CSS = {
    State.SUCCEEDED: "good",
    State.REUSED: "good",
    State.FAILED: "bad",
    State.PENDING: "note",
    State.SKIPPED: "note",
}
HEADERS = ("task", "state", "time", "memory", "reports and log", "values", "outputs")


def _link(path: str, text: str, folder: Path) -> html.Markup:
    target = quote(os.path.relpath(path, folder))
    return html.Markup(f'<a href="{target}">{html.text(text)}</a>')


def _spaced(parts: Iterator[object]) -> html.Markup:
    return html.join(piece for part in parts for piece in (part, " "))


def _to_read(task: TaskRecord, folder: Path) -> Iterator[html.Markup]:
    """Yield links to what a person reads: the task's reports and its log."""
    for name, path in sorted(task.artifacts.items()):
        if page := to_open(path):
            yield _link(page, name, folder)
    if task.log:
        yield _link(task.log, "log", folder)


def _outputs(task: TaskRecord, folder: Path) -> Iterator[html.Markup]:
    """Yield links to the folders of the other artifacts; one without files is metadata alone."""
    for name, path in sorted(task.artifacts.items()):
        if not to_open(path) and Path(path).exists():
            yield _link(path, name, folder)


def _state(task: TaskRecord, run: RunRecord) -> html.Markup:
    waits = task.state is State.PENDING and run.state is not State.RUNNING
    said = "not run" if waits else task.state.value
    return html.element("span", said, CSS.get(task.state, "warn"))


def _values(task: TaskRecord) -> html.Markup:
    if task.cause:
        return html.element("span", task.cause, "long")
    told = [f"{name} = {json.dumps(v)}" for name, v in task.parameters.items() if name != RETURNED]
    verdict = task.metadata.get("outcome", {}).get("summary")
    return html.element("span", ", ".join([*([str(verdict)] if verdict else []), *told]), "long")


def _fact(content: object) -> html.Markup:
    """Return a cell that stays on one line."""
    return html.element("span", content, "short")


def _time(task: TaskRecord, run: RunRecord) -> html.Markup:
    """Return how long a task took, over a bar that compares it with the longest."""
    width = 100 * task.seconds / max(each.seconds for each in run.tasks)
    bar = f'<div style="width:{width:.0f}%;height:4px;background:var(--a)"></div>'
    return html.join([_fact(stopwatch(task.seconds)), html.Markup(bar)])


def _row(task: TaskRecord, run: RunRecord, folder: Path) -> list[object]:
    return [
        _fact(short(task)),
        _fact(_state(task, run)),
        Cell(content=_time(task, run), value=task.seconds) if task.seconds else None,
        Cell(content=_fact(f"{task.peak_mb:,} MiB"), value=task.peak_mb) if task.peak_mb else None,
        _spaced(_to_read(task, folder)),
        _values(task),
        _spaced(_outputs(task, folder)),
    ]


def _verdict(run: RunRecord) -> html.Markup:
    if run.state is State.RUNNING:
        now = [short(task) for task in run.tasks if task.state is State.RUNNING]
        said = f"Running: {', '.join(now)}" if now else "Running"
        return html.element("p", f"{said}. This page follows it.", "verdict warn")
    took = f"Run {run.state.value} in {stopwatch(run.seconds)}."
    return html.verdict(run.state is State.SUCCEEDED, took, took)


def _failures(run: RunRecord, folder: Path) -> Iterator[html.Markup]:
    """Yield what failed, whole, with its log: what a reader of a red page looks for."""
    for task in run.tasks:
        if task.state is State.FAILED:
            log = [_link(task.log, "log", folder)] if task.log else []
            cause = html.element("span", task.cause, "long bad")
            yield html.element(
                "p", html.join([html.element("b", short(task)), ": ", cause, " ", *log])
            )


def render(run: RunRecord, folder: Path) -> str:
    """Return the page of a run, with links relative to the run's `folder`."""
    arguments = sorted(run.arguments.items())
    rows = [_row(task, run, folder) for task in run.tasks]
    values = [[n, html.element("span", json.dumps(v), "long")] for n, v in arguments]
    begun = html.element("p", f"{run.pipeline}, started {clock(run.started)}", "note")
    return Page(
        title=run.run_id,
        lead=[_verdict(run), begun, *_failures(run, folder)],
        sections=[
            Section("Tasks", Table(columns=columns(*HEADERS), rows=rows)),
            Section("Parameters", Table(columns=columns("name", "value"), rows=values)),
        ],
        refresh_seconds=REFRESH_SECONDS if run.state is State.RUNNING else 0,
    ).render()


def write(run: RunRecord, folder: Path) -> Path:
    """Write the page into the run's folder, atomically, and return its path."""
    path = folder / FILE
    private.write_text(path, render(run, folder))
    return path
