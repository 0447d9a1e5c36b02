"""Rollouts in ConfigMaps and leases between controllers, on the real API server."""

from collections.abc import Iterator

import pytest
from inference_services import InferenceServices
from store_contract import SERVICE, StoreContract, first, minute

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import CONFIG_MAPS
from kanaria.serving.protocol.annotation_names import ROLLOUT_LABEL
from kanaria.serving.rollout.control import config_map_store, lease
from kanaria.serving.rollout.control.config_map_store import ConfigMapStore
from kanaria.serving.rollout.control.kubernetes_lease import KubernetesLease


@pytest.fixture(scope="session")
def cluster() -> KubernetesClient:
    return KubernetesClient.connect()


@pytest.fixture
def namespace(services: InferenceServices) -> str:
    """A namespace with a service that owns what is kept."""
    uri = "s3://models/a"
    spec = ServiceSpec(name=SERVICE, namespace=services.namespace, storage_uri=uri)
    services.apply(build(spec))
    return services.namespace


@pytest.fixture
def store(cluster: KubernetesClient) -> ConfigMapStore:
    return ConfigMapStore(cluster)


class TestConfigMapStore(StoreContract):
    pass


def test_a_long_record_is_kept_in_pages(
    cluster: KubernetesClient,
    store: ConfigMapStore,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(config_map_store, "PAGE_BYTES", 2000)
    store.create(first(namespace))
    stored = store.load(namespace, SERVICE)
    for number in range(20):
        stored = store.save(stored.rollout, stored.version, minute(number))
    assert store.entries(namespace, SERVICE, 1) == tuple(minute(n) for n in range(20))
    pages = cluster.list(CONFIG_MAPS, namespace, ROLLOUT_LABEL)
    assert len(pages) > 3
    assert store.services(namespace) == (SERVICE,)


def test_what_is_kept_belongs_to_the_service(
    cluster: KubernetesClient, store: ConfigMapStore, namespace: str
):
    store.create(first(namespace))
    document = cluster.get(CONFIG_MAPS, namespace, f"{SERVICE}-rollout")
    owner = document["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"]) == ("InferenceService", SERVICE)


@pytest.fixture
def short_lease(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(lease, "SECONDS", 1)
    yield


def test_one_controller_holds_the_lease(cluster: KubernetesClient, namespace: str):
    first_holder = KubernetesLease(cluster, namespace, SERVICE, "first")
    second_holder = KubernetesLease(cluster, namespace, SERVICE, "second")
    assert first_holder.hold()
    assert not second_holder.hold()
    assert first_holder.hold()
    first_holder.release()
    assert second_holder.hold()
    assert not first_holder.hold()


@pytest.mark.usefixtures("short_lease")
def test_a_lease_that_is_not_renewed_is_lost(cluster: KubernetesClient, namespace: str):
    dead = KubernetesLease(cluster, namespace, SERVICE, "dead")
    assert dead.hold()
    heir = KubernetesLease(cluster, namespace, SERVICE, "heir")
    held = [heir.hold()]
    while not held[-1]:
        held.append(heir.hold())
    assert not held[0]
    assert not dead.hold()
