"""Submits a pipeline once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kanaria.pipelines.resources.settings_of_steps import NOTHING, Resources
from kanaria.pipelines.submit import parameters, pipeline_package, run_account
from kanaria.pipelines.submit.kfp_client import Server, Version
from kanaria.pipelines.submit.run_account import Account
from kanaria.pipelines.submit.server_runs import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted(Run):
    """A run that was started; `runs.wait` waits for it, and a notebook shows its link.

    Attributes:
        version: the pipeline's version on the server, and whether it was uploaded just now.
        account: the ServiceAccount of its pods, and why that one.
    """

    version: Version
    account: Account


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
    package = pipeline_package.read(
        pipeline,
        image_prefix=image_prefix,
        cached=cached,
        arguments=arguments,
        resources=resources,
    )
    values = parameters.checked(package.interface, arguments, pipeline_root)
    run_as = run_account.chosen(service_account, server.namespace)
    values = parameters.published(values, pipeline_root)
    version = server.version(package)
    pipeline_package.warn(package)
    name = run_name or f"{package.name} {datetime.now(UTC):%Y-%m-%d %H-%M-%S}"
    experiment_id = server.experiment(default_experiment(experiment))
    run_id = server.start(version, experiment_id, name, values, pipeline_root, run_as.name)
    return Submitted(
        run_id=run_id,
        run_name=name,
        link=server.link(run_id),
        pipeline=package.name,
        pipeline_root=pipeline_root,
        names=package.names,
        version=version,
        account=run_as,
    )
