"""Why a model does not load, from the pods that should serve it. Pure.

KServe tells it of the stable predictor (`status.modelStatus`); its field for a canary stays empty.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from kanaria.serving.traffic.traffic_protocol import LoadFailure

LOAD_FAILED = "ModelLoadFailed"
"""KServe's word."""
STUCK = ("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName")
"""Reasons of a container that waits because it, or its image, failed."""


def failure_in(pods: Iterable[Mapping[str, Any]]) -> LoadFailure | None:
    """Return why the first pod that failed did, or None when none has.

    A pod that was asked to end, and one that is ready, tell nothing.
    """
    for pod in pods:
        status = pod.get("status", {})
        if "deletionTimestamp" in pod["metadata"] or is_ready(pod):
            continue
        every = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
        for container in every:
            if failure := _of_container(container):
                return failure
    return None


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Tell whether a pod's condition Ready is true."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any((c["type"], c["status"]) == ("Ready", "True") for c in conditions)


def _of_container(container: Mapping[str, Any]) -> LoadFailure | None:
    waiting = container.get("state", {}).get("waiting") or {}
    ended = _ended(container.get("state", {})) or {}
    if waiting.get("reason") in STUCK:
        ended = _ended(container.get("lastState", {})) or {}
    elif not ended:
        return None
    # Who is killed for memory leaves no message, only its reason and 137.
    said = [ended.get("message") or waiting.get("message"), ended.get("reason")]
    text = next((sentence.strip() for sentence in said if sentence), waiting.get("reason", ""))
    code = f", exit code {ended['exitCode']}" if ended.get("exitCode") else ""
    return LoadFailure(reason=LOAD_FAILED, message=f"{container['name']}: {text}{code}")


def _ended(state: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return how a container ended, None when it runs or ended well."""
    ended = state.get("terminated") or {}
    return ended if ended.get("exitCode") else None
