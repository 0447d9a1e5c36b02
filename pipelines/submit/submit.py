"""Submits a pipeline and waits for its run: `kanaria submit`, and the same from a notebook."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kanaria.components.shared import storage
from kanaria.components.shared.errors import NotReadyError
from kanaria.components.shared.parameters import Faults
from kanaria.pipelines.local import arguments as checked_arguments
from kanaria.pipelines.local.record import TaskRecord
from kanaria.pipelines.submit import arguments, progress
from kanaria.pipelines.submit.package import Package
from kanaria.pipelines.submit.progress import Ending, RunStatus
from kanaria.pipelines.submit.server import Server

POLL_SECONDS = 2.0
FAILURES = 10
"""Times in a row that a server may not answer while a run is waited for."""
MODEL_ROOT = "model_root"


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """A run on the server: its id, its page, and the version of the pipeline it runs."""

    run_id: str
    link: str
    version: str
    uploaded: bool


def prepared(package: Package, values: Mapping[str, Any], pipeline_root: str) -> dict[str, Any]:
    """Return the arguments with local files uploaded; everything is checked before.

    Args:
        package: the pipeline.
        values: parameter -> value; `model_root` is `<pipeline_root>/models` unless it is given.
        pipeline_root: URI below which artifacts and files come to lie, or "".

    Raises:
        ParameterError: parameters are wrong, or a pod could not read what they name.
        NotReadyError: the store does not answer.
    """
    given = dict(values)
    if MODEL_ROOT in package.plan.parameters and pipeline_root:
        given.setdefault(MODEL_ROOT, storage.join(pipeline_root, arguments.MODELS))
    whole = checked_arguments.checked(package.plan, given)
    faults = Faults(package.plan.name)
    arguments.check(whole, pipeline_root, faults)
    faults.raise_if_any()
    return arguments.with_uploaded_files(given, pipeline_root)


def submit(
    server: Server,
    package: Package,
    values: Mapping[str, Any],
    *,
    experiment: str = "Default",
    run_name: str = "",
    pipeline_root: str = "",
) -> Submitted:
    """Upload the pipeline unless the server has it, and start a run of it.

    Args:
        server: where.
        package: the pipeline (`package.package`).
        values: parameter -> value.
        experiment: name of the experiment, made unless it is there.
        run_name: name of the run; "" for the pipeline's name and the time.
        pipeline_root: URI below which artifacts and files come to lie; "" for the server's own.

    Raises:
        ParameterError: parameters are wrong, or the server refuses.
        NotReadyError: the server or the store does not answer.
    """
    ready = prepared(package, values, pipeline_root)
    version = server.upload(package)
    name = run_name or f"{package.plan.name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    run_id = server.start(version, server.experiment(experiment), name, ready, pipeline_root)
    return Submitted(
        run_id=run_id,
        link=server.link(run_id),
        version=package.version,
        uploaded=version.uploaded,
    )


def wait(
    server: Server, run_id: str, names: Sequence[str], show: Callable[[TaskRecord], None]
) -> RunStatus:
    """Wait until a run has ended.

    Args:
        server: where it runs.
        run_id: the run.
        names: of the pipeline's tasks.
        show: called for every change of a task.

    Raises:
        NotReadyError: the server did not answer several times in a row; the run goes on.
    """
    seen: dict[str, object] = {}
    failures, cancelling = 0, False
    while True:
        try:
            run = server.run(run_id)
        except NotReadyError:
            failures += 1
            if failures >= FAILURES:
                raise
            time.sleep(POLL_SECONDS)
            continue
        failures = 0
        # An old server keeps no history of states, so what was seen is remembered.
        cancelling = cancelling or run.state == "CANCELING"
        status = progress.status(run, names)
        for task in status.tasks:
            if seen.get(task.name) != task.state:
                seen[task.name] = task.state
                show(task)
        if status.ending is Ending.FAILED and cancelling:
            return RunStatus(ending=Ending.CANCELLED, tasks=status.tasks)
        if status.ending is not Ending.RUNNING:
            return status
        time.sleep(POLL_SECONDS)
