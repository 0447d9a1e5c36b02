"""Runs TFMA on predicted rows and writes what `tfma.load_eval_result` loads.

Two ways to the same numbers. The local one hands each slice to TFMA's combiners as a whole;
it knows metrics that add up scalar predictions. Everything else goes through TFMA's own
Beam pipeline row by row, which the log says. Both run in memory.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.runners.portability import fn_api_runner
from numpy.typing import NDArray

from kanaria.components.evaluate import private_tfma as private
from kanaria.components.evaluate import undefined
from kanaria.components.evaluate.eval_config import slice_columns
from kanaria.components.evaluate.models import LoadedModel
from kanaria.components.evaluate.private_tfma import tfma
from kanaria.components.evaluate.rows import BATCH_ROWS, Rows
from kanaria.components.evaluate.slices import slice_rows
from kanaria.components.shared import cause
from kanaria.components.shared.errors import DataError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Numbers of N rows for one model, each float64 of shape (N,).

    Attributes:
        label: true value.
        prediction: predicted value.
        weight: weight of the row, or None.
    """

    label: NDArray[Any]
    prediction: NDArray[Any]
    weight: NDArray[Any] | None


def scalar_columns(rows: Rows, spec: Any) -> Columns | None:
    """Return label, prediction and weight of one model, or None if one is no scalar."""
    prediction = rows.prediction(spec.name)
    single = bool(spec.label_key) and not spec.example_weight_keys
    if not single or isinstance(prediction, dict) or prediction.size != len(rows):
        return None
    if prediction.dtype.kind not in "biuf":
        return None
    label = rows.scalars(spec.name, spec.label_key)
    key = spec.example_weight_key
    weight = rows.scalars(spec.name, key) if key else None
    if label is None or np.isnan(label).any():
        return None
    if key and (weight is None or np.isnan(weight).any()):
        return None
    return Columns(label=label, prediction=prediction.reshape(-1), weight=weight)


def _not_local(config: Any, columns: Sequence[Columns | None], plan: Any) -> str:
    """Return why the local way cannot be used, or ""."""
    options = config.options
    reasons = {
        "labels, predictions or weights are not single numbers": None in columns,
        "slices in SQL": any(spec.slice_keys_sql for spec in config.slicing_specs),
        "metrics over queries": any(spec.query_key for spec in config.metrics_specs),
        "confidence intervals": options.compute_confidence_intervals.value,
        "a least slice size": options.min_slice_size.value > 1,
    }
    for computation in plan.non_derived_computations:
        counts = isinstance(computation.combiner, private.ExampleCountCombiner)
        plain = not computation.preprocessors and private.sums_rows(computation.combiner)
        reasons[f"metric {computation.keys[0].name!r}"] = not (counts or plain)
    return "; ".join(reason for reason, holds in reasons.items() if holds)


def _element(config: Any, columns: Sequence[Columns], chosen: NDArray[Any]) -> Any:
    """Return the chosen rows as one input of TFMA's combiners."""
    parts: dict[str, dict[str, Any]] = {"labels": {}, "predictions": {}, "example_weights": {}}
    for spec, column in zip(config.model_specs, columns, strict=True):
        parts["labels"][spec.name] = column.label[chosen]
        parts["predictions"][spec.name] = column.prediction[chosen]
        weight = np.ones(len(chosen)) if column.weight is None else column.weight[chosen]
        parts["example_weights"][spec.name] = weight
    if len(config.model_specs) == 1:
        parts = {key: next(iter(value.values())) for key, value in parts.items()}
    return private.metric_types.StandardMetricInputs(parts)


def _combined(combiner: Any, element: Any, count: int) -> dict[Any, Any]:
    """Return what one combiner computes from the rows in `element`."""
    if isinstance(combiner, private.ExampleCountCombiner) and not combiner._example_weighted:
        return combiner.extract_output(float(count))
    accumulator = combiner.add_input(combiner.create_accumulator(), element)
    return combiner.extract_output(accumulator)


def _slice_metrics(
    rows: Rows, config: Any, plan: Any, columns: Sequence[Columns]
) -> list[tuple[Any, dict[Any, Any]]]:
    """Return, per slice, its key and the combined and derived metrics of every model."""
    result = []
    for key, chosen in slice_rows(rows, config, slice_columns(config)).items():
        element = _element(config, columns, chosen)
        metrics: dict[Any, Any] = {}
        for computation in plan.non_derived_computations:
            metrics.update(_combined(computation.combiner, element, len(chosen)))
        for derived in plan.derived_computations:
            metrics.update(derived.result(metrics))
        # Histograms of 10,000 buckets are slow in Beam, and only these read them there.
        if not (plan.cross_slice_computations or plan.ci_derived_computations):
            key, metrics = private.remove_private_metrics(key, metrics)
        result.append((key, metrics))
    return result


def _evaluated(metrics: Any, config: Any, plan: Any) -> dict[str, Any]:
    """Turn a PCollection of slices' metrics into what TFMA's writers take."""
    types = private.metric_types
    baseline = next((spec.name for spec in config.model_specs if spec.is_baseline), None)
    sliced = (
        metrics
        | "Compare"
        >> private.add_derived_and_diff_metrics(
            [],
            plan.cross_slice_computations,
            list(config.cross_slicing_specs),
            baseline,
        )
        | "Intervals" >> beam.Map(private.add_interval_metrics, plan.ci_derived_computations)
        | "DropPrivate" >> beam.MapTuple(private.remove_private_metrics)
    )
    kinds = {
        tfma.METRICS_KEY: types.MetricKey,
        tfma.PLOTS_KEY: types.PlotKey,
        tfma.ATTRIBUTIONS_KEY: types.AttributionsKey,
    }
    found = {
        name: sliced | f"Take {name}" >> beam.Map(private.filter_by_key_type, kind)
        for name, kind in kinds.items()
    }
    checks = found[tfma.METRICS_KEY] | "Validate" >> beam.Map(private.validate_metrics, config)
    return {**found, tfma.VALIDATIONS_KEY: checks}


def _extracts(rows: Rows) -> list[dict[str, Any]]:
    """Return the rows as batches of TFMA extracts, in the form its predictors give."""
    result, start = [], 0
    for batch in rows.table.to_batches(max_chunksize=BATCH_ROWS):
        part = slice(start, start + batch.num_rows)
        start += batch.num_rows
        predictions = {
            name: {k: v[part] for k, v in outputs.items()}
            if len(outputs) > 1
            else next(iter(outputs.values()))[part]
            for name, outputs in rows.predictions.items()
        }
        derived = {
            name: {k: v[part] for k, v in outputs.items()} for name, outputs in rows.derived.items()
        }
        extract: dict[str, Any] = {tfma.ARROW_RECORD_BATCH_KEY: batch}
        single = len(rows.predictions) == 1
        extract[tfma.PREDICTIONS_KEY] = next(iter(predictions.values())) if single else predictions
        if derived:
            one = next(iter(derived.values())) if single else derived
            extract[tfma.constants.TRANSFORMED_FEATURES_KEY] = one
        result.append(extract)
    return result


def _extractors(config: Any) -> list[Any]:
    """Return TFMA's extractors without those that run models."""
    kinds = tfma.extractors
    sql = any(spec.slice_keys_sql for spec in config.slicing_specs)
    return [
        kinds.FeaturesExtractor(config),
        kinds.LabelsExtractor(config),
        kinds.ExampleWeightsExtractor(config),
        *([private.SqlSliceKeyExtractor(config)] if sql else []),
        kinds.UnbatchExtractor(),
        kinds.SliceKeyExtractor(eval_config=config, materialize=False),
    ]


def _shared_models(config: Any, models: Sequence[LoadedModel]) -> list[Any]:
    """Describe the models to TFMA's writers; without a baseline the candidate is first."""
    return [
        tfma.EvalSharedModel(
            model_path=str(model.folder),
            model_name=model.name,
            model_type=tfma.TF_GENERIC,
            rubber_stamp=len(models) == 1,
            is_baseline=spec.is_baseline,
        )
        for model, spec in zip(models, config.model_specs, strict=True)
    ]


def _pipeline() -> Any:
    # Beam's default is Prism, a program that it downloads; this one runs in this process.
    return beam.Pipeline(runner=fn_api_runner.FnApiRunner())


def _created(values: list[Any]) -> Any:
    # Inferring a type from values would name classes that TFMA's type hints do not know.
    return beam.Create(values, reshuffle=False).with_output_types(Any)


def analyse(rows: Rows, config: Any, models: Sequence[LoadedModel], folder: Path) -> str:
    """Compute the metrics and validations and write them into `folder`.

    Args:
        rows: the evaluated rows.
        config: a `tfma.EvalConfig` for exactly these models.
        models: the candidate, then the baseline if there is one.
        folder: existing folder for TFMA's files.

    Returns:
        "" when the local way was used, else the reason why Beam was.

    Raises:
        DataError: TFMA cannot compute a metric from these labels and predictions.
    """
    undefined.install()
    try:
        return _analyse(rows, config, models, folder)
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataError(
            f"TFMA could not compute the metrics on {len(rows)} rows: {cause.told(error)}; "
            "check that labels and predictions fit the metrics"
        ) from error


def _analyse(rows: Rows, config: Any, models: Sequence[LoadedModel], folder: Path) -> str:
    plan = private.separate_computations(
        private.metric_specs.to_computations(list(config.metrics_specs), eval_config=config)
    )
    columns = [scalar_columns(rows, spec) for spec in config.model_specs]
    reason = _not_local(config, columns, plan)
    if reason:
        logger.info("evaluating %d rows on Beam, row by row, because of %s", len(rows), reason)
        with_beam(rows, config, models, folder)
        return reason
    metrics = _slice_metrics(rows, config, plan, [c for c in columns if c is not None])
    writers = tfma.default_writers(str(folder), _shared_models(config, models), config)
    with _pipeline() as pipeline:
        created = pipeline | "Slices" >> _created(metrics)
        _ = _evaluated(created, config, plan) | "Write" >> tfma.WriteResults(writers)
    return ""


def with_beam(rows: Rows, config: Any, models: Sequence[LoadedModel], folder: Path) -> None:
    """Compute and write the same with TFMA's own pipeline, whatever the metrics are."""
    with _pipeline() as pipeline:
        created = pipeline | "Rows" >> _created(_extracts(rows))
        _ = created | tfma.ExtractEvaluateAndWriteResults(
            eval_config=config,
            eval_shared_model=_shared_models(config, models),
            extractors=_extractors(config),
            output_path=str(folder),
        )
