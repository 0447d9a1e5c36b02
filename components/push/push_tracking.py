"""What a push tells MLflow: first what was trained and measured, then the version it has become.

The run is found or made before the blessing is looked at, so that a model that is refused is
compared there with those that were not; and where tracking is required, nothing is pushed that
cannot be tracked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanaria.components.push.deliver_release import Endpoint
from kanaria.components.push.lineage import Lineage
from kanaria.components.push.push_trail import pusher
from kanaria.components.shared.artifacts import judged_metrics, release, trigger_cause
from kanaria.components.shared.artifacts.judged_metrics import Value
from kanaria.components.shared.artifacts.model_evaluation import Measured
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.artifacts.release import Record
from kanaria.components.shared.storage import uri_files
from kanaria.serving.audit.trail_store import TrailStore
from kanaria.serving.model_registry import registered_versions, registration, tracked_run
from kanaria.serving.model_registry.mlflow_client import MlflowClient
from kanaria.serving.model_registry.registered_versions import FINGERPRINT
from kanaria.serving.model_registry.registration import Registration
from kanaria.serving.model_registry.run_facts import RunFacts, joined, metrics, params, tags
from kanaria.serving.model_registry.tracked_run import TrackedRun
from kanaria.serving.model_registry.tracker import Tracker, identity_of
from kanaria.serving.model_registry.tracking_settings import Tracking, model_name

TRAINED_WITH = (
    "framework",
    "train_steps",
    "hyperparameters",
    "seed",
    "precision",
    "base_model",
    "training_workers",
)
"""What train_model says of a model that are parameters of its training."""
FOLDER = "release"
"""Of a run's artifacts, with the record of the release."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedRelease:
    """A release that is served, where it is, and its record."""

    folder: str
    record: Record
    endpoint: Endpoint
    model_uri: str


class PushTracking:
    """The run of a push in MLflow; without a server that somebody asked for it does nothing."""

    def __init__(self, tracking: Tracking | None, lineage: Lineage) -> None:
        """Take what was asked for, and the run that pushes."""
        self._lineage = lineage
        self._tracker = None
        if tracking is not None:
            identity = identity_of(tracking, lineage.run_id, lineage.pipeline)
            self._tracker = Tracker(tracking, identity)

    def begin(self, blessing: Outcome, evaluation: Path | None) -> None:
        """Log parameters, metrics and lineage.

        Raises:
            KanariaError: tracking is required and failed.
        """
        if self._tracker is None:
            return

        def log(client: MlflowClient, run: TrackedRun) -> None:
            facts = joined(trained(self._lineage, blessing), _measured(blessing, evaluation))
            tracked_run.log(client, run, facts)

        self._tracker.attempt(log)

    def end(self, pushed: ServedRelease, trails: TrailStore) -> None:
        """Register what is served, and let the trail say where; raises as `begin` does."""
        if self._tracker is None or not pushed.endpoint.pushed:
            return
        endpoint, server = pushed.endpoint, self._tracker.uri
        name = model_name(self._tracker.tracking, endpoint.name)
        version = self._tracker.attempt(lambda client, run: _register(client, run, name, pushed))
        if version is None:
            return
        new = Registration(uri=pushed.model_uri, server=server, model=name, version=version)
        entry = registration.entry(new, pusher(self._lineage.run_id))
        trails.append(
            endpoint.namespace,
            endpoint.name,
            lambda chain: () if registration.registrations(chain).get(new.uri) == new else (entry,),
        )


def trained(lineage: Lineage, blessing: Outcome) -> RunFacts:
    """Return how and from what a model was made, and what it was judged to be. Pure."""
    training = lineage.training
    settings = {name: training[name] for name in TRAINED_WITH if name in training}
    origin = {"data_span": lineage.data_span, "module_file": lineage.module}
    marks = {
        FINGERPRINT: training.get("fingerprint", ""),
        "kanaria.data_span": lineage.data_span,
        "kanaria.data": lineage.data,
        "kanaria.module": lineage.module,
        "kanaria.outcome": blessing.summary(),
        "kanaria.trigger": trigger_cause.in_words(lineage.trigger),
        "kanaria.device": training.get("device", ""),
        "kanaria.packages": training.get("packages", {}),
    }
    return RunFacts(params=params({**origin, **settings}), tags=tags(marks))


def _measured(blessing: Outcome, evaluation: Path | None) -> RunFacts:
    """Return the metrics of all slices; those over all rows where only the blessing tells them."""
    if evaluation is not None:
        judged = judged_metrics.read(evaluation)
        return metrics(judged.values, judged.rows)
    if blessing.evaluation is None:
        return RunFacts()
    overall = [
        Value(
            slice="",
            metric=name,
            candidate=each.value,
            baseline=None,
            candidate_interval=_interval(each),
        )
        for name, each in blessing.evaluation.metrics.items()
    ]
    return metrics(overall, blessing.evaluation.rows)


def _interval(measured: Measured) -> tuple[float, float] | None:
    if measured.low is None or measured.high is None:
        return None
    return measured.low, measured.high


def version_tags(pushed: ServedRelease) -> dict[str, str]:
    """Return what a version says of its release, as the release's own record has it. Pure."""
    origin, endpoint = pushed.record.origin, pushed.endpoint
    return tags(
        {
            FINGERPRINT: pushed.record.fingerprint,
            "kanaria.release": pushed.folder,
            "kanaria.model_card": release.card_uri(pushed.folder),
            "kanaria.model_uri": pushed.model_uri,
            "kanaria.inference_service": f"{endpoint.namespace}/{endpoint.name}",
            "kanaria.revision": endpoint.revision,
            "kanaria.outcome": pushed.record.outcome,
            "kanaria.run_id": origin.get("run_id", ""),
            "kanaria.pipeline": origin.get("pipeline", ""),
            "kanaria.data_span": origin.get("data_span", ""),
            "kanaria.data": origin.get("data", ""),
            "kanaria.module": origin.get("module", ""),
        }
    )


def _register(client: MlflowClient, run: TrackedRun, name: str, pushed: ServedRelease) -> str:
    """Register the release; return its version.

    MLflow takes no path of a machine as a version's source: then it is the record of the release
    among the run's artifacts, which names the path.
    """
    is_remote = uri_files.is_remote(pushed.model_uri)
    source = pushed.model_uri if is_remote else f"runs:/{run.id}/{FOLDER}"
    marks = version_tags(pushed)
    version = registered_versions.registered(client, name, source, run.id, marks)
    served: Mapping[str, Any] = {
        **{key: marks[key] for key in SERVED if key in marks},
        "kanaria.registered_model": f"{name}/{version}",
    }
    tracked_run.log(client, run, RunFacts(tags=tags(served)))
    record = json.dumps(pushed.record.as_document(), indent=1).encode()
    tracked_run.keep(client, run, [(f"{FOLDER}/{release.LINEAGE}", record)])
    return version


SERVED = (
    FINGERPRINT,
    "kanaria.release",
    "kanaria.model_uri",
    "kanaria.inference_service",
    "kanaria.revision",
    "kanaria.model_card",
)
"""Tags of a version that its run has, too."""
