"""The HTML report: which features matter, over all rows and in slices, and single rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kanaria.components.explain.importance import FeatureImportance, SliceImportance
from kanaria.components.shared.html_report import markup
from kanaria.components.shared.html_report.cells import Cell, cut, number
from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.html_page import Page, Section
from kanaria.components.shared.html_report.table import Column, Table, columns

if TYPE_CHECKING:
    from kanaria.components.explain.explain import Explanations

MOST_DRAWN = 30
MOST_FEATURES = 500
MOST_SLICE_ROWS = 1_000
MOST_SLICES_DRAWN = 30
MOST_ROWS = 20
MOST_SHARES = 8
"""Of a row's features that are shown; the rest is summed."""
BAND = 22
"""Pixels of a feature in the chart."""
OVERALL = "all rows"
DRAWN = tuple(
    Column(title=title, key=key)
    for title, key in (
        ("slice", "slice"),
        ("feature", "feature"),
        ("mean |SHAP|", "value"),
        ("from", "low"),
        ("to", "high"),
        ("mean SHAP", "mean"),
    )
)


def _interval(item: FeatureImportance) -> object:
    if item.low is None or item.high is None:
        return None
    text = f"{number(item.low)} to {number(item.high)}"
    return Cell(content=text, value=item.high - item.low, css="short")


def _importance(part: SliceImportance) -> Table:
    titled = (
        Column(title="feature"),
        Column(title="mean |SHAP|", help="how far it moves the answer, on average"),
        Column(title="its interval", help="95 %, over other rows; sorted by its width"),
        Column(title="mean SHAP", help="to which side it moves the answer, on average"),
    )
    rows = [
        [cut(item.feature), item.mean_abs, _interval(item), item.mean] for item in part.features
    ]
    return Table(columns=titled, rows=rows, search="search features", most=MOST_FEATURES)


def _points(parts: Sequence[SliceImportance], features: Sequence[str]) -> Table:
    rows = [
        [
            part.slice or OVERALL,
            cut(item.feature),
            item.mean_abs,
            item.mean_abs if item.low is None else item.low,
            item.mean_abs if item.high is None else item.high,
            item.mean,
        ]
        for part in parts
        for item in part.features
        if item.feature in features
    ]
    return Table(columns=DRAWN, rows=rows)


def _spec(features: int, slices: Sequence[str]) -> dict[str, Any]:
    """Return bars of mean |SHAP| with their intervals, of one slice that the reader chooses."""
    tooltip = [{"field": column.key, "title": column.title} for column in DRAWN]
    y: dict[str, Any] = {"field": "feature", "type": "nominal", "sort": None, "title": None}
    value: dict[str, Any] = {"type": "quantitative", "title": "mean |SHAP|"}
    encoding: dict[str, Any] = {"y": y, "tooltip": tooltip}
    choice = {"input": "select", "options": list(slices), "name": "slice "}
    chosen = {
        "params": [{"name": "chosen", "value": slices[0], "bind": choice}],
        "transform": [{"filter": "datum.slice === chosen"}],
    }
    layers = [
        {
            "mark": {"type": "bar", "opacity": 0.6},
            "encoding": {**encoding, "x": {**value, "field": "value"}},
        },
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {**encoding, "x": {**value, "field": "low"}, "x2": {"field": "high"}},
        },
    ]
    return {
        "height": BAND * max(features, 2),
        **(chosen if len(slices) > 1 else {}),
        "layer": layers,
    }


def _chart(result: "Explanations") -> Chart:
    features = [item.feature for item in result.slices[0].features[:MOST_DRAWN]]
    parts = result.slices[:MOST_SLICES_DRAWN]
    table = _points(parts, features)
    return Chart(spec=_spec(len(features), [p.slice or OVERALL for p in parts]), table=table)


def _slices(result: "Explanations") -> list[Section]:
    parts = result.slices[1:]
    if not parts:
        return []
    rows = [
        [cut(part.slice, 60), part.rows, part.mean_prediction, cut(i.feature), i.mean_abs, i.mean]
        for part in parts
        for i in part.features[:MOST_SHARES]
    ]
    titles = ("slice", "rows", "mean prediction", "feature", "mean |SHAP|", "mean SHAP")
    table = Table(
        columns=columns(*titles),
        rows=rows,
        search="search slices and features",
        most=MOST_SLICE_ROWS,
    )
    note = f"The {MOST_SHARES} features that matter most in each slice."
    if result.slices_left_out:
        note += f" {result.slices_left_out} slices of few rows are left out."
    return [Section("Slices", table, note=note)]


def _shares(document: dict[str, Any]) -> str:
    """Return a row's largest SHAP values in words, each beside the row's value."""
    shares = sorted(document["shap_values"].items(), key=lambda item: -abs(item[1]))
    texts = [
        f"{cut(name)} = {_input(document['inputs'][name])}: {value:+.4g}"
        for name, value in shares[:MOST_SHARES]
    ]
    rest = sum(value for _, value in shares[MOST_SHARES:])
    return "; ".join([*texts, f"all others: {rest:+.4g}"] if len(shares) > MOST_SHARES else texts)


def _input(value: object) -> str:
    """Return what a row has of a feature; float32 has some seven digits."""
    if value is None:
        return "missing"
    return number(value) if isinstance(value, float) else cut(str(value), 30)


def _rows(result: "Explanations") -> Section:
    documents = result.row_documents()[:MOST_ROWS]
    rows = [
        [place, document["prediction"], Cell(content=_shares(document), css="text")]
        for place, document in enumerate(documents)
    ]
    table = Table(columns=columns("row", "prediction", "what moves it"), rows=rows, narrow="stack")
    note = f"Base value {number(result.base_value)} and all values of a row add up to its answer."
    if result.method == "gradient":
        note = "Expected gradients add up to the answer only nearly."
    return Section("Single rows", table, note=note)


def page(result: "Explanations") -> str:
    """Return the whole page."""
    facts = Table(
        columns=columns("explained", "value"),
        rows=[
            ["quantity", result.quantity.text],
            ["explainer", result.method],
            ["rows", f"{len(result.values):,}"],
            ["rows of the background", f"{result.background_rows:,}"],
            ["base value", result.base_value],
            ["largest gap of a row's sum", float(result.residuals.max())],
        ],
    )
    overall = result.slices[0]
    most = overall.features[0]
    lead = markup.element(
        "p",
        f"{most.feature} matters most: on average it moves what is explained, "
        f"{result.quantity.text}, by {number(most.mean_abs)}.",
    )
    note = "Bars are means of |SHAP| over the explained rows; lines are 95 % intervals."
    if len(overall.features) > MOST_DRAWN:
        note += f" The first {MOST_DRAWN} of {len(overall.features)} features are drawn."
    sections = [
        Section("What is explained", facts),
        Section("Importance", _chart(result), _importance(overall), note=note),
        *_slices(result),
        _rows(result),
    ]
    return Page(title="Explanation", lead=[lead], sections=sections).render()
