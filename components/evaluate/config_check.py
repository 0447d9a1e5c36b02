"""Finds every fault of an EvalConfig before any work is done."""

import difflib
from collections.abc import Iterable
from typing import Any

import tf_keras

from kanaria.components.evaluate.eval_config import (
    candidate_spec,
    example_columns,
    for_models,
    slice_columns,
    thresholds,
)
from kanaria.components.evaluate.private_tfma import metric_specs, tfma
from kanaria.components.evaluate.private_tfma import metric_types as types
from kanaria.components.shared.errors import shown
from kanaria.components.shared.parameters import Faults


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known names most like `name`, as text for a remedy."""
    known = sorted(set(known))
    lower = {entry.lower(): entry for entry in known}
    close = [lower[found] for found in difflib.get_close_matches(name.lower(), lower, n=3)]
    return ", ".join(close or known[:20]) or "none"


def _check_metric(metric: Any, where: str, faults: Faults) -> None:
    known = set(types.registered_metrics()) | {
        name for name in dir(tf_keras.metrics) if name[0].isupper()
    }
    try:
        metric_specs.metric_instance(metric)
    except (ValueError, TypeError, ImportError, AttributeError, NotImplementedError) as error:
        if metric.module or metric.class_name in known:
            faults.add(
                f"{where}: metric {shown(metric.class_name)} cannot be made from config "
                f"{shown(metric.config)}: {shown(str(error))}; correct its config"
            )
        else:
            faults.add(
                f"{where}: unknown metric class_name {shown(metric.class_name)}; "
                f"nearest known: {nearest(metric.class_name, known)}"
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
    known = set(columns)
    if not any(spec.metrics for spec in config.metrics_specs):
        faults.add("metrics_specs: no metric; name at least one, for instance AUC")
    for i, spec in enumerate(config.metrics_specs):
        for k, metric in enumerate(spec.metrics):
            _check_metric(metric, f"metrics_specs[{i}].metrics[{k}]", faults)
    for key in sorted(slice_columns(config) - known):
        faults.add(
            f"slicing_specs: no column {shown(key)} in the examples; nearest: {nearest(key, known)}"
        )
    for key in sorted(example_columns(candidate_spec(config)) - known):
        faults.add(
            f"model_specs: no column {shown(key)} for labels or weights; "
            f"nearest: {nearest(key, known)}"
        )
    for threshold in thresholds(config):
        change = threshold.change_threshold
        if threshold.HasField("change_threshold") and not change.direction:
            faults.add("change_threshold: no direction; add HIGHER_IS_BETTER or LOWER_IS_BETTER")
    _check_models(config, faults)
