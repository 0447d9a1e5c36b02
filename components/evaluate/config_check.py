"""Finds every fault of an EvalConfig before any work is done."""

import difflib
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import tf_keras

from kanaria.components.evaluate import metric_requirements
from kanaria.components.evaluate.eval_config import (
    candidate_spec,
    example_columns,
    for_models,
    of_no_slice,
    slice_columns,
    thresholds,
)
from kanaria.components.evaluate.label_prediction_pairs import USUAL_OUTPUTS
from kanaria.components.evaluate.private_tfma import metric_specs, tfma
from kanaria.components.evaluate.private_tfma import metric_types as types
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import shown


def nearest(name: str, candidates: Iterable[str]) -> str:
    """Return the known names most like `name`, as text for a remedy."""
    candidates = sorted(set(candidates))
    lower = {entry.lower(): entry for entry in candidates}
    close = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=3)]
    return ", ".join(close or candidates[:20]) or "none"


def _check_metric(metric: Any, where: str, faults: Faults) -> bool:
    """Record what is wrong with a metric; tell whether nothing is."""
    class_names = set(types.registered_metrics()) | {
        name for name in dir(tf_keras.metrics) if name[0].isupper()
    }
    try:
        metric_specs.metric_instance(metric)
        return True
    except (ValueError, TypeError, ImportError, AttributeError, NotImplementedError) as error:
        if metric.module or metric.class_name in class_names:
            faults.add(
                f"{where}: metric {shown(metric.class_name)} cannot be made from config "
                f"{shown(metric.config)}: {shown(str(error))}; correct its config"
            )
        else:
            faults.add(
                f"{where}: unknown metric class_name {shown(metric.class_name)}; "
                f"nearest known: {nearest(metric.class_name, class_names)}"
            )
        return False


def _check_metrics(config: Any, faults: Faults) -> None:
    if not any(spec.metrics for spec in config.metrics_specs):
        faults.add("metrics_specs: no metric; name at least one, for instance AUC")
    wanting = []
    for i, spec in enumerate(config.metrics_specs):
        made = [
            metric
            for k, metric in enumerate(spec.metrics)
            if _check_metric(metric, f"metrics_specs[{i}].metrics[{k}]", faults)
        ]
        if len(made) == len(spec.metrics):
            named = {metric_specs.metric_instance(metric).name or "": metric for metric in made}
            _check_keys(spec, named, faults)
        wanting += [
            metric.class_name for metric in made if metric_requirements.of(metric, spec).labels
        ]
    spec_of_candidate = candidate_spec(config)
    if wanting and not (spec_of_candidate.label_key or spec_of_candidate.label_keys):
        faults.add(
            f"model_specs: no label_key for {', '.join(dict.fromkeys(wanting))}; name the column "
            'of the labels, for instance model_specs { label_key: "label" }'
        )


def _check_value_threshold(name: str, limit: Any, faults: Faults) -> None:
    sides = [side for side in ("lower_bound", "upper_bound") if limit.HasField(side)]
    if not sides:
        faults.add(f"{name}: value_threshold has no bound; add lower_bound or upper_bound")
    for side in sides:
        bound = getattr(limit, side).value
        if not math.isfinite(bound):
            faults.add(f"{name}: value_threshold {side} is {bound:g}; give a number")
    if len(sides) == 2 and limit.lower_bound.value > limit.upper_bound.value:
        faults.add(
            f"{name}: value_threshold lower_bound {limit.lower_bound.value:g} is above upper_bound "
            f"{limit.upper_bound.value:g}, so no value passes; mend one"
        )


def _check_change_threshold(name: str, limit: Any, faults: Faults) -> None:
    if not limit.direction:
        faults.add(
            f"{name}: change_threshold has no direction; add HIGHER_IS_BETTER or LOWER_IS_BETTER"
        )
    kinds = [kind for kind in ("absolute", "relative") if limit.HasField(kind)]
    if not kinds:
        faults.add(f"{name}: change_threshold has no amount; add absolute or relative")
    for kind in kinds:
        amount = getattr(limit, kind).value
        if not math.isfinite(amount):
            faults.add(f"{name}: change_threshold {kind} is {amount:g}; give a number")
    higher = limit.direction == tfma.MetricDirection.HIGHER_IS_BETTER
    loss = -limit.relative.value if higher else limit.relative.value
    if math.isfinite(loss) and loss >= 1:
        faults.add(
            f"{name}: change_threshold relative {limit.relative.value:g} lets the metric get worse "
            f"by {loss:.0%}; it is a share of the baseline, so write 0.05 for 5 percent"
        )


def _check_keys(spec: Any, named: Mapping[str, Any], faults: Faults) -> None:
    """Record every threshold by key that no metric of its spec, or one with another, bears."""
    for key in spec.thresholds:
        if key in named and named[key].HasField("threshold"):
            faults.add(f"{key}: a threshold by key and one in the metric; give one")
    for field in ("thresholds", "per_slice_thresholds", "cross_slice_thresholds"):
        for key in getattr(spec, field):
            if key not in named:
                near = nearest(key, named)
                faults.add(f"{field}: no metric is named {shown(key)}; nearest: {near}")


def _check_thresholds(config: Any, faults: Faults) -> None:
    """Record every threshold that would hold, or be left out, whatever the metric's value."""
    for name, threshold in thresholds(config):
        if threshold.HasField("value_threshold"):
            _check_value_threshold(name, threshold.value_threshold, faults)
        if threshold.HasField("change_threshold"):
            _check_change_threshold(name, threshold.change_threshold, faults)
        if not threshold.ListFields():
            faults.add(f"{name}: empty threshold; add value_threshold or change_threshold")
    for name in of_no_slice(config):
        faults.add(f"{name}: a threshold per slice names no slice; add slicing_specs")


def check_outputs(
    config: Any, spec: Any, outputs: Collection[str], where: str, faults: Faults
) -> None:
    """Record what is wrong with how a config names the outputs of a model.

    Args:
        config: a `tfma.EvalConfig` without faults in its metrics.
        spec: the model's `tfma.ModelSpec` in it.
        outputs: names of the outputs of its signature.
        where: how messages name the model.
        faults: takes the faults; nothing is raised here.
    """
    if len(outputs) == 1:
        return
    listed = ", ".join(sorted(outputs))
    keys = {spec.prediction_key, *spec.prediction_keys.values()} | set(spec.label_keys)
    for key in sorted(keys - {""} - set(outputs)):
        faults.add(f"{where}: no output {shown(key)}; it has: {listed}")
    compares = any(demand.labels for demand in metric_requirements.of_output(config, spec.name, ""))
    if compares and not keys - {""} and not set(USUAL_OUTPUTS) & set(outputs):
        faults.add(
            f"{where}: {len(outputs)} outputs ({listed}) and none chosen; set prediction_key in "
            "model_specs to the one that the metrics compare with the labels"
        )


def _check_models(config: Any, faults: Faults) -> None:
    candidates = [spec.name for spec in config.model_specs if not spec.is_baseline]
    baselines = [spec.name for spec in config.model_specs if spec.is_baseline]
    for kind, names in (("candidate", candidates), ("baseline", baselines)):
        if len(names) > 1:
            faults.add(f"model_specs: {len(names)} {kind} models {shown(names)}; keep one")
    try:
        tfma.utils.verify_eval_config(for_models(config, with_baseline=False))
    except ValueError as error:
        faults.add(f"{shown(' '.join(str(error).split()))}; correct the config")


def check(config: Any, columns: Iterable[str], faults: Faults) -> None:
    """Record every fault of the config against the columns of the examples.

    Args:
        config: a parsed `tfma.EvalConfig`.
        columns: names of the examples' columns and of what the model derives from them.
        faults: takes the faults; nothing is raised here.
    """
    names = set(columns)
    _check_metrics(config, faults)
    for key in sorted(slice_columns(config) - names):
        faults.add(
            f"slicing_specs: no column {shown(key)} in the examples; nearest: {nearest(key, names)}"
        )
    for key in sorted(example_columns(candidate_spec(config)) - names):
        faults.add(
            f"model_specs: no column {shown(key)} for labels or weights; "
            f"nearest: {nearest(key, names)}"
        )
    _check_thresholds(config, faults)
    _check_models(config, faults)
