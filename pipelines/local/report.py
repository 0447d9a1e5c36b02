"""The index.html of a run: every task with its state, outputs, reports and log."""

import json
import os
from pathlib import Path
from urllib.parse import quote

from kanaria.components.shared import atomic, html
from kanaria.pipelines.local.record import RunRecord, State, TaskRecord

CSS = {State.SUCCEEDED: "good", State.REUSED: "good", State.FAILED: "bad", State.SKIPPED: "note"}


def _link(path: str, text: str, folder: Path) -> html.Markup:
    target = quote(os.path.relpath(path, folder))
    return html.Markup(f'<a href="{target}">{html.text(text)}</a>')


def _row(task: TaskRecord, folder: Path) -> list[object]:
    links = [_link(path, name, folder) for name, path in sorted(task.artifacts.items())]
    if task.log:
        links.append(_link(task.log, "log", folder))
    values = ", ".join(f"{name} = {json.dumps(value)}" for name, value in task.parameters.items())
    return [
        task.name,
        html.element("span", task.state.value, CSS.get(task.state, "warn")),
        round(task.seconds, 1),
        task.peak_mb,
        html.join(part for link in links for part in (link, " ")),
        task.cause or values,
    ]


def write(record: RunRecord, folder: Path) -> Path:
    """Write `index.html` into the run's folder and return its path."""
    headers = ["task", "state", "seconds", "peak MB", "outputs", "value or cause"]
    arguments = sorted(record.arguments.items())
    page = html.page(
        record.run_id,
        html.verdict(record.state is State.SUCCEEDED, "The run succeeded.", f"Run {record.state}."),
        html.element("p", f"{record.pipeline}, started {record.started}", "note"),
        html.section("Tasks", html.table(headers, [_row(t, folder) for t in record.tasks])),
        html.section(
            "Parameters", html.table(["name", "value"], [[n, json.dumps(v)] for n, v in arguments])
        ),
    )
    path = folder / "index.html"
    atomic.write_text(path, page)
    return path
