"""The keys of the mapping that says what serves, each with its kind, default and meaning.

`service_mapping` reads the mapping; README and reference tables are made of these.
"""

from kanaria.components.shared.config.keys import Key, Kind
from kanaria.serving.features import feature_settings
from kanaria.serving.inference_service import kserve_fields
from kanaria.serving.protocol.annotation_names import REQUEST_ID_HEADER, VERSION_ANNOTATION

WHERE = "service"
AMOUNTS = ("cpu", "memory", "nvidia.com/gpu")
RESOURCES = (
    Key(
        name="limits",
        kind=Kind.MAPPING,
        meaning="{cpu: 2, memory: 4Gi, nvidia.com/gpu: 1}: what a replica may use; requests that "
        "are not given are the same.",
        default={},
        entries=Kind.QUANTITY,
        common=AMOUNTS,
    ),
    Key(
        name="requests",
        kind=Kind.MAPPING,
        meaning="{cpu: 500m}: what is reserved for a replica; limits that are not given are the "
        "same.",
        default={},
        entries=Kind.QUANTITY,
        common=AMOUNTS,
    ),
)
LOGGER = (
    Key(
        name="url",
        kind=Kind.TEXT,
        meaning="http://host: where requests and responses are logged; empty for nowhere.",
        default="",
    ),
    Key(name="mode", kind=Kind.TEXT, meaning="all, request or response are logged.", default="all"),
    Key(
        name="metadataHeaders",
        kind=Kind.LIST,
        meaning=f"[{REQUEST_ID_HEADER}]: request headers that go into the events.",
        default=[REQUEST_ID_HEADER],
        entries=Kind.TEXT,
    ),
    Key(
        name="metadataAnnotations",
        kind=Kind.LIST,
        meaning=f"[{VERSION_ANNOTATION}]: annotations that go into the events.",
        default=[VERSION_ANNOTATION],
        entries=Kind.TEXT,
    ),
)
EXPLAINER = (
    Key(
        name="image",
        kind=Kind.TEXT,
        meaning="image of `make image-explain`, in a registry; empty for no explainer.",
        default="",
    ),
    Key(
        name="args",
        kind=Kind.LIST,
        meaning="[--max_evals=256]: options of python -m kanaria.serving.explainer; "
        "--background=URI takes the place of the release's own rows.",
        default=[],
        entries=Kind.TEXT,
    ),
    Key(
        name="env",
        kind=Kind.LIST,
        meaning="[{name: NAME, value: text}] or valueFrom: what leads to the bucket of the "
        "background.",
        default=[],
    ),
    Key(
        name="resources",
        kind=Kind.MAPPING,
        meaning="what it may use, as the service's own.",
        default={},
        keys=RESOURCES,
    ),
    Key(name="minReplicas", kind=Kind.INTEGER, meaning="0 or more replicas.", default=1),
)
SERVICE = (
    Key(name="name", kind=Kind.TEXT, meaning="tips: name of the InferenceService."),
    Key(
        name="namespace",
        kind=Kind.TEXT,
        meaning="team: its namespace; empty for that of the run.",
        default="",
    ),
    Key(
        name="canaryTrafficPercent",
        kind=Kind.INTEGER,
        meaning="0 to 100: percent of the requests that a new revision beside a stable one gets; "
        "with a rollout policy it begins with 0.",
        default=10,
    ),
    Key(name="minReplicas", kind=Kind.INTEGER, meaning="0 or more replicas.", default=1),
    Key(
        name="maxReplicas",
        kind=Kind.INTEGER,
        meaning="most replicas; 0 for minReplicas, at least 1.",
        default=0,
    ),
    Key(
        name="scaleMetric",
        kind=Kind.TEXT,
        meaning="cpu, memory, concurrency or rps; empty for KServe's own.",
        default="",
    ),
    Key(
        name="scaleTarget",
        kind=Kind.INTEGER,
        meaning="value of the metric that a replica is meant to have, 0 for KServe's own.",
        default=0,
    ),
    Key(
        name="containerConcurrency",
        kind=Kind.INTEGER,
        meaning="requests that a replica takes at once, 0 for no limit.",
        default=0,
    ),
    Key(
        name="resources",
        kind=Kind.MAPPING,
        meaning="what a replica may use, in Kubernetes quantities; empty for the runtime's own.",
        default={},
        keys=RESOURCES,
    ),
    Key(
        name="nodeSelector",
        kind=Kind.MAPPING,
        meaning="{pool: gpu}: labels of the nodes to run on.",
        default={},
        entries=Kind.TEXT,
    ),
    Key(
        name="tolerations",
        kind=Kind.LIST,
        meaning="[{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}].",
        default=[],
    ),
    Key(name="affinity", kind=Kind.MAPPING, meaning="affinity of the pods.", default={}),
    Key(
        name="runtime",
        kind=Kind.TEXT,
        meaning="name of a ServingRuntime; empty to let KServe choose.",
        default="",
    ),
    Key(
        name="runtimeVersion",
        kind=Kind.TEXT,
        meaning="2.19.1, or 2.19.1-gpu with GPUs: image tag of the runtime; empty for its default.",
        default="",
    ),
    Key(
        name="protocolVersion",
        kind=Kind.TEXT,
        meaning="v1 or v2; empty for v1, or for v2 where the model's server speaks no v1 (onnx).",
        default="",
    ),
    Key(
        name="image",
        kind=Kind.TEXT,
        meaning="image of a server by kserve's Python library, instead of a runtime.",
        default="",
    ),
    Key(
        name="args",
        kind=Kind.LIST,
        meaning="[--flag=1]: arguments of the server.",
        default=[],
        entries=Kind.TEXT,
    ),
    Key(
        name="env",
        kind=Kind.LIST,
        meaning="[{name: NAME, value: text}]: environment of the server; no secrets.",
        default=[],
    ),
    Key(
        name="serviceAccountName",
        kind=Kind.TEXT,
        meaning="ServiceAccount whose secrets lead to the model's bucket; or empty.",
        default="",
    ),
    Key(
        name="storageSecretName",
        kind=Kind.TEXT,
        meaning="Secret with the credentials of the model's bucket; or empty.",
        default="",
    ),
    Key(
        name="createStorageSecret",
        kind=Kind.BOOLEAN,
        meaning="true makes the Secret and the ServiceAccount from the credentials in push_model's "
        "environment; named by the two before, else <name>-storage.",
        default=False,
    ),
    Key(
        name="logger",
        kind=Kind.MAPPING,
        meaning="where requests and responses are logged.",
        default={},
        keys=LOGGER,
    ),
    Key(name="transformer", kind=Kind.MAPPING, meaning="spec.transformer, whole.", default={}),
    Key(
        name="explainer",
        kind=Kind.MAPPING,
        meaning="answers :explain on a cluster; this machine's server does without.",
        default={},
        keys=EXPLAINER,
    ),
    Key(
        name="features",
        kind=Kind.MAPPING,
        meaning="where the features of a request come from (Feast), by a transformer of ours.",
        default={},
        keys=feature_settings.FEATURES,
    ),
    Key(
        name="labels",
        kind=Kind.MAPPING,
        meaning="{team: delay}: labels of the InferenceService.",
        default={},
        entries=Kind.TEXT,
    ),
    Key(
        name="annotations",
        kind=Kind.MAPPING,
        meaning="annotations of the InferenceService; KServe copies them into the pods.",
        default={},
        entries=Kind.TEXT,
    ),
    Key(
        name="patch",
        kind=Kind.MAPPING,
        meaning="{spec: {predictor: {timeout: 30}}}: JSON merge patch of the InferenceService, "
        "for what has no key here; null removes a field.",
        default={},
    ),
)
"""Every key of the mapping."""


STRAIGHT = "write what stands in it straight into service"
NOT_HERE = {
    **dict.fromkeys(("apiVersion", "kind"), "leave it out, it is an InferenceService"),
    **dict.fromkeys(("metadata", "spec", "predictor", "model"), STRAIGHT),
    **dict.fromkeys(("storageUri", "storageUris", "storage"), "the release's is filled in"),
    "containers": "give image, or write spec.predictor.containers in patch",
    "modelFormat": "the model's own is filled in",
    **dict.fromkeys(kserve_fields.FRAMEWORKS, f"the model's format is filled in; {STRAIGHT}"),
}
"""Words of a manifest that do not stand here, and what to do about them."""
