"""The client and the real API server, with a proxy between them that injects faults."""

import threading
from collections.abc import Iterator

import pytest
from fault_proxy import (
    Fault,
    FaultProxy,
    always,
    answer_old,
    at,
    fault_proxy,
    keep_silent,
    lose_answer,
    lose_request,
    refuse,
)
from inference_services import InferenceServices
from kubernetes import client

from kanaria.components.shared.errors import ConflictError, NotReadyError
from kanaria.serving.kubernetes_api import repeated_requests
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import CONFIG_MAPS, Object

ATTEMPTS = len(repeated_requests.WAITS_SECONDS) + 1
NAME = "kept"
PASSING = {
    "429": refuse(429, Retry_After="0"),
    "500": refuse(500),
    "503": refuse(503),
    "lost request": lose_request,
}
DONE_UNHEARD = {"lost answer": lose_answer, "silence": keep_silent}


def config_map(value: str) -> Object:
    metadata = {"name": NAME}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"v": value}}


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with fault_proxy() as proxy:
        yield proxy


@pytest.fixture
def cluster(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> KubernetesClient:
    """A client behind the proxy, with pauses that a test can wait for."""
    monkeypatch.setattr(repeated_requests, "WAITS_SECONDS", (0.0,) * (ATTEMPTS - 1))
    monkeypatch.setattr(repeated_requests, "TIMEOUT_SECONDS", (1.0, 2.0))
    settings = client.Configuration(host=proxy.url)
    settings.retries = False
    return KubernetesClient(client.ApiClient(settings))


@pytest.fixture
def stored_map(cluster: KubernetesClient, services: InferenceServices) -> Object:
    """A ConfigMap that is there before anything goes wrong."""
    return cluster.create(CONFIG_MAPS, services.namespace, config_map("one"))


def test_without_faults_everything_goes_through_and_is_counted(
    cluster: KubernetesClient, proxy: FaultProxy, services: InferenceServices
):
    where = CONFIG_MAPS, services.namespace
    assert cluster.get(*where, NAME) is None
    made = cluster.create(*where, config_map("one"))
    patched = cluster.merge_patch(
        *where, NAME, {"data": {"v": "two"}}, made["metadata"]["resourceVersion"]
    )
    assert cluster.get(*where, NAME) == patched
    assert [request.method for request in proxy.requests] == ["GET", "POST", "PATCH", "GET"]
    assert [request.write for request in proxy.requests] == [0, 1, 2, 0]


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_a_write_that_met_a_passing_fault_is_done_once(
    cluster: KubernetesClient,
    proxy: FaultProxy,
    services: InferenceServices,
    stored_map: Object,
    fault: Fault,
):
    proxy.use(at(1, fault))
    version = stored_map["metadata"]["resourceVersion"]
    patch = {"data": {"v": "two"}}
    cluster.merge_patch(CONFIG_MAPS, services.namespace, NAME, patch, version)
    assert cluster.get(CONFIG_MAPS, services.namespace, NAME)["data"] == {"v": "two"}
    assert len(proxy.writes) == 2


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_a_fault_that_stays_is_told_after_a_bounded_number_of_requests(
    cluster: KubernetesClient, proxy: FaultProxy, services: InferenceServices, fault: Fault
):
    proxy.use(always(fault))
    with pytest.raises(NotReadyError, match=rf"failed {ATTEMPTS} times; last: "):
        cluster.get(CONFIG_MAPS, services.namespace, NAME)
    assert len(proxy.requests) == ATTEMPTS


@pytest.mark.parametrize("fault", DONE_UNHEARD.values(), ids=DONE_UNHEARD.keys())
def test_a_creation_that_nobody_heard_of_is_told_as_a_conflict(
    cluster: KubernetesClient, proxy: FaultProxy, services: InferenceServices, fault: Fault
):
    proxy.use(at(1, fault))
    with pytest.raises(ConflictError, match="already exists"):
        cluster.create(CONFIG_MAPS, services.namespace, config_map("one"))
    assert cluster.get(CONFIG_MAPS, services.namespace, NAME)["data"] == {"v": "one"}


@pytest.mark.parametrize("fault", DONE_UNHEARD.values(), ids=DONE_UNHEARD.keys())
def test_a_patch_that_nobody_heard_of_is_told_as_a_conflict(
    cluster: KubernetesClient,
    proxy: FaultProxy,
    services: InferenceServices,
    stored_map: Object,
    fault: Fault,
):
    proxy.use(at(1, fault))
    version = stored_map["metadata"]["resourceVersion"]
    with pytest.raises(ConflictError, match="modified"):
        cluster.merge_patch(CONFIG_MAPS, services.namespace, NAME, {"data": {"v": "two"}}, version)
    assert cluster.get(CONFIG_MAPS, services.namespace, NAME)["data"] == {"v": "two"}


@pytest.mark.parametrize("fault", DONE_UNHEARD.values(), ids=DONE_UNHEARD.keys())
def test_an_application_that_nobody_heard_of_is_done_again_without_effect(
    cluster: KubernetesClient, proxy: FaultProxy, services: InferenceServices, fault: Fault
):
    proxy.use(at(1, fault))
    applied = cluster.apply(CONFIG_MAPS, services.namespace, config_map("one"))
    assert len(proxy.writes) == 2
    again = cluster.apply(CONFIG_MAPS, services.namespace, config_map("one"))
    assert again["metadata"]["resourceVersion"] == applied["metadata"]["resourceVersion"]


@pytest.mark.usefixtures("stored_map")
def test_a_deletion_that_nobody_heard_of_is_fine(
    cluster: KubernetesClient, proxy: FaultProxy, services: InferenceServices
):
    proxy.use(at(1, lose_answer))
    cluster.delete(CONFIG_MAPS, services.namespace, NAME)
    assert cluster.get(CONFIG_MAPS, services.namespace, NAME) is None


def test_what_was_decided_on_an_old_answer_is_refused(
    cluster: KubernetesClient, proxy: FaultProxy, services: InferenceServices, stored_map: Object
):
    where = CONFIG_MAPS, services.namespace
    cluster.get(*where, NAME)
    cluster.apply(*where, config_map("two"))
    cluster.get(*where, NAME)
    proxy.use(at(1, answer_old))
    old = cluster.get(*where, NAME)
    assert old == stored_map
    with pytest.raises(ConflictError):
        cluster.replace(*where, {**old, "data": {"v": "three"}})
    assert cluster.get(*where, NAME)["data"] == {"v": "two"}


@pytest.mark.usefixtures("stored_map")
def test_apply_overrides_our_own_patch_but_not_that_of_others(
    cluster: KubernetesClient, services: InferenceServices
):
    where = CONFIG_MAPS, services.namespace
    applied = cluster.apply(*where, config_map("two"))
    patch, version = {"data": {"v": "patched"}}, applied["metadata"]["resourceVersion"]
    cluster.merge_patch(*where, NAME, patch, version)
    assert cluster.apply(*where, config_map("three"))["data"] == {"v": "three"}
    owner = client.CoreV1Api()
    owner.patch_namespaced_config_map(NAME, services.namespace, {"data": {"v": "theirs"}})
    with pytest.raises(ConflictError) as caught:
        cluster.apply(*where, config_map("four"))
    assert caught.value.managers
    assert "kanaria" not in caught.value.managers


def test_of_two_who_change_the_same_object_at_once_one_is_told(
    cluster: KubernetesClient, services: InferenceServices, stored_map: Object
):
    outcomes: list[str] = []

    def change(value: str) -> None:
        try:
            cluster.replace(CONFIG_MAPS, services.namespace, {**stored_map, "data": {"v": value}})
            outcomes.append(value)
        except ConflictError:
            outcomes.append("conflict")

    threads = [threading.Thread(target=change, args=(value,)) for value in ("two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = cluster.get(CONFIG_MAPS, services.namespace, NAME)["data"]["v"]
    assert sorted(outcomes) == sorted(["conflict", winner])
