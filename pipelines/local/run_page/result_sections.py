"""What came of a run, for a first look: verdicts, main metrics, the release. Pure.

It is read from the metadata of the tasks' outputs, which other versions and people's own steps
write too: what is of another kind than expected is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kanaria.components.shared.artifacts.metadata import DISPLAY_NAME
from kanaria.components.shared.html_report.cells import Cell, cut, is_number
from kanaria.components.shared.html_report.html_page import Section
from kanaria.components.shared.html_report.markup import element, join
from kanaria.components.shared.html_report.table import Table, columns
from kanaria.pipelines.local.record import RunRecord, TaskRecord
from kanaria.pipelines.local.summary import OUTCOME, short

METRICS = "system.Metrics"
BASELINE = "baseline_"
"""How the names of the live model's metrics begin, as bless_model writes them."""
DECIDING = "deciding"
"""What decided of a verdict, in its metadata: a list of mappings with the keys of CHECKS."""
CHECKS = ("metric", "candidate", "deployed", "limit", "result")
ENDPOINT = ("storage_uri", "revision", "percent", "pushed")
"""What push_model tells of a release at least."""
MOST_METRICS, MOST_TEXT = 12, 600


def sections(run: RunRecord) -> Iterator[Section]:
    """Yield the sections of what a run has found out so far."""
    verdicts = [part for task in run.tasks for part in _verdict(task)]
    if verdicts:
        yield Section("Verdicts", *verdicts)
    metrics = list(_metrics(run.tasks))
    if metrics:
        yield Section("Metrics", *metrics)
    for task in run.tasks:
        for metadata in task.metadata.values():
            if all(name in metadata for name in ENDPOINT):
                yield Section("Release", *_release(metadata, run))


def _verdict(task: TaskRecord) -> Iterator[object]:
    """Yield what a judging task found: its verdict in one line, and what decided."""
    outcome = task.metadata.get(OUTCOME, {})
    passed, summary = outcome.get("passed"), str(outcome.get("summary", ""))
    if not isinstance(passed, bool):
        return
    sign, css = ("✓", "good") if passed else ("✕", "bad")
    line = [element("b", f"{sign} {short(task)} "), cut(summary, MOST_TEXT)]
    yield element("p", join(line), f"{css} long")
    checks = outcome.get(DECIDING)
    if isinstance(checks, list):
        rows = [_check(one) for one in checks if isinstance(one, dict)]
        if rows:
            yield Table(columns=columns(*CHECKS), rows=rows)


def _check(check: Mapping[str, Any]) -> list[object]:
    holds = check.get("passed") is True
    result = Cell(content="✓ holds" if holds else "✕ broken", css="good" if holds else "bad")
    values = [_value(check.get(name)) for name in CHECKS[:-1]]
    return [*values, result]


def _value(value: object) -> object:
    return value if value is None or is_number(value) else cut(str(value), MOST_TEXT)


def _metrics(tasks: Sequence[TaskRecord]) -> Iterator[object]:
    """Yield the metrics of each task, but for those that a later one tells again."""
    shown: set[str] = set()
    parts: list[object] = []
    for task in reversed(tasks):
        for output, kind in task.types.items():
            metrics = task.metadata.get(output, {}) if kind == METRICS else {}
            values = {name: v for name, v in metrics.items() if name != DISPLAY_NAME}
            if values and not shown.issuperset(values):
                parts.insert(0, _of_task(values))
                parts.insert(0, element("p", short(task), "note"))
            shown.update(values)
    yield from parts


def _of_task(values: Mapping[str, Any]) -> Table:
    own = [
        name
        for name in values
        if name.removeprefix(BASELINE) not in values or not name.startswith(BASELINE)
    ]
    compared = any(f"{BASELINE}{name}" in values for name in own)
    titles = ("metric", "candidate", "deployed", "difference") if compared else ("metric", "value")
    rows = [_metric(name, values, compared) for name in own]
    return Table(
        columns=columns(*titles), rows=rows, most=MOST_METRICS, rest="more are in the report."
    )


def _metric(name: str, values: Mapping[str, Any], compared: bool) -> list[object]:
    value, live = values[name], values.get(f"{BASELINE}{name}")
    row: list[object] = [cut(name, MOST_TEXT), _value(value)]
    if not compared:
        return row
    both = is_number(value) and is_number(live)
    return [*row, _value(live), value - live if both else None]


def _release(endpoint: Mapping[str, Any], run: RunRecord) -> Iterator[object]:
    """Yield what push_model made of the model."""
    pushed, reason = endpoint["pushed"] is True, str(endpoint.get("reason", ""))
    yield element("p", cut(reason, MOST_TEXT), "good long" if pushed else "bad long")
    facts = {
        "model": endpoint["storage_uri"],
        "fingerprint": _fingerprint(run, str(endpoint.get("version", ""))),
        "service": "/".join(
            str(endpoint[key]) for key in ("namespace", "name") if endpoint.get(key)
        ),
        "revision": endpoint["revision"],
        "share of requests": f"{endpoint['percent']} %",
        "address": endpoint.get("url"),
    }
    rows = [
        [name, element("span", cut(str(v), MOST_TEXT), "long")] for name, v in facts.items() if v
    ]
    yield Table(columns=columns("release", "what it is"), rows=rows, narrow="stack")


def _fingerprint(run: RunRecord, version: str) -> str:
    """Return the whole fingerprint of the model whose release has this name, else the name."""
    whole = (str(of.get("fingerprint", "")) for t in run.tasks for of in t.metadata.values())
    return next((one for one in whole if version and one.startswith(version)), version)
