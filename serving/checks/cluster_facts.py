"""Reads the facts that the infrastructure check judges."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanaria.components.shared.errors import PermissionDeniedError
from kanaria.serving.checks.infrastructure_faults import Facts
from kanaria.serving.inference_service.service_spec import ServiceSpec

if TYPE_CHECKING:  # Local serving loads no Kubernetes client.
    from kanaria.serving.kubernetes_api.client import KubernetesClient

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
    from kanaria.serving.kubernetes_api import resource_kinds

    unseen: list[str] = []
    own = _listed(lambda: cluster.list(resource_kinds.SERVING_RUNTIMES, service.namespace), unseen)
    shared = _listed(lambda: cluster.list(resource_kinds.CLUSTER_SERVING_RUNTIMES), unseen)
    on_gpu = bool(service.placement.gpus)
    return Facts(
        model_bytes=model_bytes,
        runtimes=(*(own or ()), *(shared or ())),
        all_runtimes=own is not None and shared is not None,
        nodes=_listed(lambda: cluster.list(resource_kinds.NODES), unseen) if on_gpu else None,
        pods=_listed(lambda: cluster.list(resource_kinds.PODS), unseen) if on_gpu else None,
        unseen=tuple(unseen),
    )


def _listed(
    look: Callable[[], list[dict[str, Any]]], unseen: list[str]
) -> tuple[dict[str, Any], ...] | None:
    """Return what is found; what this account may not see is noted."""
    try:
        return tuple(look())
    except PermissionDeniedError as error:
        unseen.append(f"not looked at: {error}")
        return None
