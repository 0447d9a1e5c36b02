"""Reads the facts that the infrastructure check judges."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanaria.components.shared.errors import PermissionDeniedError
from kanaria.serving.checks.infrastructure import Facts
from kanaria.serving.inference_service.spec import ServiceSpec

if TYPE_CHECKING:  # Local serving loads no Kubernetes client.
    from kanaria.serving.kubernetes_client import KubernetesClient

LOCAL = "runtime and GPUs were not looked at: local serving has none"


def read(cluster: "KubernetesClient | None", service: ServiceSpec, model: Path) -> Facts:
    """Return what is known of the world around a service.

    Args:
        cluster: where it will run; None for local serving.
        service: what is asked for.
        model: folder with the model's files.
    """
    model_bytes = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    if cluster is None:
        return Facts(model_bytes=model_bytes, unseen=(LOCAL,))
    unseen: list[str] = []
    runtimes = _seen(lambda: _runtimes(cluster, service.namespace), unseen)
    on_gpu = service.placement.gpus > 0
    return Facts(
        model_bytes=model_bytes,
        runtimes=runtimes,
        nodes=_seen(lambda: _nodes(cluster), unseen) if on_gpu else None,
        pods=_seen(lambda: _pods(cluster), unseen) if on_gpu else None,
        unseen=tuple(unseen),
    )


Objects = tuple[dict[str, Any], ...]


def _seen(look: Callable[[], Objects], unseen: list[str]) -> Objects | None:
    """Return what is found; what this account may not see is noted."""
    try:
        return look()
    except PermissionDeniedError as error:
        unseen.append(f"not looked at: {error}")
        return None


def _runtimes(cluster: "KubernetesClient", namespace: str) -> Objects:
    from kanaria.serving import kubernetes_client as kubernetes

    own = cluster.list(kubernetes.SERVING_RUNTIMES, namespace)
    return (*own, *cluster.list(kubernetes.CLUSTER_SERVING_RUNTIMES))


def _nodes(cluster: "KubernetesClient") -> Objects:
    from kanaria.serving import kubernetes_client as kubernetes

    return tuple(cluster.list(kubernetes.NODES))


def _pods(cluster: "KubernetesClient") -> Objects:
    from kanaria.serving import kubernetes_client as kubernetes

    return tuple(cluster.list(kubernetes.PODS))
