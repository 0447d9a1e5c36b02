"""The work of tune_model."""

import functools
import logging
import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf

from kanaria.components.shared.data import examples
from kanaria.components.shared.engines import engine_choice, machine_limits
from kanaria.components.shared.errors import ParameterError, UserCodeError
from kanaria.components.shared.storage import uri_files
from kanaria.components.shared.tuning import tuned_files
from kanaria.components.shared.tuning.search_result import TrialResult, Tuned, best_of
from kanaria.components.shared.tuning.tuned_files import Targets
from kanaria.components.train import devices, model_run, run_fn_call
from kanaria.components.train.model_run import ModelRun
from kanaria.components.train.training_key import training_key
from kanaria.components.tune import one_trial, search_state, trial_processes, tuner_call
from kanaria.components.tune.request import TuneRequest, check
from kanaria.components.tune.search import Search
from kanaria.components.tune.search_state import SearchState
from kanaria.components.tune.tuner_call import TunerCall

logger = logging.getLogger(__name__)


def check_machine(request: TuneRequest) -> None:
    """Raise ParameterError where the machine cannot run so many trials at once."""
    count = request.parallel_trials
    if count == 1:
        return
    if tf.config.get_visible_devices("GPU"):
        raise ParameterError(
            f"tune_model: parallel_trials={count}: trials of one machine share its GPU badly; "
            "leave it at 1"
        )
    here = machine_limits.machine()
    most = here.memory // engine_choice.PROCESS_MEMORY
    if count > most:
        raise ParameterError(
            f"tune_model: parallel_trials={count}: the {here.memory // engine_choice.MIB:,} MiB of "
            f"memory here hold {most}; use at most so many, or give the step more"
        )
    if count > here.cores:
        logger.warning("%d trials share %d cores: more are no faster.", count, here.cores)


def _key(request: TuneRequest) -> str:
    """Return the key of the search; "" where nothing outlives the step, as it costs reading."""
    if not request.tuner_dir:
        return ""
    training = request.training
    folders = [
        request.examples,
        run_fn_call.source(training),
        request.schema,
        request.transform_graph,
    ]
    names = ("tuner_fn", "train_steps", "eval_steps", "custom_config", "max_trials", "seed")
    return training_key(
        folders, request.module_file, {name: getattr(request, name) for name in names}
    )


def _result(trial: Any) -> TrialResult:
    metrics = {name: trial.metrics.get_best_value(name) for name in trial.metrics.metrics}
    return TrialResult(
        trial_id=trial.trial_id,
        status=trial.status,
        score=trial.score,
        step=trial.best_step or 0,
        metrics=metrics,
        hyperparameters=dict(trial.hyperparameters.values),
        cause=trial.message or "",
    )


def _tuned(tuner: Any, where: str) -> Tuned:
    """Return what the search ended with.

    Raises:
        UserCodeError: no trial has a score. KerasTuner would name a failed one the best.
    """
    oracle = tuner.oracle
    trials = [_result(oracle.get_trial(name)) for name in oracle.start_order]
    best = best_of(trials, oracle.objective.direction)
    if best is None:
        causes = "; ".join(dict.fromkeys(trial.cause for trial in trials if trial.cause))
        raise UserCodeError(
            f"{where}: none of {len(trials)} trials has a score: {causes or 'none ran'}"
        )
    return Tuned(
        objective=oracle.objective.name,
        direction=oracle.objective.direction,
        trials=trials,
        best=best,
        hyperparameters=oracle.get_trial(best.trial_id).hyperparameters.get_config(),
    )


def _searched(request: TuneRequest, call: TunerCall, place: ModelRun) -> Tuned:
    state = SearchState(place.folder, place.key)
    goes_on = state.begin()
    if place.bucket and not goes_on:
        for name in (search_state.TRIALS, search_state.FILE):
            uri_files.remove(uri_files.join(place.bucket, name))
    tuner = call(state.working).tuner
    if request.max_trials:
        tuner.oracle.max_trials = request.max_trials
    if goes_on:
        state.take_over(tuner)
        logger.info("The search goes on after %d trials.", len(tuner.oracle.end_order))

    def ended() -> None:
        place.publish_logs()  # Weights first: what says that a trial has ended may be read alone.
        state.write(tuner)
        place.publish_logs()

    with trial_processes.opened(request, functools.partial(one_trial.run, call)) as submit:
        Search(tuner, state.working, submit, request.parallel_trials).run(ended)
    return _tuned(tuner, f"{request.module_file}: {request.tuner_fn}")


def tune(request: TuneRequest, targets: Targets) -> Tuned:
    """Search hyperparameters by the user's tuner, and write the best and all trials.

    Raises:
        ParameterError: a parameter is out of range, or the machine cannot run so many at once.
        UserCodeError: tuner_fn does not load, fails, or returns no tuner; its trials lack the
            objective, or none ends with a finite one.
        DataError: a split is missing.
        NotReadyError: the store of `tuner_dir` does not answer, or a process was killed.
    """
    check(request)
    devices.let_memory_grow()
    devices.check()
    check_machine(request)
    for split in ("train", "eval"):
        examples.split_files(request.examples, split)
    call = tuner_call.prepared(request)
    with (
        tempfile.TemporaryDirectory(prefix="kanaria-") as scratch,
        model_run.local_folder(request.tuner_dir, Path(scratch)) as folder,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        bucket = request.tuner_dir if uri_files.is_remote(request.tuner_dir) else ""
        place = ModelRun(folder=folder, bucket=bucket, key=_key(request), seed=request.seed)
        if bucket:
            (folder / model_run.PUBLISHED).touch()
        tuned = _searched(request, call, place)
        tuned_files.write(tuned, targets)
    return tuned
