"""The kinds of objects that Kanaria reads or writes, with their addresses in the API. Pure."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from kanaria.serving.protocol.annotation_names import KSERVE

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
NODES = Resource(group="", version="v1", plural="nodes", namespaced=False)
DEPLOYMENTS = Resource(group="apps", version="v1", plural="deployments")
LEASES = Resource(group="coordination.k8s.io", version="v1", plural="leases")
SERVICES = Resource(group="", version="v1", plural="services")
WORKFLOWS = Resource(group="argoproj.io", version="v1alpha1", plural="workflows")
WORKFLOW_TASK_RESULTS = Resource(
    group="argoproj.io", version="v1alpha1", plural="workflowtaskresults"
)
KATIB_EXPERIMENTS = Resource(group="kubeflow.org", version="v1beta1", plural="experiments")
KATIB_TRIALS = Resource(group="kubeflow.org", version="v1beta1", plural="trials")
REVIEWS = Resource(
    group="authorization.k8s.io",
    version="v1",
    plural="selfsubjectaccessreviews",
    namespaced=False,
)
ACCOUNT_REVIEWS = Resource(
    group="authorization.k8s.io", version="v1", plural="subjectaccessreviews", namespaced=False
)
