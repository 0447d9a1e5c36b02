"""Runs one trial as KerasTuner does, whatever process it is in and whatever ran before it.

tuner_fn is called anew for every trial, so that all trials begin alike: with the same weights and
the rows in the same order. Its tuner then searches by an oracle that knows this trial alone.
"""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras_tuner

from kanaria.components.shared import exception_cause
from kanaria.components.shared.errors import UserCodeError, shown
from kanaria.components.shared.storage import atomic
from kanaria.components.shared.user_code import user_module
from kanaria.components.tune.tuner_call import TunerCall

Trial = keras_tuner.engine.trial.Trial
Status = keras_tuner.engine.trial.TrialStatus
FATAL = keras_tuner.errors.FatalError
"""What KerasTuner ends a search with, whatever the other trials do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialEnd:
    """How a trial ended.

    Attributes:
        hyperparameters: as `HyperParameters.get_config` gives them; a model may add some.
        status: of KerasTuner's TrialStatus.
        metrics: name -> value at the best epoch, the mean of several executions.
        step: the best epoch, from 0.
        cause: why it failed, on one line, or "".
    """

    hyperparameters: dict[str, Any]
    status: str
    metrics: dict[str, float] = field(default_factory=dict)
    step: int = 0
    cause: str = ""


class OneTrialOracle(keras_tuner.Oracle):
    """Proposes one trial, and keeps what is told of it."""

    def __init__(self, trial: Any, objective: Any) -> None:
        """Take the trial, and what the search looks for."""
        super().__init__(objective=objective, hyperparameters=trial.hyperparameters.copy())
        self.verbose = 0
        self.metrics: dict[str, float] = {}
        self.step = 0
        self._trial = trial

    def create_trial(self, tuner_id: str) -> Any:  # noqa: ARG002  KerasTuner's signature.
        """Return the trial, and after it the sign that there is none."""
        if self.trials:
            return Trial(hyperparameters=self.get_space(), status=Status.STOPPED)
        self.trials[self._trial.trial_id] = self._trial
        return self._trial

    def update_trial(
        self,
        trial_id: str,  # noqa: ARG002
        metrics: Mapping[str, float],
        step: int = 0,
    ) -> Any:
        """Keep the metrics; the search's own oracle judges them."""
        self.metrics, self.step = {n: float(value) for n, value in metrics.items()}, int(step)
        return self._trial

    def end_trial(self, trial: Any) -> None:
        """Leave the trial as it is; the search's own oracle decides on another attempt."""

    def save(self) -> None:
        """Write nothing: the search's own oracle does."""


def _names(results: Any) -> set[str]:
    """Return the names of the metrics in what a trial returned; none where it is a number."""
    if isinstance(results, list):
        return set().union(*map(_names, results))
    history = getattr(results, "history", results)
    return set(history) if isinstance(history, Mapping) else set()


def objective_names(objective: Any) -> list[str]:
    """Return the names of the metrics that the search looks at."""
    return list(getattr(objective, "name_to_direction", [objective.name]))


def _watch(tuner: Any, causes: list[str]) -> None:
    """Let the tuner's trials tell in one line why they fail, and what metrics there are."""
    run_trial = tuner.run_trial

    def watched(*arguments: Any, **named: Any) -> Any:
        try:
            results = user_module.call(run_trial, *arguments, **named)
        except UserCodeError as error:
            causes.append(str(error))
            if isinstance(error.__cause__, FATAL | keras_tuner.errors.FailedTrialError):
                causes[-1] = exception_cause.message(error.__cause__)
                raise error.__cause__ from None
            raise
        names = _names(results)
        missing = [name for name in objective_names(tuner.oracle.objective) if name not in names]
        if names and missing:
            raise keras_tuner.errors.FatalValueError(
                f"objective {', '.join(map(shown, missing))} is no metric of the trials; they "
                f"have {', '.join(map(shown, sorted(names)))}"
            )
        return results

    tuner.run_trial = watched


def run(call: TunerCall, state: Mapping[str, Any], project: Path, working: Path) -> TrialEnd:
    """Run one trial.

    Args:
        call: calls tuner_fn.
        state: of the trial, as `Trial.get_state` gives it.
        project: folder of the search's tuner, where trials keep their weights.
        working: `fn_args.working_dir` of the search; what tuner_fn writes elsewhere in its own
            comes there.

    Raises:
        UserCodeError: tuner_fn fails, or what the trial returned is of no use to any search.
    """
    trial, causes = Trial.from_state(dict(state)), list[str]()
    with tempfile.TemporaryDirectory(prefix="kanaria-") as scratch:
        result = call(Path(scratch))
        tuner = result.tuner
        own = Path(tuner.project_dir)
        oracle = OneTrialOracle(trial, tuner.oracle.objective)
        tuner.oracle, tuner.directory, tuner.project_name = oracle, project.parent, project.name
        _watch(tuner, causes)
        try:
            tuner.search(**result.fit_kwargs)
        except FATAL as error:
            raise UserCodeError(f"tuner_fn: {exception_cause.message(error)}") from error
        atomic.remove(own)
        shutil.copytree(scratch, working, dirs_exist_ok=True)
    return TrialEnd(
        hyperparameters=trial.hyperparameters.get_config(),
        status=trial.status,
        metrics=oracle.metrics,
        step=oracle.step,
        cause="; ".join(causes[-1:]),
    )
