"""An API server in memory, with what KServe, Knative and a gateway make of its objects.

Revisions and shares follow the rules that local serving runs by
(`serving.local.controller.reconcile`). A model whose URI ends in `broken` does not load. Every
write is compared with the resourceVersion that it names; `between` is called before each one, as
another process would come in between.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from kanaria.components.shared.errors import ConflictError
from kanaria.serving.kubernetes_api.resource_kinds import (
    CONFIG_MAPS,
    GATEWAY_CLASSES,
    GATEWAYS,
    HTTP_ROUTES,
    INFERENCE_SERVICES,
    REVISIONS,
    Object,
    Resource,
)
from kanaria.serving.local.controller import reconcile
from kanaria.serving.local.state.state_folder import Observed
from kanaria.serving.protocol.annotation_names import DEPLOYMENT_MODE, SERVICE_LABEL, SOURCE_URI
from kanaria.serving.traffic.gateways import MIRROR, PERCENTAGE

FAILURE = "load failure"


def nothing() -> None:
    pass


class PaperCluster:
    """The client of a cluster that is a dictionary.

    Attributes:
        between: called before each write.
        unready: names of revisions that are not ready now, though they may have been before.
        unknown: names of revisions of whose readiness nothing is known now.
    """

    def __init__(self) -> None:
        self.between: Callable[[], None] = nothing
        self.unready: set[str] = set()
        self.unknown: set[str] = set()
        self._objects: dict[tuple[Resource, str, str], Object] = {}
        self._observed: dict[tuple[str, str], Observed] = {}
        self._version = 0
        ingress = '{"kserveIngressGateway": "kserve/gateway", "ingressDomain": "example.com"}'
        self._put(CONFIG_MAPS, "kserve", "inferenceservice-config", {"data": {"ingress": ingress}})
        self._put(GATEWAYS, "kserve", "gateway", {"spec": {"gatewayClassName": "paper"}})
        features = {"supportedFeatures": [{"name": MIRROR}, {"name": PERCENTAGE}]}
        self._put(GATEWAY_CLASSES, "", "paper", {"status": features})

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        self._reconcile()
        return deepcopy(self._objects.get((resource, namespace, name)))

    def list(self, resource: Resource, namespace: str = "", labels: str = "") -> Sequence[Object]:
        self._reconcile()
        if resource is REVISIONS:
            return self._revisions(namespace, labels.partition("=")[2])
        return [
            deepcopy(stored)
            for (kind, where, _), stored in self._objects.items()
            if (kind, where) == (resource, namespace) and _is_labelled(stored, labels)
        ]

    def create(self, resource: Resource, namespace: str, manifest: Mapping[str, Any]) -> Object:
        self.between()
        if (resource, namespace, manifest["metadata"]["name"]) in self._objects:
            raise ConflictError("it exists")
        return self._put(resource, namespace, manifest["metadata"]["name"], manifest)

    def apply(self, resource: Resource, namespace: str, manifest: Mapping[str, Any]) -> Object:
        self.between()
        name = manifest["metadata"]["name"]
        self._compare(resource, namespace, name, manifest["metadata"].get("resourceVersion"))
        before = self._objects.get((resource, namespace, name), {})
        status = {"status": before["status"]} if "status" in before else {}
        return self._put(resource, namespace, name, {**manifest, **status})

    def replace(self, resource: Resource, namespace: str, manifest: Mapping[str, Any]) -> Object:
        return self.apply(resource, namespace, manifest)

    def merge_patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Mapping[str, Any],
        resource_version: str,
    ) -> Object:
        self.between()
        self._compare(resource, namespace, name, resource_version)
        changed = _merged(self._objects[(resource, namespace, name)], patch)
        return self._put(resource, namespace, name, changed)

    def try_merge_patch(
        self, resource: Resource, namespace: str, name: str, patch: Mapping[str, Any]
    ) -> Object:
        return _merged(self._objects[(resource, namespace, name)], patch)

    def delete(self, resource: Resource, namespace: str, name: str) -> None:
        self.between()
        self._objects.pop((resource, namespace, name), None)

    def _compare(self, resource: Resource, namespace: str, name: str, version: str | None) -> None:
        stored = self._objects.get((resource, namespace, name))
        if version and (stored is None or stored["metadata"]["resourceVersion"] != version):
            raise ConflictError("it has changed")

    def _put(
        self, resource: Resource, namespace: str, name: str, manifest: Mapping[str, Any]
    ) -> Object:
        self._version += 1
        stored = deepcopy(dict(manifest))
        version = {"resourceVersion": str(self._version), "generation": self._version}
        place = {"name": name, "namespace": namespace}
        stored["metadata"] = {**stored.get("metadata", {}), **place, **version}
        self._objects[(resource, namespace, name)] = stored
        return deepcopy(stored)

    def _reconcile(self) -> None:
        for (kind, namespace, name), stored in self._objects.items():
            if kind is INFERENCE_SERVICES:
                stored["status"] = self._status(namespace, name, stored)
            elif kind is HTTP_ROUTES:
                generation = stored["metadata"]["generation"]
                accepted = {"type": "Accepted", "status": "True", "observedGeneration": generation}
                stored["status"] = {"parents": [{"conditions": [accepted]}]}

    def _status(self, namespace: str, name: str, service: Object) -> Object:
        adopted = reconcile.adopt(self._observed.get((namespace, name), Observed()), service, name)
        newest = adopted.revisions[-1]
        if newest.storage_uri.endswith("broken"):
            adopted = reconcile.mark_failed(adopted, newest.name, FAILURE)
        else:
            adopted = reconcile.mark_ready(adopted, newest.name)
        self._observed[(namespace, name)] = adopted
        status = reconcile.status(adopted, f"http://{name}.example.com")
        mode = service["metadata"].get("annotations", {}).get(DEPLOYMENT_MODE, "Knative")
        if name in self.unready:
            status["conditions"] = [{"type": "PredictorReady", "status": "False"}]
        return {**status, "deploymentMode": mode}

    def _revisions(self, namespace: str, service: str) -> Sequence[Object]:
        observed = self._observed.get((namespace, service), Observed())
        return [
            {
                "metadata": {
                    "name": revision.name,
                    "labels": {SERVICE_LABEL: service},
                    "annotations": {SOURCE_URI: revision.storage_uri},
                },
                "status": {"conditions": [{"type": "Ready", "status": self._ready(revision.name)}]},
            }
            for revision in observed.revisions
        ]

    def _ready(self, revision: str) -> str:
        if revision in self.unknown:
            return "Unknown"
        was = any(revision in one.ready for one in self._observed.values())
        return "True" if was and revision not in self.unready else "False"


def _is_labelled(stored: Object, labels: str) -> bool:
    """Tell whether an object has a label, or a label of a value, "name" or "name=value"."""
    name, _, value = labels.partition("=")
    own = stored["metadata"].get("labels", {})
    return name in own and value in ("", own[name])


def _merged(before: Object, patch: Mapping[str, Any]) -> Object:
    """Return an object after a JSON merge patch (RFC 7386)."""
    merged = deepcopy(before)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = _merged(merged.get(key, {}), value)
        else:
            merged[key] = value
    return merged
