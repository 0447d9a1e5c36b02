"""Builds InferenceService manifests: plain dictionaries, then YAML. Pure.

Source: KServe 0.20, `serving.kserve.io/v1beta1`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from kanaria.components.shared.parameters import Faults

API_VERSION = "serving.kserve.io/v1beta1"
KIND = "InferenceService"
NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
GPU_RESOURCE = re.compile(r"[a-z0-9.-]+/[A-Za-z0-9._-]+")
MAX_NAME_LENGTH = 63
PROTOCOLS = ("v1", "v2")
LOGGER_MODES = ("all", "request", "response")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceSpec:
    """What an InferenceService of one TensorFlow model says.

    Attributes:
        name: RFC 1123 label beginning with a letter.
        storage_uri: parent of the numbered SavedModel folder.
        namespace: RFC 1123 label.
        canary_percent: share of the newest revision, 0 to 100; None leaves the field out.
        runtime: ServingRuntime, "" to let KServe choose.
        runtime_version: image tag, "" for the runtime's own. KServe adds "-gpu" to its own tag
            only; a tag given for a GPU must end in "-gpu" itself.
        protocol_version: "v1" or "v2".
        gpus: GPUs a replica, 0 for none.
        gpu_resource: Kubernetes name of the resource.
        node_selector: labels of nodes.
        tolerations: plain Kubernetes tolerations.
        min_replicas: 0 or more.
        max_replicas: `min_replicas` or more, at least 1.
        logger_url: sink of the payload log, "" for none.
        logger_mode: "all", "request" or "response".
        labels: labels of the object.
        annotations: annotations of the object; KServe copies them into the pods.
    """

    name: str
    storage_uri: str
    namespace: str = "default"
    canary_percent: int | None = None
    runtime: str = ""
    runtime_version: str = ""
    protocol_version: str = "v1"
    gpus: int = 0
    gpu_resource: str = "nvidia.com/gpu"
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, Any]] = ()
    min_replicas: int = 1
    max_replicas: int = 1
    logger_url: str = ""
    logger_mode: str = "all"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


def check_names(name: str, namespace: str, faults: Faults) -> None:
    """Add the faults of a service's name and namespace to `faults`."""
    for parameter, value in (("service_name", name), ("namespace", namespace)):
        valid = bool(NAME.fullmatch(value)) and len(value) <= MAX_NAME_LENGTH
        faults.check(valid, parameter, value, "use lower-case letters, digits and '-', up to 63")


def check(spec: ServiceSpec, faults: Faults) -> None:
    """Add every fault of the specification to `faults`."""
    check_names(spec.name, spec.namespace, faults)
    faults.check(bool(spec.storage_uri), "storage_uri", spec.storage_uri, "name the model's folder")
    percent = spec.canary_percent
    faults.check(percent is None or 0 <= percent <= 100, "canary_percent", percent, "use 0 to 100")
    protocol = spec.protocol_version
    faults.check(protocol in PROTOCOLS, "protocol_version", protocol, "use v1 or v2")
    faults.check(spec.gpus >= 0, "gpus", spec.gpus, "use 0 or more")
    resource = spec.gpu_resource
    known = bool(GPU_RESOURCE.fullmatch(resource))
    faults.check(known, "gpu_resource", resource, "name it as nvidia.com/gpu or nvidia.com/mig-...")
    _check_image(spec, faults)
    faults.check(spec.min_replicas >= 0, "min_replicas", spec.min_replicas, "use 0 or more")
    least = max(1, spec.min_replicas)
    faults.check(
        spec.max_replicas >= least, "max_replicas", spec.max_replicas, f"use {least} or more"
    )
    url = spec.logger_url
    faults.check(
        not url or url.startswith(("http://", "https://")), "logger_url", url, "use http(s)"
    )
    mode = spec.logger_mode
    faults.check(mode in LOGGER_MODES, "logger_mode", mode, "use all, request or response")


def _check_image(spec: ServiceSpec, faults: Faults) -> None:
    """TensorFlow Serving's images for GPUs end in -gpu; other runtimes name theirs otherwise."""
    given = spec.runtime_version if spec.gpus else ""
    if "tensorflow" in (spec.runtime or "tensorflow"):
        fits = not given or given.endswith("-gpu")
        faults.check(fits, "runtime_version", given, "end it in -gpu when gpus > 0")


def _model(spec: ServiceSpec) -> dict[str, Any]:
    model: dict[str, Any] = {
        "modelFormat": {"name": "tensorflow"},
        "protocolVersion": spec.protocol_version,
        "storageUri": spec.storage_uri,
    }
    if spec.runtime:
        model["runtime"] = spec.runtime
    if spec.runtime_version:
        model["runtimeVersion"] = spec.runtime_version
    if spec.gpus:
        amount = {spec.gpu_resource: str(spec.gpus)}
        model["resources"] = {"limits": dict(amount), "requests": dict(amount)}
    return model


def build(spec: ServiceSpec) -> dict[str, Any]:
    """Return the manifest.

    Raises:
        ParameterError: the specification is wrong; all faults are named.
    """
    faults = Faults("inference_service")
    check(spec, faults)
    faults.raise_if_any()
    predictor: dict[str, Any] = {
        "model": _model(spec),
        "minReplicas": spec.min_replicas,
        "maxReplicas": spec.max_replicas,
    }
    if spec.canary_percent is not None:
        predictor["canaryTrafficPercent"] = spec.canary_percent
    if spec.node_selector:
        predictor["nodeSelector"] = dict(spec.node_selector)
    if spec.tolerations:
        predictor["tolerations"] = [dict(toleration) for toleration in spec.tolerations]
    if spec.logger_url:
        predictor["logger"] = {"mode": spec.logger_mode, "url": spec.logger_url}
    metadata: dict[str, Any] = {"name": spec.name, "namespace": spec.namespace}
    if spec.labels:
        metadata["labels"] = dict(spec.labels)
    if spec.annotations:
        metadata["annotations"] = dict(spec.annotations)
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": metadata,
        "spec": {"predictor": predictor},
    }


def to_yaml(manifest: Mapping[str, Any]) -> str:
    """Return the manifest as YAML with its fields in order."""
    return yaml.safe_dump(dict(manifest), sort_keys=False)
