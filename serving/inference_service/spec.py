"""What a user says of an InferenceService. Every part has a default but the name and the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Plain = Mapping[str, Any]
"""A fragment of a Kubernetes object as plain data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelServer:
    """What serves the model: a ServingRuntime, or a container of the user's.

    Attributes:
        model_format: name of KServe's model format.
        runtime: ServingRuntime, "" to let KServe choose.
        runtime_version: image tag, "" for the runtime's own. KServe adds "-gpu" to its own tag
            only; a tag given for a GPU must end in "-gpu" itself.
        protocol_version: "v1" or "v2".
        image: of a custom predictor, a server by kserve's Python library; then no runtime.
        args: arguments of the custom predictor.
        environment: environment variables of the server, no secrets.
    """

    model_format: str = "tensorflow"
    runtime: str = ""
    runtime_version: str = ""
    protocol_version: str = "v1"
    image: str = ""
    args: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where pods run and what they may use.

    Attributes:
        gpus: GPUs a replica, 0 for none.
        gpu_resource: Kubernetes name of the resource.
        cpu: CPUs a replica as a Kubernetes quantity, "" for the runtime's own.
        memory: memory a replica as a Kubernetes quantity, "" for the runtime's own.
        node_selector: labels of nodes.
        tolerations: plain Kubernetes tolerations.
        affinity: plain Kubernetes affinity.
    """

    gpus: int = 0
    gpu_resource: str = "nvidia.com/gpu"
    cpu: str = ""
    memory: str = ""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Plain] = ()
    affinity: Plain = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """How many replicas there are.

    Attributes:
        min_replicas: 0 or more.
        max_replicas: `min_replicas` or more, at least 1.
        metric: "cpu", "memory", "concurrency" or "rps"; "" for KServe's own.
        target: value of the metric that a replica is meant to have, 0 for KServe's own.
        concurrency: requests a replica takes at once, 0 for no limit.
    """

    min_replicas: int = 1
    max_replicas: int = 1
    metric: str = ""
    target: int = 0
    concurrency: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class StorageAccess:
    """How the pods reach the model's bucket; a mounted volume (pvc://) needs neither.

    Attributes:
        service_account: ServiceAccount whose secrets hold the credentials, or "".
        secret: Secret with the credentials, named by an annotation, or "".
    """

    service_account: str = ""
    secret: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PayloadLog:
    """Where requests and responses are logged.

    Attributes:
        url: sink, "" for none.
        mode: "all", "request" or "response".
        headers: request headers that go into the events, in Go's canonical form.
        annotations: pod annotations that go into the events and tell revisions apart.
    """

    url: str = ""
    mode: str = "all"
    headers: Sequence[str] = ("X-Request-Id",)
    annotations: Sequence[str] = ("kanaria.io/model-version",)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceSpec:
    """What an InferenceService of one model says.

    Attributes:
        name: RFC 1123 label beginning with a letter.
        storage_uri: parent of the numbered SavedModel folder.
        namespace: RFC 1123 label.
        canary_percent: share of the newest revision, 0 to 100; None leaves the field out.
        server: what serves the model.
        placement: where pods run.
        scaling: how many replicas there are.
        storage: how the pods reach the model.
        log: where requests and responses are logged.
        transformer: plain `spec.transformer`, or {}.
        labels: labels of the object.
        annotations: annotations of the object; KServe copies them into the pods.
        patch: JSON merge patch (RFC 7386) of the manifest, for what has no field here.
    """

    name: str
    storage_uri: str
    namespace: str = "default"
    canary_percent: int | None = None
    server: ModelServer = ModelServer()
    placement: Placement = Placement()
    scaling: Scaling = Scaling()
    storage: StorageAccess = StorageAccess()
    log: PayloadLog = PayloadLog()
    transformer: Plain = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    patch: Plain = field(default_factory=dict)
