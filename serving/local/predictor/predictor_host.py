"""Forks predictors from one process that has imported TensorFlow already.

Usage: python -m kanaria.serving.local.predictor.predictor_host PARENT_PID [--spare]

With --spare it imports on processor time that others leave.

The server writes one JSON object a line: {"key", "log", "model_dir", "namespace", "name",
"revision", "port", "protocol"}.
This process answers {"key", "pid"} when the predictor is forked and {"key", "code"} when it ended
(negative: the signal). It runs no TensorFlow operation itself and has one thread by then, so
forking is safe.
"""

import gc
import json
import os
import select
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # TensorFlow would take all of it per fork.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from kanaria.components.shared.imports import file_pages, lazy
from kanaria.components.shared.process_lifeline import die_with

POLL_SECONDS = 0.05
UNUSED = lazy.Plan(
    modules=(
        "IPython",
        "h5py",
        "keras",
        "matplotlib",
        "pandas",
        "scipy.linalg",
        "scipy.ndimage",
        "scipy.sparse",
        "scipy.stats",
        "sklearn",
    ),
    names={"scipy.sparse": ("issparse",)},
)
"""What TensorFlow imports where it is installed, and no SavedModel needs: half of its time."""
SPARE_NICENESS = 5
"""A third of the weight of a process beside it: a training is not held up, nor is this for ever."""


def _tell(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _predict(order: dict[str, Any], host: int) -> NoReturn:
    """Become the predictor of one revision; ends with the process."""
    code = 1
    try:
        die_with(host)
        log = os.open(order.pop("log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        from kanaria.serving.local.predictor import predictor_process

        predictor_process.run(predictor_process.Predictor(**order))
        code = 0
    except SystemExit as error:
        sys.stderr.write(f"{error.code}\n")
    finally:
        # The copy must never return into the host's loop; an unknown error shows its traceback.
        if sys.exc_info()[1] is not None:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)


def _reap(children: dict[int, str]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        _tell({"key": children.pop(pid), "code": os.waitstatus_to_exitcode(status)})


def _orders(pending: bytes) -> tuple[list[dict[str, Any]], bytes] | None:
    """Return the orders that have arrived and the unfinished rest; None when the server ended."""
    if not select.select([0], [], [], POLL_SECONDS)[0]:
        return [], pending
    arrived = os.read(0, 1 << 16)
    if not arrived:
        return None
    *lines, rest = (pending + arrived).split(b"\n")
    return [json.loads(line) for line in lines], rest


def _import(niceness: int) -> None:
    """Import what predictors need, in a thread whose niceness the forks do not inherit."""
    os.nice(niceness)
    with lazy.deferred(UNUSED):
        import tensorflow as _tensorflow  # noqa: F401
    from kanaria.serving.local.predictor import predictor_process as _  # noqa: F401


def main() -> None:
    """Import what predictors need, then fork one for every order until the server ends."""
    parent, *options = sys.argv[1:]
    die_with(int(parent))
    # Nobody without privileges takes a niceness back, but each thread has its own.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_import, SPARE_NICENESS if options else 0).result()
    gc.freeze()  # Keeps the imported objects on pages that the forks share.
    file_pages.release()
    children: dict[int, str] = {}
    pending = b""
    while True:
        _reap(children)
        arrived = _orders(pending)
        if arrived is None:
            return
        orders, pending = arrived
        for order in orders:
            key, host = order.pop("key"), os.getpid()
            pid = os.fork()
            if pid == 0:
                _predict(order, host)
            children[pid] = key
            _tell({"key": key, "pid": pid})


if __name__ == "__main__":
    main()
