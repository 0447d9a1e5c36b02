"""What serves as one mapping, read into the service that it asks for. Pure.

The words of `metadata`, `spec.predictor` and `spec.predictor.model` stand side by side, as nothing
is said twice: `{name: tips, minReplicas: 2, resources: {limits: {memory: 4Gi}}}`. A word that is
not in the table of `service_keys` but is KServe's own goes where KServe has it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kanaria.components.shared.config import keys
from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.features import feature_settings
from kanaria.serving.inference_service import kserve_fields, service_check
from kanaria.serving.inference_service.service_keys import NOT_HERE, SERVICE, WHERE
from kanaria.serving.inference_service.service_spec import (
    Explainer,
    ModelServer,
    PayloadLog,
    Placement,
    Scaling,
    ServiceSpec,
    StorageAccess,
)

_ELSEWHERE = (
    ("spec.predictor", kserve_fields.PREDICTOR),
    ("spec.predictor.model", kserve_fields.MODEL),
)


def parse(mapping: Any, faults: Faults, own_namespace: Callable[[], str]) -> ServiceSpec:
    """Return the service that a mapping asks for; it is usable only when no fault was added.

    Args:
        mapping: what the user wrote; numbers may be doubles, as KFP hands them on.
        faults: gets everything that is wrong, each with the way to it.
        own_namespace: tells that of the run, for a mapping that names none.

    Returns:
        The service; its `storage_uri` is filled in by who knows the release.
    """
    names = {key.name for key in SERVICE}
    theirs = mapping if isinstance(mapping, dict) else {}
    others = {name: value for name, value in theirs.items() if name not in names}
    patch: dict[str, Any] = {}
    rest = {name: value for name, value in theirs.items() if name in names}
    for name, value in others.items():
        path = _place(name)
        if name in NOT_HERE:
            faults.check(False, f"{WHERE}.{name}", value, NOT_HERE[name])
        elif path is None:
            rest[name] = value
        elif value is not None:
            patch = _both(patch, _at(path, name, value, faults))
    values = keys.read(rest if isinstance(mapping, dict) else mapping, SERVICE, WHERE, faults)
    values["transformer"] = _transformer(theirs, values, faults)
    spec = _spec(values, patch, own_namespace)
    if spec.server.image and patch.get("spec", {}).get("predictor", {}).get("model"):
        remedy = "they are of a runtime; with an image write spec.predictor.containers in patch"
        faults.check(False, WHERE, sorted(patch["spec"]["predictor"]["model"]), remedy)
    service_check.check(spec, faults)
    return spec


def _transformer(
    theirs: Mapping[str, Any], values: Mapping[str, Any], faults: Faults
) -> Mapping[str, Any]:
    """Return `spec.transformer`: what the user wrote, or the one that adds features."""
    features = theirs.get("features")
    if not features or not isinstance(features, dict):
        return dict(values["transformer"])
    feature_settings.check(values["features"], f"{WHERE}.features", faults)
    remedy = "give features or a transformer, not both"
    faults.check(not values["transformer"], f"{WHERE}.transformer", values["transformer"], remedy)
    return feature_settings.transformer(values["features"])


def _place(name: str) -> str | None:
    """Return the part of a manifest that has a field of KServe's, None if none has it."""
    return next((path for path, table in _ELSEWHERE if name in table), None)


def _at(path: str, name: str, value: Any, faults: Faults) -> dict[str, Any]:
    """Return a patch with a field of KServe's where it belongs."""
    kind = dict(_ELSEWHERE)[path][name]
    value = keys.whole(value)
    faults.check(kind.holds(value), f"{WHERE}.{name}", value, keys.REMEDIES[kind])
    document: dict[str, Any] = {name: value}
    for part in reversed(path.split(".")):
        document = {part: document}
    return document


def _both(patch: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return two merge patches as one; null stays, as it removes a field."""
    merged = dict(patch)
    for name, value in over.items():
        inner = merged.get(name)
        if isinstance(inner, dict) and isinstance(value, Mapping):
            value = _both(inner, value)
        merged[name] = value
    return merged


def _spec(
    values: Mapping[str, Any], patch: Mapping[str, Any], own_namespace: Callable[[], str]
) -> ServiceSpec:
    least = values["minReplicas"]
    logger = values["logger"]
    return ServiceSpec(
        name="name" if values["name"] is None else values["name"],  # A fault already.
        namespace=values["namespace"] or own_namespace(),
        storage_uri="/",
        canary_percent=values["canaryTrafficPercent"],
        server=ModelServer(
            runtime=values["runtime"],
            runtime_version=values["runtimeVersion"],
            protocol_version=values["protocolVersion"],
            image=values["image"],
            args=values["args"],
            env=values["env"],
        ),
        placement=Placement(
            limits=values["resources"]["limits"],
            requests=values["resources"]["requests"],
            node_selector=values["nodeSelector"],
            tolerations=values["tolerations"],
            affinity=values["affinity"],
        ),
        scaling=Scaling(
            min_replicas=least,
            max_replicas=values["maxReplicas"] or max(least, 1),
            metric=values["scaleMetric"],
            target=values["scaleTarget"],
            concurrency=values["containerConcurrency"],
        ),
        storage=StorageAccess(
            service_account=values["serviceAccountName"],
            secret=values["storageSecretName"],
            create=values["createStorageSecret"],
        ),
        log=PayloadLog(
            url=logger["url"],
            mode=logger["mode"],
            headers=logger["metadataHeaders"],
            annotations=logger["metadataAnnotations"],
        ),
        transformer=values["transformer"],
        explainer=Explainer(
            image=values["explainer"]["image"],
            args=values["explainer"]["args"],
            env=values["explainer"]["env"],
            limits=values["explainer"]["resources"]["limits"],
            requests=values["explainer"]["resources"]["requests"],
            min_replicas=values["explainer"]["minReplicas"],
        ),
        labels=values["labels"],
        annotations=values["annotations"],
        patch=_both(patch, values["patch"]),
    )
