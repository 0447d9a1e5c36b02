"""What TFMA derives from combined metrics: derived, crossed and changed ones, intervals.

TFMA has these steps as closures inside transforms of a pipeline; here they are functions over
the metrics of all slices. `tests/test_evaluate_engine.py` compares them with the pipeline's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kanaria.components.evaluate import private_tfma as private
from kanaria.components.evaluate.combined_metrics import FULL, Combined, Metrics
from kanaria.components.evaluate.metric_plan import Group, Plan
from kanaria.components.evaluate.private_tfma import metric_types, slicer, tfma
from kanaria.components.evaluate.slices import JACKKNIFE

BySlice = dict[Any, Metrics]


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluated:
    """What TFMA writes, each slice -> values by key; and the verdict on each slice.

    Attributes:
        metrics: numbers and matrices.
        plots: plots.
        attributions: attributions.
        validations: TFMA's validation results, one a slice.
    """

    metrics: BySlice
    plots: BySlice
    attributions: BySlice
    validations: list[Any]


def _derived(metrics: Mapping[Any, Metrics], group: Group) -> BySlice:
    result = {}
    for key, values in metrics.items():
        own = dict(values)
        for computation in group.separated.derived_computations:
            own.update(computation.result(own))
        if not group.separated.cross_slice_computations:
            # Histograms of 10,000 buckets are not needed any more.
            _, own = private.remove_private_metrics(key, own)
        result[key] = own
    return result


def _is_in(key: Any, specs: Sequence[Any]) -> bool:
    return any(slicer.SingleSliceSpec(spec=spec).is_slice_applicable(key) for spec in specs)


def _crossed(metrics: BySlice, group: Group, config: Any) -> BySlice:
    """Return the metrics of each pair of slices that the config compares."""
    result: BySlice = {}
    for cross in config.cross_slicing_specs:
        bases = [key for key in metrics if _is_in(key, [cross.baseline_spec])]
        specs = list(cross.slicing_specs)
        others = [
            key
            for key in metrics
            if (_is_in(key, specs) if specs else not _is_in(key, [cross.baseline_spec]))
        ]
        for base in bases:
            for other in others:
                result[base, other] = _comparison(metrics[base], metrics[other], group)
    return result


def _comparison(base: Metrics, other: Metrics, group: Group) -> Metrics:
    plain = (metric_types.PlotKey, metric_types.AttributionsKey)
    result = {
        key: base[key] - value
        for key, value in other.items()
        if key in base
        and not private.is_private(key)
        and isinstance(key, metric_types.MetricKey)
        and not isinstance(key, plain)
    }
    for computation in group.separated.cross_slice_computations:
        result.update(computation.cross_slice_comparison(base, other))
    return result


def _changes(metrics: Metrics, baseline: str | None) -> Metrics:
    """Return the metrics with the changes from the baseline."""
    if not baseline:
        return metrics
    changes = {
        key.make_diff_key(): value - metrics[key.make_baseline_key(baseline)]
        for key, value in metrics.items()
        if not private.is_private(key)
        and not key.is_diff
        and key.model_name != baseline
        and key.make_baseline_key(baseline) in metrics
        and private.is_diffable(value)
    }
    return {**metrics, **changes}


def _whole(metrics: Mapping[Any, Metrics], group: Group, plan: Plan) -> BySlice:
    """Return combined metrics with all that is derived from them."""
    derived = _derived(metrics, group)
    both = {**derived, **_crossed(derived, group, plan.config)}
    return {key: _changes(values, plan.baseline) for key, values in both.items()}


def _with_intervals(group: Group, combined: Combined, plan: Plan) -> BySlice:
    """Return the metrics of all rows, those with intervals as TFMA's t-distributions."""
    kind = private.JackknifeSamples if group.method == JACKKNIFE else private.BootstrapSamples
    combiner = kind(group.samples, group.intervals.skip_ci_metric_keys)
    collected: dict[Any, Any] = {}
    for sample, metrics in combined.samples.items():
        for key, own in _whole(metrics, group, plan).items():
            _, public = private.remove_private_metrics(key, own)
            before = collected.get(key) or combiner.create_accumulator()
            one = private.SampleMetrics(metrics=public, sample_id=sample)
            collected[key] = combiner.add_input(before, one)
    return {key: combiner.extract_output(samples) for key, samples in collected.items()}


def _filtered(metrics: BySlice, counts: Mapping[Any, int], least: int) -> BySlice:
    """Return the metrics, with an error in their place on slices of too few rows."""
    if least <= 1:
        return metrics
    error = (
        "Example count for this slice key is lower than the minimum required value: "
        f"{least}. No data is aggregated for this slice."
    )
    return {
        key: values if not key or counts.get(key, 0) >= least else {"__ERROR__": error}
        for key, values in metrics.items()
    }


def _group(group: Group, combined: Combined, plan: Plan) -> Iterator[tuple[Any, Metrics]]:
    if group.method:
        metrics = _with_intervals(group, combined, plan)
    else:
        metrics = _whole(combined.samples[FULL], group, plan)
    computations = group.separated.ci_derived_computations
    finished = {}
    for key, own in metrics.items():
        _, derived = private.add_interval_metrics((key, own), computations)
        _, finished[key] = private.remove_private_metrics(key, derived)
    least = plan.config.options.min_slice_size.value
    yield from _filtered(finished, combined.counts, least).items()


def evaluated(combined: Sequence[Combined], plan: Plan) -> Evaluated:
    """Return what TFMA writes of combined metrics.

    Args:
        combined: what was found of each group of the plan.
        plan: the plan.
    """
    kinds = {
        tfma.METRICS_KEY: metric_types.MetricKey,
        tfma.PLOTS_KEY: metric_types.PlotKey,
        tfma.ATTRIBUTIONS_KEY: metric_types.AttributionsKey,
    }
    result: dict[str, BySlice] = {name: {} for name in kinds}
    for group, own in zip(plan.groups, combined, strict=True):
        for item in _group(group, own, plan):
            for name, kind in kinds.items():
                key, values = private.filter_by_key_type(item, kind)
                result[name].setdefault(key, {}).update(values)
    metrics = result[tfma.METRICS_KEY]
    return Evaluated(
        metrics=metrics,
        plots=result[tfma.PLOTS_KEY],
        attributions=result[tfma.ATTRIBUTIONS_KEY],
        validations=[private.validate_metrics(item, plan.config) for item in metrics.items()],
    )
