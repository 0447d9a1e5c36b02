"""What a worker of a training does: `python -m kanaria.components.train.worker ORDER PIPE`.

ORDER is a JSON file {"request": ..., "places": ...}. The number PIPE is of a file that takes one
line: {} when the training is done, or {"kind": ..., "message": ...} of the error that ends it. The
process ends when its input is closed.
"""

import json
import logging
import os
import sys
import threading
import traceback
from pathlib import Path

from kanaria.components.shared import cause
from kanaria.components.shared.errors import KanariaError, UserCodeError
from kanaria.components.shared.imports import training
from kanaria.components.train.worker_process import LOST

LOST_ANOTHER = ("UnavailableError", "AbortedError", "DeadlineExceededError", "CancelledError")
"""Errors of TensorFlow's that say that another worker, or the way to it, is gone."""


def has_lost_another(error: BaseException) -> bool:
    """Tell whether the cause of an error is another worker's end."""
    links = cause.chain(error)
    return any(kind.__name__ in LOST_ANOTHER for link in links for kind in type(link).__mro__)


def is_in_cluster() -> bool:
    """Tell whether this process has joined the others that TF_CONFIG names."""
    import tensorflow as tf

    return any("/job:worker/" in device.name for device in tf.config.list_logical_devices())


def _train(order: Path) -> None:
    training.load("tensorflow", "tensorflow_transform", "apache_beam")
    from kanaria.components.train import call
    from kanaria.components.train.request import TrainRequest

    content = json.loads(order.read_text(encoding="utf-8"))
    request = TrainRequest.of_json(content["request"])
    call.prepared(request)(call.Places.of_json(content["places"]))
    if not is_in_cluster():
        raise UserCodeError(
            f"{request.module_file}: {request.run_fn} trained alone in each of several workers; "
            "make the model in the scope of tf.distribute.MultiWorkerMirroredStrategy(), or leave "
            "compute.training_workers at 1"
        )


def _tell(pipe: int, **told: str) -> None:
    os.write(pipe, f"{json.dumps(told)}\n".encode())


def _end_with_input(ended: threading.Event, is_done: threading.Event) -> None:
    sys.stdin.buffer.read()
    if not is_done.is_set():
        os._exit(1)  # The step is gone; TensorFlow may be waiting for others without end.
    ended.set()


def main(order: str, pipe: str) -> None:
    """Train as ORDER says, tell PIPE how it went, and wait for the end of the input."""
    ended, is_done = threading.Event(), threading.Event()
    threading.Thread(target=_end_with_input, args=[ended, is_done], daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        _train(Path(order))
    except KanariaError as error:
        traceback.print_exc()
        if has_lost_another(error):
            os._exit(LOST)
        _tell(int(pipe), kind=type(error).__name__, message=str(error))
        os._exit(1)  # At once: an orderly end would wait for the others.
    is_done.set()
    _tell(int(pipe))
    ended.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
