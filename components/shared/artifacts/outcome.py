"""The outcome of a step that judges: verdict, every reason, the thresholds used."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kanaria.components.shared.artifacts import model_evaluation
from kanaria.components.shared.artifacts.document_format import DocumentFormat, unchanged
from kanaria.components.shared.artifacts.metadata import Artifact, described
from kanaria.components.shared.artifacts.model_evaluation import ModelEvaluation
from kanaria.components.shared.errors import DataError, shown
from kanaria.components.shared.storage import atomic

LONGEST_SUMMARY = 1000
"""Characters of a summary in an artifact's metadata."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One finding.

    Attributes:
        severity: "ERROR" makes the verdict negative, "WARNING" does not.
        subject: what it is about: a feature, a metric with its slice, a parameter.
        kind: short name of the rule, for instance an anomaly type or "value_threshold".
        text: one sentence for a person, with the value and the limit.
        split: the data split it was seen in, or "".
    """

    severity: str
    subject: str
    kind: str
    text: str
    split: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a judging step decided; it passes only when a step said so (fail closed).

    Attributes:
        step: name of the step, for instance "evaluate_model".
        passed: the verdict.
        reasons: every finding, errors first; not empty when `passed` is False.
        notes: what a reader must know beside the reasons, for instance skipped checks.
        thresholds: the limits used, as plain JSON values.
        evaluation: the metrics of the model that was judged; None where the step judges no model.
    """

    step: str
    passed: bool
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()
    thresholds: dict[str, object] = field(default_factory=dict)
    evaluation: ModelEvaluation | None = None

    def summary(self) -> str:
        """Return one line: the verdict and every error, or every warning beside a good verdict."""
        severity = "WARNING" if self.passed else "ERROR"
        texts = [reason.text for reason in self.reasons if reason.severity == severity]
        return self.verdict() + (": " + "; ".join(texts) if texts else "")

    def verdict(self) -> str:
        """Return step and verdict, for an artifact's name in a list."""
        return f"{self.step} {'passed' if self.passed else 'did not pass'}"

    def as_metadata(self) -> dict[str, object]:
        """Return what an outcome artifact says of itself in lists: `passed` and `summary`."""
        facts = {"passed": self.passed, "summary": self.summary()[:LONGEST_SUMMARY]}
        return described("outcome", facts, self.verdict())

    def describe(self, outcome: Artifact, **others: Artifact) -> None:
        """Write the verdict into the outcome's metadata, and name the step's others after it."""
        outcome.metadata.update(self.as_metadata())
        for name, artifact in others.items():
            artifact.metadata.update(described(name, {}, self.verdict()))


FILE_NAME = "outcome.json"
FORMAT = DocumentFormat((unchanged, lambda document: {**document, "evaluation": None}))
"""Format 2 holds the evaluation, which earlier ones lack."""


def write(outcome: Outcome, folder: str | Path) -> None:
    """Write the outcome as `outcome.json` into a new artifact folder, atomically."""
    with atomic.published(folder) as temporary:
        temporary.mkdir()
        text = json.dumps(FORMAT.numbered(asdict(outcome)), indent=1, allow_nan=False)
        (temporary / FILE_NAME).write_text(text, encoding="utf-8")


def read(folder: str | Path) -> Outcome:
    """Read an outcome artifact.

    Raises:
        DataError: the folder holds no outcome, or one that does not parse; a gate must
            then stay shut.
    """
    path = Path(folder) / FILE_NAME
    try:
        raw = FORMAT.current(json.loads(path.read_text(encoding="utf-8")), str(path))
        reasons = tuple(Reason(**reason) for reason in raw.pop("reasons"))
        raw_evaluation = raw.pop("evaluation")
        evaluation = (
            None if raw_evaluation is None else model_evaluation.parse(raw_evaluation, str(path))
        )
        notes = tuple(raw.pop("notes"))
        outcome = Outcome(reasons=reasons, notes=notes, evaluation=evaluation, **raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path}: not a readable outcome ({shown(error)})") from error
    if not isinstance(outcome.passed, bool):
        raise DataError(f"{path}: passed={shown(outcome.passed)} is not a boolean")
    return outcome


def require_passed(*folders: str | Path) -> None:
    """Raise unless every outcome in `folders` passed; all reasons are named at once.

    Raises:
        DataError: an outcome did not pass, or cannot be read.
    """
    refused = [each.summary() for each in map(read, folders) if not each.passed]
    if refused:
        raise DataError("; ".join(refused))
