"""The work of evaluate_model: paths in, evaluation, report and numbers out."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanaria.components.evaluate import report
from kanaria.components.evaluate.findings import Findings
from kanaria.components.evaluate.measure import Inputs, measure
from kanaria.components.shared import atomic
from kanaria.components.shared.parameters import Faults

logger = logging.getLogger(__name__)

STEP = "evaluate_model"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to evaluate and where to put the results.

    Attributes:
        inputs: examples, model, EvalConfig and split.
        evaluation: folder to write TFMA's results and the findings to.
        report: file to write the HTML report to.
    """

    inputs: Inputs
    evaluation: str
    report: str


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


def evaluate(request: Request) -> Evaluation:
    """Evaluate the candidate alone and write the results.

    Args:
        request: inputs, and the outputs, which are written atomically.

    Raises:
        ParameterError: a parameter or the EvalConfig is wrong; every fault is named.
        DataError: the examples, their labels or the model do not serve.
        NotReadyError: an object store does not answer.
    """
    _check_parameters(request.inputs)
    with atomic.published(request.evaluation) as folder:
        folder.mkdir()
        findings, classification = measure(STEP, request.inputs, Path(folder))
        atomic.write_text(request.report, report.of_evaluation(findings))
    logger.info("%d rows of split %s", findings.row_count, findings.split)
    return Evaluation(findings=findings, classification=classification)
