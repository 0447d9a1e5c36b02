"""What the server makes of a manifest: revisions, then KServe's status. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kanaria.components.shared.frameworks.model_files import PROBABILITIES_VARIABLE
from kanaria.serving.features import feature_settings
from kanaria.serving.local.controller import revision_shares
from kanaria.serving.local.payload_logger.log_rule import rule_of
from kanaria.serving.local.state.manifest_check import stopped
from kanaria.serving.local.state.status_document import Observed, Revision
from kanaria.serving.protocol.annotation_names import MIRRORED_ANNOTATION, STOP_ANNOTATION

NOT_IN_TEMPLATE = (
    "kubectl.kubernetes.io/last-applied-configuration",
    MIRRORED_ANNOTATION,
    STOP_ANNOTATION,
)
VISIBILITY_LABEL = "networking.knative.dev/visibility"
KEPT_REVISIONS = 20


def template(manifest: Mapping[str, Any]) -> str:
    """Return a fingerprint of what reaches the predictor's pod: a new one is a new revision.

    KServe copies the object's labels and annotations into the pod, but for a few; the
    percentage of the canary does not reach it. Features belong to a revision here, so that a
    canary on other features is tried as such; KServe has one transformer for all revisions.
    """
    predictor = dict(manifest["spec"]["predictor"])
    predictor.pop("canaryTrafficPercent", None)
    metadata = manifest["metadata"]
    annotations = dict(metadata.get("annotations") or {})
    labels = dict(metadata.get("labels") or {})
    for key in NOT_IN_TEMPLATE:
        annotations.pop(key, None)
    labels.pop(VISIBILITY_LABEL, None)
    parts = [predictor, annotations, labels]
    features = feature_settings.of_transformer(manifest["spec"].get("transformer"))
    text = json.dumps([*parts, features] if features else parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _asks_probabilities(model: Mapping[str, Any]) -> bool:
    """Tell whether the environment of a model's server has KServe's switch for probabilities."""
    values = {variable.get("name"): variable.get("value") for variable in model.get("env") or ()}
    return str(values.get(PROBABILITIES_VARIABLE, "")).lower() == "true"


def percent(manifest: Mapping[str, Any]) -> int | None:
    """Return `canaryTrafficPercent`, or None when it is not set."""
    value = manifest["spec"]["predictor"].get("canaryTrafficPercent")
    return None if value is None else int(value)


def mirrored(manifest: Mapping[str, Any]) -> int:
    """Return the percentage of requests that are copied to the newest revision, 0 to 100."""
    return int((manifest["metadata"].get("annotations") or {}).get(MIRRORED_ANNOTATION, 0))


def adopt(observed: Observed, manifest: Mapping[str, Any], applied: str) -> Observed:
    """Take over a manifest with content digest `applied`: add a revision if the template is new.

    The manifest is one that `manifest_check.checked_manifest` returned.
    """
    revisions = observed.revisions
    wanted = template(manifest)
    if not revisions or revisions[-1].template != wanted:
        number = int(revisions[-1].name.rsplit("-", 1)[1]) + 1 if revisions else 1
        model = manifest["spec"]["predictor"]["model"]
        revision = Revision(
            name=f"{manifest['metadata']['name']}-predictor-{number:05d}",
            template=wanted,
            storage_uri=model["storageUri"],
            protocol=model.get("protocolVersion") or "v1",
            log=rule_of(manifest),
            features=feature_settings.of_transformer(manifest["spec"].get("transformer")) or {},
            model_format=model["modelFormat"]["name"],
            probabilities=_asks_probabilities(model),
        )
        revisions = (*revisions, revision)
    return settle(
        replace(
            observed,
            revisions=revisions,
            applied=applied,
            percent=percent(manifest),
            mirrored=mirrored(manifest),
            stopped=stopped(manifest),
            fault="",
        )
    )


def mark_ready(observed: Observed, revision: str) -> Observed:
    """Note that a revision is ready; this may roll it out."""
    failures = {name: why for name, why in observed.failures.items() if name != revision}
    ready = tuple(sorted({*observed.ready, revision}))
    return settle(replace(observed, ready=ready, failures=failures))


def mark_failed(observed: Observed, revision: str, why: str) -> Observed:
    """Note why the model of a revision does not load."""
    return replace(observed, failures={**observed.failures, revision: why})


def rollout(observed: Observed) -> revision_shares.Rollout:
    """Return the facts that decide the traffic."""
    return revision_shares.Rollout(
        created=tuple(revision.name for revision in observed.revisions),
        ready=frozenset(observed.ready),
        percent=observed.percent,
        mirrored=observed.mirrored,
        stable=observed.stable,
        previous=observed.previous,
        stopped=observed.stopped,
    )


def settle(observed: Observed) -> Observed:
    """Bring the stable and the previous revision up to date, and forget very old revisions."""
    settled = revision_shares.advance(rollout(observed))
    named = {settled.stable, settled.previous}
    old, recent = observed.revisions[:-KEPT_REVISIONS], observed.revisions[-KEPT_REVISIONS:]
    revisions = (*(revision for revision in old if revision.name in named), *recent)
    names = {revision.name for revision in revisions}
    return replace(
        observed,
        revisions=revisions,
        ready=tuple(name for name in observed.ready if name in names),
        failures={name: why for name, why in observed.failures.items() if name in names},
        stable=settled.stable,
        previous=settled.previous,
    )


def _traffic(observed: Observed) -> list[dict[str, Any]]:
    facts = rollout(observed)
    targets = []
    for share in revision_shares.traffic(facts):
        latest = share.revision == facts.latest_ready
        target = {
            "revisionName": share.revision,
            "percent": share.percent,
            "latestRevision": latest,
        }
        targets.append(target if latest else target | {"tag": "prev"})
    return targets


def _model_status(observed: Observed) -> dict[str, Any]:
    facts = rollout(observed)
    newest = facts.created[-1] if facts.created else ""
    failure = observed.failures.get(newest)
    loaded = newest in facts.ready
    active = "Loaded" if facts.stable else ""
    if failure is None or loaded:
        transition = "UpToDate" if loaded else "InProgress"
        target = "Loaded" if loaded else "Loading"
        return {
            "transitionStatus": transition,
            "states": {"activeModelState": active, "targetModelState": target},
        }
    return {
        "transitionStatus": "BlockedByFailedLoad",
        "states": {"activeModelState": active, "targetModelState": "FailedToLoad"},
        "lastFailureInfo": {
            "reason": "ModelLoadFailed",
            "message": failure,
            "modelRevisionName": newest,
        },
    }


def _conditions(observed: Observed, is_ready: bool, otherwise: str) -> list[dict[str, str]]:
    """Return KServe's conditions; what is not ready without a reason is `otherwise`."""
    ready = {"type": "Ready", "status": "True" if is_ready else otherwise}
    predictor = ready | {"type": "PredictorReady"}
    if observed.fault:
        ready |= {"status": "False", "reason": "InvalidManifest", "message": observed.fault}
    if not observed.stopped:
        return [predictor, ready]
    halted = {"status": "False", "reason": "Stopped"}
    stop = {"type": "Stopped", "status": "True", "reason": "Stopped"}
    return [predictor | halted, halted | ready | {"status": "False"}, stop]


def status(observed: Observed, url: str) -> dict[str, Any]:
    """Return KServe's status, with its field names."""
    facts = rollout(observed)
    model = _model_status(observed)
    newest_is_ready = bool(facts.created) and facts.created[-1] == facts.latest_ready
    predictor = {
        "latestCreatedRevision": facts.created[-1] if facts.created else "",
        "latestReadyRevision": facts.latest_ready,
        "latestRolledoutRevision": facts.stable,
        "previousRolledoutRevision": facts.previous,
        "traffic": _traffic(observed),
    }
    unknown = "False" if "lastFailureInfo" in model else "Unknown"
    return {
        "url": url,
        "conditions": _conditions(observed, newest_is_ready, unknown),
        "components": {"predictor": predictor},
        "modelStatus": model,
    }
