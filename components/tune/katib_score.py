"""The score of one trial that Katib asks for."""

import math
import tempfile
from pathlib import Path

import keras_tuner

from kanaria.components.shared.errors import UserCodeError, shown
from kanaria.components.shared.storage import uri_files
from kanaria.components.train import devices
from kanaria.components.tune import katib_order, one_trial, tuner_call
from kanaria.components.tune.katib_order import Order
from kanaria.components.tune.one_trial import Status, Trial
from kanaria.components.tune.request import TuneRequest


def _request(order: Order, scratch: Path) -> TuneRequest:
    """Return the request with its inputs on this machine."""
    paths = {}
    for name in katib_order.INPUTS:
        (scratch / name).mkdir()
        paths[name] = uri_files.fetched(order.fields[name], scratch / name)
    return TuneRequest(**{**order.fields, **paths})


def score(order: Order) -> float:
    """Return the objective of a trial, as tune_model has it of one with equal hyperparameters.

    Raises:
        UserCodeError: tuner_fn fails, or the trial ends without a finite objective.
    """
    devices.let_memory_grow()
    devices.check()
    with tempfile.TemporaryDirectory(prefix="kanaria-") as folder:
        scratch = Path(folder)
        call = tuner_call.prepared(_request(order, scratch))
        space = keras_tuner.HyperParameters.from_config(order.hyperparameters)
        trial = Trial(hyperparameters=space, trial_id="0", status=Status.RUNNING)
        project, working = scratch / "project", scratch / "working"
        end = one_trial.run(call, trial.get_state(), project, working)
    name = order.plan.objective
    value = end.metrics.get(name, math.nan)
    if end.status != Status.COMPLETED or not math.isfinite(value):
        cause = end.cause or f"its {name} is {value}"
        values = shown(order.hyperparameters["values"])
        raise UserCodeError(f"the trial of {values} has no score: {cause}")
    return value
