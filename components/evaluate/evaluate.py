"""The work of evaluate_model: paths in, evaluation, report and numbers out."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kanaria.components.evaluate import report
from kanaria.components.evaluate.findings_file import Findings
from kanaria.components.evaluate.measure_models import LOCAL, Inputs, measure
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.engines import engine_choice
from kanaria.components.shared.engines.accumulate import Engine
from kanaria.components.shared.engines.beam import Beam
from kanaria.components.shared.storage import atomic

logger = logging.getLogger(__name__)

STEP = "evaluate_model"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to evaluate and where to put the results.

    Attributes:
        inputs: examples, model, EvalConfig and split.
        evaluation: folder to write TFMA's results and the findings to.
        report: file to write the HTML report to.
        compute: where the metrics are computed, as `run` takes it; {} for the defaults.
    """

    inputs: Inputs
    evaluation: str
    report: str
    compute: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """The result, ready for artifact metadata.

    Attributes:
        findings: values, thresholds and curves.
        classification: what KFP draws as ROC and confusion matrix; empty if not binary.
    """

    findings: Findings
    classification: dict[str, Any]


def _check_parameters(inputs: Inputs) -> None:
    faults = Faults(STEP)
    for name in ("eval_config_file", "split", "model"):
        value = getattr(inputs, name)
        faults.check(bool(value.strip()), name, value, "must not be empty")
    faults.raise_if_any()


def run(request: Request) -> Evaluation:
    """Do the step's work with the engine that the request asks for.

    Raises:
        ParameterError: a parameter, the EvalConfig or something in `compute` is wrong.
        DataError: the examples, their labels or the model do not serve.
        NotReadyError: an object store or the cluster does not answer.
    """
    with engine_choice.engine(request.compute, STEP, [Path(request.inputs.examples)]) as engine:
        return evaluate(request, engine)


def evaluate(request: Request, engine: Engine | Beam = LOCAL) -> Evaluation:
    """Evaluate the candidate alone and write the results.

    Args:
        request: inputs, and the outputs, which are written atomically.
        engine: where the rows are scored and the metrics computed.

    Raises:
        ParameterError: a parameter or the EvalConfig is wrong; every fault is named.
        DataError: the examples, their labels or the model do not serve.
        NotReadyError: an object store does not answer.
    """
    _check_parameters(request.inputs)
    with atomic.published(request.evaluation) as folder:
        folder.mkdir()
        findings, classification = measure(STEP, request.inputs, Path(folder), on=engine)
        atomic.write_text(request.report, report.of_evaluation(findings))
    logger.info("%d rows of split %s", findings.row_count, findings.split)
    return Evaluation(findings=findings, classification=classification)
