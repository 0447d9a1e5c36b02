"""The faults of a specification. Pure."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.inference_service.quantity import amount, is_amount
from kanaria.serving.inference_service.service_spec import (
    ModelServer,
    PayloadLog,
    Placement,
    Scaling,
    ServiceSpec,
    StorageAccess,
    is_gpu,
)

NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
"""Of a service: KServe's own rule."""
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""RFC 1123 label, which may begin with a digit."""
RESOURCES = frozenset(("cpu", "ephemeral-storage", "memory"))
EXTENDED = re.compile(r"[a-z0-9.-]+/[A-Za-z0-9._-]+")
"""Kubernetes' own resources, and the form of those of devices."""
MAX_NAME_LENGTH = 63
PROTOCOLS = ("v1", "v2")
LOGGER_MODES = ("all", "request", "response")
METRICS = ("", "cpu", "memory", "concurrency", "rps")
OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
LABEL_KEY = re.compile(
    r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
MOST_COUNTED = 2**31 - 1
"""Kubernetes counts replicas and requests in 32 bits."""
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
    called: tuple[str, str] = ("service.name", "service.namespace"),
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
        fault = f"{label!r} has {len(label)} characters, and a host name's label may have"
        remedy = f"use a name of up to {longest}" if longest > 0 else "use a shorter namespace"
        faults.check(False, called[0], name, f"{fault} {MAX_NAME_LENGTH}; {remedy}")


def is_percent(value: object) -> bool:
    """Tell whether a value is an integer from 0 to 100, and no text, boolean or fraction."""
    return type(value) is int and 0 <= value <= 100


def check(spec: ServiceSpec, faults: Faults) -> None:
    """Add every fault of the specification to `faults`, in the words of an InferenceService."""
    # The transformer's host name is the longer one.
    component = "transformer" if spec.transformer else "predictor"
    component = component if spec.transformer or not spec.explainer.image else "explainer"
    check_names(spec.name, spec.namespace, faults, component=component)
    faults.check(bool(spec.storage_uri), "storage_uri", spec.storage_uri, "name the model's folder")
    percent = spec.canary_percent
    fits = percent is None or is_percent(percent)
    faults.check(fits, "service.canaryTrafficPercent", percent, "use an integer from 0 to 100")
    _check_server(spec.server, spec.placement, faults)
    _check_resources(spec.placement, faults)
    _check_nodes(spec.placement, faults)
    _check_scaling(spec.scaling, faults)
    _check_labels("labels", spec.labels, faults)
    for name in spec.annotations:
        fits = bool(LABEL_KEY.fullmatch(name))
        faults.check(fits, "service.annotations", name, "write NAME or DOMAIN/NAME, without blanks")
    _check_storage(spec.storage, faults)
    _check_log(spec.log, faults)
    is_mapping = isinstance(spec.transformer, Mapping)
    remedy = "write a mapping, spec.transformer"
    faults.check(is_mapping, "service.transformer", spec.transformer, remedy)
    _check_explainer(spec, faults)
    _check_patch(spec, faults)


def _check_explainer(spec: ServiceSpec, faults: Faults) -> None:
    explainer = spec.explainer
    if not explainer.image:
        parts = (explainer.args, explainer.env, explainer.limits, explainer.requests)
        set_alone = any(parts) or explainer.min_replicas != 1
        faults.check(not set_alone, "service.explainer.image", "", "name the image of it")
        return
    alone = not spec.transformer
    remedy = "it asks the predictor past the transformer; leave out one of the two"
    faults.check(alone, "service.explainer.image", explainer.image, remedy)
    # "" is what the model's server speaks, and is asked again once that is known.
    protocol = spec.server.protocol_version
    remedy = "an explainer asks by v1"
    faults.check(protocol in ("", "v1"), "service.protocolVersion", protocol, remedy)
    few = 0 <= explainer.min_replicas <= MOST_COUNTED
    faults.check(few, "service.explainer.minReplicas", explainer.min_replicas, "use 0 or more")
    for kind, amounts in (("limits", explainer.limits), ("requests", explainer.requests)):
        for name, text in amounts.items():
            _check_amount(f"service.explainer.resources.{kind}.{name}", name, text, faults)
    for variable in explainer.env:
        named = isinstance(variable, Mapping) and isinstance(variable.get("name"), str)
        remedy = 'write {name: NAME, value: "text"}, or valueFrom'
        faults.check(named, "service.explainer.env", variable, remedy)


def _check_server(server: ModelServer, placement: Placement, faults: Faults) -> None:
    protocol = server.protocol_version
    faults.check(protocol in ("", *PROTOCOLS), "service.protocolVersion", protocol, "use v1 or v2")
    alone = not (server.image and (server.runtime or server.runtime_version))
    faults.check(alone, "service.image", server.image, "give an image or a runtime, not both")
    # TensorFlow Serving's images for GPUs end in -gpu; other runtimes name theirs otherwise.
    version = server.runtime_version if any(is_gpu(name) for name in _nonzero(placement)) else ""
    if "tensorflow" in (server.runtime or server.model_format):
        fits = not version or version.endswith("-gpu")
        faults.check(fits, "service.runtimeVersion", version, "end it in -gpu when there are GPUs")
    for variable in server.env:
        fits = isinstance(variable, Mapping) and isinstance(variable.get("name"), str)
        fits = fits and isinstance(variable.get("value", ""), str)
        faults.check(fits, "service.env", variable, 'write {name: NAME, value: "text"}')


def _nonzero(placement: Placement) -> dict[str, str]:
    """Return the resources whose amounts are none of 0; one that is no amount counts."""
    amounts = {**placement.requests, **placement.limits}
    return {name: text for name, text in amounts.items() if amount(text) != 0}


def _check_resources(placement: Placement, faults: Faults) -> None:
    for kind, amounts in (("limits", placement.limits), ("requests", placement.requests)):
        for name, text in amounts.items():
            _check_amount(f"service.resources.{kind}.{name}", name, text, faults)
    for name in placement.limits.keys() & placement.requests.keys():
        low, high = amount(placement.requests[name]), amount(placement.limits[name])
        where, text = f"service.resources.requests.{name}", placement.requests[name]
        if low is None or high is None:
            continue
        if "/" in name:
            faults.check(low == high, where, text, "requests and limits of it must be equal")
        else:
            faults.check(low <= high, where, text, "use no more than its limit")


def _check_amount(where: str, name: str, text: str, faults: Faults) -> None:
    is_known = name in RESOURCES or bool(EXTENDED.fullmatch(name))
    remedy = f"name {', '.join(sorted(RESOURCES))} or, for GPUs, a resource as nvidia.com/gpu"
    faults.check(is_known, where, text, remedy)
    if not is_amount(text):
        faults.check(False, where, text, "write a Kubernetes quantity such as 500m or 4Gi")
    elif "/" in name:
        count = amount(text) or Decimal(0)
        is_whole = count == count.to_integral_value()
        remedy = "use a whole number; slices of a GPU have names as nvidia.com/mig-1g.5gb"
        faults.check(is_whole, where, text, remedy)


def _check_nodes(placement: Placement, faults: Faults) -> None:
    _check_labels("nodeSelector", placement.node_selector, faults)
    are_known = [isinstance(t, Mapping) and t.keys() <= TOLERATION for t in placement.tolerations]
    remedy = f"use mappings of {', '.join(sorted(TOLERATION))}"
    faults.check(all(are_known), "service.tolerations", placement.tolerations, remedy)
    affinity = placement.affinity
    fits = isinstance(affinity, Mapping) and affinity.keys() <= AFFINITY
    faults.check(fits, "service.affinity", affinity, f"use {', '.join(sorted(AFFINITY))}")


def _check_labels(where: str, labels: Mapping[str, str], faults: Faults) -> None:
    for name, value in labels.items():
        fits = bool(LABEL_KEY.fullmatch(name) and LABEL_VALUE.fullmatch(value))
        remedy = "use letters, digits, '-', '_' and '.', up to 63, in a label's key and value"
        faults.check(fits, f"service.{where}.{name}", value, remedy)


def _check_storage(storage: StorageAccess, faults: Faults) -> None:
    for name, value in (
        ("serviceAccountName", storage.service_account),
        ("storageSecretName", storage.secret),
    ):
        fits = not value or bool(OBJECT_NAME.fullmatch(value))
        remedy = "use lower-case letters, digits, '-' and '.'"
        faults.check(fits, f"service.{name}", value, remedy)


def _check_scaling(scaling: Scaling, faults: Faults) -> None:
    low, high = scaling.min_replicas, scaling.max_replicas
    least = max(low, 1)
    fits = least <= high <= MOST_COUNTED
    faults.check(fits, "service.maxReplicas", high, f"use {least} or more")
    metric = scaling.metric
    faults.check(metric in METRICS, "service.scaleMetric", metric, f"use {', '.join(METRICS[1:])}")
    for name, value in (
        ("minReplicas", low),
        ("scaleTarget", scaling.target),
        ("containerConcurrency", scaling.concurrency),
    ):
        fits = 0 <= value <= MOST_COUNTED
        faults.check(fits, f"service.{name}", value, f"use 0 or more, up to {MOST_COUNTED}")


def _check_log(log: PayloadLog, faults: Faults) -> None:
    url = log.url
    fits = not url or url.startswith(("http://", "https://"))
    faults.check(fits, "service.logger.url", url, "use http(s)")
    is_known = log.mode in LOGGER_MODES
    faults.check(is_known, "service.logger.mode", log.mode, "use all, request or response")


def _inner(document: Mapping[str, Any], path: str) -> Any:
    """Return what lies at a dotted path, {} when nothing does."""
    part: Any = document
    for key in path.split("."):
        part = part.get(key, {}) if isinstance(part, Mapping) else {}
    return part


def _check_patch(spec: ServiceSpec, faults: Faults) -> None:
    patch: Any = spec.patch
    places = ("metadata", "spec", "spec.predictor")
    wrong = [path for path in places if not isinstance(_inner(patch, path), Mapping)]
    if wrong or not isinstance(patch, Mapping):
        where = ", ".join(wrong) or "it"
        faults.check(False, "service.patch", patch, f"write {where} as a mapping")
        return
    keys = {*patch, *(f"metadata.{key}" for key in _inner(patch, "metadata"))}
    owned = sorted(keys & set(OWNED))
    faults.check(not owned, "service.patch", owned, "a patch cannot make another object of it")
    for path, why in SET_HERE.items():
        is_left = _inner(patch, f"spec.predictor.{path}") == {}
        faults.check(is_left, "service.patch", path, f"spec.predictor.{path} {why}")
