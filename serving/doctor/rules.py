"""The rules that push_model, resolve_deployed and a rollout need, and how to ask for them."""

from collections.abc import Iterable
from dataclasses import dataclass

import yaml

from kanaria.serving import kubernetes_client as kubernetes
from kanaria.serving.kubernetes_client import Resource

WRITE = ("get", "list", "create", "patch")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Verbs that delivery uses on a resource."""

    resource: Resource
    verbs: tuple[str, ...]


NEEDED = (
    Rule(resource=kubernetes.INFERENCE_SERVICES, verbs=WRITE),
    Rule(resource=kubernetes.REVISIONS, verbs=("get", "list")),
    Rule(resource=kubernetes.PODS, verbs=("get", "list")),
    Rule(resource=kubernetes.CONFIG_MAPS, verbs=("get", "create", "update")),
    Rule(resource=kubernetes.LEASES, verbs=("get", "create", "update")),
)


def as_yaml(rules: Iterable[Rule]) -> str:
    """Return rules as the `rules` of a Role in YAML's flow style, on one line."""
    entries = [
        {
            "apiGroups": [rule.resource.group],
            "resources": [rule.resource.plural],
            "verbs": list(rule.verbs),
        }
        for rule in rules
    ]
    return yaml.safe_dump(entries, default_flow_style=True, sort_keys=False, width=1000).strip()
