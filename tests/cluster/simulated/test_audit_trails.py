"""Audit trails in ConfigMaps, on the real API server and by the accounts of the manifests."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from accounts import Account, kubectl
from inference_services import InferenceServices

from kanaria.components.shared.errors import DataError
from kanaria.serving.audit import trail_config_maps
from kanaria.serving.audit.entry import Entry
from kanaria.serving.audit.trail_config_maps import ConfigMapTrails, head
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import CONFIG_MAPS

SERVICE = "tips"
ENTRY = Entry(when=1.0, who="kim", what="push", about="s3://b/tips/1/model")
KANARIA = Path(sys.executable).with_name("kanaria")


@pytest.fixture
def trails(pipeline: Account, monkeypatch: pytest.MonkeyPatch) -> ConfigMapTrails:
    """Trails of small pages, by the account of steps."""
    monkeypatch.setattr(trail_config_maps, "PAGE_BYTES", 1_000)
    return ConfigMapTrails(pipeline.client())


def add(trails: ConfigMapTrails, namespace: str, *who: str) -> None:
    trails.append(namespace, SERVICE, lambda _: [replace(ENTRY, who=each) for each in who])


def test_writers_at_once_lose_no_entry_and_each_follows_another(
    trails: ConfigMapTrails, rollout: Account, services: InferenceServices
):
    others = ConfigMapTrails(rollout.client())
    failed: list[str] = []

    def write(number: int) -> None:
        store = trails if number % 2 else others
        for turn in range(5):
            try:
                add(store, services.namespace, f"{number}.{turn}")
            except Exception as error:
                failed.append(repr(error))
                raise

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    chain = trails.read(services.namespace, SERVICE)
    written = [entry.who for entry in chain.entries]
    assert chain.faults == () and sorted(written) == sorted(
        f"{number}.{turn}" for number in range(3) for turn in range(5)
    )
    for number in range(3):
        own = [who for who in written if who.startswith(f"{number}.")]
        assert own == sorted(own)


def test_a_page_cannot_be_changed_and_a_changed_byte_of_the_newest_is_found(
    trails: ConfigMapTrails, services: InferenceServices, monkeypatch: pytest.MonkeyPatch
):
    namespace = services.namespace
    for number in range(12):
        add(trails, namespace, f"writer {number}")
    administrator = KubernetesClient.connect()
    page = administrator.get(CONFIG_MAPS, namespace, f"{head(SERVICE)}-0")
    assert page and page["immutable"] and "ownerReferences" not in page["metadata"]
    page["data"]["entries"] = page["data"]["entries"].replace("writer 0", "writer X")
    with pytest.raises(Exception, match=r"(?i)immutable"):
        administrator.replace(CONFIG_MAPS, namespace, page)
    newest = administrator.get(CONFIG_MAPS, namespace, head(SERVICE))
    assert newest
    newest["data"]["entries"] = newest["data"]["entries"].replace("writer 11", "writer 12")
    administrator.replace(CONFIG_MAPS, namespace, newest)
    assert trails.read(namespace, SERVICE).faults
    with pytest.raises(DataError, match=f"ConfigMap {namespace}/tips-audit: .*damaged: entry 12"):
        add(trails, namespace, "later")
    monkeypatch.delenv("KANARIA_SERVING_ROOT", raising=False)
    command = [KANARIA, "audit", SERVICE, "--namespace", namespace, "--verify"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "entry 12 is not what was written" in done.stderr


def test_a_trail_outlives_its_service(trails: ConfigMapTrails, services: InferenceServices):
    namespace = services.namespace
    spec = ServiceSpec(name=SERVICE, namespace=namespace, storage_uri="s3://models/a")
    services.apply(build(spec))
    add(trails, namespace, "kim")
    kubectl("delete", "inferenceservice", SERVICE, "--namespace", namespace, "--wait=true")
    assert not services.exists("serving.kserve.io/v1beta1", "InferenceService", SERVICE)
    add(trails, namespace, "lee")
    assert [e.who for e in trails.read(namespace, SERVICE).entries] == ["kim", "lee"]
