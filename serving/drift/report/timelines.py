"""A report's charts over windows: features, answers, volume, labels. Pure."""

from collections.abc import Iterator, Sequence

from kanaria.components.shared.report import html
from kanaria.components.shared.report.svg_charts import Series, curves
from kanaria.serving.drift.records import Column, Feature, Labels, Metric, Watched, Window
from kanaria.serving.drift.report.charts import Cell, Line, heat_map, lines
from kanaria.serving.drift.report.wording import by_effect, clock, percent, title

MOST_WINDOWS = 60
"""Windows in a chart, the newest; the JSON may have more."""
MOST_ROWS, MOST_LINES = 30, 5
HOUR, DAY = 3600.0, 86_400.0
ESTIMATED = (
    "Dashed: expected from the model's own probabilities, calibrated on earlier labels. It follows "
    "changes of the inputs only; a change of what the labels mean (concept drift) it cannot see."
)
ADAPTIVE = "The errors' mean changed (ADWIN) at: "


def of(watched: Watched) -> Iterator[html.Markup]:
    """Yield the titled charts of what there is."""
    windows = watched.windows[-MOST_WINDOWS:]
    if windows:
        labels = _axis(windows)
        yield from _over_time(windows, labels)
        yield from _answers(windows, labels)
        yield from _volume(windows, labels)
    if watched.labels or any(window.estimated for window in windows):
        yield from _quality(watched.labels[-MOST_WINDOWS:], windows)


def _axis(windows: Sequence[Window]) -> list[str]:
    """Return a label for each window."""
    begins = [window.begin for window in windows if window.begin is not None and not window.name]
    if len(begins) == len(windows):
        return _times(begins)
    return [title(window, place)[:16] for place, window in enumerate(windows, 1)]


def _times(begins: Sequence[float]) -> list[str]:
    """Return times no longer than tells them apart."""
    is_short = max(begins) - min(begins) < DAY
    return [clock(begin, "%H:%M:%S" if is_short else "%Y-%m-%d %H:%M") for begin in begins]


def _over_time(windows: Sequence[Window], labels: Sequence[str]) -> Iterator[html.Markup]:
    tested = [window for window in windows if window.features]
    if not tested:
        return
    names = [feature.feature for feature in by_effect(tested[-1])][:MOST_ROWS]
    found = [{f.feature: f for f in window.features} for window in windows]
    rows = [[_cell(by_name.get(name)) for by_name in found] for name in names]
    yield html.element("h3", "Effect over time")
    note = "Deeper: the effect is larger beside the least that matters. Red with a dot: drifted."
    yield html.element("p", note, "note")
    yield heat_map([name or "all features" for name in names], rows, labels)


def _cell(feature: Feature | None) -> Cell | None:
    if feature is None:
        return None
    effect, least = feature.effect, feature.effect.least
    p_value = "–" if feature.p_value is None else f"{feature.p_value:.3g}"
    told = f"{feature.feature}: {effect.value:.3g}, p {p_value}"
    return Cell(heat=effect.value / (least or 1.0), marked=feature.drifted, told=told)


def _answers(windows: Sequence[Window], labels: Sequence[str]) -> Iterator[html.Markup]:
    columns = [{column.name: column for column in window.outputs} for window in windows]
    names = list(dict.fromkeys(name for held in columns for name in held))[:MOST_LINES]
    if names:
        yield html.element("h3", "Predictions over time")
    for name in names:
        of_name = [held.get(name) for held in columns]
        kinds = sorted({k for column in of_name if column for k in column.shares})
        if kinds:
            drawn = [_share(kind, of_name) for kind in kinds[:MOST_LINES]]
            yield lines(f"{name}: share of the class", drawn, labels)
        means = [None if column is None else column.mean for column in of_name]
        if any(value is not None for value in means):
            yield lines(f"{name}: mean", [Line(name="mean", values=means)], labels, low=None)


def _share(kind: str, columns: Sequence[Column | None]) -> Line:
    values = [column.shares.get(kind, 0.0) if column else None for column in columns]
    return Line(name=kind, values=values)


def _volume(windows: Sequence[Window], labels: Sequence[str]) -> Iterator[html.Markup]:
    yield html.element("h3", "Rows and missing values over time")
    rows = Line(name="rows", values=[float(window.rows) for window in windows])
    yield lines("rows of a window", [rows], labels)
    missing = [
        {c.name: c.missing / c.rows for c in (*w.inputs, *w.outputs) if c.rows} for w in windows
    ]
    worst: dict[str, float] = {}
    for held in missing:
        for name, share in held.items():
            worst[name] = max(worst.get(name, 0.0), share)
    names = sorted((name for name in worst if worst[name] > 0), key=lambda name: -worst[name])
    if not names:
        yield html.element("p", "No value is missing in any of these windows.", "note")
        return
    drawn = [Line(name=n, values=[held.get(n) for held in missing]) for n in names[:MOST_LINES]]
    yield lines("share of missing values", drawn, labels)


def _quality(labels: Sequence[Labels], windows: Sequence[Window]) -> Iterator[html.Markup]:
    """Yield realised quality beside what was expected, on the windows' common axis."""
    judged = {(one.begin, one.end): one for one in labels}
    spans = sorted(
        {(w.begin, w.end) for w in windows if w.begin is not None and w.end is not None}
        | set(judged)
    )[-MOST_WINDOWS:]
    if not spans:
        return
    estimated = {(w.begin, w.end): w.estimated for w in windows}
    axis = _times([begin for begin, _ in spans])
    realised = [judged[span].metrics if span in judged else () for span in spans]
    expected = [
        (judged[span].estimated if span in judged else ()) or estimated.get(span, ())
        for span in spans
    ]
    yield html.element("h3", "Quality on labels")
    names = dict.fromkeys(m.name for found in (*realised, *expected) for m in found)
    for name in names:
        drawn = [_metric("realised", name, realised, dashed=False)]
        drawn += [_metric("expected", name, expected, dashed=True)]
        drawn = [line for line in drawn if any(value is not None for value in line.values)]
        yield lines(name.replace("_", " "), drawn, axis, low=None)
    if any(expected):
        yield html.element("p", ESTIMATED, "note")
    yield from _coverage(labels)


def _metric(name: str, metric: str, found: Sequence[Sequence[Metric]], *, dashed: bool) -> Line:
    held = [next((m for m in metrics if m.name == metric), None) for metrics in found]
    return Line(
        name=name,
        values=[m.value if m else None for m in held],
        band=[(m.low, m.high) if m else None for m in held],
        dashed=dashed,
    )


def _coverage(labels: Sequence[Labels]) -> Iterator[html.Markup]:
    if not labels:
        yield html.element("p", "No window's labels are due yet.", "note")
        return
    newest = labels[-1]
    lag = "" if newest.lag is None else f"; half of them came within {_hours(newest.lag)}"
    yield html.element(
        "p",
        f"Newest window due for labels: {newest.labelled:,} of {newest.rows:,} rows "
        f"({percent(newest.coverage)}) have one{lag}.{_failure(newest)}",
    )
    axis = _times([one.begin for one in labels])
    covered = Line(name="share of rows", values=[one.coverage for one in labels])
    yield lines("rows with a label", [covered], axis)
    times = [when for one in labels for when in one.changes]
    if times:
        yield html.element("p", ADAPTIVE + ", ".join(clock(when) for when in times), "bad")
    if newest.calibration:
        bins = sorted(newest.calibration, key=lambda one: one.predicted)
        curve = Series(
            name="newest window due for labels",
            xs=[one.predicted for one in bins],
            ys=[one.observed for one in bins],
        )
        yield curves([curve], "predicted probability", "share that came true", size=260)


def _hours(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < HOUR else f"{seconds / HOUR:.3g} h"


def _failure(labels: Labels) -> str:
    return f" They could not be judged: {labels.failure}" if labels.failure else ""
