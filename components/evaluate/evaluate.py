"""The work of evaluate_model: paths in, evaluation, outcome, report and numbers out."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kanaria.components.evaluate import (
    config_check,
    curves,
    engine,
    eval_config,
    label_check,
    models,
    report,
    results,
    rows,
    thresholds,
    verdict,
)
from kanaria.components.evaluate.engine import Columns
from kanaria.components.evaluate.models import LoadedModel
from kanaria.components.evaluate.rows import Rows
from kanaria.components.shared import atomic, metadata, release, storage
from kanaria.components.shared import outcome as outcomes
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.examples import split_files
from kanaria.components.shared.outcome import Outcome
from kanaria.components.shared.parameters import Faults
from kanaria.components.shared.record_batches import column_names

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to evaluate and where to put the results.

    Attributes:
        examples: examples artifact, `split=<name>/part-*`.
        model: folder with `<version>/saved_model.pb` of the candidate.
        eval_config_file: path of an EvalConfig text proto.
        evaluation: folder to write TFMA's results to.
        outcome: folder to write the outcome to.
        report: file to write the HTML report to.
        deployed: URI of the release to compare with; "" for none.
        split: name of the split to evaluate on.
    """

    examples: str
    model: str
    eval_config_file: str
    evaluation: str
    outcome: str
    report: str
    deployed: str = ""
    split: str = "eval"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """The result, ready for artifact metadata.

    Attributes:
        outcome: the verdict with every reason.
        metrics: metric name -> overall value; the deployed model's begin with `baseline_`.
        classification: what KFP draws as ROC and confusion matrix; empty if not binary.
        row_count: number of evaluated rows.
    """

    outcome: Outcome
    metrics: dict[str, Any] = field(default_factory=dict)
    classification: dict[str, Any] = field(default_factory=dict)
    row_count: int = 0

    @property
    def blessed(self) -> bool:
        """Return whether the model passed."""
        return self.outcome.passed


def _checked_parameters(request: Request) -> Any:
    """Return the parsed config; raise if a parameter is empty or the config does not parse."""
    faults = Faults(verdict.STEP)
    for name in ("eval_config_file", "split", "model"):
        value = getattr(request, name)
        faults.check(bool(value.strip()), name, value, "must not be empty")
    faults.raise_if_any()
    return eval_config.parse(request.eval_config_file)


@contextmanager
def _deployed_model(uri: str) -> Iterator[Path | None]:
    """Yield the model of a release, on this machine for the block's time; None for no release."""
    if not uri:
        yield None
        return
    model = storage.join(uri, release.MODEL)
    if not storage.exists(model):
        raise DataError(
            f'deployed={shown(uri)}: no model in this release; give its URI, or "" for a first run'
        )
    with storage.opened(model) as folder:
        yield folder


def _checked_config(
    config: Any, request: Request, files: Sequence[Path], deployed: Path | None
) -> tuple[Any, list[LoadedModel]]:
    """Return the config for the models at hand and the models; raise on any fault in it."""
    faults = Faults(f"{verdict.STEP}: {request.eval_config_file}")
    columns = set(column_names(files))
    candidate = eval_config.candidate_spec(config)
    preprocessed = bool(candidate.preprocessing_function_names)
    if not preprocessed:
        config_check.check(config, columns, faults)
        faults.raise_if_any()
    full = eval_config.for_models(config, with_baseline=deployed is not None)
    folders = [Path(request.model), *([deployed] if deployed else [])]
    loaded = [models.load(f, spec) for f, spec in zip(folders, full.model_specs, strict=True)]
    if preprocessed:
        # Only the loaded model tells which columns its preprocessing adds.
        added = set().union(*(s.output_names() for s in loaded[0].preprocess))
        config_check.check(config, columns | added, faults)
        faults.raise_if_any()
    for spec, model in zip(full.model_specs, loaded, strict=True):
        config_check.check_outputs(
            full, spec, model.predict.output_names(), model.predict.where, faults
        )
    faults.raise_if_any()
    return full, loaded


def _columns_needed(config: Any) -> set[str]:
    needed = eval_config.slice_columns(config)
    for spec in config.model_specs:
        needed |= eval_config.example_columns(spec)
    return needed | {spec.query_key for spec in config.metrics_specs if spec.query_key}


def _classifiers(found: Rows, config: Any) -> dict[str, Columns]:
    """Return the models that are binary classifiers with their labels and predictions."""
    result = {}
    for spec in config.model_specs:
        columns = engine.scalar_columns(found, spec)
        name = "deployed" if spec.is_baseline else "candidate"
        if columns is not None and curves.is_binary(columns.label, columns.prediction):
            result[name] = columns
        else:
            logger.info("no ROC curve for the %s: it is not a binary classifier", name)
    return result


def _overall(values: Sequence[results.Value]) -> dict[str, Any]:
    found = {v.metric: v.candidate for v in values if not v.slice}
    baseline = {f"baseline_{v.metric}": v.baseline for v in values if not v.slice}
    return dict(metadata.plain({**found, **baseline}))


def _read(request: Request, config: Any, loaded: Sequence[LoadedModel], files: list[Path]) -> Rows:
    sql = any(spec.slice_keys_sql for spec in config.slicing_specs)
    every = set(column_names(files))
    found = rows.read(files, loaded, every if sql else _columns_needed(config))
    label_check.check(found, config, request.split)
    return found


def evaluate(request: Request) -> Evaluation:
    """Evaluate the candidate, alone or against the deployed model, and write the results.

    Args:
        request: inputs, and the three outputs, which are written atomically; the outcome
            comes last, so a run that fails has none.

    Raises:
        ParameterError: a parameter or the EvalConfig is wrong; every fault is named.
        DataError: the examples, their labels or a model do not serve.
        NotReadyError: an object store does not answer.
    """
    config = _checked_parameters(request)
    files = split_files(request.examples, request.split)
    with _deployed_model(request.deployed) as deployed:
        return _evaluate(request, config, files, deployed)


def _evaluate(
    request: Request, config: Any, files: list[Path], deployed: Path | None
) -> Evaluation:
    full, loaded = _checked_config(config, request, files, deployed)
    found = _read(request, full, loaded, files)
    with atomic.published(request.evaluation) as folder:
        folder.mkdir()
        way = engine.analyse(found, full, loaded, folder)
        written = results.load(folder, full.model_specs[0].name)
    checks = thresholds.checks(written, full)
    decided = verdict.decide(
        checks,
        validation_ok=written.validation_ok,
        counts=eval_config.threshold_counts(config),
        deployed=request.deployed,
        split=request.split,
        notes=[f"evaluated row by row on Beam because of {way}"] if way else [],
    )
    values, classifiers = list(written.values()), _classifiers(found, full)
    against = f"against {request.deployed}" if request.deployed else "without a deployed model"
    subtitle = f"{len(found)} rows of split {request.split}, {against}"
    atomic.write_text(request.report, report.page(decided, checks, values, classifiers, subtitle))
    outcomes.write(decided, request.outcome)
    logger.info("%s", decided.summary())
    own = classifiers.get("candidate")
    return Evaluation(
        outcome=decided,
        metrics=_overall(values),
        classification=curves.kfp_metadata(own.label, own.prediction) if own else {},
        row_count=len(found),
    )
