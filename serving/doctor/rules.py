"""The rules that push_model, resolve_deployed and a rollout need, and how to ask for them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import yaml

from kanaria.serving import kubernetes_client as kubernetes
from kanaria.serving.kubernetes_client import KubernetesClient, Resource


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Verbs that delivery uses on a resource; `names` limits them to these objects."""

    resource: Resource
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


NEEDED = (
    Rule(
        resource=kubernetes.INFERENCE_SERVICES, verbs=("get", "list", "create", "patch", "delete")
    ),
    Rule(resource=kubernetes.SERVING_RUNTIMES, verbs=("list",)),
    Rule(resource=kubernetes.REVISIONS, verbs=("list",)),
    Rule(resource=kubernetes.HTTP_ROUTES, verbs=("get", "create", "patch")),
    Rule(resource=kubernetes.PODS, verbs=("list",)),
    Rule(resource=kubernetes.CONFIG_MAPS, verbs=("get", "create", "update")),
    Rule(resource=kubernetes.LEASES, verbs=("get", "create", "update")),
    Rule(resource=kubernetes.EVENTS, verbs=("create",)),
)
"""In the namespace of the services: the Role of manifests/base/pipeline-rbac.yaml."""

KSERVE_NAMESPACE = "kserve"
CONFIGURATION = Rule(
    resource=kubernetes.CONFIG_MAPS, verbs=("get",), names=("inferenceservice-config",)
)
"""In the namespace of KServe, whose configuration names the default mode and the gateway: the Role
of manifests/kserve."""


def as_yaml(rules: Iterable[Rule]) -> str:
    """Return rules as the `rules` of a Role in YAML's flow style, on one line."""
    entries = [
        {
            "apiGroups": [rule.resource.group],
            "resources": [rule.resource.plural],
            "verbs": list(rule.verbs),
        }
        | ({"resourceNames": list(rule.names)} if rule.names else {})
        for rule in rules
    ]
    return yaml.safe_dump(entries, default_flow_style=True, sort_keys=False, width=1000).strip()


def denied(cluster: KubernetesClient, namespace: str, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return what of the rules this client lacks in the namespace."""
    found = []
    for rule in rules:
        verbs = [verb for verb in rule.verbs if not _may(cluster, namespace, rule, verb)]
        if verbs:
            found.append(replace(rule, verbs=tuple(verbs)))
    return tuple(found)


def _may(cluster: KubernetesClient, namespace: str, rule: Rule, verb: str) -> bool:
    return all(cluster.may(verb, rule.resource, namespace, name) for name in rule.names or ("",))
