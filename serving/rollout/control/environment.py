"""Finds what a controller works with in the environment: local serving, or a cluster."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.audit.trail_files import FileTrails
from kanaria.serving.audit.trail_store import TrailStore
from kanaria.serving.drift_token import SERVER as DRIFT_SERVER
from kanaria.serving.file_lease import FileLease
from kanaria.serving.rollout.control.audited_store import AuditedStore
from kanaria.serving.rollout.control.file_store import FOLDER, FileStore
from kanaria.serving.rollout.control.reconcile_rollout import World
from kanaria.serving.rollout.control.rollout_store import Store, Stored
from kanaria.serving.rollout.control.service_threads import LeaseOf, Listener
from kanaria.serving.rollout.observations.observation_source import Reading, Revisions, Source
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.traffic.find_traffic import LOCAL_STATE, connect_cluster
from kanaria.serving.traffic.local_traffic import LocalTraffic
from kanaria.serving.traffic.traffic_protocol import Traffic

if TYPE_CHECKING:
    from kanaria.serving.kubernetes_api.client import KubernetesClient
    from kanaria.serving.rollout.control.kubernetes_events import OutcomeListener

PROMETHEUS_URL, PROMETHEUS_QUERIES = "KANARIA_PROMETHEUS_URL", "KANARIA_PROMETHEUS_QUERIES"
DEFAULT_QUERIES = "knative"


class NoSource:
    """For those who only finish what is decided: nothing is read."""

    def read(self, _revisions: Revisions, /) -> Reading:
        """Return a reading without any answer."""
        return Reading(now=time.time())


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where services and their rollouts are.

    Attributes:
        traffic: sets the traffic.
        store: keeps rollouts, and tells the trails.
        trails: keeps the audit trails.
        lease_of: (namespace, service) -> lease.
        source: makes the source of numbers; raises ParameterError where none is configured.
        cluster: the cluster's client; None for local serving.
        drift_server: URL of the drift server whose numbers are in the source, "" for none.
    """

    traffic: Traffic
    store: Store
    trails: TrailStore
    lease_of: LeaseOf
    source: Callable[[], Source]
    cluster: "KubernetesClient | None" = None
    drift_server: str = ""

    def require(self, policy: Policy) -> None:
        """Refuse a policy whose gates would wait for data for ever.

        Raises:
            ParameterError: its gates compare models, and no drift server is named.
        """
        if policy.gates.on_models and not self.drift_server:
            names = ", ".join(policy.gates.on_models)
            raise ParameterError(
                f"policy: its gates {names} ask a drift server, and none is named; set its URL "
                f"(--drift-server, drift_server_url or {DRIFT_SERVER}), or write false for them"
            )

    def listener(
        self, *listeners: Listener, note_event: "OutcomeListener" = lambda _: None
    ) -> Listener:
        """Return one that tells all listeners, and in a cluster `kubectl describe` too.

        Args:
            listeners: that are told of each rollout.
            note_event: is told what became of each Event that the cluster is told of.
        """
        everyone = list(listeners)
        if self.cluster is not None:
            from kanaria.serving.rollout.control.kubernetes_events import EventListener

            everyone.append(EventListener(self.cluster, note_event))

        def tell(stored: Stored) -> None:
            for listener in everyone:
                listener(stored)

        return tell

    def world(self, *, reads: bool = True) -> World:
        """Return what a controller works with; without reading it cannot decide."""
        source = self.source() if reads else NoSource()
        return World(traffic=self.traffic, store=self.store, source=source, now=time.time)


@contextmanager
def connect(
    state: str = "",
    prometheus_url: str = "",
    prometheus_queries: str = "",
    drift_server: str = "",
    *,
    needs_server: bool = False,
) -> Iterator[Place]:
    """Yield the place of this environment.

    Args:
        state: state folder of local serving, else KANARIA_SERVING_ROOT; without either it is the
            cluster around this pod, or of the kubeconfig.
        prometheus_url: of the cluster's Prometheus, else KANARIA_PROMETHEUS_URL.
        prometheus_queries: name of a set in `observations/queries.yaml`, or FILE.yaml:NAME; else
            KANARIA_PROMETHEUS_QUERIES, else "knative".
        drift_server: URL of the drift server that keeps the service's payload log, else
            KANARIA_DRIFT_SERVER; without one, gates on what models answer have no data.
        needs_server: whether looking at a local service needs a live server, see LocalTraffic.

    Raises:
        NotReadyError: there is neither.
    """
    folder = state or os.environ.get(LOCAL_STATE, "")
    compared = drift_server or os.environ.get(DRIFT_SERVER, "")
    if folder:
        with LocalTraffic(Path(folder), needs_server=needs_server) as traffic:
            yield _local(Path(folder).resolve(), traffic, compared)
    else:
        url = prometheus_url or os.environ.get(PROMETHEUS_URL, "")
        queries = prometheus_queries or os.environ.get(PROMETHEUS_QUERIES, DEFAULT_QUERIES)
        yield _cluster(url, queries, compared)


def _local(state: Path, traffic: Traffic, drift_server: str) -> Place:
    from kanaria.serving.rollout.observations.drift_server_source import DriftServerSource
    from kanaria.serving.rollout.observations.router_source import RouterSource

    def lease_of(namespace: str, service: str) -> FileLease:
        return FileLease(state / namespace / service / FOLDER / "controller.lock")

    trails = FileTrails(state)
    return Place(
        traffic=traffic,
        store=AuditedStore(FileStore(state), trails),
        trails=trails,
        lease_of=lease_of,
        source=lambda: DriftServerSource(RouterSource(state), drift_server),
        drift_server=drift_server,
    )


def _cluster(prometheus_url: str, queries: str, drift_server: str) -> Place:
    from kanaria.serving.audit.trail_config_maps import ConfigMapTrails
    from kanaria.serving.rollout.control.config_map_store import ConfigMapStore
    from kanaria.serving.rollout.control.kubernetes_lease import KubernetesLease
    from kanaria.serving.traffic.cluster_traffic import ClusterTraffic

    cluster = connect_cluster()

    def lease_of(namespace: str, service: str) -> KubernetesLease:
        return KubernetesLease(cluster, namespace, service, f"{socket.gethostname()}-{os.getpid()}")

    trails = ConfigMapTrails(cluster)
    return Place(
        traffic=ClusterTraffic(cluster),
        store=AuditedStore(ConfigMapStore(cluster), trails),
        trails=trails,
        lease_of=lease_of,
        cluster=cluster,
        source=lambda: _prometheus(prometheus_url, queries, drift_server, cluster),
        drift_server=drift_server,
    )


def _prometheus(url: str, queries: str, drift_server: str, cluster: "KubernetesClient") -> Source:
    from kanaria.serving.rollout.observations.drift_server_source import DriftServerSource
    from kanaria.serving.rollout.observations.prometheus_queries import OWN, choose
    from kanaria.serving.rollout.observations.prometheus_source import PrometheusSource

    if not url:
        raise ParameterError(
            f"prometheus_url='': a rollout on a cluster is judged by Prometheus; name it, or set "
            f"{PROMETHEUS_URL}"
        )
    file, _, name = queries.rpartition(":")
    counted = PrometheusSource(url, choose(name, Path(file) if file else OWN), cluster)
    return DriftServerSource(counted, drift_server)
