"""The HTML report: verdict, thresholds, curves, slices with candidate and baseline."""

from collections.abc import Mapping, Sequence

from kanaria.components.evaluate import curves
from kanaria.components.evaluate.engine import Columns
from kanaria.components.evaluate.results import Value
from kanaria.components.evaluate.thresholds import Check
from kanaria.components.shared import charts, html
from kanaria.components.shared.outcome import Outcome

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


def _curves(models: Mapping[str, Columns]) -> list[html.Markup]:
    if not models:
        return [html.element("p", "Not a binary classifier: no curves.", "note")]
    rocs, reliability = [], []
    for name, columns in models.items():
        curve = curves.roc(columns.label, columns.prediction)
        rocs.append(
            charts.Series(
                name=name,
                xs=curve.false_positive_rate.tolist(),
                ys=curve.true_positive_rate.tolist(),
            )
        )
        mean, rate, _ = curves.calibration(columns.label, columns.prediction)
        reliability.append(charts.Series(name=name, xs=mean.tolist(), ys=rate.tolist()))
    return [
        html.section("ROC", charts.curves(rocs, "false positive rate", "true positive rate")),
        html.section(
            "Calibration", charts.curves(reliability, "mean prediction", "rate of positive labels")
        ),
    ]


def page(
    outcome: Outcome,
    checks: Sequence[Check],
    values: Sequence[Value],
    models: Mapping[str, Columns],
    subtitle: str,
) -> str:
    """Return the whole report.

    Args:
        outcome: the verdict with its reasons and notes.
        checks: every threshold, failed ones first.
        values: every metric of every slice.
        models: model name -> labels and predictions in 0 to 1, of binary classifiers.
        subtitle: what was evaluated.
    """
    reasons = html.join(
        html.element("li", reason.text, "bad") for reason in outcome.reasons[:MAX_ROWS]
    )
    passing = {check.text for check in checks}
    notes = html.join(html.element("li", note) for note in outcome.notes if note not in passing)
    overall = [value for value in values if not value.slice]
    sliced = [value for value in values if value.slice]
    return html.page(
        "Model evaluation",
        html.element("p", subtitle, "note"),
        html.verdict(outcome.passed, "Blessed", "Not blessed"),
        html.element("ul", reasons) if outcome.reasons else "",
        html.element("ul", notes) if notes else "",
        html.section("Thresholds", _thresholds(checks)),
        html.section("Overall", _values(overall)),
        *_curves(models),
        html.section("Slices", _values(sliced)) if sliced else "",
    )
