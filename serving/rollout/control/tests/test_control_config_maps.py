"""Rollouts in ConfigMaps of a cluster in memory, and what a hand on them breaks."""

from collections.abc import Callable
from typing import Any

import pytest
from paper_cluster import PaperCluster
from store_contract import SERVICE, StoreContract, first, minute, over

from kanaria.components.shared.errors import DataError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.kubernetes_api.resource_kinds import CONFIG_MAPS, INFERENCE_SERVICES
from kanaria.serving.rollout.control.config_map_store import ConfigMapStore, head

NAMESPACE = "team"


@pytest.fixture
def cluster() -> PaperCluster:
    """A cluster with the service that owns what is kept."""
    cluster = PaperCluster()
    spec = ServiceSpec(name=SERVICE, namespace=NAMESPACE, storage_uri="s3://models/a")
    manifest = build(spec)
    manifest["metadata"]["uid"] = "1"
    cluster.apply(INFERENCE_SERVICES, NAMESPACE, manifest)
    return cluster


@pytest.fixture
def store(cluster: PaperCluster) -> ConfigMapStore:
    return ConfigMapStore(cluster)


@pytest.fixture
def namespace() -> str:
    return NAMESPACE


class TestConfigMapStore(StoreContract):
    pass


def without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda config_map: config_map["data"].pop(key)


def with_value(key: str, value: str) -> Callable[[dict[str, Any]], None]:
    return lambda config_map: config_map["data"].update({key: value})


DAMAGE = {
    "no pages": (without("pages"), "data.pages is missing"),
    "pages of letters": (with_value("pages", "two"), "data.pages='two'"),
    "pages below none": (with_value("pages", "-1"), "data.pages='-1'"),
    "no entries": (without("entries"), "data.entries is missing"),
    "no rollout": (without("rollout.json"), "data.rollout.json is missing"),
    "half a rollout": (with_value("rollout.json", "{"), f"{head(SERVICE)}: "),
    "no data": (lambda config_map: config_map.pop("data"), "is missing"),
    "data of nothing": (lambda config_map: config_map.update(data=None), "is missing"),
}


@pytest.mark.parametrize(("damage", "fault"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_rollout_is_an_error_that_names_it(
    cluster: PaperCluster, store: ConfigMapStore, damage: Callable[..., None], fault: str
):
    store.create(first(NAMESPACE))
    stored = store.load(NAMESPACE, SERVICE)
    config_map = cluster.get(CONFIG_MAPS, NAMESPACE, head(SERVICE))
    damage(config_map)
    applied = cluster.apply(CONFIG_MAPS, NAMESPACE, config_map)
    version = applied["metadata"]["resourceVersion"]

    def load_and_save() -> None:
        store.load(NAMESPACE, SERVICE)
        store.save(stored.rollout, version, minute(0))

    with pytest.raises(DataError) as caught:
        load_and_save()
    assert f"ConfigMap {NAMESPACE}/{head(SERVICE)}" in str(caught.value)
    assert fault in str(caught.value)
    assert SERVICE in store.services(NAMESPACE)


def test_a_damaged_record_is_not_put_away_as_if_it_were_whole(
    cluster: PaperCluster, store: ConfigMapStore
):
    store.create(first(NAMESPACE))
    stored = store.load(NAMESPACE, SERVICE)
    store.save(over(stored.rollout), stored.version)
    config_map = cluster.get(CONFIG_MAPS, NAMESPACE, head(SERVICE))
    del config_map["data"]["pages"]
    cluster.apply(CONFIG_MAPS, NAMESPACE, config_map)
    with pytest.raises(DataError, match=r"data\.pages is missing"):
        store.create(first(NAMESPACE, number=2))
