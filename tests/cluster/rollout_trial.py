"""One service of a test with its rollouts: pushed, run by controller processes, and looked into."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from fault_proxy import FaultProxy, fault_proxy
from inference_services import InferenceServices, own_namespace, wait_until
from kubernetes import dynamic
from rollout_controller import POLICY, SERVICE, Settings, start
from traffic_history import History, Object, recorded

from kanaria.components.push.deliver_release import Endpoint, deliver
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.rollout.control.config_map_store import ConfigMapStore, head
from kanaria.serving.rollout.control.stored_rollout import Rollout, from_json
from kanaria.serving.rollout.decision.audit_record import replay
from kanaria.serving.rollout.decision.rollout_commands import begin
from kanaria.serving.rollout.observations.interval_observation import Observation
from kanaria.serving.rollout.policy import rollout_policy
from kanaria.serving.traffic.cluster_traffic import ClusterTraffic
from kanaria.serving.traffic.traffic_protocol import ServiceStatus

SECONDS = 120
"""After which a controller that does not end fails its test; none should need a fourth of it."""


RENEWAL = r"PUT .*/leases/"
"""A write that says nothing of the rollout: a death beside it is one before the next write."""


@dataclass
class Trial:
    """A service in one mode.

    Attributes:
        mode: KServe's deployment mode.
        services: its namespace.
        proxy: before the API server, for the controllers only.
        history: of the namespace.
        folder: for files.
    """

    mode: str
    services: InferenceServices
    proxy: FaultProxy
    history: History
    folder: Path
    deaths: int = 0
    cluster: KubernetesClient = field(default_factory=KubernetesClient.connect)
    _process: BaseProcess | None = None
    _starting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def namespace(self) -> str:
        return self.services.namespace

    @property
    def traffic(self) -> ClusterTraffic:
        return ClusterTraffic(self.cluster)

    @property
    def store(self) -> ConfigMapStore:
        return ConfigMapStore(self.cluster)

    def push(self, model: str, *, loads: bool = True) -> Endpoint:
        """Push a model at 0 % as the pipeline's step does."""
        annotations = {"serving.kserve.io/deploymentMode": self.mode}
        if not loads:
            annotations["kanaria.test/simulate"] = "load-failure"
        spec = ServiceSpec(
            name=SERVICE,
            namespace=self.namespace,
            storage_uri=f"s3://models/{model}/model",
            canary_percent=0,
            annotations=annotations,
        )
        return deliver(self.traffic, spec, SECONDS, str(self.folder / f"{model}.pending"))

    def status(self) -> ServiceStatus:
        status = self.traffic.observe(self.namespace, SERVICE)
        assert status is not None
        return status

    def shares(self) -> dict[str, int]:
        """Return model -> percent of the requests."""
        status = self.status()
        models = {name: uri.split("/")[3] for name, uri in status.revision_uris.items()}
        return {models[one.revision]: one.percent for one in status.traffic if one.percent}

    def until_shares(self, **wanted: int) -> None:
        wait_until(lambda: self.shares() == wanted, self.status)

    def run(self, errors: float = 0.0, starts: int = 1) -> str:
        """Roll out: run controllers, each after another's death; return why the last gave up.

        Args:
            errors: share of the canary's requests that fail.
            starts: of controllers at most, when those before gave up.
        """
        last = self.store.load(self.namespace, SERVICE)
        settings = Settings(
            url=self.proxy.url,
            namespace=self.namespace,
            folder=self.folder,
            number=last.rollout.number + 1 if last else 1,
            errors=errors,
        )
        reason = ""
        for _ in range(starts):
            while (code := self._run(settings)) < 0:
                self.deaths += 1
            reason = settings.take_reason()
            assert code == 0 or reason, settings.log.read_text()
            if not reason:
                break
        return reason

    def _run(self, settings: Settings) -> int:
        with self._starting:
            self._process = start(settings)
        self._process.join(SECONDS)
        assert self._process.exitcode is not None, "the controller does not end"
        return self._process.exitcode

    def kill(self) -> None:
        """End the controller at once."""
        # It may write before this process knows its id.
        with self._starting:
            assert self._process is not None
            self._process.kill()

    def rollout(self) -> Rollout:
        stored = self.store.load(self.namespace, SERVICE)
        assert stored is not None
        return stored.rollout

    def check(self) -> None:
        """Check what holds for every rollout, whatever happened to its controllers."""
        wait_until(lambda: self.history.note(self._config_map()))
        assert self.history.served_unready() == []
        for number in range(1, self.rollout().number + 1):
            self._check_record(number)
        self._check_order()

    def _config_map(self) -> Object:
        return self.services.object("v1", "ConfigMap", head(SERVICE))

    def _check_record(self, number: int) -> None:
        """The record has no gap and no repetition, and explains the state."""
        stored = self._last_state_of(number)
        entries = self.store.entries(self.namespace, SERVICE, number)
        intervals = [one.interval for one in entries if isinstance(one, Observation)]
        assert intervals == list(range(len(intervals)))
        times = [one.now for one in entries if isinstance(one, Observation)]
        assert times == sorted(set(times))
        assert len(entries) == stored.entries
        decisions = replay(begin(stored.started), entries, rollout_policy.parse(POLICY))
        assert decisions[-1].state == stored.state

    def _check_order(self) -> None:
        """The record grows by one entry a write, and no share is set that it does not desire."""
        desired: dict[int, set[int]] = {}
        entries: dict[int, int] = {}
        for state in self.history.states():
            if state["kind"] == "ConfigMap" and state["metadata"]["name"] == head(SERVICE):
                rollout = from_json(state["data"]["rollout.json"], "history")
                assert rollout.entries - entries.get(rollout.number, 0) in (0, 1)
                entries[rollout.number] = rollout.entries
                desired.setdefault(rollout.number, {0}).add(rollout.state.desired_percent)
            share = share_set(state)
            if share and desired:
                assert share in desired[max(desired)], (share, desired)

    def _last_state_of(self, number: int) -> Rollout:
        names = {head(SERVICE), f"{head(SERVICE)}-{number}"}
        states = [
            from_json(state["data"]["rollout.json"], "history")
            for state in self.history.states("ConfigMap")
            if state["metadata"]["name"] in names
        ]
        return [rollout for rollout in states if rollout.number == number][-1]


def share_set(state: Object) -> int | None:
    """Return the percentage that a state of the service sets for its newest revision."""
    if state["kind"] == "InferenceService" and state["metadata"]["name"] == SERVICE:
        percent = state["spec"]["predictor"].get("canaryTrafficPercent")
        return 100 if percent is None else int(percent)
    if state["kind"] == "HTTPRoute" and state["metadata"]["name"] == SERVICE:
        newest = state["metadata"]["annotations"]["kanaria.io/latest"]
        backends = state["spec"]["rules"][0]["backendRefs"]
        return sum(one["weight"] for one in backends if one["name"] == f"{newest}-predictor")
    return None


@contextmanager
def trial(api: dynamic.DynamicClient, mode: str, folder: Path) -> Iterator[Trial]:
    """Yield a service whose model `one` has all traffic."""
    with (
        own_namespace(api) as services,
        recorded(api, services.namespace) as history,
        fault_proxy(uncounted=RENEWAL) as proxy,
    ):
        own = folder / services.namespace
        own.mkdir()
        made = Trial(mode=mode, services=services, proxy=proxy, history=history, folder=own)
        made.push("one")
        made.until_shares(one=100)
        yield made
