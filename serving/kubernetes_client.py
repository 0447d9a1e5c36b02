"""The only module that talks to Kubernetes: plain dictionaries in and out, every call bounded.

Whole objects are written by server-side apply under the field manager `kanaria`, so that fields
of others stay theirs; one field is changed by a JSON merge patch that carries the
resourceVersion it was decided on. Source: Kubernetes API concepts, "Server-Side Apply" and
"Resource versions"; RFC 7386 (merge patch: null removes a field).

A request whose answer is lost is sent again, so a write may have been done by an attempt that
nobody heard of. No effect comes twice: such a write that is compared with a resourceVersion, or
that creates, then raises ConflictError, and the caller reads what is there.
"""

import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3
import yaml
from kubernetes import client, config

from kanaria.components.shared.errors import (
    ConflictError,
    NotReadyError,
    ParameterError,
    PermissionDeniedError,
    shown,
)
from kanaria.serving.protocol.names import KSERVE

FIELD_MANAGER = "kanaria"
CONNECTIONS = 32
"""Kept open for threads that share a client."""
TIMEOUT_SECONDS = (5.0, 30.0)
"""Time-outs of one attempt: to connect, to read."""
WAITS_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Pauses between attempts; their number bounds the retries."""
LONGEST_WAIT_SECONDS = 10.0
"""Of a pause that the server asks for by Retry-After."""
PASSING = frozenset({429, 500, 502, 503, 504})
STRICT = {"fieldValidation": "Strict"}
"""A field that the schema does not name is refused; by default it is dropped. Apply refuses it."""
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
NO_KUBECONFIG = (
    config.ConfigException,
    yaml.YAMLError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
)
"""What the client raises for a file that is absent, no text, no YAML, or not what it should be."""
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
USUAL_NAMESPACE = "default"
"""Of a kubeconfig's context that names none, as for kubectl."""
Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """A kind of object: its API group ("" for the core), version and plural name."""

    group: str
    version: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str, name: str = "") -> str:
        """Return the URL path of one object, or of all in a namespace ("" for every one)."""
        parts = ["apis", self.group] if self.group else ["api"]
        parts.append(self.version)
        parts += ["namespaces", namespace] if self.namespaced and namespace else []
        parts += [self.plural, name] if name else [self.plural]
        return "/" + "/".join(quote(part, safe="") for part in parts)


INFERENCE_SERVICES = Resource(group=KSERVE, version="v1beta1", plural="inferenceservices")
SERVING_RUNTIMES = Resource(group=KSERVE, version="v1alpha1", plural="servingruntimes")
CLUSTER_SERVING_RUNTIMES = Resource(
    group=KSERVE,
    version="v1alpha1",
    plural="clusterservingruntimes",
    namespaced=False,
)
REVISIONS = Resource(group="serving.knative.dev", version="v1", plural="revisions")
HTTP_ROUTES = Resource(group="gateway.networking.k8s.io", version="v1", plural="httproutes")
GATEWAYS = Resource(group="gateway.networking.k8s.io", version="v1", plural="gateways")
GATEWAY_CLASSES = Resource(
    group="gateway.networking.k8s.io", version="v1", plural="gatewayclasses", namespaced=False
)
CONFIG_MAPS = Resource(group="", version="v1", plural="configmaps")
EVENTS = Resource(group="", version="v1", plural="events")
EVENT_SERIES = Resource(group="events.k8s.io", version="v1", plural="events")
"""The same objects in the form that has series."""
SECRETS = Resource(group="", version="v1", plural="secrets")
SERVICE_ACCOUNTS = Resource(group="", version="v1", plural="serviceaccounts")
PODS = Resource(group="", version="v1", plural="pods")
WORKFLOWS = Resource(group="argoproj.io", version="v1alpha1", plural="workflows")
NODES = Resource(group="", version="v1", plural="nodes", namespaced=False)
DEPLOYMENTS = Resource(group="apps", version="v1", plural="deployments")
LEASES = Resource(group="coordination.k8s.io", version="v1", plural="leases")
SERVICES = Resource(group="", version="v1", plural="services")
WORKFLOWS = Resource(group="argoproj.io", version="v1alpha1", plural="workflows")
WORKFLOW_TASK_RESULTS = Resource(
    group="argoproj.io", version="v1alpha1", plural="workflowtaskresults"
)
REVIEWS = Resource(
    group="authorization.k8s.io",
    version="v1",
    plural="selfsubjectaccessreviews",
    namespaced=False,
)
ACCOUNT_REVIEWS = Resource(
    group="authorization.k8s.io", version="v1", plural="subjectaccessreviews", namespaced=False
)


def _is_outside(context: str) -> bool:
    """Tell whether a kubeconfig leads to the cluster, and not the pod that this is."""
    return bool(context) or not os.environ.get("KUBERNETES_SERVICE_HOST")


def _kubeconfig() -> str:
    # The client itself reads KUBECONFIG only once, when it is imported.
    return os.environ.get("KUBECONFIG") or "~/.kube/config"


def own_namespace(context: str = "") -> str:
    """Return this pod's namespace; outside a cluster that of the kubeconfig's context.

    As for kubectl, it is "default" where the context names none, or where there is no context.

    Raises:
        NotReadyError: this is a pod that has no token of an account.
    """
    if _is_outside(context):
        try:
            contexts, active = config.list_kube_config_contexts(_kubeconfig())
        except NO_KUBECONFIG:
            return USUAL_NAMESPACE  # Whoever connects is told what is wrong with the file.
        named = [entry for entry in contexts if entry["name"] == context] or [active or {}]
        return str(named[0].get("context", {}).get("namespace") or USUAL_NAMESPACE)
    try:
        return POD_NAMESPACE.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NotReadyError(
            f"{POD_NAMESPACE}: {error.strerror}; let the pod mount its account's token, or name "
            "the namespace"
        ) from error


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    kind: str = "application/json"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """What came of one attempt: HTTP status (0: no answer), text, seconds the server asks for."""

    status: int
    text: str
    pause: float = 0

    @property
    def passes(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status == 0 or self.status in PASSING


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
        settings = client.Configuration()
        settings.retries = False  # `_call` retries, and keeps the reason.
        settings.connection_pool_maxsize = CONNECTIONS
        try:
            if _is_outside(context):
                config.load_kube_config(
                    _kubeconfig(), context=context or None, client_configuration=settings
                )
            else:
                config.load_incluster_config(client_configuration=settings)
        except NO_KUBECONFIG as error:
            raise NotReadyError(
                f"kubernetes: {shown(str(error))}; run in a pod, or set KUBECONFIG"
            ) from error
        return cls(client.ApiClient(settings), patient=patient)

    def hasty(self) -> "KubernetesClient":
        """Return a client of the same cluster that asks once, for what may as well fail."""
        return KubernetesClient(self._api, patient=False)

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return the object, or None when there is none."""
        return self._call(_Request("GET", resource.path(namespace, name)), absent_is_none=True)

    def list(
        self, resource: Resource, namespace: str = "", labels: str = "", fields: str = ""
    ) -> list[Object]:
        """Return the objects of a namespace ("" for every one) that the selectors name."""
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        query = {name: selector for name, selector in selectors.items() if selector}
        answer = self._call(_Request("GET", resource.path(namespace), query=query))
        return list((answer or {}).get("items", []))

    def serves(self, resource: Resource) -> bool:
        """Tell whether the API server knows the resource (its CRD is installed)."""
        folder = f"/apis/{resource.group}" if resource.group else "/api"
        answer = self._call(_Request("GET", f"{folder}/{resource.version}"), absent_is_none=True)
        kinds = (answer or {}).get("resources", [])
        return any(kind["name"] == resource.plural for kind in kinds)

    def version(self) -> str:
        """Return the API server's version, for instance "v1.34.4"."""
        return str((self._call(_Request("GET", "/version")) or {}).get("gitVersion", ""))

    def create(self, resource: Resource, namespace: str, manifest: Mapping[str, Any]) -> Object:
        """Create an object.

        Raises:
            ConflictError: it exists already.
        """
        query = {"fieldManager": FIELD_MANAGER} | STRICT
        return (
            self._call(_Request("POST", resource.path(namespace), query=query, body=manifest)) or {}
        )

    def unchanged(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return the object, or None, by a patch of nothing that is only tried.

        It needs the right to patch, which answers with the object, and none to read.
        """
        path, query = resource.path(namespace, name), {"dryRun": "All"}
        return self._call(
            _Request("PATCH", path, query=query, body={}, kind=MERGE), absent_is_none=True
        )

    def apply(self, resource: Resource, namespace: str, manifest: Mapping[str, Any]) -> Object:
        """Make the object's fields what the manifest says; fields it no longer says go away.

        Raises:
            ConflictError: another field manager owns a field of the manifest.
        """
        path = resource.path(namespace, manifest["metadata"]["name"])
        query = {"fieldManager": FIELD_MANAGER}
        try:
            return self._call(_Request("PATCH", path, query=query, body=manifest, kind=APPLY)) or {}
        except ConflictError as error:
            if error.managers != {FIELD_MANAGER}:
                raise
        # A field that `merge_patch` changed is ours too, but known as another kind of write.
        query["force"] = "true"
        return self._call(_Request("PATCH", path, query=query, body=manifest, kind=APPLY)) or {}

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
        return self._call(_Request("PATCH", path, query=query, body=body, kind=MERGE)) or {}

    def try_merge_patch(
        self, resource: Resource, namespace: str, name: str, patch: Mapping[str, Any]
    ) -> Object:
        """Return what would come of a change, with the defaults filled in; nothing is changed."""
        query = {"fieldManager": FIELD_MANAGER, "dryRun": "All"} | STRICT
        path, body = resource.path(namespace, name), {"metadata": {}, **patch}
        return self._call(_Request("PATCH", path, query=query, body=body, kind=MERGE)) or {}

    def replace(self, resource: Resource, namespace: str, manifest: Mapping[str, Any]) -> Object:
        """Replace the object; a resourceVersion in the manifest is compared first.

        Raises:
            ConflictError: the object has changed since.
        """
        path = resource.path(namespace, manifest["metadata"]["name"])
        query = {"fieldManager": FIELD_MANAGER}
        return self._call(_Request("PUT", path, query=query, body=manifest)) or {}

    def delete(self, resource: Resource, namespace: str, name: str) -> None:
        """Delete the object; none is fine."""
        self._call(_Request("DELETE", resource.path(namespace, name)), absent_is_none=True)

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

    def _call(self, request: _Request, *, absent_is_none: bool = False) -> Object | None:
        """Send one request, again after what may pass; return the answer's object."""
        cause = ""
        waits = WAITS_SECONDS if self._patient else ()
        for wait in (*waits, None):
            answer = self._attempt(request)
            if 200 <= answer.status < 300:
                return dict(json.loads(answer.text))
            if answer.status == HTTPStatus.NOT_FOUND and absent_is_none:
                return None
            if not answer.passes:
                raise _error(answer.status, str(request), answer.text)
            cause = f"{answer.status or 'no answer'}: {_message(answer.text)}"
            if wait is not None:
                time.sleep(max(wait, answer.pause))
        attempts = len(waits) + 1
        raise NotReadyError(f"kubernetes: {request} failed {attempts} times; last: {cause}")

    def _attempt(self, request: _Request) -> _Answer:
        headers = {"Accept": "application/json", "Content-Type": request.kind}
        try:
            answer = self._api.call_api(
                request.path,
                request.method,
                query_params=list(request.query.items()),
                header_params=headers,
                body=request.body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=TIMEOUT_SECONDS,
            )
            text = answer.data.decode()
        except client.ApiException as error:
            answer_text = error.body.decode() if isinstance(error.body, bytes) else error.body
            pause = _pause((error.headers or {}).get("Retry-After", ""))
            text = str(answer_text or error.reason)
            return _Answer(status=int(error.status or 0), text=text, pause=pause)
        except urllib3.exceptions.HTTPError as error:
            return _Answer(status=0, text=str(error))
        if not isinstance(_object(text), dict):
            # A proxy in between answers so; the API server never does.
            return _Answer(status=0, text=f"{answer.status} with {shown(text)}, which is no object")
        return _Answer(status=answer.status, text=text)


def _groups(user: str) -> list[str]:
    """Return the groups that the API server itself gives a ServiceAccount; a review adds none."""
    everybody = "system:serviceaccounts"
    return [everybody, f"{everybody}:{user.split(':')[2]}", "system:authenticated"]


def _pause(retry_after: str) -> float:
    """Return the seconds that a server asks for; 0 for a date, which Kubernetes does not send."""
    return min(float(retry_after), LONGEST_WAIT_SECONDS) if retry_after.isdigit() else 0


def _object(text: str) -> Any:
    """Return the JSON value, None for what is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _message(text: str) -> str:
    """Return the message of a Kubernetes Status, or the text of another answer."""
    document = _object(text)
    return str(document.get("message", text)) if isinstance(document, dict) else shown(text)


def _managers(body: str) -> frozenset[str]:
    """Return the field managers that a refused apply conflicts with; others have no name here."""
    document = _object(body)
    details = document.get("details") if isinstance(document, dict) else None
    conflicts = [
        cause
        for cause in (details or {}).get("causes", [])
        if cause.get("reason") == "FieldManagerConflict"
    ]
    names = [re.search(r'conflict with "([^"]+)"', cause["message"]) for cause in conflicts]
    return frozenset(name[1] if name else "?" for name in names)


def _error(status: int, what: str, body: str) -> Exception:
    """Return the error that says what the caller does next."""
    text = f"kubernetes: {what}: {shown(_message(body))}"
    match status:
        case HTTPStatus.CONFLICT:
            return ConflictError(text, _managers(body))
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return PermissionDeniedError(f"{text}; ask for the rule, or see `kanaria doctor`")
        case HTTPStatus.NOT_FOUND:
            return NotReadyError(f"{text}; is the API installed? See `kanaria doctor`")
        case _:
            return ParameterError(text)
