"""The HTML reports: verdict, thresholds, curves, slices with candidate and baseline."""

from collections.abc import Mapping, Sequence

from kanaria.components.evaluate.curves import Curves
from kanaria.components.evaluate.findings import Check, Findings, Value
from kanaria.components.shared.outcome import Outcome
from kanaria.components.shared.report import html, svg_charts

# A row takes about 300 bytes; the report stays well under 2 MB.
MAX_ROWS = 2000


def _cut(rows: Sequence[Sequence[object]], headers: Sequence[str]) -> html.Markup:
    parts = [html.table(headers, rows[:MAX_ROWS])]
    if len(rows) > MAX_ROWS:
        parts.append(html.element("p", f"{len(rows) - MAX_ROWS} more rows are left out.", "note"))
    return html.join(parts)


def _mark(passed: bool) -> html.Markup:
    return html.element("span", "passed" if passed else "failed", "good" if passed else "bad")


def _shown(number: float | None) -> object:
    """Show a missing value as a dash and a count without decimals or exponent."""
    if number is None:
        return "–"
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def _thresholds(checks: Sequence[Check]) -> html.Markup:
    rows = [
        (
            _mark(check.passed),
            check.value.metric,
            check.value.slice or "overall",
            check.bound,
            _shown(check.value.candidate),
            _shown(check.value.baseline),
        )
        for check in checks
    ]
    headers = ["result", "metric", "slice", "limit", "candidate", "deployed"]
    return _cut(rows, headers) if rows else html.element("p", "None was given.")


def _difference(value: Value) -> float | None:
    if value.candidate is None or value.baseline is None:
        return None
    return value.candidate - value.baseline


def _values(values: Sequence[Value]) -> html.Markup:
    rows = [
        (
            value.slice or "overall",
            value.metric,
            _shown(value.candidate),
            _shown(value.baseline),
            _shown(_difference(value)),
        )
        for value in values
    ]
    return _cut(rows, ["slice", "metric", "candidate", "deployed", "difference"])


def _curves(models: Mapping[str, Curves]) -> list[html.Markup]:
    if not models:
        return [html.element("p", "Not a binary classifier: no curves.", "note")]
    rocs, reliability = [], []
    for name, drawn in models.items():
        xs, ys = drawn.false_positive_rate, drawn.true_positive_rate
        rocs.append(svg_charts.Series(name=name, xs=xs, ys=ys))
        xs, ys = drawn.mean_prediction, drawn.positive_rate
        reliability.append(svg_charts.Series(name=name, xs=xs, ys=ys))
    return [
        html.section("ROC", svg_charts.curves(rocs, "false positive rate", "true positive rate")),
        html.section(
            "Calibration",
            svg_charts.curves(reliability, "mean prediction", "rate of positive labels"),
        ),
    ]


def _measured(found: Findings) -> list[html.Markup]:
    """Return the sections of what was measured: overall, curves, slices."""
    overall = [value for value in found.values if not value.slice]
    sliced = [value for value in found.values if value.slice]
    slices = [html.section("Slices", _values(sliced))] if sliced else []
    return [html.section("Overall", _values(overall)), *_curves(found.curves), *slices]


def _notes(notes: Sequence[str]) -> html.Markup | str:
    items = html.join(html.element("li", note) for note in notes)
    return html.element("ul", items) if notes else ""


def of_evaluation(found: Findings) -> str:
    """Return the report of evaluate_model: what was measured, without a verdict."""
    subtitle = f"{found.row_count} rows of split {found.split}; bless_model judges"
    return html.page(
        "Model evaluation",
        html.element("p", subtitle, "note"),
        _notes(found.notes),
        *_measured(found),
    )


def page(outcome: Outcome, found: Findings, deployed: str) -> str:
    """Return the report of bless_model.

    Args:
        outcome: the verdict with its reasons and notes.
        found: every threshold, failed ones first, every metric of every slice, and curves.
        deployed: URI of the release the candidate was compared with; "" for none.
    """
    against = f"against {deployed}" if deployed else "without a deployed model"
    subtitle = f"{found.row_count} rows of split {found.split}, {against}"
    reasons = html.join(
        html.element("li", reason.text, "bad") for reason in outcome.reasons[:MAX_ROWS]
    )
    passing = {check.text for check in found.checks}
    return html.page(
        "Model blessing",
        html.element("p", subtitle, "note"),
        html.verdict(outcome.passed, "Blessed", "Not blessed"),
        html.element("ul", reasons) if outcome.reasons else "",
        _notes([note for note in outcome.notes if note not in passing]),
        html.section("Thresholds", _thresholds(found.checks)),
        *_measured(found),
    )
