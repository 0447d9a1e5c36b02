"""Every threshold with the value it met, its limit and TFMA's verdict, in words."""

import math
from typing import Any

from kanaria.components.evaluate.eval_config import BASELINE
from kanaria.components.evaluate.private_tfma import metric_specs, slicer, tfma
from kanaria.components.evaluate.tfma_results import Results, metric_name, slice_name
from kanaria.components.shared.artifacts.judged_metrics import Check, Value


def _is_change(limit: Any) -> bool:
    return isinstance(limit, tfma.GenericChangeThreshold)


def bound_text(limit: Any) -> str:
    """Return a threshold as text, for instance "at least 0.7"."""
    if not _is_change(limit):
        sides = [("at least", limit.lower_bound), ("at most", limit.upper_bound)]
        names = ["lower_bound", "upper_bound"]
        bounds = [
            f"{word} {side.value:g}"
            for (word, side), name in zip(sides, names, strict=True)
            if limit.HasField(name)
        ]
        return " and ".join(bounds) or "no bound"
    higher = limit.direction == tfma.MetricDirection.HIGHER_IS_BETTER
    word = "at least" if higher else "at most"
    parts = [f"{limit.absolute.value:+g}"] if limit.HasField("absolute") else []
    parts += [f"{limit.relative.value:+g} of the baseline"] if limit.HasField("relative") else []
    return f"change {word} " + " and ".join(parts) if parts else "no bound"


def _where(value: Value) -> str:
    return f" on slice {value.slice}" if value.slice else ""


def _why_unchecked(value: Value, limit: Any) -> str:
    """Return why there is no number to hold against the limit, or ""."""
    where = _where(value)
    if value.candidate is None:
        return f"was not computed{where}"
    if math.isnan(value.candidate):
        why = "not a number: 0 divided by 0, as for labels of one class or weights of 0"
        return f"was not computed{where} ({why})"
    if not _is_change(limit):
        return ""
    if value.baseline is None or math.isnan(value.baseline):
        return f"was not computed for the deployed model{where}"
    if limit.HasField("relative") and math.isclose(value.baseline, 0.0):
        return f"has no relative change from 0 (deployed){where}"
    return ""


def _sentence(value: Value, limit: Any, passed: bool) -> str:
    where, bound = _where(value), bound_text(limit)
    why = _why_unchecked(value, limit)
    if why:
        return f"{value.metric} {why}, so it could not be checked: {bound}"
    candidate = value.candidate or 0.0
    if _is_change(limit):
        change = candidate - (value.baseline or 0.0)
        verb = "holds" if passed else "is broken"
        return (
            f"{value.metric} changed by {change:+.6g} from {value.baseline:.6g} (deployed) to "
            f"{candidate:.6g}{where}; the limit, {bound}, {verb}"
        )
    shown = f"{value.metric} = {candidate:.6g}"
    if passed:
        return f"{shown} is {bound}{where}"
    below = limit.HasField("lower_bound") and candidate < limit.lower_bound.value
    side, edge = (
        ("below the lower", limit.lower_bound) if below else ("above the upper", limit.upper_bound)
    )
    return f"{shown} is {side} bound {edge.value:g}{where}"


def _applies(spec: Any, slice_key: Any) -> bool:
    """Tell whether a threshold on `spec` (None: every slice) covers the slice, as TFMA does."""
    crossed = slicer.is_cross_slice_key(slice_key)
    if isinstance(spec, tfma.CrossSlicingSpec):
        return crossed and slicer.is_cross_slice_applicable(
            cross_slice_key=slice_key, cross_slicing_spec=spec
        )
    if crossed:
        return False
    return spec is None or slicer.SingleSliceSpec(spec=spec).is_slice_applicable(slice_key)


def _spec_name(spec: Any) -> str:
    """Return a slicing spec that matched nothing as text."""
    if isinstance(spec, tfma.CrossSlicingSpec):
        return " ".join(str(spec).split())
    pairs = [f"{key}={value}" for key, value in spec.feature_values.items()]
    return ", ".join([*spec.feature_keys, *pairs]) if spec is not None else ""


def _missing(results: Results, key: Any, spec: Any, limit: Any) -> Check:
    own = key._replace(model_name=results.candidate, is_diff=False)
    name = _spec_name(spec)
    value = Value(slice=name, metric=metric_name(own), candidate=None, baseline=None)
    text = f"no rows in slice {name}, so {value.metric} could not be checked: {bound_text(limit)}"
    return Check(value=value, kind=_kind(limit), bound=bound_text(limit), passed=False, text=text)


def _kind(limit: Any) -> str:
    return "change_threshold" if _is_change(limit) else "value_threshold"


def checks(results: Results, config: Any) -> list[Check]:
    """Return every threshold on every slice it covers, failed ones first.

    Args:
        results: what TFMA wrote.
        config: the `tfma.EvalConfig` it was run with.
    """
    of_thresholds = []
    thresholds = metric_specs.metric_thresholds_from_metrics_specs(
        config.metrics_specs, eval_config=config
    )
    for key, limits in thresholds.items():
        if key.model_name == BASELINE:
            continue  # TFMA does not judge the baseline.
        for spec, limit in limits:
            covered = [s for s in sorted(results.numbers, key=slice_name) if _applies(spec, s)]
            if not covered:
                of_thresholds.append(_missing(results, key, spec, limit))
            for slice_key in covered:
                value = results.value(slice_key, key)
                mark = (value.slice, key, limit.SerializeToString(deterministic=True))
                # A metric without a value breaks its threshold, whatever stands in the files.
                passed = mark not in results.failures and not _why_unchecked(value, limit)
                of_thresholds.append(
                    Check(
                        value=value,
                        kind=_kind(limit),
                        bound=bound_text(limit),
                        passed=passed,
                        text=_sentence(value, limit, passed),
                    )
                )
    return sorted(of_thresholds, key=lambda check: check.passed)
