"""The rules that push_model, resolve_deployed and a rollout need, and how to ask for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import yaml

from kanaria.serving.kubernetes_api import resource_kinds
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import Resource


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Verbs that delivery uses on a resource; `names` limits them to these objects."""

    resource: Resource
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


NEEDED = (
    Rule(
        resource=resource_kinds.INFERENCE_SERVICES,
        verbs=("get", "list", "create", "patch", "delete"),
    ),
    Rule(resource=resource_kinds.SERVING_RUNTIMES, verbs=("list",)),
    Rule(resource=resource_kinds.REVISIONS, verbs=("list",)),
    Rule(resource=resource_kinds.HTTP_ROUTES, verbs=("get", "create", "patch")),
    Rule(resource=resource_kinds.PODS, verbs=("list",)),
    Rule(resource=resource_kinds.CONFIG_MAPS, verbs=("get", "create", "update")),
    Rule(resource=resource_kinds.LEASES, verbs=("get", "create", "update")),
    Rule(resource=resource_kinds.EVENT_SERIES, verbs=("create", "patch")),
)
"""In the namespace of the services: the Role of manifests/base/pipeline-rbac.yaml."""

KSERVE_NAMESPACE = "kserve"
CONFIGURATION = Rule(
    resource=resource_kinds.CONFIG_MAPS, verbs=("get",), names=("inferenceservice-config",)
)
"""In the namespace of KServe, whose configuration names the default mode and the gateway: the Role
of manifests/kserve."""

LAUNCHER = "kfp-launcher"
KFP = (
    Rule(resource=resource_kinds.WORKFLOW_TASK_RESULTS, verbs=("create", "patch")),
    Rule(resource=resource_kinds.WORKFLOWS, verbs=("get",)),
    Rule(resource=resource_kinds.CONFIG_MAPS, verbs=("get",), names=(LAUNCHER,)),
    Rule(resource=resource_kinds.PODS, verbs=("get",)),
)
"""In the namespace of a run, for KFP's own programs: the Role of manifests/runs, but for the
Secrets of the stores, whose names KFP's configuration tells."""


def delivery(namespace: str) -> dict[str, tuple[Rule, ...]]:
    """Return namespace -> rules that delivery needs there, for services in `namespace`."""
    return {namespace: NEEDED, KSERVE_NAMESPACE: (CONFIGURATION,)}


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


def missing(cluster: KubernetesClient, wanted: Mapping[str, Iterable[Rule]], user: str = "") -> str:
    """Return what to add, and where, so that `user` has the wanted rules; "" for nothing.

    Args:
        cluster: is asked for each verb.
        wanted: namespace -> rules.
        user: as `KubernetesClient.may` takes it.
    """
    lacks = [
        f"add to a Role in {where}: {as_yaml(lacking)}"
        for where, needed in wanted.items()
        if (lacking := denied(cluster, where, needed, user))
    ]
    return "; ".join(lacks)


def denied(
    cluster: KubernetesClient, namespace: str, rules: Iterable[Rule], user: str = ""
) -> tuple[Rule, ...]:
    """Return what of the rules a user lacks in the namespace; "" is this client itself."""
    refused = []
    for rule in rules:
        verbs = [verb for verb in rule.verbs if not _may(cluster, namespace, rule, verb, user)]
        if verbs:
            refused.append(replace(rule, verbs=tuple(verbs)))
    return tuple(refused)


def _may(cluster: KubernetesClient, namespace: str, rule: Rule, verb: str, user: str) -> bool:
    names = rule.names or ("",)
    return all(cluster.may(verb, rule.resource, namespace, name, user) for name in names)
