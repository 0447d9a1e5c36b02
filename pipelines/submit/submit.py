"""Submits a pipeline once and waits for it."""

import html
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kanaria.pipelines.resources.resources import NOTHING, Resources
from kanaria.pipelines.submit import account, package, parameters, progress
from kanaria.pipelines.submit.account import Account
from kanaria.pipelines.submit.client import Server, Version
from kanaria.pipelines.submit.watch import Names, Outcome, Snapshot, State, Task, ended, snapshot

POLL_SECONDS = 2.0
PATIENCE_SECONDS = 300.0
"""How long a run is watched on while the server does not answer; the run itself goes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """A run that was started; a notebook shows its link.

    Attributes:
        run_id: the server's id of the run.
        run_name: its name in the UI.
        link: address of its page.
        version: the pipeline's version on the server, and whether it was uploaded just now.
        account: the ServiceAccount of its pods, and why that one.
        names: the pipeline's tasks, as the server and as people call them.
    """

    run_id: str
    run_name: str
    link: str
    version: Version
    account: Account
    names: Names = field(repr=False)

    def _repr_html_(self) -> str:
        link, name = html.escape(self.link), html.escape(self.run_name)
        return f'<a href="{link}" target="_blank">{name}</a>'


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """How a run ended, after how many seconds of waiting, and the tasks that failed."""

    outcome: Outcome
    seconds: float
    failed: tuple[Task, ...]
    cause: str


def default_experiment(name: str) -> str:
    """Return the experiment to use: the given one, that of kfp's variable, or "Default"."""
    return name or os.environ.get("KF_PIPELINES_DEFAULT_EXPERIMENT_NAME", "Default")


def submit(
    pipeline: str,
    arguments: Mapping[str, Any],
    *,
    server: Server,
    pipeline_root: str = "",
    experiment: str = "",
    run_name: str = "",
    image_prefix: str = "",
    cached: bool = True,
    resources: Resources = NOTHING,
    service_account: str | Account | None = None,
) -> Submitted:
    """Start a run of a pipeline; upload the pipeline unless the server has this very content.

    Args:
        pipeline: name of a pipeline of this package, or path of a compiled .yaml file.
        arguments: parameter -> value; a local file of a `*_file` parameter is uploaded.
        server: where to.
        pipeline_root: URI of the folder of artifacts; "" for the server's own.
        experiment: name of the experiment; "" for the default.
        run_name: name in the UI; "" for the pipeline's name and the time.
        image_prefix: registry and path of Kanaria's images; "" for none.
        cached: whether steps may be reused.
        resources: what steps get beside what the pipeline says: CPU, nodes, credentials, volumes.
        service_account: of the run's pods; None for `kanaria-pipeline` where it exists, else KFP's
            own; "" for KFP's own.

    Raises:
        ParameterError: parameters are wrong (all at once, before anything is sent), or the server
            refuses them.
        NotReadyError: the server or the store does not answer.
    """
    found = package.read(
        pipeline,
        image_prefix=image_prefix,
        cached=cached,
        arguments=arguments,
        resources=resources,
    )
    values = parameters.checked(found.interface, arguments, pipeline_root)
    run_as = account.chosen(service_account, server.namespace)
    values = parameters.published(values, pipeline_root)
    version = server.version(found)
    package.warn(found)
    name = run_name or f"{found.name} {datetime.now(UTC):%Y-%m-%d %H-%M-%S}"
    experiment_id = server.experiment(default_experiment(experiment))
    run_id = server.start(version, experiment_id, name, values, pipeline_root, run_as.name)
    return Submitted(
        run_id=run_id,
        run_name=name,
        link=server.link(run_id),
        version=version,
        account=run_as,
        names=found.names,
    )


def wait(
    run: Submitted,
    server: Server,
    *,
    show: Callable[[Snapshot], None] | None = None,
    poll_seconds: float = POLL_SECONDS,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Finished:
    """Wait until a run has ended.

    kfp's own `wait_for_run_completion` polls a CANCELED run for ever, gives up at the first 503,
    and cannot tell a cancelled run of KFP 2.17.0 from a failed one.

    Args:
        run: what `submit` returned.
        server: where it runs.
        show: called at every poll; prints each task that begins or ends by default.
        poll_seconds: seconds between two looks.
        patience_seconds: seconds to go on without any answer.

    Raises:
        NotReadyError: the server stays away; the run may go on.
        ParameterError: the server refuses the identity, or the run was deleted.
    """
    show = show or progress.on(sys.stdout)
    started = time.monotonic()
    was_canceling = False
    while True:
        entry = server.run(run.run_id, patience_seconds)
        now = snapshot(entry, run.names, datetime.now(UTC))
        was_canceling = was_canceling or now.state is State.CANCELING
        show(now)
        outcome = ended(now.state, was_canceling)
        if outcome is not None:
            return Finished(
                outcome=outcome,
                seconds=time.monotonic() - started,
                failed=tuple(task for task in now.tasks if task.state is State.FAILED),
                cause=now.cause,
            )
        time.sleep(poll_seconds)
