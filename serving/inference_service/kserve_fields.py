"""The fields that KServe 0.21 knows in an InferenceService, and what each holds. Pure.

Kubernetes refuses what a schema does not name, and values of another kind; so does an older KServe
with what it lacks (0.20: tracing, schedulingGroup). A test holds these tables equal to the models
of KServe's own client.
"""

from collections.abc import Mapping

from kanaria.components.shared.config.keys import Kind

Fields = Mapping[str, Kind]


def _fields(**names: str) -> Fields:
    kinds = {kind.name.lower(): kind for kind in Kind}
    return {name: kinds[kind] for kind, several in names.items() for name in several.split()}


OBJECT = _fields(text="apiVersion kind", mapping="metadata spec status")
METADATA = _fields(
    text="creationTimestamp deletionTimestamp generateName name namespace resourceVersion selfLink"
    " uid",
    integer="deletionGracePeriodSeconds generation",
    mapping="annotations labels",
    list="finalizers managedFields ownerReferences",
)
SPEC = _fields(list="canary", mapping="explainer predictor tracing transformer")
FRAMEWORKS = _fields(
    mapping="huggingface lightgbm onnx paddle pmml pytorch sklearn tensorflow triton xgboost"
)
"""The old form of a model: `predictor.tensorflow` stands for `predictor.model`."""
COMPONENT = _fields(
    text="scaleMetric scaleMetricType",
    integer="canaryTrafficPercent containerConcurrency maxReplicas minReplicas scaleTarget timeout",
    mapping="annotations autoScaling batcher deploymentStrategy labels logger",
)
POD = _fields(
    text="dnsPolicy hostname hostnameOverride nodeName preemptionPolicy priorityClassName"
    " restartPolicy runtimeClassName schedulerName serviceAccount serviceAccountName subdomain",
    integer="activeDeadlineSeconds priority terminationGracePeriodSeconds",
    boolean="automountServiceAccountToken enableServiceLinks hostIPC hostNetwork hostPID hostUsers"
    " setHostnameAsFQDN shareProcessNamespace",
    mapping="affinity dnsConfig nodeSelector os overhead resources securityContext",
    list="containers ephemeralContainers hostAliases imagePullSecrets initContainers"
    " readinessGates resourceClaims schedulingGates tolerations topologySpreadConstraints volumes",
)
PREDICTOR = {
    **COMPONENT,
    **POD,
    **FRAMEWORKS,
    **_fields(
        text="name storageContainerName",
        mapping="model schedulingGroup workerSpec",
        list="storageUris",
    ),
}
CONTAINER = _fields(
    text="image imagePullPolicy name restartPolicy terminationMessagePath terminationMessagePolicy"
    " workingDir",
    boolean="stdin stdinOnce tty",
    mapping="lifecycle livenessProbe readinessProbe resources securityContext startupProbe",
    list="args command env envFrom ports resizePolicy restartPolicyRules volumeDevices"
    " volumeMounts",
)
FRAMEWORK = {
    **CONTAINER,
    **_fields(text="protocolVersion runtimeVersion storageUri", mapping="confidential storage"),
}
MODEL = {**FRAMEWORK, **_fields(text="runtime", mapping="modelFormat")}
MODEL_FORMAT = _fields(text="name version")
LOGGER = _fields(
    text="batchInterval marshallerUrl mode url",
    integer="batchSize",
    mapping="storage",
    list="metadataAnnotations metadataHeaders",
)
RESOURCES = _fields(mapping="limits requests", list="claims")
