"""The index.html of a run: what goes on or what came of it. Pure but for `write`.

The page exists from the run's first second and is written anew at every change of a task; while
the run goes on a browser reads it again every few seconds.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from kanaria.components.shared.html_report import markup
from kanaria.components.shared.html_report.html_page import Page, Section
from kanaria.components.shared.html_report.layout import Row, Stack
from kanaria.components.shared.html_report.table import Table, columns
from kanaria.components.shared.storage import owner_only_files
from kanaria.components.shared.times import stopwatch
from kanaria.pipelines.local.record import RunRecord, State
from kanaria.pipelines.local.run_page import graph_drawing, result_sections, task_table
from kanaria.pipelines.local.summary import clock, short

FILE = "index.html"
REFRESH_SECONDS = 2


def _verdict(run: RunRecord) -> markup.Markup:
    if run.state is State.RUNNING:
        now = [short(task) for task in run.tasks if task.state is State.RUNNING]
        said = f"Running: {', '.join(now)}" if now else "Running"
        return markup.element("p", f"{said}. This page follows it.", "verdict warn")
    took = f"Run {run.state.value} in {stopwatch(run.seconds)}."
    return markup.verdict(run.state is State.SUCCEEDED, took, took)


def _failures(run: RunRecord, folder: Path) -> Iterator[markup.Markup]:
    """Yield what failed, whole, with its log: what a reader of a red page looks for."""
    for task in run.tasks:
        if task.state is State.FAILED:
            log = [task_table.link(task.log, "log", folder)] if task.log else []
            cause = markup.element("span", task.cause, "long bad")
            yield markup.element(
                "p", markup.join([markup.element("b", short(task)), ": ", cause, " ", *log])
            )


def _first_look(run: RunRecord) -> Iterator[object]:
    """Yield the graph of the tasks beside what they have found out."""
    drawn, sections = graph_drawing.drawing(run), list(result_sections.sections(run))
    graph = [Section("Graph", drawn)] if drawn else []
    if graph or sections:
        yield Row(*graph, *([Stack(*sections)] if sections else []))


def render(run: RunRecord, folder: Path) -> str:
    """Return the page of a run, with links relative to the run's `folder`."""
    arguments = sorted(run.arguments.items())
    values = [[n, markup.element("span", json.dumps(v), "long")] for n, v in arguments]
    begun = markup.element("p", f"{run.pipeline}, started {clock(run.started)}", "note")
    parameters = Table(columns=columns("name", "value"), rows=values, narrow="stack")
    return Page(
        title=run.run_id,
        lead=[_verdict(run), begun, *_failures(run, folder), *_first_look(run)],
        sections=[
            Section("Tasks", task_table.table(run, folder)),
            Section("Parameters", parameters),
        ],
        refresh_seconds=REFRESH_SECONDS if run.state is State.RUNNING else 0,
    ).render()


def write(run: RunRecord, folder: Path) -> Path:
    """Write the page into the run's folder, atomically, and return its path."""
    path = folder / FILE
    owner_only_files.write_text(path, render(run, folder))
    return path
