"""Trains in several processes of this machine, and only looks after them itself.

Each is a fresh process with a TF_CONFIG of its own, the first the chief, whose model counts. They
compute together, so when one is killed all begin again, and resume where the user's module keeps
checkpoints. A worker dies as soon as its input is closed, so none outlives the step, however that
ends.
"""

import json
import logging
import queue
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import tensorflow as tf

from kanaria.components.shared.engines import compute_mapping, engine_choice, machine_limits
from kanaria.components.shared.engines.machine_limits import Machine
from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.components.shared.storage import atomic
from kanaria.components.train.request import TrainRequest
from kanaria.components.train.reserved_ports import LOOPBACK, reserved
from kanaria.components.train.run_fn_folders import Places, Run
from kanaria.components.train.worker_process import WorkerProcess

logger = logging.getLogger(__name__)
RESTARTS = 3
PARAMETER = f"{compute_mapping.WHERE}.{compute_mapping.TRAINING_WORKERS}"
GRACE_SECONDS = 30.0
"""For the cause to show, where a worker only says that it lost another; and for the last exit."""


def check(count: int, here: Machine, gpus: int) -> None:
    """Raise ParameterError where a machine with so many GPUs cannot hold `count` workers."""
    if gpus:
        raise ParameterError(
            f"train_model: {PARAMETER}={count}: workers of one machine train on CPUs; for its GPUs "
            "leave it at 1 and use tf.distribute.MirroredStrategy in run_fn"
        )
    most = here.memory // engine_choice.PROCESS_MEMORY
    if count > most:
        raise ParameterError(
            f"train_model: {PARAMETER}={count}: the {here.memory // engine_choice.MIB:,} MiB of "
            f"memory here hold {most}; use at most so many, or give the step more"
        )
    if count > here.cores:
        logger.warning("%d workers share %d cores: more of them are no faster.", count, here.cores)


def prepared(request: TrainRequest, count: int) -> Run:
    """Return what trains in `count` workers, 2 or more.

    Raises:
        ParameterError: they cannot train on this machine. What is returned raises the error that a
            worker told, and NotReadyError where one was killed again after `RESTARTS` restarts.
    """
    check(count, machine_limits.machine(), len(tf.config.get_visible_devices("GPU")))

    def run(places: Places) -> None:
        restarts = 0
        while (killed := _attempt(request, places, count)) is not None:
            end = f"{killed.name} of {count} {killed.told_end()}"
            if restarts == RESTARTS:
                raise NotReadyError(
                    f"train_model: {end}, also after {RESTARTS} restarts; most often for want of "
                    f"memory: give the step more, or lower {PARAMETER}; its last lines: "
                    f"{killed.last_lines()}"
                )
            restarts += 1
            logger.warning("%s; all begin again (%d of %d).", end, restarts, RESTARTS)

    return run


def _attempt(request: TrainRequest, places: Places, count: int) -> WorkerProcess | None:
    """Train once; return the worker that was killed, if one was.

    Raises:
        KanariaError: what a worker told.
    """
    atomic.remove(places.saved)
    workers: list[WorkerProcess] = []
    events: queue.Queue[WorkerProcess] = queue.Queue()
    with tempfile.TemporaryDirectory(prefix="kanaria-") as scratch, reserved(count) as ports:
        addresses = [f"{LOOPBACK}:{port}" for port in ports]
        try:
            for number in range(count):
                order = Path(scratch, f"{number}.json")
                own = _own(places, Path(scratch, str(number)), number)
                content = {"request": request.as_json(), "places": own.as_json()}
                order.write_text(json.dumps(content), encoding="utf-8")
                workers.append(WorkerProcess(addresses, number, order, events))
            return _watch(workers, events)
        finally:
            for worker in workers:
                worker.kill()


def _own(places: Places, scratch: Path, number: int) -> Places:
    """Return the places of one worker: all but the chief save into a folder that nobody keeps."""
    return replace(places, saved=scratch / places.saved.name) if number else places


def _watch(
    workers: Sequence[WorkerProcess], events: "queue.Queue[WorkerProcess]"
) -> WorkerProcess | None:
    """Wait until all are done, or one has failed; return the one that was killed, if one was."""
    done: set[str] = set()
    lost = None
    while len(done) < len(workers):
        try:
            worker = events.get(timeout=GRACE_SECONDS if lost else None)
        except queue.Empty:
            return lost
        if not worker.has_ended:
            done.add(worker.name)
        elif worker.lost_another:
            lost = worker
        else:
            return _killed(worker, workers)
    for worker in reversed(workers):  # The chief last: the others would miss it.
        worker.release(GRACE_SECONDS)
    return None


def _killed(ended: WorkerProcess, workers: Sequence[WorkerProcess]) -> WorkerProcess:
    """Return the worker that was killed; a kill also makes the others fail.

    Raises:
        KanariaError: none was; this is what the one that ended told.
    """
    killed = next((worker for worker in (ended, *workers) if worker.was_killed), None)
    if killed is None:
        raise ended.error()
    return killed
