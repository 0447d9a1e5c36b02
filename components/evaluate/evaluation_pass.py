"""Scores the rows of a split, computes what TFMA computes, and writes what TFMA reads.

The usual way is one pass of accumulators over partitions, on any engine, without a pipeline:
TFMA plans, its accumulators hold the sums, and its functions derive, judge and convert. The same
in TFMA's own pipeline on Beam can be asked for.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanaria.components.evaluate import (
    derived_metrics,
    eval_config,
    evaluated_rows,
    metric_plan,
    row_by_row_metrics,
    tfma_files,
)
from kanaria.components.evaluate import private_tfma as private
from kanaria.components.evaluate.evaluated_rows import Partition, Rows
from kanaria.components.evaluate.evaluation_accumulator import EvaluationAccumulator, Result
from kanaria.components.evaluate.metric_plan import Plan
from kanaria.components.evaluate.model_signature import LoadedModel
from kanaria.components.evaluate.private_tfma import tfma
from kanaria.components.shared import exception_cause
from kanaria.components.shared.engines import beam as beam_engine
from kanaria.components.shared.engines import beam_faults
from kanaria.components.shared.engines.accumulate import Engine, Pass
from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.errors import DataError

logger = logging.getLogger(__name__)

IN_PROCESS = Beam()


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """What is evaluated.

    Attributes:
        config: a `tfma.EvalConfig` for exactly the models at hand.
        name: name of the split, for messages.
        files: its files.
        partitions: parts of them, and what scores their rows.
        models: the candidate, then the baseline if there is one.
    """

    config: Any
    name: str
    files: tuple[Path, ...]
    partitions: tuple[Partition, ...]
    models: tuple[LoadedModel, ...]


def evaluate(engine: Engine | Beam, split: Split, folder: Path) -> Result:
    """Compute the metrics and validations and write them into `folder`.

    Args:
        engine: where batches are scored and accumulated; `Beam` for TFMA's pipeline, which holds
            the rows in memory.
        split: what is evaluated.
        folder: existing folder for TFMA's files.

    Raises:
        DataError: the split has no rows, labels, predictions or weights do not serve, or TFMA
            cannot compute a metric from them.
    """
    if isinstance(engine, Beam):
        return _on_beam(engine, split, folder)
    accumulator = accumulator_of(split.config, split.name)
    if not split.partitions:
        raise evaluated_rows.no_rows(split.files)
    work = Pass(read=evaluated_rows.read, accumulators=(accumulator,))
    try:
        (state,) = engine.states(work, split.partitions)
    except (ValueError, TypeError, RuntimeError) as error:
        raise _not_computed(error) from error
    return finished(accumulator, state, split, folder)


def planned(config: Any) -> Plan:
    """Return what a config asks TFMA to compute.

    Raises:
        DataError: TFMA cannot compute one of its metrics.
    """
    try:
        return metric_plan.of(eval_config.packed(config))
    except (ValueError, TypeError, RuntimeError) as error:
        raise _not_computed(error) from error


def accumulator_of(config: Any, split: str, *, with_metrics: bool = True) -> EvaluationAccumulator:
    """Return the accumulator of an evaluation."""
    packed = eval_config.packed(config)
    return EvaluationAccumulator(config=packed, split=split, with_metrics=with_metrics)


def _not_computed(error: Exception) -> DataError:
    return DataError(
        f"TFMA could not compute the metrics: {exception_cause.summary(error)}; "
        "check that labels and predictions fit the metrics"
    )


def finished(accumulator: EvaluationAccumulator, state: Any, split: Split, folder: Path) -> Result:
    """Return what a state of all rows gives, and write it.

    Raises:
        DataError: as `evaluate`.
    """
    if not state.rows:
        raise evaluated_rows.no_rows(split.files)
    plan = metric_plan.of(accumulator.config)
    for group in plan.groups:
        if group.row_by_row():
            logger.info("computed row by row: %s", ", ".join(sorted(set(group.row_by_row()))))
    try:
        result = accumulator.extract(state)
        tfma_files.write(
            derived_metrics.evaluated(result.combined, plan), plan.config, split.models, folder
        )
    except (ValueError, TypeError, RuntimeError) as error:
        raise _not_computed(error) from error
    return result


def _on_beam(engine: Beam, split: Split, folder: Path) -> Result:
    batches = [batch for partition in split.partitions for batch in evaluated_rows.read(partition)]
    if not batches:
        raise evaluated_rows.no_rows(split.files)
    accumulator = accumulator_of(split.config, split.name, with_metrics=False)
    state = accumulator.create()
    for batch in batches:
        state = accumulator.add(state, batch)
    result = accumulator.extract(state)
    metric_plan.of(accumulator.config)  # TFMA then takes metrics without a value as Kanaria does.
    try:
        with_beam(batches, split.config, split.models, folder, engine)
    except Exception as error:  # A runner raises what its own client does, such as gRPC's.
        if beam_faults.is_of_runner(error):
            raise beam_faults.runner_failed(error, engine.arguments) from error
        if isinstance(error, ValueError | TypeError | RuntimeError):
            raise _not_computed(error) from error
        raise
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


def with_beam(
    batches: Sequence[Rows],
    config: Any,
    models: Sequence[LoadedModel],
    folder: Path,
    engine: Beam = IN_PROCESS,
) -> None:
    """Compute and write the same with TFMA's own pipeline.

    Args:
        batches: all rows.
        config: a `tfma.EvalConfig` for exactly these models.
        models: the candidate, then the baseline if there is one.
        folder: existing folder for TFMA's files.
        engine: the runner, by the user's arguments.
    """
    import apache_beam as beam

    chunks = [
        batch.part(start, start + row_by_row_metrics.CHUNK_ROWS)
        for batch in batches
        for start in range(0, len(batch), row_by_row_metrics.CHUNK_ROWS)
    ]
    extracts = [row_by_row_metrics.batch_extracts(chunk) for chunk in chunks]
    with beam_engine.pipeline(engine) as pipeline:
        # Inferring a type from values would name classes that TFMA's type hints do not know.
        created = beam.Create(extracts, reshuffle=False).with_output_types(Any)
        _ = (pipeline | "Rows" >> created) | tfma.ExtractEvaluateAndWriteResults(
            eval_config=config,
            eval_shared_model=_shared_models(config, models),
            extractors=_extractors(config),
            output_path=str(folder),
        )
