"""Finds the way to deliver from the environment, so that no component knows about a machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.traffic.local_traffic import LocalTraffic
from kanaria.serving.traffic.traffic_protocol import Traffic

if TYPE_CHECKING:  # Local serving loads no Kubernetes client.
    from kanaria.serving.kubernetes_api.client import KubernetesClient

LOCAL_STATE = "KANARIA_SERVING_ROOT"
LOCAL_NAMESPACE = "default"
"""Of local services, as of a manifest that names none."""


def namespace_of(named: str = "", state: str = "") -> str:
    """Return the namespace that a service is looked for in: the given one, else the run's own.

    The run's own is that of the pod in which this is called, outside a cluster that of the
    kubeconfig's context, as for kubectl; on one machine it is "default".

    Args:
        named: what the user named, or "".
        state: state folder of local serving, else KANARIA_SERVING_ROOT.

    Raises:
        NotReadyError: this is a pod that cannot tell its namespace.
    """
    if named:
        return named
    if state or os.environ.get(LOCAL_STATE):
        return LOCAL_NAMESPACE
    from kanaria.serving.kubernetes_api.cluster_choice import own_namespace

    return own_namespace()


@contextmanager
def connect() -> Iterator[Traffic]:
    """Yield the Traffic of this environment.

    With KANARIA_SERVING_ROOT set, that is local serving with this state folder; else it is the
    cluster around this pod, or of the kubeconfig.

    Raises:
        NotReadyError: the environment names no way to deliver.
    """
    state = os.environ.get(LOCAL_STATE, "")
    if state:
        with LocalTraffic(Path(state)) as traffic:
            yield traffic
    else:
        # Local serving loads no Kubernetes client.
        from kanaria.serving.traffic.cluster_traffic import ClusterTraffic

        yield ClusterTraffic(connect_cluster())


def connect_cluster() -> "KubernetesClient":
    """Return the client of the cluster around this pod, or of the kubeconfig.

    Raises:
        NotReadyError: there is neither.
    """
    from kanaria.serving.kubernetes_api.client import KubernetesClient

    try:
        return KubernetesClient.connect()
    except NotReadyError as error:
        raise NotReadyError(
            f"no way to deliver is configured: {error}; on one machine set {LOCAL_STATE} to the "
            "state folder of local serving"
        ) from error
