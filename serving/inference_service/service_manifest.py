"""The manifest of a specification: a plain dictionary. Pure."""

from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.artifacts.release import samples_beside
from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.inference_service.quantity import amount
from kanaria.serving.inference_service.service_check import check
from kanaria.serving.inference_service.service_spec import (
    PayloadLog,
    Placement,
    Scaling,
    ServiceSpec,
    is_gpu,
)
from kanaria.serving.protocol.annotation_names import KSERVE, STORAGE_SECRET

API_VERSION = f"{KSERVE}/v1beta1"
KIND = "InferenceService"
CONTAINER = "kserve-container"
STORAGE_URI = "STORAGE_URI"
"""Variable of a custom predictor: the storage initializer copies what it names to /mnt/models."""
EXPLAINER_COMMAND = ("python", "-m", "kanaria.serving.explainer")
BACKGROUND = "--background"
Part = dict[str, Any]


def build(spec: ServiceSpec) -> Part:
    """Return the manifest.

    Raises:
        ParameterError: the specification is wrong; all faults are named.
    """
    faults = Faults("inference_service")
    check(spec, faults)
    faults.raise_if_any()
    predictor = {**_server(spec), **_scaling(spec.scaling), **_pod(spec)}
    if spec.canary_percent is not None:
        predictor["canaryTrafficPercent"] = spec.canary_percent
    if spec.log.url:
        predictor["logger"] = _logger(spec.log)
    parts: Part = {"predictor": predictor}
    if spec.transformer:
        parts["transformer"] = dict(spec.transformer)
    if spec.explainer.image:
        parts["explainer"] = _explainer(spec)
    manifest = {"apiVersion": API_VERSION, "kind": KIND, "metadata": _metadata(spec), "spec": parts}
    return dict(merged(manifest, spec.patch))


def _metadata(spec: ServiceSpec) -> Part:
    metadata: Part = {"name": spec.name, "namespace": spec.namespace}
    annotations = dict(spec.annotations)
    if spec.storage.secret:
        annotations[STORAGE_SECRET] = spec.storage.secret
    if spec.labels:
        metadata["labels"] = dict(spec.labels)
    if annotations:
        metadata["annotations"] = annotations
    return metadata


def _server(spec: ServiceSpec) -> Part:
    server = spec.server
    resources = _resources(spec.placement)
    environment = [dict(variable) for variable in server.env]
    if server.image:
        storage = {"name": STORAGE_URI, "value": spec.storage_uri}
        container: Part = {"name": CONTAINER, "image": server.image, "env": [storage, *environment]}
        container |= {"args": list(server.args)} if server.args else {}
        return {"containers": [container | resources]}
    model: Part = {
        "modelFormat": {"name": server.model_format},
        "protocolVersion": server.protocol_version or "v1",
        "storageUri": spec.storage_uri,
    }
    named = {"runtime": server.runtime, "runtimeVersion": server.runtime_version}
    model |= {name: value for name, value in named.items() if value}
    model |= {"args": list(server.args)} if server.args else {}
    model |= {"env": environment} if environment else {}
    return {"model": model | resources}


def _resources(placement: Placement) -> Part:
    """Return limits and requests; each has what only the other names."""

    def filled(first: Mapping[str, str], second: Mapping[str, str]) -> Part:
        # KServe takes a limit of 0 GPUs for GPUs, and chooses the runtime's image for them.
        both = {**first, **second}
        return {name: text for name, text in both.items() if not is_gpu(name) or amount(text)}

    limits = filled(placement.requests, placement.limits)
    requests = filled(placement.limits, placement.requests)
    return {"resources": {"limits": limits, "requests": requests}} if limits else {}


def _explainer(spec: ServiceSpec) -> Part:
    """Return the explainer; KServe adds --model_name, --predictor_host and --http_port."""
    explainer = spec.explainer
    own = any(text.partition("=")[0] == BACKGROUND for text in explainer.args)
    background = [] if own else [f"{BACKGROUND}={samples_beside(spec.storage_uri)}"]
    container: Part = {
        "name": CONTAINER,
        "image": explainer.image,
        "command": list(EXPLAINER_COMMAND),
        "args": [*background, *explainer.args],
        **_resources(Placement(limits=explainer.limits, requests=explainer.requests)),
    }
    container |= {"env": [dict(variable) for variable in explainer.env]} if explainer.env else {}
    account = spec.storage.service_account
    named = {"serviceAccountName": account} if account else {}
    return {"minReplicas": explainer.min_replicas, **named, "containers": [container]}


def _scaling(scaling: Scaling) -> Part:
    part: Part = {"minReplicas": scaling.min_replicas, "maxReplicas": scaling.max_replicas}
    optional = {
        "scaleMetric": scaling.metric,
        "scaleTarget": scaling.target,
        "containerConcurrency": scaling.concurrency,
    }
    return part | {name: value for name, value in optional.items() if value}


def _pod(spec: ServiceSpec) -> Part:
    placement = spec.placement
    fields: Part = {
        "serviceAccountName": spec.storage.service_account,
        "nodeSelector": dict(placement.node_selector),
        "tolerations": [dict(toleration) for toleration in placement.tolerations],
        "affinity": dict(placement.affinity),
    }
    return {name: value for name, value in fields.items() if value}


def _logger(log: PayloadLog) -> Part:
    part: Part = {"mode": log.mode, "url": log.url}
    lists = {"metadataHeaders": list(log.headers), "metadataAnnotations": list(log.annotations)}
    return part | {name: value for name, value in lists.items() if value}


def merged(document: Mapping[str, Any], patch: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the document with a JSON merge patch applied (RFC 7386): None removes a field."""
    result = dict(document)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            inner = result.get(key)
            result[key] = merged(inner if isinstance(inner, Mapping) else {}, value)
        else:
            result[key] = value
    return result
