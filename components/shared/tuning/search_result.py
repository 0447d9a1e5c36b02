"""What a search ended with: its trials, and the best of them. Pure."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kanaria.components.shared.artifacts import metadata
from kanaria.components.shared.artifacts.document_format import DocumentFormat

COMPLETED = "COMPLETED"
FORMAT = DocumentFormat()
"""Of tuner_results.json."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialResult:
    """One trial.

    Attributes:
        trial_id: of KerasTuner, in the order of their beginning.
        status: COMPLETED or FAILED.
        score: value of the objective, None of a failed trial.
        step: epoch that the score is of, from 0; None where nobody told it.
        metrics: name -> value at that epoch.
        hyperparameters: name -> value.
        cause: why it failed, or "".
    """

    trial_id: str
    status: str
    score: float | None
    step: int | None
    metrics: dict[str, float]
    hyperparameters: dict[str, Any]
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuned:
    """What a search ended with.

    Attributes:
        objective: what was looked for, e.g. "val_loss".
        direction: "min" or "max".
        trials: in the order of their beginning.
        best: the best of them.
        hyperparameters: its, as KerasTuner's `get_config` gives them: {"space", "values"}.
    """

    objective: str
    direction: str
    trials: Sequence[TrialResult]
    best: TrialResult
    hyperparameters: dict[str, Any]

    def results(self) -> str:
        """Return the text of tuner_results.json."""
        trials = [asdict(trial) for trial in self.trials]
        document = {
            "objective": self.objective,
            "direction": self.direction,
            "best_trial": self.best.trial_id,
            "trials": trials,
        }
        return json.dumps(FORMAT.numbered(document), indent=1)

    def metadata(self) -> dict[str, dict[str, Any]]:
        """Return output -> its artifact's metadata."""
        count, failed = len(self.trials), sum(not is_ranked(trial) for trial in self.trials)
        score = f"{self.objective} {self.best.score:.5g}"
        facts = {"objective": self.objective, "score": self.best.score, "trials": count}
        best = {**facts, "values": self.best.hyperparameters, "trial": self.best.trial_id}
        results = {**facts, "direction": self.direction, "failed": failed}
        trials = f"{count} trials"
        return {
            "best_hyperparameters": metadata.described("best_hyperparameters", best, score),
            "tuner_results": metadata.described("tuner_results", results, trials, score),
            "report": metadata.described("report", {}, trials, score),
        }


def is_ranked(trial: TrialResult) -> bool:
    """Tell whether a trial has a score."""
    return trial.status == COMPLETED and trial.score is not None


def best_of(trials: Sequence[TrialResult], direction: str) -> TrialResult | None:
    """Return the trial with the best score, of equal ones the first; None where all failed."""
    sign = -1.0 if direction == "max" else 1.0
    return min(
        filter(is_ranked, trials), key=lambda trial: sign * (trial.score or 0.0), default=None
    )
