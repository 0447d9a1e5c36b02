"""Finds the way to deliver from the environment, so that no component knows about a machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.traffic.local import LocalTraffic
from kanaria.serving.traffic.protocol import Traffic

if TYPE_CHECKING:
    from kanaria.serving.kubernetes_client import KubernetesClient

LOCAL_STATE = "KANARIA_SERVING_ROOT"


@contextmanager
def connect() -> Iterator[Traffic]:
    """Yield the Traffic of this environment.

    With KANARIA_SERVING_ROOT set, that is local serving with this state folder; else it is the
    cluster around this pod, or of the kubeconfig.

    Raises:
        NotReadyError: the environment names no way to deliver.
    """
    cluster = cluster_client()
    if cluster is None:
        with LocalTraffic(Path(os.environ[LOCAL_STATE])) as traffic:
            yield traffic
        return
    from kanaria.serving.traffic.cluster import ClusterTraffic

    yield ClusterTraffic(cluster)


def cluster_client() -> "KubernetesClient | None":
    """Return the client of the cluster, None with local serving.

    Raises:
        NotReadyError: the environment names no way to deliver.
    """
    if os.environ.get(LOCAL_STATE):
        return None
    # Local serving loads no Kubernetes client.
    from kanaria.serving.kubernetes_client import KubernetesClient

    try:
        return KubernetesClient.connect()
    except NotReadyError as error:
        raise NotReadyError(
            f"no way to deliver is configured: {error}; on one machine set {LOCAL_STATE} to the "
            "state folder of local serving"
        ) from error
