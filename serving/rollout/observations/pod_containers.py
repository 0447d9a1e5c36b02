"""Restarts and ends for memory of a revision's containers, from its pods."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from kanaria.serving.kubernetes_api.resource_kinds import PODS, Object, Resource
from kanaria.serving.protocol.annotation_names import SERVICE_LABEL
from kanaria.serving.rollout.observations.observation_source import Container, Revisions

OUT_OF_MEMORY = "OOMKilled"
SELECTORS = (
    "serving.knative.dev/revision={}",
    SERVICE_LABEL + "={}",
    "app=isvc.{}-predictor",
)
"""Labels of a revision's pods: in Knative mode, as an InferenceService, as a part of one."""


class Cluster(Protocol):
    """What is needed of a `KubernetesClient`."""

    def list(self, resource: Resource, namespace: str = "", labels: str = "") -> list[Object]:
        """Return the objects of a namespace that a label selector names."""


def of_revision(cluster: Cluster, revisions: Revisions, revision: str) -> list[Object]:
    """Return the pods of a revision."""
    matches = (
        cluster.list(PODS, revisions.namespace, selector.format(revision)) for selector in SELECTORS
    )
    return next((pods for pods in matches if pods), [])


def containers(pods: Iterable[Mapping[str, Any]]) -> tuple[Container, ...]:
    """Return the containers of pods, those that initialise and those beside the model included.

    Kubernetes counts a container's restarts, but tells the cause of the last end only. An end for
    memory is therefore a container of its own, by its id: it stays the same one while it is told
    of, first as the state and then as the last state. Of several such ends between two readings
    only the last is seen; they are all seen as restarts.
    """
    return tuple(container for pod in pods for container in _of_pod(pod))


def _of_pod(pod: Mapping[str, Any]) -> Iterator[Container]:
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    every = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
    for one in every:
        place = f"{name}/{one['name']}"
        yield Container(name=place, restarts=one.get("restartCount", 0), oom_kills=0)
        for state in (one.get("state", {}), one.get("lastState", {})):
            ended = state.get("terminated") or {}
            if ended.get("reason") == OUT_OF_MEMORY:
                which = ended.get("containerID") or ended.get("finishedAt")
                yield Container(name=f"{place}/{which}", restarts=0, oom_kills=1)
