"""The newest verdicts in Prometheus form, worked out from what is kept at each scrape. Pure."""

import math
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from kanaria.serving.drift.detector import Verdict
from kanaria.serving.drift.report.verdict_wording import by_effect
from kanaria.serving.drift.report_records import FAILED, Column, Labels, Window
from kanaria.serving.drift_watch.stored_verdicts import Newest

MOST_FEATURES = 100
"""Features and columns of a stream that get series of their own; the others are counted."""
STREAM = ("namespace", "service", "version", "detector")
VERDICTS = {Verdict.STABLE.value: 0.0, Verdict.DRIFTED.value: 1.0}
RECENT = {"drifted": True, "stable": False, "unknown": None}
"""How the verdict on a window is called -> what it says of drift."""
OF_FEATURES = {
    "statistic": "Test statistic of the newest window; feature '' for all together.",
    "p_value": "P-value, corrected for the number of features where feature is ''.",
    "effect": "Size of the difference; of feature '' the largest.",
    "verdict": "1 drifted, 0 stable, NaN not enough data or failed.",
}
OF_WINDOWS = {
    "drift_window_rows": "Rows of the newest window.",
    "drift_window_end_timestamp_seconds": "Time of its last exchange, in seconds since 1970.",
    "drift_failed": "1 when it could not be tested.",
    "drift_differences": "Differences between its schema and the reference's.",
    "drift_features_left_out": "Features without series of their own.",
}
OF_COLUMNS = {
    "missing_ratio": "Share of the rows of the newest window without a value.",
    "mean": "Mean of the numbers; of images, feature brightness is that of their pixels.",
    "length": "Mean number of characters of the texts.",
}
OF_LABELS = {
    "value": "Quality in the newest window due for labels.",
    "low": "Lower end of its 95 % band.",
    "high": "Upper end.",
}
RECENT_HELP = "How many of the newest three windows had a verdict."
EXPECTED_HELP = "Quality expected of the newest window before its labels; no concept drift in it."
CLASS_HELP = "Share of the answers of the newest window that are of a class."
CHANGES_HELP = "Changes of the errors' mean that ADWIN saw in the newest window due for labels."
FAILED_HELP = "1 when the labels of that window could not be judged."


def described() -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield name, labels and meaning of every gauge."""
    for name, help_ in OF_WINDOWS.items():
        yield f"kanaria_{name}", STREAM, help_
    yield "kanaria_drift_recent_windows", (*STREAM, "verdict"), RECENT_HELP
    for name, help_ in OF_FEATURES.items():
        yield f"kanaria_drift_{name}", (*STREAM, "feature"), help_
    for kind in ("input", "output"):
        for name, help_ in OF_COLUMNS.items():
            yield f"kanaria_{kind}_{name}", (*STREAM, "feature"), help_
    yield "kanaria_output_class_ratio", (*STREAM, "feature", "class"), CLASS_HELP
    for name, help_ in OF_LABELS.items():
        yield f"kanaria_quality_{name}", (*STREAM, "metric"), help_
    yield "kanaria_quality_expected", (*STREAM, "metric"), EXPECTED_HELP
    yield "kanaria_quality_changes", STREAM, CHANGES_HELP
    yield "kanaria_quality_failed", STREAM, FAILED_HELP


class _Series:
    """Gauges by name in one registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}

    def set(self, name: str, help_: str, labels: dict[str, str], value: float | None) -> None:
        """Set a series; None sets nothing."""
        if value is None:
            return
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, help_, tuple(labels), registry=self.registry)
        self._gauges[name].labels(**labels).set(value)


def text(verdicts: Iterable[Newest]) -> bytes:
    """Return the gauges of all streams in Prometheus' text format."""
    series = _Series()
    for one in verdicts:
        stream = (one.stream.namespace, one.stream.service, one.stream.version, one.name)
        labels = dict(zip(STREAM, stream, strict=True))
        if one.window:
            _window(series, labels, one.window)
            _recent(series, labels, one.recent)
        if one.labels:
            _labels(series, labels, one.labels)
    return generate_latest(series.registry)


def _window(series: _Series, labels: dict[str, str], window: Window) -> None:
    shown = by_effect(window)[:MOST_FEATURES]
    values = (
        float(window.rows),
        window.end,
        float(window.verdict == FAILED),
        float(len(window.differences)),
        float(len(window.features) - len(shown)),
    )
    for (name, help_), value in zip(OF_WINDOWS.items(), values, strict=True):
        series.set(f"kanaria_{name}", help_, labels, value)
    effect = window.effect.value if window.effect else None
    verdict = VERDICTS.get(window.verdict, math.nan)
    _feature(series, labels, "", (window.statistic, window.p_value, effect, verdict))
    for feature in shown:
        if feature.feature:
            alone = 1.0 if feature.drifted else 0.0 if feature.enough else math.nan
            values_of = (feature.statistic, feature.p_value, feature.effect.value, alone)
            _feature(series, labels, feature.feature, values_of)
    _columns(series, labels, "input", window.inputs)
    _columns(series, labels, "output", window.outputs)
    for metric in window.estimated:
        measured = labels | {"metric": metric.name}
        series.set("kanaria_quality_expected", EXPECTED_HELP, measured, metric.value)


def _recent(series: _Series, labels: dict[str, str], recent: Sequence[bool | None]) -> None:
    for verdict, drifted in RECENT.items():
        count = sum(one is drifted for one in recent)
        series.set(
            "kanaria_drift_recent_windows", RECENT_HELP, labels | {"verdict": verdict}, count
        )


def _feature(
    series: _Series, labels: dict[str, str], feature: str, values: Sequence[float | None]
) -> None:
    for (name, help_), value in zip(OF_FEATURES.items(), values, strict=True):
        series.set(f"kanaria_drift_{name}", help_, labels | {"feature": feature}, value)


def _columns(series: _Series, labels: dict[str, str], kind: str, columns: Sequence[Column]) -> None:
    for column in columns[:MOST_FEATURES]:
        named = labels | {"feature": column.name}
        missing = column.missing / column.rows if column.rows else None
        values = (missing, column.mean, column.length)
        for (name, help_), value in zip(OF_COLUMNS.items(), values, strict=True):
            series.set(f"kanaria_{kind}_{name}", help_, named, value)
        for of_class, share in column.shares.items():
            series.set("kanaria_output_class_ratio", CLASS_HELP, named | {"class": of_class}, share)


def _labels(series: _Series, labels: dict[str, str], record: Labels) -> None:
    for metric in record.metrics:
        named = labels | {"metric": metric.name}
        values = (metric.value, metric.low, metric.high)
        for (name, help_), value in zip(OF_LABELS.items(), values, strict=True):
            series.set(f"kanaria_quality_{name}", help_, named, value)
    series.set("kanaria_quality_changes", CHANGES_HELP, labels, float(len(record.changes)))
    series.set("kanaria_quality_failed", FAILED_HELP, labels, float(bool(record.failure)))
