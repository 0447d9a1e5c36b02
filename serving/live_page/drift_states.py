"""Watches and quality as the page shows them, from the drift server's metrics. Pure."""

import math
from collections.abc import Iterable, Mapping

from prometheus_client.samples import Sample

from kanaria.serving.live_page.metric_samples import Samples
from kanaria.serving.live_page.page_state import DriftState, Light, QualityState

STREAM = ("namespace", "service", "version", "detector")
WATCH = ("namespace", "service", "detector")
LIGHTS = {1.0: Light.DRIFTED, 0.0: Light.STABLE}
MOST_FEATURES = 8


def drift(samples: Samples, now: float) -> list[DriftState]:
    """Return all watches: those with a window by version, and those without any.

    Args:
        samples: of one scrape of a drift server.
        now: seconds since 1970.
    """
    streams = _labels_of(samples.of("kanaria_drift_window_rows"), STREAM)
    watches = _labels_of(samples.of("kanaria_drift_watch_broken"), WATCH)
    tested = {tuple(one[label] for label in WATCH) for one in streams}
    untested = [one for one in watches if tuple(one[label] for label in WATCH) not in tested]
    return [_watch(samples, labels, now) for labels in (*streams, *untested)]


def _labels_of(samples: Iterable[Sample], names: tuple[str, ...]) -> list[dict[str, str]]:
    values = {tuple(one.labels.get(name, "") for name in names) for one in samples}
    return [dict(zip(names, one, strict=True)) for one in sorted(values)]


def _watch(samples: Samples, labels: dict[str, str], now: float) -> DriftState:
    rows = samples.value("kanaria_drift_window_rows", **labels)
    end = samples.value("kanaria_drift_window_end_timestamp_seconds", **labels)
    recent = samples.of("kanaria_drift_recent_windows", **labels) if "version" in labels else ()
    return DriftState(
        service=f"{labels['namespace']}/{labels['service']}",
        version=labels.get("version", ""),
        detector=labels["detector"],
        light=_light(samples, labels),
        recent={one.labels["verdict"]: round(one.value) for one in recent},
        rows=None if rows is None or "version" not in labels else round(rows),
        window_age=None if end is None or "version" not in labels else max(0.0, now - end),
        features=_features(samples, labels) if "version" in labels else (),
    )


def _light(samples: Samples, labels: dict[str, str]) -> Light:
    watch = {name: labels[name] for name in WATCH}
    if samples.value("kanaria_drift_watch_broken", **watch) == 1:
        return Light.BROKEN
    if "version" not in labels:
        return Light.UNKNOWN
    if samples.value("kanaria_drift_failed", **labels) == 1:
        return Light.FAILED
    verdict = samples.value("kanaria_drift_verdict", **labels, feature="")
    return LIGHTS.get(math.nan if verdict is None else verdict, Light.UNKNOWN)


def _features(samples: Samples, labels: dict[str, str]) -> list[str]:
    """Return the features that drifted, the largest effect first."""
    names = [
        one.labels["feature"]
        for one in samples.of("kanaria_drift_verdict", **labels)
        if one.value == 1 and one.labels.get("feature")
    ]
    effects = {
        name: samples.value("kanaria_drift_effect", **labels, feature=name) for name in names
    }
    return sorted(names, key=lambda name: -_number(effects[name]))[:MOST_FEATURES]


def _number(value: float | None) -> float:
    return 0.0 if value is None or math.isnan(value) else value


def quality(samples: Samples) -> list[QualityState]:
    """Return the metrics of all versions on their labels, and what is expected before they come.

    Args:
        samples: of one scrape of a drift server.
    """
    names = (*STREAM, "metric")
    of_labels = _labels_of(samples.of("kanaria_quality_value"), names)
    expected = _labels_of(samples.of("kanaria_quality_expected"), names)
    failed = _labels_of(
        (one for one in samples.of("kanaria_quality_failed") if one.value == 1), STREAM
    )
    metrics = [*of_labels, *(one for one in expected if one not in of_labels)]
    return [
        *(_metric(samples, labels) for labels in metrics),
        *(_metric(samples, {**labels, "metric": ""}) for labels in failed),
    ]


def _metric(samples: Samples, labels: Mapping[str, str]) -> QualityState:
    stream = {name: labels[name] for name in STREAM}
    version = {name: labels[name] for name in ("namespace", "service", "version")}
    value, low, high, expected = (
        _finite(samples.value(f"kanaria_quality_{name}", **labels))
        for name in ("value", "low", "high", "expected")
    )
    return QualityState(
        service=f"{labels['namespace']}/{labels['service']}",
        version=labels["version"],
        detector=labels["detector"],
        metric=labels["metric"],
        value=value,
        low=low,
        high=high,
        expected=expected,
        coverage=_finite(samples.value("kanaria_label_coverage_ratio", **version)),
        has_failed=samples.value("kanaria_quality_failed", **stream) == 1,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
