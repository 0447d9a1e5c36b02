"""What TFMA wrote, read back as plain numbers by slice and metric."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from kanaria.components.evaluate.eval_config import BASELINE
from kanaria.components.evaluate.private_tfma import metric_types, slicer, tfma
from kanaria.components.shared.artifacts.judged_metrics import Interval, Value

ENDS = ("lower_bound", "upper_bound")


def metric_name(key: Any) -> str:
    """Return a short unique name of a TFMA MetricKey, without its model."""
    name = f"{key.output_name}/{key.name}" if key.output_name else key.name
    for part in (key.sub_key, key.aggregation_type):
        name += f"[{part}]" if part else ""
    return f"{name}_weighted" if key.example_weighted else name


def slice_name(key: Any) -> str:
    """Return a slice key as text; "" for the overall slice."""
    if slicer.is_cross_slice_key(key):
        first, second = (slice_name(part) or "all rows" for part in key)
        return f"{first} against {second}"
    return ", ".join(f"{column}={value}" for column, value in key)


def _number(value: Any) -> float | None:
    """Return a metric value as a number, or None when it is an array or a matrix."""
    kind = value.WhichOneof("type")
    if kind == "double_value":
        return float(value.double_value.value)
    if kind == "bounded_value":
        return float(value.bounded_value.value.value)
    return None


def _interval(pair: Any) -> Interval | None:
    """Return the bounds of a metric's confidence interval, None where none was computed."""
    if not pair.HasField("confidence_interval"):
        return None
    bounds = [_number(getattr(pair.confidence_interval, end)) for end in ENDS]
    low, high = (None if bound is None or not isfinite(bound) else bound for bound in bounds)
    return None if low is None or high is None else (low, high)


def key_of_slice(entry: Any) -> Any:
    """Return the Python form of the slice that a proto of results is about."""
    if entry.HasField("cross_slice_key"):
        return slicer.deserialize_cross_slice_key(entry.cross_slice_key)
    return slicer.deserialize_slice_key(entry.slice_key)


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """What TFMA wrote.

    Attributes:
        numbers: slice key -> metric key -> value, for scalar metrics.
        failures: slice name, metric key, threshold as bytes of each failed check.
        validation_ok: TFMA's verdict over all thresholds and slices.
        candidate: model name of the candidate in the metric keys.
        intervals: slice key -> metric key -> bounds of its confidence interval.
        plots: model name -> what TFMA drew of all rows, the first of each kind.
    """

    numbers: dict[Any, dict[Any, float]]
    failures: set[tuple[str, Any, bytes]]
    validation_ok: bool
    candidate: str
    intervals: Mapping[Any, Mapping[Any, Interval]] = field(default_factory=dict)
    plots: Mapping[str, list[Any]] = field(default_factory=dict)

    def value(self, slice_key: Any, key: Any) -> Value:
        """Return both models' values of a metric (the key of a difference or of a model)."""
        numbers, bounds = self.numbers.get(slice_key, {}), self.intervals.get(slice_key, {})
        own = key._replace(model_name=self.candidate, is_diff=False)
        live = own.make_baseline_key(BASELINE) if self.candidate else None
        return Value(
            slice=slice_name(slice_key),
            metric=metric_name(own),
            candidate=numbers.get(own),
            baseline=numbers.get(live) if live else None,
            candidate_interval=bounds.get(own),
            baseline_interval=bounds.get(live) if live else None,
        )

    def values(self) -> Iterator[Value]:
        """Yield every scalar metric of the candidate, the overall slice first."""
        for slice_key in sorted(self.numbers, key=slice_name):
            for key in sorted(self.numbers[slice_key], key=metric_name):
                if key.model_name == self.candidate and not key.is_diff:
                    yield self.value(slice_key, key)


def load(folder: Path, candidate: str) -> Results:
    """Read the metrics and validations that TFMA wrote into `folder`."""
    numbers: dict[Any, dict[Any, float]] = {}
    intervals: dict[Any, dict[Any, Interval]] = {}
    for entry in tfma.load_metrics(str(folder)):
        numbers_of_slice = numbers.setdefault(key_of_slice(entry), {})
        bounds = intervals.setdefault(key_of_slice(entry), {})
        for pair in entry.metric_keys_and_values:
            key, number, interval = _read(pair)
            if number is not None:
                numbers_of_slice[key] = number
            if interval is not None:
                bounds[key] = interval
    validation = tfma.load_validation_result(str(folder))
    failures = {
        (slice_name(key_of_slice(entry)), metric_types.MetricKey.from_proto(f.metric_key), limit)
        for entry in validation.metric_validations_per_slice
        for f in entry.failures
        for limit in [_limit(f.metric_threshold).SerializeToString(deterministic=True)]
    }
    return Results(
        numbers=numbers,
        failures=failures,
        validation_ok=validation.validation_ok,
        candidate=candidate,
        intervals=intervals,
        plots=_plots(folder),
    )


def _read(pair: Any) -> tuple[Any, float | None, Interval | None]:
    return metric_types.MetricKey.from_proto(pair.key), _number(pair.value), _interval(pair)


def _plots(folder: Path) -> dict[str, list[Any]]:
    plots: dict[str, list[Any]] = {}
    for entry in tfma.load_plots(str(folder)):
        if key_of_slice(entry) == ():
            for pair in entry.plot_keys_and_values:
                plots.setdefault(pair.key.model_name, []).append(pair.value)
    return plots


def _limit(threshold: Any) -> Any:
    """Return the one threshold, of value or of change, that a failure is about."""
    changes = threshold.HasField("change_threshold")
    return threshold.change_threshold if changes else threshold.value_threshold
