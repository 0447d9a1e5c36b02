"""Measures a candidate on held-out rows with TFMA, alone or beside the deployed model."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from kanaria.components.evaluate import (
    config_check,
    curves,
    eval_config,
    evaluated_rows,
    evaluation_pass,
    metric_thresholds,
    plots,
    tfma_results,
)
from kanaria.components.evaluate.evaluation_pass import Split
from kanaria.components.evaluate.findings_file import CANDIDATE, DEPLOYED, Findings, write
from kanaria.components.evaluate.model_signature import LoadedModel
from kanaria.components.evaluate.score_counts import Scores
from kanaria.components.evaluate.tfma_results import Results, slice_name
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.data.examples import split_files
from kanaria.components.shared.data.record_batches import column_names
from kanaria.components.shared.engines.accumulate import Engine
from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.engines.local import LocalEngine
from kanaria.components.shared.storage import uri_files

logger = logging.getLogger(__name__)

MOST_NAMED = 20
"""Slices that a note names."""
LOCAL = LocalEngine()
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What is measured.

    Attributes:
        examples: examples artifact, `split=<name>/part-*`.
        model: folder with `<version>/saved_model.pb` of the candidate.
        eval_config_file: path or URI of an EvalConfig text proto.
        split: name of the split to evaluate on.
    """

    examples: str
    model: str
    eval_config_file: str
    split: str


def _checked_config(
    step: str, config: Any, inputs: Inputs, files: Sequence[Path], deployed: Path | None
) -> tuple[Any, list[LoadedModel]]:
    """Return the config for the models at hand and the models; raise on any fault in it."""
    faults = Faults(f"{step}: {inputs.eval_config_file}")
    columns = set(column_names(files))
    candidate = eval_config.candidate_spec(config)
    preprocessed = bool(candidate.preprocessing_function_names)
    if not preprocessed:
        config_check.check(config, columns, faults)
        faults.raise_if_any()
    full = eval_config.for_models(config, with_baseline=deployed is not None)
    folders = [Path(inputs.model), *([deployed] if deployed else [])]
    loaded = evaluated_rows.loaded(eval_config.packed(full), tuple(folders))
    if preprocessed:
        # Only the loaded model tells which columns its preprocessing adds.
        added = set().union(*(s.outputs for s in loaded[0].preprocess))
        config_check.check(config, columns | added, faults)
        faults.raise_if_any()
    for spec, model in zip(full.model_specs, loaded, strict=True):
        config_check.check_outputs(full, spec, model.predict.outputs, model.predict.where, faults)
    faults.raise_if_any()
    return full, loaded


def _columns_needed(config: Any) -> set[str]:
    needed = eval_config.slice_columns(config)
    for spec in config.model_specs:
        needed |= eval_config.example_columns(spec)
    return needed | {spec.query_key for spec in config.metrics_specs if spec.query_key}


def _split(inputs: Inputs, config: Any, loaded: Sequence[LoadedModel], files: list[Path]) -> Split:
    columns = (
        column_names(files)
        if evaluation_pass.planned(config).needs_features()
        else _columns_needed(config)
    )
    folders = [model.folder for model in loaded]
    return Split(
        config=config,
        name=inputs.split,
        files=tuple(files),
        partitions=tuple(evaluated_rows.of_split(files, config, folders, set(columns))),
        models=tuple(loaded),
    )


def _classifiers(scores: dict[str, Scores], config: Any) -> dict[str, Scores]:
    """Return the models that are binary classifiers with their rows by score."""
    result = {}
    for spec in config.model_specs:
        name = DEPLOYED if spec.is_baseline else CANDIDATE
        if spec.name in scores:
            result[name] = scores[spec.name]
        else:
            logger.info("no ROC curve for the %s: it is not a binary classifier", name)
    return result


def _plotted(written: Results, config: Any, read: Callable[[Any], T | None]) -> dict[str, T]:
    """Return the candidate's and the deployed model's first plot of a kind that TFMA made."""
    result = {}
    for spec in config.model_specs:
        plots_of_kind = [
            each for each in map(read, written.plots.get(spec.name, ())) if each is not None
        ]
        if plots_of_kind:
            result[DEPLOYED if spec.is_baseline else CANDIDATE] = plots_of_kind[0]
    return result


def _small(written: Results) -> Iterator[str]:
    """Yield a note on the slices that have fewer rows than the EvalConfig's min_slice_size."""
    names = [slice_name(key) for key in written.numbers if not written.numbers[key]]
    if names:
        listed = ", ".join(sorted(names)[:MOST_NAMED])
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        yield f"slices smaller than min_slice_size, without any metric: {listed}{more}"


def measure(
    step: str,
    inputs: Inputs,
    folder: Path,
    deployed: Path | None = None,
    on: Engine | Beam = LOCAL,
) -> tuple[Findings, dict[str, Any]]:
    """Evaluate and write TFMA's files and the findings into `folder`.

    Args:
        step: name of the step, for messages.
        inputs: what is measured.
        folder: existing empty folder.
        deployed: model folder of the deployed release; None measures the candidate alone.
        on: the engine that does the work; `Beam` for TFMA's own pipeline.

    Returns:
        The findings, and what KFP draws of the candidate as ROC curve and confusion matrix; empty
        if it is no binary classifier.

    Raises:
        ParameterError: the EvalConfig is wrong; every fault is named.
        DataError: the examples, their labels or a model do not serve.
        NotReadyError: an object store does not answer.
    """
    config = eval_config.parse(inputs.eval_config_file)
    files = split_files(inputs.examples, inputs.split)
    full, loaded = _checked_config(step, config, inputs, files, deployed)
    result = evaluation_pass.evaluate(on, _split(inputs, full, loaded, files), folder)
    written = tfma_results.load(folder, full.model_specs[0].name)
    classifiers = _classifiers(result.scores, full)
    values, changes = eval_config.threshold_counts(config)
    findings = Findings(
        eval_config=uri_files.sha256(inputs.eval_config_file),
        split=inputs.split,
        row_count=result.rows,
        value_thresholds=values,
        change_thresholds=changes,
        validation_ok=written.validation_ok,
        notes=(*(["evaluated row by row on Beam"] * isinstance(on, Beam)), *_small(written)),
        values=tuple(written.values()),
        checks=tuple(metric_thresholds.checks(written, full)),
        curves={name: curves.drawn(scores) for name, scores in classifiers.items()},
        matrices=_plotted(written, full, plots.matrix),
        buckets=_plotted(written, full, plots.buckets),
    )
    write(findings, folder)
    own = classifiers.get(CANDIDATE)
    return findings, curves.kfp_metadata(own) if own else {}
