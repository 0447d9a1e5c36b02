"""InferenceServices of one namespace, as tests apply, read and await them."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kubernetes import dynamic
from kubernetes.client import CoreV1Api
from kubernetes.dynamic.exceptions import NotFoundError

Object = dict[str, Any]

POLL_SECONDS = 0.2
# A bound, not a measure: simulated pods take 5 s, real ones that load a model 30 s.
SECONDS = 180


class InferenceServices:
    """The door to the API server for one namespace."""

    def __init__(self, client: dynamic.DynamicClient, namespace: str):
        self.namespace = namespace
        self._client = client
        self._core = CoreV1Api(client.client)

    def apply(self, manifest: Object) -> None:
        kind = self._kind(manifest["apiVersion"], manifest["kind"])
        body = {**manifest, "metadata": {**manifest["metadata"], "namespace": self.namespace}}
        kind.server_side_apply(
            body=body,
            name=body["metadata"]["name"],
            namespace=self.namespace,
            field_manager="tests",
            force_conflicts=True,
        )

    def get(self, name: str) -> Object:
        return self.object("serving.kserve.io/v1beta1", "InferenceService", name)

    def object(self, version: str, kind: str, name: str) -> Object:
        return self._kind(version, kind).get(name=name, namespace=self.namespace).to_dict()

    def exists(self, version: str, kind: str, name: str) -> bool:
        try:
            self.object(version, kind, name)
        except NotFoundError:
            return False
        return True

    def pods(self, service: str) -> list[Object]:
        label = f"serving.kserve.io/inferenceservice={service}"
        listed = self._kind("v1", "Pod").get(namespace=self.namespace, label_selector=label)
        return [pod.to_dict() for pod in listed.items]

    def make_ready(self) -> None:
        """Let the pods that wait for it become ready, see control_plane/manifests/waiting.yaml."""
        ready = [{"type": kind, "status": "True"} for kind in ("ContainersReady", "Ready")]
        for pod in self._core.list_namespaced_pod(self.namespace).items:
            if (pod.metadata.annotations or {}).get("kanaria.test/simulate") == "waiting":
                status = {"status": {"conditions": ready}}
                self._core.patch_namespaced_pod_status(pod.metadata.name, self.namespace, status)

    def wait(self, name: str, holds: Callable[[Object], bool]) -> Object:
        """Return the service once `holds` says so; fail with its status when it never does."""
        wait_until(lambda: holds(self.get(name)), lambda: self.get(name).get("status"))
        return self.get(name)

    def wait_until_ready(self, name: str) -> Object:
        return self.wait(name, ready)

    def _kind(self, version: str, kind: str) -> dynamic.Resource:
        return self._client.resources.get(api_version=version, kind=kind)


@contextmanager
def own_namespace(client: dynamic.DynamicClient) -> Iterator[InferenceServices]:
    """Yield the InferenceServices of a new namespace, which goes in the end."""
    core = CoreV1Api(client.client)
    name = f"test-{uuid.uuid4().hex[:8]}"
    core.create_namespace({"metadata": {"name": name}})
    # Every pod runs as this account, which a controller makes a moment later.
    wait_until(lambda: "default" in _accounts(core, name))
    yield InferenceServices(client, name)
    core.delete_namespace(name)


def _accounts(core: CoreV1Api, namespace: str) -> list[str]:
    accounts = core.list_namespaced_service_account(namespace).items
    return [one.metadata.name for one in accounts]


def wait_until(holds: Callable[[], bool], state: Callable[[], object] = lambda: None) -> None:
    """Wait until `holds` says so; fail with the state of things when it never does."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, state()
        time.sleep(POLL_SECONDS)


def condition(service: Object, kind: str) -> str:
    """Return the status of a condition, "" when the object has none of that kind."""
    conditions = service.get("status", {}).get("conditions", [])
    return next((one["status"] for one in conditions if one["type"] == kind), "")


def ready(service: Object) -> bool:
    """Tell whether the controller has seen this generation and calls it ready."""
    generation = service.get("status", {}).get("observedGeneration")
    return generation == service["metadata"]["generation"] and condition(service, "Ready") == "True"


def predictor(service: Object) -> Object:
    """Return the status of the predictor, empty before the first reconciliation."""
    return service.get("status", {}).get("components", {}).get("predictor", {})


def traffic(service: Object) -> dict[str, int]:
    """Return revision -> percent of the traffic."""
    shares: dict[str, int] = {}
    for target in predictor(service).get("traffic", []):
        revision = target["revisionName"]
        shares[revision] = shares.get(revision, 0) + target["percent"]
    return shares
