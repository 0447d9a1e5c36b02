"""A controller of one rollout as a process of its own, which a test may kill at any moment.

It is the product's loop over the product's parts; only the numbers come from here, since
simulated pods answer nobody.
"""

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from kubernetes import client

from kanaria.components.shared.errors import KanariaError
from kanaria.components.shared.storage import atomic
from kanaria.serving.kubernetes_api import repeated_requests
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.config_map_store import ConfigMapStore
from kanaria.serving.rollout.control.controller import Pace, run
from kanaria.serving.rollout.control.kubernetes_lease import KubernetesLease
from kanaria.serving.rollout.control.reconcile_rollout import World
from kanaria.serving.rollout.observations.observation_source import Reading, Revisions
from kanaria.serving.rollout.observations.replica_counters import Replica
from kanaria.serving.rollout.policy import rollout_policy
from kanaria.serving.traffic.cluster_traffic import ClusterTraffic
from kanaria.serving.traffic.traffic_protocol import Traffic

SERVICE = "taxi"
REQUESTS = 2000
"""Between two readings, dealt out as the traffic says."""
SECONDS = 0.3
"""Between two looks, each of which decides."""
POLICY = """
steps:
  - {percent: 10, minimum_requests: 100, minimum_minutes: 0}
  - {percent: 50, minimum_requests: 100, minimum_minutes: 0}
gates: {latency: false}
ready_minutes: 0.05
"""

# A process forked from one that has loaded everything starts at once.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a controller process needs.

    Attributes:
        url: of the API server, or of a proxy before it.
        namespace: of the service.
        folder: where requests are counted over all deaths of the controller.
        number: of the rollout, which is begun unless a controller that died has done so.
        errors: share of the canary's requests that fail.
    """

    url: str
    namespace: str
    folder: Path
    number: int = 1
    errors: float = 0.0

    @property
    def log(self) -> Path:
        """Where a controller's traceback goes, if it has one."""
        return self.folder / "stderr"

    def keep_reason(self, reason: str) -> None:
        """Keep why a controller gave up."""
        (self.folder / "reason").write_text(reason)

    def take_reason(self) -> str:
        """Return why the last controller gave up, "" when it did not, and forget it."""
        file = self.folder / "reason"
        reason = file.read_text() if file.exists() else ""
        file.unlink(missing_ok=True)
        return reason


def start(settings: Settings) -> BaseProcess:
    process = _PROCESSES.Process(target=_control, args=(settings,), daemon=True)
    process.start()
    return process


def client_of(url: str) -> KubernetesClient:
    """Return a client of a proxy."""
    settings = client.Configuration(host=url)
    settings.retries = False
    return KubernetesClient(client.ApiClient(settings))


class DealtRequests:
    """The Source: requests are dealt out between two readings as the real traffic is."""

    def __init__(self, traffic: Traffic, settings: Settings):
        self._traffic, self._errors = traffic, settings.errors
        self._totals = settings.folder / "requests.json"

    def read(self, revisions: Revisions) -> Reading:
        status = self._traffic.observe(revisions.namespace, revisions.service)
        totals = json.loads(self._totals.read_text()) if self._totals.exists() else {}
        for share in status.traffic if status else ():
            dealt = REQUESTS * share.percent // 100
            totals[share.revision] = totals.get(share.revision, 0) + dealt
        atomic.write_text(self._totals, json.dumps(totals))
        canary = _replica(revisions.canary, totals, self._errors)
        stable = _replica(revisions.stable, totals, 0.0)
        return Reading(now=time.time(), canary=(canary,), stable=(stable,), containers=())


def _replica(revision: str, totals: Mapping[str, int], errors: float) -> Replica:
    requests = totals.get(revision, 0)
    return Replica(name=revision, requests=requests, errors=int(requests * errors))


def _control(settings: Settings) -> None:
    sys.stderr = settings.log.open("a")
    repeated_requests.WAITS_SECONDS = (0.05,) * 5
    repeated_requests.TIMEOUT_SECONDS = (1.0, 3.0)
    cluster = client_of(settings.url)
    traffic, store = ClusterTraffic(cluster), ConfigMapStore(cluster)
    # The world counts requests whether or not the controller reaches the API server.
    source = DealtRequests(ClusterTraffic(KubernetesClient.connect()), settings)
    try:
        last = store.load(settings.namespace, SERVICE)
        if last is None or last.rollout.number < settings.number:
            rules = rollout_policy.parse(POLICY)
            beginning = operations.Beginning(policy=rules, who="test", now=time.time())
            operations.start(store, traffic, settings.namespace, SERVICE, beginning)
        run(
            World(traffic=traffic, store=store, source=source, now=time.time),
            operations.newest(store, settings.namespace, SERVICE),
            # The same holder after a death, as a container that restarts in its pod.
            lease=KubernetesLease(cluster, settings.namespace, SERVICE, "controller"),
            listener=lambda _: None,
            pace=Pace(interval_seconds=SECONDS, poll_seconds=SECONDS),
        )
    except KanariaError as error:
        settings.keep_reason(str(error))
        os._exit(1)
