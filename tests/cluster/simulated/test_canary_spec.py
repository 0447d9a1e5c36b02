"""`spec.canary` on the real API server, with KServe 0.20's webhooks and controller.

That controller makes the Deployments of canaries and routes nothing to them. A stand-in plays the
part that routes, see `routing_kserve`; without it, this is the KServe that does not.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from accounts import Account
from cluster_way import ClusterWay
from inference_services import InferenceServices, wait_until
from routing_kserve import routing_canaries
from traffic_contract import NoMirrorContract, Rollout, TrafficContract

from kanaria.components.push.deliver_release import Endpoint, deliver
from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import (
    Placement,
    Scaling,
    ServiceSpec,
    StorageAccess,
)
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.kubernetes_api.resource_kinds import INFERENCE_SERVICES
from kanaria.serving.traffic import canary_spec
from kanaria.serving.traffic.canary_spec import CanarySpecTraffic
from kanaria.serving.traffic.cluster_traffic import ClusterTraffic
from kanaria.serving.traffic.compare_and_swap import swap
from kanaria.serving.traffic.route_weights import suffix

FOREIGN = "theirs"


@pytest.fixture
def cluster() -> KubernetesClient:
    return KubernetesClient.connect()


@pytest.fixture
def way(cluster: KubernetesClient, services: InferenceServices) -> Iterator[ClusterWay]:
    """The way, where something routes."""
    with routing_canaries(cluster, services.namespace):
        yield ClusterWay(CanarySpecTraffic(cluster), services.namespace)


class TestCanarySpec(TrafficContract, NoMirrorContract):
    @pytest.fixture
    def way(self, way: ClusterWay) -> ClusterWay:
        return way


def pods_of(services: InferenceServices, revision: str) -> set[str]:
    """Return the pods that serve a revision and are not on their way out."""
    return {
        pod["metadata"]["uid"]
        for pod in services.pods("taxi")
        if pod["metadata"]["labels"]["app"] == f"isvc.{revision}-predictor"
        and "deletionTimestamp" not in pod["metadata"]
    }


def test_a_promotion_and_the_way_back_restart_no_pod(way: ClusterWay, services: InferenceServices):
    rollout = Rollout(way, "taxi")
    one = rollout.deploy("one").rolled_out
    rollout.until_shares(one=100)
    two = rollout.deploy("two").latest_created
    way.traffic.shift(*rollout.where, 50)
    rollout.until_shares(one=50, two=50)
    before = {name: pods_of(services, name) for name in (one, two)}
    assert all(before.values())
    for verb, shares in ((way.traffic.promote, {"two": 100}), (way.traffic.rollback, {"one": 100})):
        verb(*rollout.where)
        rollout.until_shares(**shares)
        service = services.get("taxi")
        services.wait("taxi", lambda now: now["status"].get("canaryStatuses", [{}])[0].get("ready"))
        assert service["spec"]["predictor"]["name"]
        assert {name: pods_of(services, name) for name in (one, two)} == before


def test_without_a_scaler_the_way_back_from_a_promotion_starts_its_copies_first(
    way: ClusterWay, services: InferenceServices
):
    def staged(model: str) -> None:
        manifest = way.manifest("taxi", model)
        manifest["metadata"]["annotations"] = {"serving.kserve.io/autoscalerClass": "none"}
        way.traffic.stage(manifest)

    rollout = Rollout(way, "taxi")
    staged("one")
    rollout.until_shares(one=100)
    staged("two")
    one = rollout.until(lambda now: now.latest_ready == now.latest_created).rolled_out
    way.traffic.promote(*rollout.where)
    rollout.until_shares(two=100)
    wait_until(lambda: not pods_of(services, one))

    def is_back() -> bool:
        try:
            way.traffic.rollback(*rollout.where)
        except NotReadyError:
            assert rollout.shares() == {"two": 100}
            return False
        return True

    assert not is_back()
    wait_until(is_back)
    rollout.until_shares(one=100)


def canaries(service: dict[str, Any]) -> object:
    return service["spec"].get("canary")


def test_an_entry_of_another_writer_survives_every_verb(
    way: ClusterWay, services: InferenceServices, cluster: KubernetesClient
):
    rollout = Rollout(way, "taxi")
    rollout.deploy("one")
    rollout.until_shares(one=100)
    model = {"modelFormat": {"name": "tensorflow"}, "storageUri": "s3://models/theirs"}
    theirs = {
        "trafficPercent": 20,
        "predictor": {"name": FOREIGN, "minReplicas": 1, "model": model},
    }

    def write(service: dict[str, Any]) -> None:
        version = service["metadata"]["resourceVersion"]
        patch = {"spec": {"canary": [theirs]}}
        cluster.merge_patch(INFERENCE_SERVICES, way.namespace, "taxi", patch, version)

    swap(services.get("taxi"), lambda: services.get("taxi"), canaries, [theirs], write)
    rollout.until_shares(one=80, theirs=20)
    rollout.deploy("two")
    way.traffic.shift(*rollout.where, 30)
    rollout.until_shares(one=50, theirs=20, two=30)
    with pytest.raises(ParameterError, match="use up to 80"):
        way.traffic.shift(*rollout.where, 81)
    way.traffic.promote(*rollout.where)
    rollout.until_shares(two=80, theirs=20)
    way.traffic.rollback(*rollout.where)
    rollout.until_shares(one=80, theirs=20)
    assert FOREIGN in [one["predictor"]["name"] for one in services.get("taxi")["spec"]["canary"]]


def test_a_canary_that_is_not_ready_any_more_gets_no_requests(
    way: ClusterWay, services: InferenceServices
):
    rollout = Rollout(way, "taxi")
    rollout.deploy("one")
    rollout.until_shares(one=100)
    manifest = way.manifest("taxi", "two")
    manifest["spec"]["predictor"]["annotations"] = {"kanaria.test/simulate": "waiting"}
    way.traffic.stage(manifest)
    wait_until(lambda: len(services.pods("taxi")) == 2)
    status = rollout.status()
    assert (status.transition, status.latest_ready) == ("InProgress", status.rolled_out)
    assert rollout.shares() == {"one": 100}

    def is_ready() -> bool:
        services.make_ready()
        status = rollout.status()
        return status.latest_ready == status.latest_created

    wait_until(is_ready)
    way.traffic.shift(*rollout.where, 40)
    rollout.until_shares(one=60, two=40)


@pytest.mark.usefixtures("way")
def test_the_controllers_account_does_every_verb(
    pipeline: Account, rollout: Account, services: InferenceServices
):
    step, shifting = (CanarySpecTraffic(account.client()) for account in (pipeline, rollout))
    service = Rollout(ClusterWay(step, services.namespace), "taxi")
    service.deploy("one")
    service.until_shares(one=100)
    service.deploy("two")
    shifting.shift(*service.where, 50)
    service.until_shares(one=50, two=50)
    shifting.promote(*service.where)
    service.until_shares(two=100)
    shifting.rollback(*service.where)
    service.until_shares(one=100)


def test_a_field_that_kserve_fills_in_is_not_taken_for_inherited(way: ClusterWay):
    def staged(model: str, cpu: str, account: str = "default") -> None:
        spec = ServiceSpec(
            name="taxi",
            namespace=way.namespace,
            storage_uri=f"s3://models/{model}",
            placement=Placement(limits={"cpu": cpu}),
            storage=StorageAccess(service_account=account),
        )
        way.traffic.stage(build(spec))

    rollout = Rollout(way, "taxi")
    staged("one", "1")
    rollout.until_shares(one=100)
    with pytest.raises(ParameterError, match=r"predictor\.serviceAccountName=") as refused:
        staged("two", "2", account="")
    assert str(refused.value).count("predictor.") == 1
    staged("two", "2")


def test_kserve_0_20_is_seen_not_to_route_and_the_canary_is_taken_back(
    cluster: KubernetesClient, services: InferenceServices, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(canary_spec, "ROUTED_SECONDS", 5.0)
    way = ClusterWay(CanarySpecTraffic(cluster), services.namespace)
    rollout = Rollout(way, "taxi")
    rollout.deploy("one")
    rollout.until_shares(one=100)
    rollout.deploy("two")
    with pytest.raises(ParameterError, match=r"does not route spec\.canary"):
        way.traffic.shift(*rollout.where, 10)
    assert "canary" not in services.get("taxi")["spec"]
    rollout.until_shares(one=100)


def test_where_kserve_does_not_say_that_it_routes_a_service_has_a_route_of_ours(
    cluster: KubernetesClient, services: InferenceServices
):
    traffic = ClusterTraffic(cluster)
    spec = ServiceSpec(
        name="taxi",
        namespace=services.namespace,
        storage_uri="s3://models/one",
        annotations={"serving.kserve.io/deploymentMode": "Standard"},
    )
    traffic.stage(build(spec))
    assert services.exists("gateway.networking.k8s.io/v1", "HTTPRoute", "taxi")
    services.wait_until_ready(f"taxi-{suffix('s3://models/one')}")


def test_a_push_stages_shifts_and_changes_nothing_the_second_time(
    way: ClusterWay, services: InferenceServices, tmp_path: Path
):
    def push(model: str) -> Endpoint:
        spec = ServiceSpec(
            name="taxi",
            namespace=way.namespace,
            storage_uri=f"s3://models/{model}",
            canary_percent=10,
            scaling=Scaling(min_replicas=2, max_replicas=2),
        )
        return deliver(way.traffic, spec, 60, str(tmp_path / model))

    first, second = push("one"), push("two")
    assert (first.percent, second.percent) == (100, 10)
    (entry,) = services.get("taxi")["spec"]["canary"]
    assert second.revision == f"taxi-{entry['predictor']['name']}"
    generation = services.get("taxi")["metadata"]["generation"]
    assert push("two").reason.startswith("already served")
    assert services.get("taxi")["metadata"]["generation"] == generation


def test_a_field_that_this_kserve_does_not_know_is_refused_and_not_dropped(way: ClusterWay):
    manifest = way.manifest("taxi", "one")
    manifest["spec"]["predictor"]["schedulingGroup"] = {}
    with pytest.raises(ParameterError, match="schedulingGroup"):
        way.traffic.stage(manifest)


def test_the_longest_name_is_served(way: ClusterWay, services: InferenceServices):
    name = "t" * (63 - len("-12345678-predictor-") - len(services.namespace))
    rollout = Rollout(way, name)
    rollout.deploy("one")
    rollout.until_shares(one=100)
    rollout.deploy("two")
    with pytest.raises(ParameterError, match=f"use up to {len(name)} characters"):
        way.traffic.stage(way.manifest(name + "t", "one"))
