"""Plays the part of KServe that 0.20 lacks: the weights of `spec.canary` in its HTTPRoutes.

The real controller of KServe 0.20 makes everything else: Deployments, Services, the route without
weights, and the status of each canary. This follows what the source of the next KServe says: a
canary that its status calls ready gets its weight, at 0 % too; one that is not is left out, and its
share is the stable predictor's. The real controller of a later KServe has not been run.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kanaria.components.shared.errors import ConflictError
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import HTTP_ROUTES, INFERENCE_SERVICES

Object = dict[str, Any]
PAUSE_SECONDS = 0.1


@contextmanager
def routing_canaries(cluster: KubernetesClient, namespace: str) -> Iterator[None]:
    """Keep the weights in a namespace's routes what its InferenceServices say."""
    ends = threading.Event()

    def follow() -> None:
        while not ends.wait(PAUSE_SECONDS):
            for service in cluster.list(INFERENCE_SERVICES, namespace):
                _route(cluster, service)

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        yield
    finally:
        ends.set()
        follower.join()


def _route(cluster: KubernetesClient, service: Object) -> None:
    metadata, spec = service["metadata"], service["spec"]
    route = cluster.get(HTTP_ROUTES, metadata["namespace"], metadata["name"])
    stable = _service(metadata["name"], spec["predictor"])
    # Before the stable predictor has changed, KServe's own backend is that of the one before.
    if route is None or not _is_backend(route, stable):
        return
    statuses = service.get("status", {}).get("canaryStatuses") or []
    ready = {one["name"] for one in statuses if one["ready"]}
    canaries = [
        (_service(metadata["name"], entry["predictor"]), entry["trafficPercent"])
        for entry in spec.get("canary", [])
        if entry["predictor"]["name"] in ready
    ]
    shares = [(stable, 100 - sum(percent for _, percent in canaries)), *canaries]
    rules = [rule | {"backendRefs": _backends(rule, shares)} for rule in route["spec"]["rules"]]
    if rules == route["spec"]["rules"]:
        return
    version = route["metadata"]["resourceVersion"]
    patch = {"spec": {"rules": rules}}
    try:
        cluster.merge_patch(HTTP_ROUTES, metadata["namespace"], metadata["name"], patch, version)
    except ConflictError:
        return  # The controller has written; the next turn sees it.


def _is_backend(route: Object, name: str) -> bool:
    return all(
        name in [one["name"] for one in rule["backendRefs"]] for rule in route["spec"]["rules"]
    )


def _backends(rule: Object, shares: list[tuple[str, int]]) -> list[Object]:
    like = rule["backendRefs"][0]
    return [like | {"name": name, "weight": percent} for name, percent in shares]


def _service(name: str, predictor: Object) -> str:
    own = predictor.get("name", "")
    return f"{name}-{own}-predictor" if own else f"{name}-predictor"
