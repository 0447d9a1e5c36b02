"""What a user says of an InferenceService. Every part has a default but the name and the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kanaria.serving.inference_service.quantity import amount
from kanaria.serving.protocol.annotation_names import REQUEST_ID_HEADER, VERSION_ANNOTATION

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
        protocol_version: "v1" or "v2", "" for the one that the model's server speaks.
        image: of a custom predictor, a server by kserve's Python library; then no runtime.
        args: arguments of the custom predictor.
        env: environment variables of the server as in a container, no secrets.
    """

    model_format: str = "tensorflow"
    runtime: str = ""
    runtime_version: str = ""
    protocol_version: str = "v1"
    image: str = ""
    args: Sequence[str] = ()
    env: Sequence[Plain] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where pods run and what they may use.

    What only one of limits and requests names, the other has too: KServe would fill in its own
    for that, and one that is smaller than the request is refused.

    Attributes:
        limits: most of each resource that a replica may use, name -> Kubernetes quantity.
        requests: what is reserved of each for a replica.
        node_selector: labels of nodes.
        tolerations: plain Kubernetes tolerations.
        affinity: plain Kubernetes affinity.
    """

    limits: Mapping[str, str] = field(default_factory=dict)
    requests: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Plain] = ()
    affinity: Plain = field(default_factory=dict)

    @property
    def gpus(self) -> dict[str, int]:
        """Kubernetes name of a GPU resource -> how many a replica has, above 0."""
        amounts = {**self.requests, **self.limits}
        counts = {name: amount(text) for name, text in amounts.items() if is_gpu(name)}
        return {name: int(count) for name, count in counts.items() if count}


def is_gpu(resource: str) -> bool:
    """Tell whether a resource is GPUs or slices of them, as nvidia.com/gpu or nvidia.com/mig-…."""
    return "/" in resource and ("gpu" in resource or "/mig-" in resource)


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
        create: whether whoever delivers makes both from the credentials it has itself.
    """

    service_account: str = ""
    secret: str = ""
    create: bool = False


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
    headers: Sequence[str] = (REQUEST_ID_HEADER,)
    annotations: Sequence[str] = (VERSION_ANNOTATION,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Explainer:
    """What answers `:explain` beside the predictor.

    Attributes:
        image: that holds Kanaria and SHAP; "" for no explainer.
        args: options of `python -m kanaria.serving.explainer`.
        env: environment variables as in a container.
        limits: most of each resource that a replica may use.
        requests: what is reserved of each for a replica.
        min_replicas: 0 or more.
    """

    image: str = ""
    args: Sequence[str] = ()
    env: Sequence[Plain] = ()
    limits: Mapping[str, str] = field(default_factory=dict)
    requests: Mapping[str, str] = field(default_factory=dict)
    min_replicas: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceSpec:
    """What an InferenceService of one model says.

    Attributes:
        name: RFC 1123 label beginning with a letter.
        storage_uri: what the model's server is given, of a SavedModel the numbered folder's parent.
        namespace: RFC 1123 label.
        canary_percent: share of the newest revision, 0 to 100; None leaves the field out.
        server: what serves the model.
        placement: where pods run.
        scaling: how many replicas there are.
        storage: how the pods reach the model.
        log: where requests and responses are logged.
        transformer: plain `spec.transformer`, or {}.
        explainer: what answers `:explain`.
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
    explainer: Explainer = Explainer()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    patch: Plain = field(default_factory=dict)
