"""Hands out the trials that KerasTuner's oracle proposes, and tells it how they ended."""

import logging
import math
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any

import keras_tuner
from joblib.externals.loky.process_executor import TerminatedWorkerError

from kanaria.components.shared.errors import NotReadyError, UserCodeError
from kanaria.components.shared.one_line import one_line
from kanaria.components.tune import private_keras_tuner
from kanaria.components.tune.one_trial import Status, TrialEnd, objective_names
from kanaria.components.tune.trial_processes import Submit

logger = logging.getLogger(__name__)


def _not_finite(oracle: Any, end: TrialEnd) -> str:
    """Say which value of the objective is no finite number; "" where all are."""
    values = {name: end.metrics.get(name, math.nan) for name in objective_names(oracle.objective)}
    return ", ".join(f"{n} is {value}" for n, value in values.items() if not math.isfinite(value))


def _judge(oracle: Any, trial: Any, end: TrialEnd) -> None:
    """Tell the oracle how a trial ended.

    Infinity is no better a value than NaN, though KerasTuner ranks it as the best there is.
    """
    trial.hyperparameters = keras_tuner.HyperParameters.from_config(end.hyperparameters)
    trial.status, trial.message = end.status, end.cause or None
    if end.status == Status.COMPLETED:
        fault = _not_finite(oracle, end)
        if fault:
            trial.status, trial.message = Status.INVALID, f"{fault}, which ranks no trial"
        else:
            oracle.update_trial(trial.trial_id, end.metrics, step=end.step)
    try:
        oracle.end_trial(trial)
    except RuntimeError as error:  # KerasTuner's way to say that too many failed in a row.
        raise UserCodeError(f"tuner_fn: {one_line(error)}") from error
    result = trial.message or f"score {trial.score}"
    logger.info("Trial %s: %s; %s.", trial.trial_id, trial.status, result)


class Search:
    """One search; `run` returns when its oracle proposes nothing more."""

    def __init__(self, tuner: Any, working: Path, submit: Submit, at_once: int) -> None:
        """Take what proposes trials, `fn_args.working_dir`, and what runs so many at once."""
        self._tuner, self._oracle = tuner, tuner.oracle
        self._folders = (Path(tuner.project_dir), working)
        self._submit = submit
        self._free = [f"tuner{number}" for number in reversed(range(at_once))]
        self._running: dict[Future[Any], tuple[str, Any]] = {}
        self._is_over = False

    def run(self, ended: Callable[[], None]) -> None:
        """Run all trials, calling `ended` after each.

        Raises:
            UserCodeError: too many trials failed one after another, or one in a way that ends all.
            NotReadyError: a process was killed, most often for want of memory.
        """
        while True:
            self._fill()
            if not self._running:
                return
            done, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in [one for one in self._running if one in done]:
                name, trial = self._running.pop(future)
                _judge(self._oracle, trial, self._end(future))
                self._free.append(name)
                ended()

    def _may_begin(self) -> bool:
        # A tuner may name its hyperparameters in run_trial alone: until the first trial has ended
        # the space is empty, and the oracle would end the search as one that is exhausted.
        is_first = not self._running or bool(self._oracle.end_order)
        return bool(self._free) and not self._is_over and is_first

    def _fill(self) -> None:
        while self._may_begin():
            private_keras_tuner.draw_alike(self._oracle)
            trial = self._oracle.create_trial(self._free[-1])
            if trial.status == Status.IDLE:
                if not self._running:
                    raise UserCodeError("tuner_fn: its oracle waits for trials, and none runs")
                return
            self._is_over = trial.status == Status.STOPPED
            if not self._is_over:
                future = self._submit(trial.get_state(), *self._folders)
                self._running[future] = (self._free.pop(), trial)

    def _end(self, future: "Future[Any]") -> TrialEnd:
        try:
            end: TrialEnd = future.result()
        except TerminatedWorkerError as error:
            raise NotReadyError(
                "tune_model: a process that ran a trial was killed, most often for want of memory; "
                "give the step more, or lower parallel_trials"
            ) from error
        return end
