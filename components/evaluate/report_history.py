"""The metrics of the releases before this one, a chart each, and a table. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from kanaria.components.evaluate.release_history import PastRelease, ReleaseHistory
from kanaria.components.shared.artifacts.model_evaluation import ModelEvaluation
from kanaria.components.shared.html_report.cells import Cell, cut, number
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.html_page import Section
from kanaria.components.shared.html_report.layout import Row
from kanaria.components.shared.html_report.markup import element
from kanaria.components.shared.html_report.table import Column, Table, columns

TITLE = "Releases so far"
NOTE = (
    "Each release as it was evaluated when it was pushed, on the rows of then; the last is this "
    "candidate. Bands are 95 % intervals, where the EvalConfig asks for them."
)
CANDIDATE = "candidate"
MOST_CHARTS, MOST_COLUMNS, MOST_NAME, MOST_SPAN = 6, 12, 8, 24
DRAWN = tuple(Column(title=key, key=key) for key in ("release", "value", "low", "high", "rows"))
COUNT = "example_count"


def sections(history: ReleaseHistory, candidate: ModelEvaluation) -> Iterator[Section]:
    """Yield the section of the history; none where nothing was live.

    Args:
        history: of the releases before.
        candidate: the model that is judged.
    """
    if not history.end:
        return
    end = element("p", history.end, "note")
    if not history.releases:
        yield Section(TITLE, end)
        return
    names = [*_names(history.releases), CANDIDATE]
    evaluations = [*(past.evaluation for past in history.releases), candidate]
    metrics = [name for name in candidate.metrics if not name.endswith(COUNT)]
    charts = [_chart(metric, names, evaluations) for metric in metrics[:MOST_CHARTS]]
    table = _table(metrics, names, evaluations)
    yield Section(TITLE, Row(*charts), table, end, note=NOTE)


def _names(releases: Sequence[PastRelease]) -> list[str]:
    """Return what to call each release on an axis, no two equal."""
    names = []
    for past in releases:
        span = f" {cut(past.span, MOST_SPAN)}" if past.span else ""
        names.append(f"{past.name[:MOST_NAME]}{span}")
    return [
        name if names.count(name) == 1 else f"{name} ({place})"
        for place, name in enumerate(names, 1)
    ]


def _chart(metric: str, names: Sequence[str], evaluations: Sequence[ModelEvaluation]) -> Chart:
    rows = [
        [name, one.value, one.low, one.high, evaluation.rows]
        for name, evaluation in zip(names, evaluations, strict=True)
        if (one := evaluation.metrics.get(metric))
    ]
    return Chart(spec=spec(names), table=Table(columns=DRAWN, rows=rows), title=cut(metric))


def spec(names: Sequence[str]) -> dict[str, Any]:
    """Return a line over releases with the intervals of its points."""
    x = {"field": "release", "type": "ordinal", "title": None, "scale": {"domain": list(names)}}
    y = {"type": "quantitative", "scale": {"zero": False}, "title": None}
    tooltip = [{"field": column.key} for column in DRAWN]
    return {
        "height": 150,
        "layer": [
            {
                # An axis of no intervals at all would have no bounds.
                "transform": [
                    {"calculate": f"isValid(datum.{end}) ? datum.{end} : datum.value", "as": end}
                    for end in ("low", "high")
                ],
                "mark": {"type": "rule", "strokeWidth": 5, "opacity": 0.3, "color": "var(--a)"},
                "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "line", "point": True},
                "encoding": {"x": x, "y": {**y, "field": "value"}, "tooltip": tooltip},
            },
        ],
    }


def _table(
    metrics: Sequence[str], names: Sequence[str], evaluations: Sequence[ModelEvaluation]
) -> Table:
    """Return a row a release, the newest first, and a column a metric."""
    shown = metrics[:MOST_COLUMNS]
    rows = [
        [
            Cell(content=element("span", name, "short"), value=f"{place:03}"),
            evaluation.rows,
            *(_cell(evaluation, metric) for metric in shown),
        ]
        for place, (name, evaluation) in enumerate(zip(names, evaluations, strict=True))
    ]
    titles = ("release", "rows", *map(cut, shown))
    return Table(columns=columns(*titles), rows=rows[::-1])


def _cell(evaluation: ModelEvaluation, metric: str) -> object:
    one = evaluation.metrics.get(metric)
    if one is None:
        return None
    bounds = ""
    if one.low is not None and one.high is not None:
        bounds = f" ({number(one.low)} to {number(one.high)})"
    return Cell(content=f"{number(one.value)}{bounds}", value=one.value, css="number")
