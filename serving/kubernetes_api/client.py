"""The client of the API server: plain dictionaries in and out, every call bounded.

Whole objects are written by server-side apply under the field manager `kanaria`, so that fields
of others stay theirs; one field is changed by a JSON merge patch that carries the
resourceVersion it was decided on. Source: Kubernetes API concepts, "Server-Side Apply" and
"Resource versions"; RFC 7386 (merge patch: null removes a field).
"""

from collections.abc import Mapping
from typing import Any

from kubernetes import client

from kanaria.components.shared.errors import ConflictError
from kanaria.serving.kubernetes_api.cluster_choice import api_client
from kanaria.serving.kubernetes_api.repeated_requests import Request, send
from kanaria.serving.kubernetes_api.resource_kinds import ACCOUNT_REVIEWS, REVIEWS, Object, Resource

FIELD_MANAGER = "kanaria"
STRICT = {"fieldValidation": "Strict"}
"""A field that the schema does not name is refused; by default it is dropped. Apply refuses it."""
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class KubernetesClient:
    """One cluster, as the ServiceAccount or the kubeconfig's user may see it."""

    def __init__(self, api: client.ApiClient, *, patient: bool = True) -> None:
        """Use an API client that is configured already."""
        self._api = api
        self._patient = patient

    @classmethod
    def connect(cls, context: str = "", *, patient: bool = True) -> "KubernetesClient":
        """Return a client of the cluster around this pod, else of the kubeconfig's context.

        Args:
            context: of the kubeconfig; "" for the pod's cluster or the current context.
            patient: whether a cluster that does not answer is asked again.

        Raises:
            NotReadyError: there is neither, or the kubeconfig cannot be read.
        """
        return cls(api_client(context), patient=patient)

    def hasty(self) -> "KubernetesClient":
        """Return a client of the same cluster that asks once, for what may as well fail."""
        return KubernetesClient(self._api, patient=False)

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return the object, or None when there is none."""
        return self._call(Request("GET", resource.path(namespace, name)), absent_is_none=True)

    def list(
        self, resource: Resource, namespace: str = "", labels: str = "", fields: str = ""
    ) -> list[Object]:
        """Return the objects of a namespace ("" for every one) that the selectors name."""
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        query = {name: selector for name, selector in selectors.items() if selector}
        answer = self._call(Request("GET", resource.path(namespace), query=query))
        return list((answer or {}).get("items", []))

    def serves(self, resource: Resource) -> bool:
        """Tell whether the API server knows the resource (its CRD is installed)."""
        folder = f"/apis/{resource.group}" if resource.group else "/api"
        answer = self._call(Request("GET", f"{folder}/{resource.version}"), absent_is_none=True)
        kinds = (answer or {}).get("resources", [])
        return any(kind["name"] == resource.plural for kind in kinds)

    def version(self) -> str:
        """Return the API server's version, for instance "v1.34.4"."""
        return str((self._call(Request("GET", "/version")) or {}).get("gitVersion", ""))

    def create(self, resource: Resource, namespace: str, manifest: Mapping[str, Any]) -> Object:
        """Create an object.

        Raises:
            ConflictError: it exists already.
        """
        query = {"fieldManager": FIELD_MANAGER} | STRICT
        return (
            self._call(Request("POST", resource.path(namespace), query=query, body=manifest)) or {}
        )

    def unchanged(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return the object, or None, by a patch of nothing that is only tried.

        It needs the right to patch, which answers with the object, and none to read.
        """
        path, query = resource.path(namespace, name), {"dryRun": "All"}
        return self._call(
            Request("PATCH", path, query=query, body={}, kind=MERGE), absent_is_none=True
        )

    def apply(self, resource: Resource, namespace: str, manifest: Mapping[str, Any]) -> Object:
        """Make the object's fields what the manifest says; fields it no longer says go away.

        Raises:
            ConflictError: another field manager owns a field of the manifest.
        """
        path = resource.path(namespace, manifest["metadata"]["name"])
        query = {"fieldManager": FIELD_MANAGER}
        try:
            return self._call(Request("PATCH", path, query=query, body=manifest, kind=APPLY)) or {}
        except ConflictError as error:
            if error.managers != {FIELD_MANAGER}:
                raise
        # A field that `merge_patch` changed is ours too, but known as another kind of write.
        query["force"] = "true"
        return self._call(Request("PATCH", path, query=query, body=manifest, kind=APPLY)) or {}

    def merge_patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Mapping[str, Any],
        resource_version: str,
    ) -> Object:
        """Change fields of the object as it was at `resource_version`; None removes a field.

        Raises:
            ConflictError: the object has changed since.
        """
        metadata = {**patch.get("metadata", {}), "resourceVersion": resource_version}
        path, query = resource.path(namespace, name), {"fieldManager": FIELD_MANAGER} | STRICT
        body = {**patch, "metadata": metadata}
        return self._call(Request("PATCH", path, query=query, body=body, kind=MERGE)) or {}

    def try_merge_patch(
        self, resource: Resource, namespace: str, name: str, patch: Mapping[str, Any]
    ) -> Object:
        """Return what would come of a change, with the defaults filled in; nothing is changed."""
        query = {"fieldManager": FIELD_MANAGER, "dryRun": "All"} | STRICT
        path, body = resource.path(namespace, name), {"metadata": {}, **patch}
        return self._call(Request("PATCH", path, query=query, body=body, kind=MERGE)) or {}

    def replace(self, resource: Resource, namespace: str, manifest: Mapping[str, Any]) -> Object:
        """Replace the object; a resourceVersion in the manifest is compared first.

        Raises:
            ConflictError: the object has changed since.
        """
        path = resource.path(namespace, manifest["metadata"]["name"])
        query = {"fieldManager": FIELD_MANAGER}
        return self._call(Request("PUT", path, query=query, body=manifest)) or {}

    def delete(self, resource: Resource, namespace: str, name: str) -> None:
        """Delete the object; none is fine."""
        self._call(Request("DELETE", resource.path(namespace, name)), absent_is_none=True)

    def may(
        self, verb: str, resource: Resource, namespace: str, name: str = "", user: str = ""
    ) -> bool:
        """Tell whether a user may do `verb` on the resource.

        Args:
            verb: as rules name it.
            resource: of which objects.
            namespace: of the objects.
            name: of one object; "" for every one.
            user: who, for instance "system:serviceaccount:team:kanaria-pipeline"
                (SubjectAccessReview); "" for this client itself (SelfSubjectAccessReview).
        """
        attributes = {
            "verb": verb,
            "group": resource.group,
            "resource": resource.plural,
            "namespace": namespace,
            "name": name,
        }
        spec: Object = {"resourceAttributes": attributes}
        if user:
            spec |= {"user": user, "groups": _groups(user)}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview" if user else "SelfSubjectAccessReview",
            "spec": spec,
        }
        answer = self.create(ACCOUNT_REVIEWS if user else REVIEWS, "", review)
        return bool(answer["status"].get("allowed"))

    def _call(self, request: Request, *, absent_is_none: bool = False) -> Object | None:
        return send(self._api, request, patient=self._patient, absent_is_none=absent_is_none)


def _groups(user: str) -> list[str]:
    """Return the groups that the API server itself gives a ServiceAccount; a review adds none."""
    everybody = "system:serviceaccounts"
    return [everybody, f"{everybody}:{user.split(':')[2]}", "system:authenticated"]
