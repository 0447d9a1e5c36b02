"""The faults of a specification. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.parameters import Faults
from kanaria.serving.inference_service.quantity import is_amount
from kanaria.serving.inference_service.spec import (
    ModelServer,
    PayloadLog,
    Placement,
    Scaling,
    ServiceSpec,
    StorageAccess,
)

NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
"""Of a service: KServe's own rule."""
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""RFC 1123 label, which may begin with a digit."""
GPU_RESOURCE = re.compile(r"[a-z0-9.-]+/[A-Za-z0-9._-]+")
MAX_NAME_LENGTH = 63
PROTOCOLS = ("v1", "v2")
LOGGER_MODES = ("all", "request", "response")
METRICS = ("", "cpu", "memory", "concurrency", "rps")
OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
TOLERATION = frozenset(("key", "operator", "value", "effect", "tolerationSeconds"))
AFFINITY = frozenset(("nodeAffinity", "podAffinity", "podAntiAffinity"))
"""Fields that Kubernetes knows; others would be dropped without a word."""
SET_HERE = {
    "canaryTrafficPercent": "is set by the rollout",
    "model.storageUri": "is that of the release",
}
"""Fields of the predictor that a patch may not change, and why."""
OWNED = ("apiVersion", "kind", "metadata.name", "metadata.namespace")
"""What a patch may not change: it would be another object."""


def check_names(
    name: str,
    namespace: str,
    faults: Faults,
    *,
    called: tuple[str, str] = ("service_name", "namespace"),
    component: str = "predictor",
) -> None:
    """Add the faults of a service's name and namespace to `faults`.

    KServe makes one label of a host's name of both, which DNS allows 63 characters.

    Args:
        name: of the service.
        namespace: of the service.
        faults: get what is wrong.
        called: how the user calls the two.
        component: the one whose host name is checked.
    """
    fits = bool(NAME.fullmatch(name))
    remedy = "use lower-case letters, digits and '-', with a letter first and no '-' last"
    faults.check(fits, called[0], name, remedy)
    is_label = bool(NAMESPACE.fullmatch(namespace)) and len(namespace) <= MAX_NAME_LENGTH
    remedy = f"use lower-case letters, digits and '-', up to {MAX_NAME_LENGTH}, with no '-' outside"
    faults.check(is_label, called[1], namespace, remedy)
    label = f"{name}-{component}-{namespace}"
    if fits and is_label and len(label) > MAX_NAME_LENGTH:
        longest = MAX_NAME_LENGTH - len(label) + len(name)
        told = f"{label!r} has {len(label)} characters, and a host name's label may have"
        remedy = f"use a name of up to {longest}" if longest > 0 else "use a shorter namespace"
        faults.check(False, called[0], name, f"{told} {MAX_NAME_LENGTH}; {remedy}")


def is_percent(value: object) -> bool:
    """Tell whether a value is an integer from 0 to 100, and no text, boolean or fraction."""
    return type(value) is int and 0 <= value <= 100


def check(spec: ServiceSpec, faults: Faults) -> None:
    """Add every fault of the specification to `faults`."""
    # The transformer's host name is the longer one.
    component = "transformer" if spec.transformer else "predictor"
    check_names(spec.name, spec.namespace, faults, component=component)
    faults.check(bool(spec.storage_uri), "storage_uri", spec.storage_uri, "name the model's folder")
    percent = spec.canary_percent
    fits = percent is None or is_percent(percent)
    faults.check(fits, "canary_percent", percent, "use an integer from 0 to 100")
    _check_server(spec.server, spec.placement.gpus, faults)
    _check_placement(spec.placement, faults)
    _check_scaling(spec.scaling, faults)
    _check_storage(spec.storage, faults)
    _check_log(spec.log, faults)
    is_mapping = isinstance(spec.transformer, Mapping)
    faults.check(is_mapping, "transformer", spec.transformer, "write a mapping, spec.transformer")
    _check_patch(spec, faults)


def _check_server(server: ModelServer, gpus: int, faults: Faults) -> None:
    protocol = server.protocol_version
    faults.check(protocol in PROTOCOLS, "protocol_version", protocol, "use v1 or v2")
    alone = not (server.image and (server.runtime or server.runtime_version))
    faults.check(alone, "predictor_image", server.image, "give an image or a runtime, not both")
    # TensorFlow Serving's images for GPUs end in -gpu; other runtimes name theirs otherwise.
    given = server.runtime_version if gpus else ""
    if "tensorflow" in (server.runtime or server.model_format):
        fits = not given or given.endswith("-gpu")
        faults.check(fits, "runtime_version", given, "end it in -gpu when gpus > 0")


def _check_placement(placement: Placement, faults: Faults) -> None:
    faults.check(placement.gpus >= 0, "gpus", placement.gpus, "use 0 or more")
    resource = placement.gpu_resource
    known = bool(GPU_RESOURCE.fullmatch(resource))
    faults.check(known, "gpu_resource", resource, "name it as nvidia.com/gpu or nvidia.com/mig-...")
    _check_nodes(placement, faults)
    for name in ("cpu", "memory"):
        value = getattr(placement, name)
        fits = not value or is_amount(value)
        faults.check(fits, name, value, "write a Kubernetes quantity such as 500m or 4Gi")


def _check_nodes(placement: Placement, faults: Faults) -> None:
    labels = placement.node_selector
    fits = isinstance(labels, Mapping) and all(isinstance(v, str) for v in labels.values())
    faults.check(fits, "node_selector", labels, "write labels of nodes, whose values are text")
    known = [isinstance(t, Mapping) and t.keys() <= TOLERATION for t in placement.tolerations]
    fields = ", ".join(sorted(TOLERATION))
    faults.check(all(known), "tolerations", placement.tolerations, f"use mappings of {fields}")
    affinity = placement.affinity
    fits = isinstance(affinity, Mapping) and affinity.keys() <= AFFINITY
    faults.check(fits, "affinity", affinity, f"use {', '.join(sorted(AFFINITY))}")


def _check_storage(storage: StorageAccess, faults: Faults) -> None:
    for parameter, value in (
        ("service_account", storage.service_account),
        ("storage_secret", storage.secret),
    ):
        fits = not value or bool(OBJECT_NAME.fullmatch(value))
        faults.check(fits, parameter, value, "use lower-case letters, digits, '-' and '.'")


def _check_scaling(scaling: Scaling, faults: Faults) -> None:
    low, high = scaling.min_replicas, scaling.max_replicas
    faults.check(low >= 0, "min_replicas", low, "use 0 or more")
    least = max(low, 1)
    faults.check(high >= least, "max_replicas", high, f"use {least} or more")
    metric = scaling.metric
    faults.check(metric in METRICS, "scale_metric", metric, f"use {', '.join(METRICS[1:])}")
    for name, value in (("scale_target", scaling.target), ("concurrency", scaling.concurrency)):
        faults.check(value >= 0, name, value, "use 0 or more")


def _check_log(log: PayloadLog, faults: Faults) -> None:
    url = log.url
    fits = not url or url.startswith(("http://", "https://"))
    faults.check(fits, "logger_url", url, "use http(s)")
    faults.check(log.mode in LOGGER_MODES, "logger_mode", log.mode, "use all, request or response")


def _inner(document: Mapping[str, Any], path: str) -> Any:
    """Return what lies at a dotted path, {} when nothing does."""
    found: Any = document
    for key in path.split("."):
        found = found.get(key, {}) if isinstance(found, Mapping) else {}
    return found


def _check_patch(spec: ServiceSpec, faults: Faults) -> None:
    patch: Any = spec.patch
    places = ("metadata", "spec", "spec.predictor")
    wrong = [path for path in places if not isinstance(_inner(patch, path), Mapping)]
    if wrong or not isinstance(patch, Mapping):
        where = ", ".join(wrong) or "it"
        faults.check(False, "service_patch", patch, f"write {where} as a mapping")
        return
    keys = {*patch, *(f"metadata.{key}" for key in _inner(patch, "metadata"))}
    owned = sorted(keys & set(OWNED))
    faults.check(not owned, "service_patch", owned, "a patch cannot make another object of it")
    for path, why in SET_HERE.items():
        is_left = _inner(patch, f"spec.predictor.{path}") == {}
        faults.check(is_left, "service_patch", path, f"spec.predictor.{path} {why}")
