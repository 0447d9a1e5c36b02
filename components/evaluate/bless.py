"""The work of bless_model: judges an evaluation, and compares with the live model.

Without a live one TensorFlow is never loaded: what evaluate_model found is enough.
"""

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kanaria.components.evaluate import blessing_outcome, findings_file, release_history, report
from kanaria.components.evaluate.findings_file import Findings
from kanaria.components.shared.artifacts import outcome as outcomes
from kanaria.components.shared.artifacts import release, verified_release, verify_keys
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.artifacts.verify_keys import VerifyKeys
from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import DataError, ParameterError, shown
from kanaria.components.shared.storage import atomic, uri_files

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class BlessRequest:
    """What to judge and where to put the results.

    Attributes:
        evaluation: artifact of evaluate_model.
        examples: the examples it was made on; read where a release is deployed.
        model: the model it is about; likewise.
        eval_config_file: the EvalConfig it was made with.
        deployed: URI of the release to compare with; "" for none.
        verify_key: PEM of the public key that it must be signed for, or "".
        comparison: folder to write TFMA's results to.
        outcome: folder to write the outcome to.
        report: file to write the HTML report to.
        compute: where both models are evaluated, as evaluate_model takes it.
    """

    evaluation: Path
    examples: str
    model: str
    eval_config_file: str
    deployed: str
    comparison: Path
    outcome: Path
    report: Path
    verify_key: str = ""
    compute: Mapping[str, Any] = field(default_factory=dict)


def _checked(request: BlessRequest) -> Findings:
    """Return what evaluate_model found; raise unless it was asked for by this EvalConfig."""
    faults = Faults(blessing_outcome.STEP)
    for name in ("eval_config_file", "deployed"):
        try:
            uri_files.check(getattr(request, name))
        except ParameterError as error:
            faults.add(f"{name}: {error}")
    faults.raise_if_any()
    findings = findings_file.read(request.evaluation)
    if uri_files.sha256(request.eval_config_file) != findings.eval_config:
        raise DataError(
            f"eval_config_file={shown(request.eval_config_file)}: the evaluation was made with "
            "another EvalConfig; give evaluate_model and bless_model the same one"
        )
    return findings


@contextmanager
def _deployed_model(uri: str, keys: VerifyKeys | None) -> Iterator[Path]:
    """Yield the model of a release, on this machine for the block's time."""
    with verified_release.opened(uri, release.MODEL, keys) as folder:
        if folder is None:
            raise DataError(
                f"deployed={shown(uri)}: no model in this release; give its URI, or "
                '"" for a first run'
            )
        yield folder


def _keys(request: BlessRequest) -> VerifyKeys | None:
    return verify_keys.of_step(request.verify_key, blessing_outcome.STEP)


def _compared(request: BlessRequest, alone: Findings, folder: Path) -> Findings:
    """Return the findings beside the deployed model, or those of the candidate alone."""
    if not request.deployed:
        shutil.copytree(request.evaluation, folder)
        return alone
    from kanaria.components.evaluate.lean_imports import Inputs, measure
    from kanaria.components.shared.engines import engine_choice

    inputs = Inputs(
        examples=request.examples,
        model=request.model,
        eval_config_file=request.eval_config_file,
        split=alone.split,
    )
    folder.mkdir()
    with (
        engine_choice.engine(
            request.compute, blessing_outcome.STEP, [Path(request.examples)]
        ) as engine,
        _deployed_model(request.deployed, _keys(request)) as deployed,
    ):
        return measure(blessing_outcome.STEP, inputs, folder, deployed, engine)[0]


def bless(request: BlessRequest) -> tuple[Outcome, Findings]:
    """Judge the model by every threshold, and write the results.

    Args:
        request: inputs, and the three outputs, which are written atomically; the outcome
            comes last, so a run that fails has none.

    Raises:
        ParameterError: a parameter or the EvalConfig is wrong; every fault is named.
        DataError: the evaluation is not one of this EvalConfig, or examples or a model do not
            serve.
        NotReadyError: an object store does not answer.
    """
    alone = _checked(request)
    with atomic.published(request.comparison) as folder:
        findings = _compared(request, alone, folder)
    decided = blessing_outcome.decide(findings, request.deployed)
    history = release_history.read(request.deployed, _keys(request))
    atomic.write_text(request.report, report.page(decided, findings, request.deployed, history))
    outcomes.write(decided, request.outcome)
    logger.info("%s", decided.summary())
    return decided, findings
