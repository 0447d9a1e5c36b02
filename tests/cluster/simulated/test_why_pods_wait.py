"""Why pods of a KFP run wait, asked of a real API server and told by its real scheduler."""

from typing import Any

import pytest
from inference_services import InferenceServices, wait_until
from kubernetes import dynamic
from kubernetes.client import CoreV1Api

from kanaria.pipelines.submit import pod_problems, wait_reasons
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import EVENTS, PODS

RUN = "123e4567-e89b-12d3-a456-426655440000"
IMAGE = "registry.example.com/kanaria-training:0.1.0"
NOBODY = "nobody"
"""Name of a scheduler that does not exist: what it should place has no condition at all."""


def step(name: str, **spec: Any) -> dict[str, Any]:
    """A pod as Argo makes it for the executor of a step."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"flow-abcde-{name}",
            "labels": {wait_reasons.RUN_LABEL: RUN},
            "annotations": {pod_problems.NODE_NAME: f"flow-abcde.root.{name}.executor"},
        },
        "spec": {"containers": [{"name": "main", "image": IMAGE}], **spec},
    }


@pytest.fixture
def cluster() -> KubernetesClient:
    return KubernetesClient.connect()


def why(cluster: KubernetesClient, services: InferenceServices, name: str) -> str:
    return wait_reasons.reasons(cluster, RUN, services.namespace).get(name, "")


def test_no_node_is_large_enough(cluster: KubernetesClient, services: InferenceServices):
    resources = {"requests": {"cpu": "4000"}}
    container = {"name": "main", "image": IMAGE, "resources": resources}
    cluster.create(PODS, services.namespace, step("train", containers=[container]))
    # The event comes before the condition, which then goes first.
    wait_until(lambda: why(cluster, services, "train").startswith("Unschedulable: 0/"))
    assert "Insufficient cpu" in why(cluster, services, "train")


def test_an_image_cannot_be_pulled(
    api: dynamic.DynamicClient, cluster: KubernetesClient, services: InferenceServices
):
    made = cluster.create(PODS, services.namespace, step("train", schedulerName=NOBODY))
    held = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{IMAGE}"'}
    status = {"name": "main", "image": IMAGE, "imageID": "", "ready": False, "restartCount": 0}
    waiting = {"containerStatuses": [{**status, "state": {"waiting": held}}]}
    core = CoreV1Api(api.client)
    core.patch_namespaced_pod_status(
        made["metadata"]["name"], services.namespace, {"status": waiting}
    )
    expected = f'ImagePullBackOff: Back-off pulling image "{IMAGE}"'
    assert why(cluster, services, "train") == expected


def test_a_secret_cannot_be_mounted(cluster: KubernetesClient, services: InferenceServices):
    made = cluster.create(PODS, services.namespace, step("train", schedulerName=NOBODY))
    other = cluster.create(PODS, services.namespace, step("other", schedulerName=NOBODY))
    for number, (pod, message) in enumerate([(made, 'secret "s3" not found'), (other, "not mine")]):
        about = {"kind": "Pod", "namespace": services.namespace, "name": pod["metadata"]["name"]}
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"told.{number}"},
            "involvedObject": {**about, "uid": pod["metadata"]["uid"]},
            "type": "Warning",
            "reason": "FailedMount",
            "message": message,
            "lastTimestamp": "2026-01-31T06:00:00Z",
        }
        cluster.create(EVENTS, services.namespace, event)
    assert why(cluster, services, "train") == 'FailedMount: secret "s3" not found'


def test_a_pod_that_nothing_has_happened_to(cluster: KubernetesClient, services: InferenceServices):
    cluster.create(PODS, services.namespace, step("train", schedulerName=NOBODY))
    assert why(cluster, services, "train") == "no node has taken the pod yet"
