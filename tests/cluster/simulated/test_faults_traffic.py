"""Each verb of Traffic, with each single fault at each of its requests, on the real controllers.

A verb that fails is called again, as a pipeline or a controller does. What is wanted must be
applied then, and no state that the API server ever held may give an unready revision requests.
The verbs are called one after another without waiting for the controllers in between, so their
reports of status meet the writes.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import product

import pytest
from fault_proxy import (
    FaultProxy,
    Schedule,
    answer_old,
    at,
    fault_proxy,
    lose_answer,
    lose_request,
    never,
    refuse,
)
from inference_services import InferenceServices, wait_until
from kubernetes import client, dynamic
from routing_kserve import routing_canaries
from traffic_history import History, recorded

from kanaria.components.shared.errors import KanariaError, NotReadyError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.kubernetes_api import repeated_requests
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.traffic.canary_spec import CanarySpecTraffic
from kanaria.serving.traffic.cluster_traffic import ClusterTraffic
from kanaria.serving.traffic.traffic_protocol import ServiceStatus, Traffic

FAULTS = {
    "409": refuse(409),
    "429": refuse(429, Retry_After="0"),
    "500": refuse(500),
    "503": refuse(503),
    "lost request": lose_request,
    "lost answer": lose_answer,
    "old answer": answer_old,
}
# What has to come true before the next one can begin takes its time.
FAULTS_OF_SLOW_VERBS = {name: FAULTS[name] for name in ("409", "lost answer", "old answer")}
BY_CLUSTER = ("Knative", "Standard")
CANARY_SPEC = "spec.canary"
MODES = (*BY_CLUSTER, CANARY_SPEC)
RETRIES = 4
NAME = "taxi"


@dataclass
class Service:
    """A service of one mode, its verbs behind the proxy, and every state it ever was in."""

    mode: str
    services: InferenceServices
    proxy: FaultProxy
    traffic: Traffic
    history: History

    def stage(self, model: str, **simulated: str) -> None:
        uri = self.uri(model)
        marks = {f"kanaria.test/{name}": value for name, value in simulated.items()}
        mode = "Standard" if self.mode == CANARY_SPEC else self.mode
        annotations = {"serving.kserve.io/deploymentMode": mode, **marks}
        spec = ServiceSpec(
            name=NAME,
            namespace=self.services.namespace,
            storage_uri=uri,
            annotations=annotations,
        )
        self.traffic.stage(build(spec))

    def uri(self, model: str) -> str:
        return f"s3://models/{model}"

    def shift(self, percent: int) -> None:
        self.traffic.shift(self.services.namespace, NAME, percent)

    def promote(self) -> None:
        self.traffic.promote(self.services.namespace, NAME)

    def rollback(self) -> None:
        self.traffic.rollback(self.services.namespace, NAME)

    def status(self) -> ServiceStatus:
        return self.traffic.observe(self.services.namespace, NAME)

    def until(self, holds: Callable[[ServiceStatus], bool]) -> ServiceStatus:
        wait_until(lambda: holds(self.status()), lambda: self.status())
        return self.status()

    def until_ready(self, model: str) -> None:
        uri = self.uri(model)
        self.until(lambda status: status.revision_uris.get(status.latest_ready) == uri)

    def lets_load(self, model: str) -> bool:
        """Let the pods that wait become ready; tell whether the model is."""
        self.services.make_ready()
        status = self.status()
        return status.revision_uris.get(status.latest_ready) == self.uri(model)

    def until_shares(self, **wanted: int) -> None:
        self.until(lambda status: self.shares(status) == wanted)

    def shares(self, status: ServiceStatus) -> dict[str, int]:
        models = {name: uri.rsplit("/", 1)[1] for name, uri in status.revision_uris.items()}
        return {models[one.revision]: one.percent for one in status.traffic if one.percent}


@pytest.fixture(params=MODES)
def service(
    request: pytest.FixtureRequest,
    services: InferenceServices,
    api: dynamic.DynamicClient,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Service]:
    """A service with the model `one` stable and `two` on trial at 0 %, both ready."""
    monkeypatch.setattr(repeated_requests, "WAITS_SECONDS", (0.0,) * 5)
    history_of = recorded(api, services.namespace)
    with ExitStack() as stack, fault_proxy() as proxy, history_of as history:
        settings = client.Configuration(host=proxy.url)
        settings.retries = False
        cluster = KubernetesClient(client.ApiClient(settings))
        is_spec = request.param == CANARY_SPEC
        traffic = CanarySpecTraffic(cluster) if is_spec else ClusterTraffic(cluster)
        routing = routing_canaries(KubernetesClient.connect(), services.namespace)
        stack.enter_context(routing if is_spec else nullcontext())
        made = Service(request.param, services, proxy, traffic, history)
        made.stage("one")
        made.until_shares(one=100)
        made.stage("two")
        made.until_ready("two")
        made.until_shares(one=100)
        yield made
        assert history.served_unready() == []


def survive(service: Service, verb: Callable[[], None], schedule: Schedule) -> None:
    """Call a verb, and again when it fails."""
    service.proxy.use(schedule)
    failures: list[str] = []
    while True:
        try:
            verb()
            break
        except KanariaError as error:
            failures.append(str(error))
            assert len(failures) < RETRIES, failures
    service.proxy.use(never)


def requests_of(service: Service, verb: Callable[[], None]) -> int:
    """Call a verb without faults; return how many requests it made."""
    service.proxy.use(never)
    verb()
    return len(service.proxy.requests)


def test_a_shift_survives_every_fault_at_every_request(service: Service):
    requests = requests_of(service, lambda: service.shift(50))
    for number, fault in product(range(1, requests + 1), FAULTS):
        service.shift(10)
        survive(service, lambda: service.shift(50), at(number, FAULTS[fault]))
        assert service.status().canary_percent == 50, (number, fault)
    service.until_shares(one=50, two=50)


# A rollback that removes the entry is one: the next has nothing to go back from.
@pytest.mark.parametrize("service", BY_CLUSTER, indirect=True)
def test_a_rollback_survives_every_fault_at_every_request(service: Service):
    requests = requests_of(service, service.rollback)
    for number, fault in product(range(1, requests + 1), FAULTS):
        service.shift(10)
        survive(service, service.rollback, at(number, FAULTS[fault]))
        assert service.status().canary_percent == 0, (number, fault)
    service.until_shares(one=100)


def test_a_promotion_survives_faults_at_every_request(service: Service):
    requests = requests_of(service, service.promote)
    for number, fault in product(range(1, requests + 1), FAULTS_OF_SLOW_VERBS):
        service.until_shares(two=100)
        service.rollback()
        service.until_shares(one=100)
        survive(service, service.promote, at(number, FAULTS_OF_SLOW_VERBS[fault]))
        assert service.status().canary_percent in (None, 100), (number, fault)
    service.until_shares(two=100)


def test_a_staging_survives_faults_at_every_request(service: Service):
    requests = requests_of(service, lambda: service.stage("three"))
    for number, fault in product(range(1, requests + 1), FAULTS_OF_SLOW_VERBS):
        model = f"{fault}-{number}".replace(" ", "-")
        survive(service, partial(service.stage, model), at(number, FAULTS_OF_SLOW_VERBS[fault]))
        status = service.status()
        assert (status.storage_uri, status.canary_percent) == (service.uri(model), 0)
    service.until_ready(model)
    service.until_shares(one=100)


@pytest.mark.parametrize("verb", [lambda service: service.shift(10), Service.promote])
def test_a_model_that_was_staged_a_moment_ago_gets_no_traffic(
    service: Service, verb: Callable[[Service], None]
):
    # Simulated pods are ready within some hundred ms; on a quiet machine that is before the verb
    # has read, and rightly gets its way.
    service.stage("three", simulate="waiting")
    # What gets the requests of a newest revision that is not ready is the one before, `two`.
    with pytest.raises(NotReadyError, match="is not ready; nothing shifted"):
        verb(service)
    service.until_shares(one=100)
    wait_until(lambda: service.lets_load("three"), service.status)
    service.until_shares(one=100)
