"""Why a pod of a step does not run, from what Kubernetes and Argo say of it. Pure.

Sources: the types PodStatus and Event of Kubernetes; the reasons that the kubelet gives to a
waiting container (its packages images and kuberuntime); the node's message in Argo's Workflow.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kanaria.components.shared.one_line import one_line

NODE_NAME = "workflows.argoproj.io/node-name"
STARTING = ("", "ContainerCreating", "PodInitializing")
"""Reasons of a container that waits for something else."""
DRIVER = "-driver"
FAILED = ("Failed", "Error")
"""Phases of a node of Argo."""
Object = Mapping[str, Any]


def step_of(pod: Object) -> str:
    """Return the step that a pod belongs to, by its node's path: `w.root.train-model.executor`."""
    return _step(str((pod["metadata"].get("annotations") or {}).get(NODE_NAME, "")))


def _step(path: str) -> str:
    parts = [part for part in path.split(".") if not part.startswith("executor")]
    return parts[-1].removesuffix(DRIVER) if parts else ""


def _containers(pod: Object) -> Iterator[Object]:
    """Yield the statuses of all containers, those that run first in front."""
    status = pod.get("status", {})
    for kind in ("initContainerStatuses", "containerStatuses"):
        yield from status.get(kind) or []


def _held_up(pod: Object) -> str:
    """Return the reason and message of the first container that waits for its own sake."""
    for container in _containers(pod):
        waiting = container.get("state", {}).get("waiting") or {}
        reason, message = waiting.get("reason", ""), waiting.get("message", "")
        if reason not in STARTING:
            image = str(container.get("image", ""))
            named = f" (image {image})" if image and image not in message else ""
            return f"{reason}{': ' if message else ''}{message}{named}"
    return ""


def _unscheduled(pod: Object) -> str:
    """Return why the pod has no node."""
    for condition in pod.get("status", {}).get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"{condition.get('reason', 'Unschedulable')}: {condition.get('message', '')}"
    return ""


def _moment(event: Object) -> str:
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((str(time) for time in times if time), "")


def warned(events: Iterable[Object]) -> str:
    """Return the newest warning, for instance of a secret that cannot be mounted; or ""."""
    warnings = sorted((e for e in events if e.get("type") == "Warning"), key=_moment)
    last = warnings[-1] if warnings else {}
    return one_line(f"{last.get('reason', '')}: {last.get('message', '')}") if last else ""


def starting(pod: Object) -> str:
    """Return what a pod does that has no trouble yet."""
    reasons = [
        str((container.get("state", {}).get("waiting") or {}).get("reason", ""))
        for container in _containers(pod)
    ]
    return next((reason for reason in reasons if reason), "no node has taken the pod yet")


def waits(pod: Object) -> bool:
    """Tell whether the pod has yet to run."""
    return bool(pod.get("status", {}).get("phase", "Pending") == "Pending")


def held_up(pod: Object) -> str:
    """Return why a pod does not run, by its own status; "" when that tells nothing."""
    return one_line(_held_up(pod) or _unscheduled(pod))


def postponed(workflow: Object) -> dict[str, str]:
    """Return step -> what Argo says of it while it has no pod; "" is the Workflow as a whole."""
    status = workflow.get("status") or {}
    messages = {"": str(status.get("message") or "")}
    if not status.get("phase"):
        messages[""] = "Argo's workflow controller has not taken the Workflow up; does it run?"
    for node in (status.get("nodes") or {}).values():
        if node.get("phase") == "Pending" and node.get("message"):
            messages[_step(str(node.get("name", "")))] = str(node["message"])
    return {step: one_line(message) for step, message in messages.items() if message}


def failures(workflow: Object) -> dict[str, str]:
    """Return step -> what Argo says of its pod that failed; "" is the Workflow as a whole."""
    status = workflow.get("status") or {}
    messages = {"": str(status.get("message") or "")}
    for node in (status.get("nodes") or {}).values():
        if node.get("type") == "Pod" and node.get("phase") in FAILED and node.get("message"):
            messages[_step(str(node.get("name", "")))] = str(node["message"])
    return {step: one_line(message) for step, message in messages.items() if message}
