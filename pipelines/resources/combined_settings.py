"""What holds only of all settings of a step together: the pipeline's own and the user's. Pure."""

from collections.abc import Mapping
from typing import Any

from kanaria.components.shared.config.parameters import Faults
from kanaria.pipelines.resources.pod_tasks import Leaf
from kanaria.serving.inference_service.quantity import amount

FIELDS = {"cpu": "Cpu", "memory": "Memory"}
NAMES = {
    "pvcMount": "constant",
    "secretAsVolume": "secretName",
    "configMapAsVolume": "configMapName",
    "emptyDirMounts": "volumeName",
    "genericEphemeralVolume": "volumeName",
}
"""Kind of mount -> where the name of its volume stands."""


def check(
    document: Mapping[str, Any], platform: Mapping[str, Any], steps: list[Leaf], faults: Faults
) -> None:
    """Add what does not go together in the steps to `faults`."""
    place = platform["platforms"].get("kubernetes", {}).get("deploymentSpec", {})
    kubernetes = place.get("executors", {})
    for leaf in steps:
        label = document["components"][leaf.task["componentRef"]["name"]]["executorLabel"]
        container = document["deploymentSpec"]["executors"][label]["container"]
        _check_limits(leaf.name, container.get("resources", {}), faults)
        _check_volumes(leaf.name, kubernetes.get(label, {}), faults)


def _check_limits(step: str, resources: Mapping[str, Any], faults: Faults) -> None:
    for name, field in FIELDS.items():
        request = resources.get(f"resource{field}Request")
        limit = resources.get(f"resource{field}Limit")
        # A parameter of the pipeline stands there as a placeholder, which is no amount.
        least, most = (amount(text) if isinstance(text, str) else None for text in (request, limit))
        if least is not None and most is not None:
            remedy = f"it is above the limit, {limit!r}; set both"
            faults.check(least <= most, f"{step}: resources.requests.{name}", request, remedy)


def _check_volumes(step: str, kubernetes: Mapping[str, Any], faults: Faults) -> None:
    paths: dict[str, str] = {}
    for kind, field in NAMES.items():
        for mount in kubernetes.get(kind, []):
            name, path = mount.get(field, ""), mount["mountPath"]
            other = paths.setdefault(name, path) if name else path
            if other != path:
                faults.add(
                    f"{step}: volumes: {name!r} is mounted at {other} and at {path}; KFP names the "
                    "pod's volume after it, so mount it once"
                )
