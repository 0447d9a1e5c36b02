"""What a worker of a training does: `python -m kanaria.components.train.local_worker ORDER PIPE`.

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

from kanaria.components.shared.errors import KanariaError
from kanaria.components.shared.imports import training
from kanaria.components.train import worker_cluster


def _train(order: Path) -> None:
    training.load("tensorflow", "tensorflow_transform", "apache_beam")
    from kanaria.components.train import run_fn_call
    from kanaria.components.train.request import TrainRequest
    from kanaria.components.train.run_fn_folders import Places

    content = json.loads(order.read_text(encoding="utf-8"))
    request = TrainRequest.of_json(content["request"])
    worker_cluster.joined(request, run_fn_call.prepared(request))(Places.of_json(content["places"]))


def _tell(pipe: int, **message: str) -> None:
    os.write(pipe, f"{json.dumps(message)}\n".encode())


def _take_input() -> int:
    """Return a descriptor of the input, and leave user code an empty one."""
    descriptor = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return descriptor


def _end_with(source: int, ended: threading.Event, is_done: threading.Event) -> None:
    os.read(source, 1)  # Nothing is ever written.
    if not is_done.is_set():
        os._exit(1)  # The step is gone; TensorFlow may be waiting for others without end.
    ended.set()


def main(order: str, pipe: str) -> None:
    """Train as ORDER says, tell PIPE how it went, and wait for the end of the input."""
    ended, is_done = threading.Event(), threading.Event()
    watched = (_take_input(), ended, is_done)
    threading.Thread(target=_end_with, args=watched, daemon=True).start()
    os.set_inheritable(int(pipe), False)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        _train(Path(order))
    except KanariaError as error:
        traceback.print_exc()
        if worker_cluster.has_lost_another(error):
            os._exit(worker_cluster.LOST)
        _tell(int(pipe), kind=type(error).__name__, message=str(error))
        os._exit(1)  # At once: an orderly end would wait for the others.
    is_done.set()
    _tell(int(pipe))
    ended.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
