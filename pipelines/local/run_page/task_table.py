"""The table of a run's tasks: state, time, what each gave and what is to be read of it. Pure."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from kanaria.components.shared.html_report.cells import Cell
from kanaria.components.shared.html_report.markup import Markup, element, join, text
from kanaria.components.shared.html_report.table import Column, Table
from kanaria.components.shared.times import stopwatch
from kanaria.pipelines.local.record import RunRecord, TaskRecord
from kanaria.pipelines.local.run_page.markdown_page import to_open
from kanaria.pipelines.local.run_page.task_graph import without_shortcuts
from kanaria.pipelines.local.run_page.task_marks import anchor, mark
from kanaria.pipelines.local.summary import OUTCOME, short

RETURNED = "Output"
"""KFP's name of what a component's function returns: the verdict, which its summary tells."""
MOST_TOLD = 160
"""Characters of values that are shown at once; more unfold."""
COLUMNS = (
    Column(title="task"),
    Column(title="state", choices=True),
    Column(title="time", help="the bar: when it ran, from the run's begin to its end"),
    Column(title="memory", help="most at one time"),
    Column(title="reports and log"),
    Column(title="values"),
    Column(title="outputs"),
    Column(title="waits for", help="those that the others wait for are left out"),
)


def table(run: RunRecord, folder: Path) -> Table:
    """Return the table, with links relative to the run's `folder`."""
    direct = without_shortcuts({task.name: task.after for task in run.tasks})
    rows = [
        [
            *_row(task, place, run, folder),
            Cell(content=_before(place, run, direct), css="below after"),
        ]
        for place, task in enumerate(run.tasks)
    ]
    return Table(columns=COLUMNS, rows=rows, narrow="stack", most=len(rows))


def link(path: str, said: str, folder: Path) -> Markup:
    """Return a link to a file, as it lies from the run's `folder`."""
    target = quote(os.path.relpath(path, folder))
    return Markup(f'<a href="{target}">{text(said)}</a>')


def _row(task: TaskRecord, place: int, run: RunRecord, folder: Path) -> list[object]:
    state = mark(task, run)
    name = Markup(f'<span id="{anchor(place)}" class="short">{text(short(task))}</span>')
    memory = Cell(content=f"{task.peak_mb:,} MiB", value=task.peak_mb, css="short")
    return [
        name,
        Cell(content=f"{state.sign} {state.word}", css=f"{state.css} short"),
        Cell(content=_time(task, run), value=task.seconds) if task.seconds else None,
        memory if task.peak_mb else None,
        _spaced(_to_read(task, folder)),
        Cell(content=_values(task), css="text"),
        Cell(content=_spaced(_outputs(task, folder)), css="below"),
    ]


def _spaced(parts: Iterable[object]) -> Markup:
    return join(piece for part in parts for piece in (part, " "))


def _to_read(task: TaskRecord, folder: Path) -> Iterator[Markup]:
    """Yield links to what a person reads: the task's reports and its log."""
    for name, path in sorted(task.artifacts.items()):
        if page := to_open(path):
            yield link(page, name, folder)
    if task.log:
        yield link(task.log, "log", folder)


def _outputs(task: TaskRecord, folder: Path) -> Iterator[Markup]:
    """Yield links to the folders of the other artifacts; one without files is metadata alone."""
    for name, path in sorted(task.artifacts.items()):
        if not to_open(path) and Path(path).exists():
            yield link(path, name, folder)


def _values(task: TaskRecord) -> Markup:
    """Return why a task failed or was skipped, else its verdict and its values."""
    if task.cause:
        return element("span", task.cause, "long")
    verdict = str(task.metadata.get(OUTCOME, {}).get("summary", ""))
    values = [
        f"{name} = {json.dumps(v)}" for name, v in task.parameters.items() if name != RETURNED
    ]
    line = ", ".join([*([verdict] if verdict else []), *values])
    shown = element("span", line, "long")
    if len(line) <= MOST_TOLD or not values:
        return shown
    return Markup(f"<details><summary>{len(values)} values</summary>{shown}</details>")


def _time(task: TaskRecord, run: RunRecord) -> Markup:
    """Return how long a task took, over a bar of when it ran in the run."""
    whole = max([run.seconds, *(each.began + each.seconds for each in run.tasks)])
    left, width = 100 * task.began / whole, 100 * task.seconds / whole
    bar = f'<div class="span"><i style="margin-left:{left:.1f}%;width:{width:.1f}%"></i></div>'
    return join([element("span", stopwatch(task.seconds), "short"), Markup(bar)])


def _before(place: int, run: RunRecord, direct: Mapping[str, Sequence[str]]) -> Markup:
    """Return links to the rows of the tasks that a task waits for."""
    places = {task.name: number for number, task in enumerate(run.tasks)}
    return _spaced(
        Markup(f'<a href="#{anchor(places[name])}">{text(name.rpartition("/")[2])}</a>')
        for name in direct[run.tasks[place].name]
    )
