"""The report of tune_model: the best hyperparameters, and all trials with their scores. Pure."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kanaria.components.shared.html_report.cells import Cell, cut, is_number
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.html_page import Page, Section
from kanaria.components.shared.html_report.layout import Row
from kanaria.components.shared.html_report.markup import element
from kanaria.components.shared.html_report.table import Column, Table, columns
from kanaria.components.shared.tuning.search_result import TrialResult, Tuned, is_ranked

MOST_CHARTS, MOST_COLUMNS, MOST_TRIALS = 12, 24, 1000
DRAWN = tuple(Column(title=key, key=key) for key in ("trials", "score", "best", "trial"))
OF_VALUE = tuple(Column(title=key, key=key) for key in ("value", "score", "trial"))
NOTE = "Each point is a trial. The other hyperparameters of trials differ too."


def page(tuned: Tuned) -> str:
    """Return the report."""
    failed = sum(not is_ranked(trial) for trial in tuned.trials)
    better = "largest" if tuned.direction == "max" else "smallest"
    headline = f"The {better} {tuned.objective} of {len(tuned.trials)} trials"
    headline += f", of which {failed} failed" if failed else ""
    best = Table(
        columns=columns("hyperparameter", "value"),
        rows=[[cut(name), _shown(value)] for name, value in tuned.best.hyperparameters.items()],
    )
    lead = [
        element(
            "p", f"{headline}: {tuned.best.score:.6g}, trial {tuned.best.trial_id}", "verdict good"
        ),
        best,
    ]
    sections = [Section("Scores", _scores(tuned)), *_by_value(tuned), _trials(tuned)]
    return Page(title="Hyperparameters", lead=lead, sections=sections).render()


def _shown(value: Any) -> object:
    return value if is_number(value) else cut(str(value))


def _scores(tuned: Tuned) -> Chart:
    choose = max if tuned.direction == "max" else min
    rows: list[list[object]] = []
    best: float | None = None
    for number, trial in enumerate(tuned.trials[:MOST_TRIALS], 1):
        if is_ranked(trial) and trial.score is not None:
            best = trial.score if best is None else choose(best, trial.score)
            rows.append([number, trial.score, best, trial.trial_id])
    x: dict[str, Any] = {"field": "trials", "type": "quantitative", "title": "trials so far"}
    x |= {"axis": {"tickMinStep": 1, "format": "d"}}
    y = {"type": "quantitative", "scale": {"zero": False}, "title": tuned.objective}
    spec = {
        "height": 220,
        "encoding": {"x": x, "tooltip": [{"field": column.key} for column in DRAWN]},
        "layer": [
            {"mark": "point", "encoding": {"y": {**y, "field": "score"}}},
            {
                "mark": {"type": "line", "interpolate": "step-after"},
                "encoding": {"y": {**y, "field": "best"}},
            },
        ],
        "usermeta": {"log": ["y"], "constant": {"y": _constant(row[1] for row in rows)}},
    }
    return Chart(spec=spec, table=Table(columns=DRAWN, rows=rows))


def _constant(values: Iterable[Any]) -> float:
    """Return where a logarithmic axis begins to be linear: nowhere, if all values are above 0."""
    numbers = [value for value in values if math.isfinite(value)]
    if all(value > 0 for value in numbers):
        return 0.0
    return min((abs(value) for value in numbers if value), default=1.0)


def _by_value(tuned: Tuned) -> Iterator[Section]:
    """Yield the section of the scores by each hyperparameter."""
    names = list(tuned.best.hyperparameters)[:MOST_CHARTS]
    charts = [_chart(name, tuned) for name in names]
    if charts:
        yield Section("Scores by hyperparameter", Row(*charts), note=NOTE)


def _chart(name: str, tuned: Tuned) -> Chart:
    ranked = [t for t in tuned.trials[:MOST_TRIALS] if is_ranked(t) and name in t.hyperparameters]
    rows = [[_shown(t.hyperparameters[name]), t.score, t.trial_id] for t in ranked]
    are_numbers = all(is_number(row[0]) for row in rows)
    kind = "quantitative" if are_numbers else "nominal"
    x = {"field": "value", "type": kind, "title": None, "scale": {"zero": False}}
    if not are_numbers:
        del x["scale"]
    y = {
        "field": "score",
        "type": "quantitative",
        "scale": {"zero": False},
        "title": tuned.objective,
    }
    constants = {"y": _constant(row[1] for row in rows)}
    constants |= {"x": _constant(row[0] for row in rows)} if are_numbers else {}
    spec = {
        "height": 150,
        "mark": "point",
        "encoding": {"x": x, "y": y, "tooltip": [{"field": column.key} for column in OF_VALUE]},
        "usermeta": {"log": list(constants), "constant": constants},
    }
    return Chart(spec=spec, table=Table(columns=OF_VALUE, rows=rows), title=cut(name))


def _trials(tuned: Tuned) -> Section:
    names = list(dict.fromkeys(name for trial in tuned.trials for name in trial.hyperparameters))
    names = names[:MOST_COLUMNS]
    head = [
        Column(title="trial"),
        Column(title="status", choices=True),
        Column(title=tuned.objective),
        Column(title="epoch", help="That the score is of, from 1."),
        *(Column(title=cut(name)) for name in names),
        Column(title="why it failed"),
    ]
    rows = [_row(trial, names) for trial in tuned.trials]
    return Section(
        "Trials", Table(columns=head, rows=rows, search="search trials", most=MOST_TRIALS)
    )


def _row(trial: TrialResult, names: Sequence[str]) -> list[object]:
    ranked = is_ranked(trial)
    status = Cell(content=trial.status.lower(), css="good" if ranked else "bad")
    values = [
        _shown(trial.hyperparameters[n]) if n in trial.hyperparameters else None for n in names
    ]
    epoch = trial.step + 1 if ranked and trial.step is not None else None
    return [trial.trial_id, status, trial.score, epoch, *values, cut(trial.cause, 300)]
