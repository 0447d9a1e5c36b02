"""The processes that train together, as TF_CONFIG names them to each."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kanaria.components.shared import exception_cause
from kanaria.components.shared.errors import ParameterError, UserCodeError, shown
from kanaria.components.train.request import TrainRequest
from kanaria.components.train.run_fn_folders import Places, Run

CONFIG = "TF_CONFIG"
LOST = 138
"""Exit status of a worker that lost another; Kubeflow's TFJob starts anew after it, too."""
LOST_ANOTHER = ("UnavailableError", "AbortedError", "DeadlineExceededError", "CancelledError")
"""Errors of TensorFlow's that say that another worker, or the way to it, is gone."""
TRAINS_ALONE = (
    "trains alone in each of several workers; make the model in the scope of "
    "tf.distribute.MultiWorkerMirroredStrategy(), or leave compute.training_workers at 1"
)


def config(addresses: Sequence[str], number: int) -> str:
    """Return the TF_CONFIG of a worker; number 0 is the chief.

    Args:
        addresses: host:port of each worker.
        number: of this one.
    """
    task = {"type": "worker", "index": number}
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": task})


def size(environment: Mapping[str, str]) -> int:
    """Return how many workers TF_CONFIG names.

    Raises:
        ParameterError: there is none that names any.
    """
    try:
        cluster: Mapping[str, Sequence[str]] = json.loads(environment[CONFIG])["cluster"]
    except (KeyError, ValueError, TypeError) as error:
        text = environment.get(CONFIG, "")
        raise ParameterError(
            f"{CONFIG}={shown(text)}: names no cluster; a TFJob sets it"
        ) from error
    return sum(len(cluster.get(kind, ())) for kind in ("chief", "worker"))


def is_chief(environment: Mapping[str, str]) -> bool:
    """Tell whether this is the worker whose model counts: the chief, without one worker 0."""
    description: Mapping[str, Any] = json.loads(environment[CONFIG])
    task = description["task"]
    return task["type"] == "chief" or ("chief" not in description["cluster"] and task["index"] == 0)


def joined(request: TrainRequest, run: Run) -> Run:
    """Return what trains as `run` does, and raises UserCodeError where it trained alone."""

    def together(places: Places) -> None:
        try:
            run(places)
        except UserCodeError as error:
            # Those that train alone may fail by writing over one another's files.
            if has_joined() or TRAINS_ALONE in str(error):
                raise
            raise UserCodeError(
                f"{error}; it had not joined the other workers by then, as the scope of "
                "tf.distribute.MultiWorkerMirroredStrategy() does"
            ) from error.__cause__
        if not has_joined():
            raise UserCodeError(f"{request.module_file}: {request.run_fn} {TRAINS_ALONE}")

    return together


def check_joined(environment: Mapping[str, str], what: str) -> None:
    """Raise UserCodeError where `what` is about to write as one of several that train alone."""
    if CONFIG in environment and size(environment) > 1 and not has_joined():
        raise UserCodeError(f"{what}: run_fn {TRAINS_ALONE}")


def has_joined() -> bool:
    """Tell whether this process computes with those that its TF_CONFIG names."""
    import tensorflow as tf

    devices = tf.config.list_logical_devices()
    return any(f"/job:{kind}/" in one.name for one in devices for kind in ("chief", "worker"))


def has_lost_another(error: BaseException) -> bool:
    """Tell whether the cause of an error is another worker's end."""
    links = exception_cause.chain(error)
    return any(kind.__name__ in LOST_ANOTHER for link in links for kind in type(link).__mro__)
