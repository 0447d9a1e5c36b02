"""Which GPUs are free. Pure: nodes and pods in, numbers out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

ENDED = ("Succeeded", "Failed")


def _amount(quantities: Mapping[str, Any] | None, resource: str) -> int:
    return int((quantities or {}).get(resource, 0))


def _requested(pod: Mapping[str, Any], resource: str) -> int:
    """Return what the scheduler reserves: the sum of containers, or the largest init container."""
    spec = pod["spec"]

    def amounts(kind: str) -> list[int]:
        return [
            _amount(container.get("resources", {}).get("requests"), resource)
            for container in spec.get(kind, [])
        ]

    return max(sum(amounts("containers")), *amounts("initContainers"), 0)


def free(
    nodes: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]], resource: str
) -> dict[str, tuple[int, int]]:
    """Return node -> (free, allocatable) for every node that offers the resource.

    Args:
        nodes: Node objects; those that are cordoned offer nothing.
        pods: Pod objects of all namespaces; those that ended hold nothing.
        resource: for instance "nvidia.com/gpu".
    """
    held: Counter[str] = Counter()
    for pod in pods:
        if pod.get("status", {}).get("phase") not in ENDED:
            held[pod["spec"].get("nodeName", "")] += _requested(pod, resource)
    free_by_node = {}
    for node in nodes:
        total = _amount(node.get("status", {}).get("allocatable"), resource)
        if total and not node["spec"].get("unschedulable"):
            name = node["metadata"]["name"]
            free_by_node[name] = (total - held[name], total)
    return free_by_node
