"""A report's charts of labels that came: quality as realised and as expected, coverage. Pure."""

from collections.abc import Iterator, Sequence

from kanaria.components.shared.html_report.chart import Chart
from kanaria.components.shared.html_report.markup import element
from kanaria.components.shared.html_report.table import Table
from kanaria.serving.drift.report import chart_specs
from kanaria.serving.drift.report.detail_levels import MOST_TEXT, cut
from kanaria.serving.drift.report.verdict_wording import clock, percent
from kanaria.serving.drift.report.window_charts import Line, lines, times
from kanaria.serving.drift.report_records import Labels, Metric, Window

HOUR = 3600.0
ESTIMATED = (
    "Dashed: expected from the model's own probabilities, calibrated on earlier labels. It follows "
    "changes of the inputs only; a change of what the labels mean (concept drift) it cannot see."
)
ADAPTIVE = "The errors' mean changed (ADWIN) at: "


def content(labels: Sequence[Labels], windows: Sequence[Window], most: int) -> Iterator[object]:
    """Yield realised quality beside what was expected, on the windows' common axis.

    Args:
        labels: of windows, in order.
        windows: in order.
        most: windows that are shown, the newest.
    """
    judged = {(one.begin, one.end): one for one in labels}
    spans = sorted(
        {(w.begin, w.end) for w in windows if w.begin is not None and w.end is not None}
        | set(judged)
    )[-most:]
    if not spans:
        return
    estimated = {(w.begin, w.end): w.estimated for w in windows}
    axis = times([begin for begin, _ in spans])
    realised = [judged[span].metrics if span in judged else () for span in spans]
    expected = [
        (judged[span].estimated if span in judged else ()) or estimated.get(span, ())
        for span in spans
    ]
    yield element("h3", "Quality on labels")
    names = dict.fromkeys(m.name for metrics in (*realised, *expected) for m in metrics)
    for name in names:
        drawn = [_metric("realised", name, realised, dashed=False)]
        drawn += [_metric("expected", name, expected, dashed=True)]
        yield lines(name.replace("_", " "), drawn, axis, zero=False)
    if any(expected):
        yield element("p", ESTIMATED, "note")
    yield from _coverage(labels)


def _metric(
    name: str, metric: str, metrics_by_window: Sequence[Sequence[Metric]], *, dashed: bool
) -> Line:
    held = [next((m for m in metrics if m.name == metric), None) for metrics in metrics_by_window]
    return Line(
        name=name,
        values=[m.value if m else None for m in held],
        band=[(m.low, m.high) if m else None for m in held],
        dashed=dashed,
    )


def _coverage(labels: Sequence[Labels]) -> Iterator[object]:
    if not labels:
        yield element("p", "No window's labels are due yet.", "note")
        return
    newest = labels[-1]
    lag = "" if newest.lag is None else f"; half of them came within {_hours(newest.lag)}"
    yield element(
        "p",
        f"Newest window due for labels: {newest.labelled:,} of {newest.rows:,} rows "
        f"({percent(newest.coverage)}) have one{lag}.{_failure(newest)}",
    )
    covered = Line(name="share of rows", values=[one.coverage for one in labels])
    yield lines("rows with a label", [covered], times([one.begin for one in labels]))
    changed = [when for one in labels for when in one.changes]
    if changed:
        yield element("p", ADAPTIVE + ", ".join(clock(when) for when in changed), "bad")
    if newest.calibration:
        bins = sorted(newest.calibration, key=lambda one: one.predicted)
        rows = [[one.predicted, one.observed, one.rows] for one in bins]
        table = Table(columns=chart_specs.CALIBRATION, rows=rows)
        yield Chart(spec=chart_specs.calibration(), table=table, title="Calibration, newest labels")


def _hours(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < HOUR else f"{seconds / HOUR:.3g} h"


def _failure(labels: Labels) -> str:
    return f" They could not be judged: {cut(labels.failure, MOST_TEXT)}" if labels.failure else ""
