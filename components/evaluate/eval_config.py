"""Reads an EvalConfig, makes it fit the models at hand, and tells what it asks for."""

from collections.abc import Iterator
from typing import Any

from google.protobuf import text_format

from kanaria.components.evaluate.private_tfma import metric_specs, tfma
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.storage import uri_files

CANDIDATE, BASELINE = "candidate", "baseline"


def parse(uri: str) -> Any:
    """Return the `tfma.EvalConfig` in the text proto at a path or URI.

    Raises:
        ParameterError: the file cannot be read or does not parse; with line and column.
    """
    try:
        text = uri_files.read_text(uri)
    except DataError as error:
        raise ParameterError(
            f"eval_config_file={shown(uri)}: cannot be read ({error}); "
            "give the path of an EvalConfig text proto in UTF-8"
        ) from error
    try:
        return text_format.Parse(text, tfma.EvalConfig())
    except text_format.ParseError as error:
        line, column = error.GetLine(), error.GetColumn()
        lines = text.splitlines()
        near = lines[line - 1].strip() if line and line <= len(lines) else ""
        raise ParameterError(
            f"{uri}:{line or 1}:{column or 1}: not an EvalConfig: {shown(str(error))} near "
            f"{shown(near)}; correct the text proto"
        ) from error


def candidate_spec(config: Any) -> Any:
    """Return the ModelSpec of the candidate; a default one when the config has none."""
    return next((s for s in config.model_specs if not s.is_baseline), tfma.ModelSpec())


def _by_metric(spec: Any) -> None:
    """Move the thresholds that a MetricsSpec gives by key to the metrics of that name.

    TFMA looks for those by key among metrics inside a model's own graph, and finds none.
    """
    for metric in spec.metrics:
        name = (
            metric_specs.metric_instance(metric).name or ""
        )  # Flip rates have names of their own.
        if name in spec.thresholds:
            metric.threshold.CopyFrom(spec.thresholds[name])
        for field in ("per_slice_thresholds", "cross_slice_thresholds"):
            if name in getattr(spec, field):
                getattr(metric, field).extend(getattr(spec, field)[name].thresholds)
    for field in ("thresholds", "per_slice_thresholds", "cross_slice_thresholds"):
        spec.ClearField(field)


def for_models(config: Any, *, with_baseline: bool) -> Any:
    """Return a copy of `config` for one model, or for a candidate and its baseline.

    Model specs are added or dropped, named as TFMA names them, and the overall slice is
    always evaluated. Without a baseline TFMA's own rule applies: change thresholds are
    dropped, value thresholds stay.

    Args:
        config: a `tfma.EvalConfig` without faults (see `config_check`).
        with_baseline: whether there is a deployed model to compare with.
    """
    result = tfma.EvalConfig()
    result.CopyFrom(config)
    candidate = tfma.ModelSpec()
    candidate.CopyFrom(candidate_spec(config))
    baseline = next((s for s in config.model_specs if s.is_baseline), candidate)
    renamed = {baseline.name: BASELINE, candidate.name: CANDIDATE}
    del result.model_specs[:]
    result.model_specs.add().CopyFrom(candidate)
    result.model_specs[0].name = CANDIDATE if with_baseline else ""
    if with_baseline:
        result.model_specs.add().CopyFrom(baseline)
        result.model_specs[1].name, result.model_specs[1].is_baseline = BASELINE, True
    for spec in result.metrics_specs:
        _by_metric(spec)
        names = [renamed.get(name, name) for name in spec.model_names if name]
        spec.model_names[:] = names if with_baseline else []
    if not any(spec == tfma.SlicingSpec() for spec in result.slicing_specs):
        result.slicing_specs.insert(0, tfma.SlicingSpec())
    return tfma.utils.update_eval_config_with_defaults(
        result, has_baseline=with_baseline, rubber_stamp=not with_baseline
    )


def packed(config: Any) -> bytes:
    """Return a config as bytes, the same for the same config: what travels to other processes."""
    serialized: bytes = config.SerializeToString(deterministic=True)
    return serialized


def thresholds(config: Any) -> Iterator[tuple[str, Any]]:
    """Yield every MetricThreshold of the config with the metric's class or key."""
    for spec in config.metrics_specs:
        yield from spec.thresholds.items()
        for kind in (spec.per_slice_thresholds, spec.cross_slice_thresholds):
            for key, entries in kind.items():
                yield from ((key, entry.threshold) for entry in entries.thresholds)
        for metric in spec.metrics:
            if metric.HasField("threshold"):
                yield metric.class_name, metric.threshold
            for entry in [*metric.per_slice_thresholds, *metric.cross_slice_thresholds]:
                yield metric.class_name, entry.threshold


def of_no_slice(config: Any) -> Iterator[str]:
    """Yield the metric's class or key of each threshold that is for slices and names none."""
    for spec in config.metrics_specs:
        per_slice = [(m.class_name, e) for m in spec.metrics for e in m.per_slice_thresholds]
        per_slice += [(k, e) for k, es in spec.per_slice_thresholds.items() for e in es.thresholds]
        yield from (name for name, entry in per_slice if not entry.slicing_specs)
        crossed = [(m.class_name, e) for m in spec.metrics for e in m.cross_slice_thresholds]
        crossed += [(k, e) for k, es in spec.cross_slice_thresholds.items() for e in es.thresholds]
        yield from (name for name, entry in crossed if not entry.cross_slicing_specs)


def threshold_counts(config: Any) -> tuple[int, int]:
    """Return the numbers of value thresholds and of change thresholds in the config."""
    all_thresholds = [threshold for _, threshold in thresholds(config)]
    values = sum(threshold.HasField("value_threshold") for threshold in all_thresholds)
    return values, sum(threshold.HasField("change_threshold") for threshold in all_thresholds)


def _slicing_specs(config: Any) -> Iterator[Any]:
    """Yield every SlicingSpec of the config, those of thresholds included."""
    yield from config.slicing_specs
    for cross in config.cross_slicing_specs:
        yield from [cross.baseline_spec, *cross.slicing_specs]
    for spec in config.metrics_specs:
        per_slice = [entry for metric in spec.metrics for entry in metric.per_slice_thresholds]
        for entries in spec.per_slice_thresholds.values():
            per_slice += entries.thresholds
        for entry in per_slice:
            yield from entry.slicing_specs


def slice_columns(config: Any) -> set[str]:
    """Return the names of the columns that any slicing spec reads."""
    specs = list(_slicing_specs(config))
    return {key for spec in specs for key in [*spec.feature_keys, *spec.feature_values]}


def example_columns(spec: Any) -> set[str]:
    """Return the names of the columns a ModelSpec takes labels and weights from."""
    single = {spec.label_key, spec.example_weight_key} - {""}
    return single | set(spec.label_keys.values()) | set(spec.example_weight_keys.values())
