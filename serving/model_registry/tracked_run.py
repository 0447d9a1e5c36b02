"""One run in MLflow: found again by the id of ours, written to, ended."""

import logging
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kanaria.components.shared.errors import DataError, KanariaError, ParameterError, shown
from kanaria.serving.model_registry.mlflow_client import AbsentError, MlflowClient
from kanaria.serving.model_registry.mlflow_limits import batches
from kanaria.serving.model_registry.run_facts import RunFacts

LOGGER = logging.getLogger(__name__)
RUN_ID, PIPELINE, SOURCE = "kfp.run_id", "kfp.pipeline", "mlflow.source.name"
PROXIED = "mlflow-artifacts:/"
REFUSED = re.compile(r"[^\w./ -]")
"""In the path of an artifact, of which the server refuses some."""


class Status(StrEnum):
    """How MLflow calls where a run stands."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunIdentity:
    """Which run is meant.

    Attributes:
        run_id: KFP's id of the run, or that of one on this machine.
        pipeline: its pipeline's name.
        experiment: name of the experiment.
        name: what MLflow calls the run.
        mlflow_run_id: MLflow's own id, where somebody else has made the run; or "".
        started: when it began, seconds since 1970; None for now.
    """

    run_id: str
    pipeline: str
    experiment: str
    name: str
    mlflow_run_id: str = ""
    started: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackedRun:
    """A run as MLflow has it.

    Attributes:
        id: MLflow's own.
        experiment_id: MLflow's own.
        artifact_uri: where its artifacts go.
        started: milliseconds since 1970.
        status: where it stands.
        params: what is logged already.
        is_ours: whether we have made it, so that its end is told by us.
    """

    id: str
    experiment_id: str
    artifact_uri: str
    started: int
    status: str
    params: Mapping[str, str] = field(default_factory=dict)
    is_ours: bool = True

    def page(self, uri: str) -> str:
        """Return the address of the run's page on the server at `uri`."""
        return f"{uri}/#/experiments/{self.experiment_id}/runs/{self.id}"


def opened(client: MlflowClient, identity: RunIdentity) -> TrackedRun:
    """Return the run, made where there is none; one that has ended goes on.

    Raises:
        ParameterError: the experiment is deleted, or the server refuses something.
        NotReadyError, PermissionDeniedError, DataError: as `MlflowClient.post`.
    """
    if identity.mlflow_run_id:
        run = client.get("runs/get", "run", run_id=identity.mlflow_run_id)
        tracked = _tracked(run, is_ours=False)
        log(client, tracked, RunFacts(tags=_marks(identity)))
        return tracked
    experiment = _experiment(client, identity.experiment)
    run = client.made_once(
        lambda: _existing(client, experiment, identity.run_id),
        lambda: _new(client, experiment, identity),
    )
    tracked = _tracked(run)
    if tracked.status != Status.RUNNING:
        _update(client, tracked, Status.RUNNING)
    return tracked


def log(client: MlflowClient, run: TrackedRun, facts: RunFacts) -> None:
    """Log what is not logged yet; the same again changes nothing.

    MLflow never changes a parameter: another value than before is told and left out. All metrics
    have the time of the run's begin, so that a second log of them is the same point.
    """
    other = {key: value for key, value in facts.params.items() if run.params.get(key) != value}
    changed = [key for key in other if key in run.params]
    if changed:
        LOGGER.warning(
            "MLflow run %s: parameters %s have other values now; MLflow keeps the first ones",
            run.id,
            ", ".join(changed),
        )
    params = {key: value for key, value in other.items() if key not in run.params}
    points = [
        {"key": key, "value": value, "timestamp": run.started, "step": 0}
        for key, value in facts.metrics.items()
    ]
    for batch in batches(params, points, facts.tags):
        client.post("runs/log-batch", {"run_id": run.id, **batch})


def end(client: MlflowClient, run: TrackedRun, status: Status) -> None:
    """Tell how the run ended; one that somebody else has made, he ends himself."""
    if run.is_ours:
        _update(client, run, status, end_time=_milliseconds(time.time()))


def keep(client: MlflowClient, run: TrackedRun, files: Iterable[tuple[str, bytes]]) -> None:
    """Keep files, path and content, as artifacts of the run, where the server takes files itself.

    What is in their way is a warning: all else that is told of a run counts more.
    """
    if not takes_files(run):
        return
    folder = run.artifact_uri.removeprefix(PROXIED).lstrip("/")
    try:
        for path, content in files:
            client.put_artifact(f"{folder}/{_below(path)}", content)
    except KanariaError as error:
        LOGGER.warning("MLflow run %s: its files are not all kept: %s", run.id, error)


def _below(path: str) -> str:
    """Return a path that leads below the run's folder, whatever its parts are called."""
    parts = [REFUSED.sub("_", part) for part in path.split("/")]
    return "/".join(part for part in parts if part.strip("."))


def takes_files(run: TrackedRun) -> bool:
    """Tell whether the server takes a run's files and keeps them where they belong."""
    return run.artifact_uri.startswith(PROXIED)


def _experiment(client: MlflowClient, name: str) -> str:
    def find() -> str | None:
        try:
            experiment = client.get("experiments/get-by-name", "experiment", experiment_name=name)
        except AbsentError:
            return None
        if experiment.get("lifecycle_stage") == "deleted":
            raise ParameterError(
                f"{client.uri}: experiment {shown(name)} is deleted; restore it there, or name "
                "another in tracking.experiment_name"
            )
        return str(experiment["experiment_id"])

    return client.made_once(
        find,
        lambda: str(client.make("experiments/create", {"name": name}, "experiment_id")),
    )


def _existing(client: MlflowClient, experiment: str, run_id: str) -> dict[str, Any] | None:
    """Return the first run with our id; whoever made a second one finds the first, too."""
    if "'" in run_id:
        raise ParameterError(f"run_id={shown(run_id)}: MLflow cannot look for it; leave the ' out")
    answer = client.post(
        "runs/search",
        {
            "experiment_ids": [experiment],
            "filter": f"tags.`{RUN_ID}` = '{run_id}'",
            "order_by": ["attributes.start_time ASC"],
            "max_results": 1,
        },
    )
    runs = answer.get("runs", [])
    return runs[0] if runs else None


def _new(client: MlflowClient, experiment: str, identity: RunIdentity) -> dict[str, Any]:
    body = {
        "experiment_id": experiment,
        "run_name": identity.name or identity.run_id,
        "start_time": _milliseconds(identity.started or time.time()),
        "tags": [{"key": key, "value": value} for key, value in _marks(identity).items()],
    }
    return dict(client.make("runs/create", body, "run"))


def _marks(identity: RunIdentity) -> dict[str, str]:
    marks = {RUN_ID: identity.run_id, PIPELINE: identity.pipeline, SOURCE: identity.pipeline}
    return {key: value for key, value in marks.items() if value}


def _tracked(run: Mapping[str, Any], *, is_ours: bool = True) -> TrackedRun:
    try:
        info, data = run["info"], run.get("data", {})
        return TrackedRun(
            id=info["run_id"],
            experiment_id=info["experiment_id"],
            artifact_uri=info.get("artifact_uri", ""),
            started=int(info.get("start_time", 0)),
            status=info.get("status", ""),
            params={each["key"]: each.get("value", "") for each in data.get("params", [])},
            is_ours=is_ours,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"MLflow tells of a run without {shown(error)}: {shown(run)}") from error


def _update(client: MlflowClient, run: TrackedRun, status: Status, **more: int) -> None:
    client.post("runs/update", {"run_id": run.id, "status": str(status), **more})


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
