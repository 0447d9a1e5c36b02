"""The ways of a cluster against the contract of all ways, on KServe's rules in memory."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from paper_cluster import FAILURE, PaperCluster, nothing
from paper_next_kserve import PaperNextKServe
from traffic_contract import MirrorContract, NoMirrorContract, Rollout, TrafficContract

from kanaria.components.shared.errors import ConflictError, NotReadyError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.kubernetes_api.resource_kinds import HTTP_ROUTES, INFERENCE_SERVICES
from kanaria.serving.traffic.canary_spec import CanarySpecTraffic
from kanaria.serving.traffic.gateways import gateway_of
from kanaria.serving.traffic.http_route import HttpRouteTraffic, revision_name, status_of
from kanaria.serving.traffic.knative import KnativeTraffic
from kanaria.serving.traffic.traffic_protocol import Traffic

NAMESPACE, NAME = "default", "taxi"


@dataclass
class PaperWay:
    cluster: PaperCluster
    traffic: Traffic
    namespace: str = NAMESPACE
    loading_failure: str = FAILURE

    def manifest(self, name: str, model: str) -> dict[str, Any]:
        return build(ServiceSpec(name=name, storage_uri=f"s3://models/{model}"))


def knative() -> PaperWay:
    cluster = PaperCluster()
    return PaperWay(cluster, KnativeTraffic(cluster))


def standard() -> PaperWay:
    cluster = PaperCluster()
    return PaperWay(cluster, HttpRouteTraffic(cluster, gateway_of(cluster)))


def canary_spec() -> PaperWay:
    cluster = PaperNextKServe()
    return PaperWay(cluster, CanarySpecTraffic(cluster))


class TestKnative(TrafficContract, NoMirrorContract):
    @pytest.fixture
    def way(self) -> PaperWay:
        return knative()


class TestHttpRoute(TrafficContract, MirrorContract):
    @pytest.fixture
    def way(self) -> PaperWay:
        return standard()


class TestCanarySpec(TrafficContract, NoMirrorContract):
    @pytest.fixture
    def way(self) -> PaperWay:
        return canary_spec()


@pytest.fixture(params=[knative, standard, canary_spec])
def canary(request: pytest.FixtureRequest) -> Rollout:
    """A service whose newest revision has 60 % of the requests."""
    rollout = Rollout(request.param(), NAME)
    rollout.deploy("one")
    rollout.deploy("two")
    rollout.way.traffic.shift(NAMESPACE, NAME, 60)
    return rollout


def test_the_share_of_a_canary_that_is_not_ready_any_more_may_only_sink(canary: Rollout):
    traffic, newest = canary.way.traffic, canary.status().latest_created
    canary.way.cluster.unready = {newest}
    assert canary.status().latest_ready != newest
    for percent in (61, 100):
        with pytest.raises(NotReadyError, match="is not ready; nothing shifted"):
            traffic.shift(NAMESPACE, NAME, percent)
    traffic.shift(NAMESPACE, NAME, 10)
    assert canary.status().canary_percent == 10
    # Where KServe divides the requests itself, a canary that is not ready gets none.
    is_left_out = isinstance(traffic, CanarySpecTraffic)
    assert canary.shares() == ({"one": 100} if is_left_out else {"one": 90, "two": 10})
    traffic.rollback(NAMESPACE, NAME)
    assert canary.shares() == {"one": 100}


def test_a_revision_of_which_knative_knows_nothing_gets_no_more():
    rollout = Rollout(way := knative(), NAME)
    rollout.deploy("one")
    rollout.deploy("two")
    way.cluster.unknown = {rollout.status().latest_created}
    with pytest.raises(NotReadyError, match="is not ready; nothing shifted"):
        way.traffic.shift(NAMESPACE, NAME, 10)
    assert rollout.shares() == {"one": 100}


def once(cluster: PaperCluster, what: Callable[[], None]) -> None:
    """Let something happen between the next write and what it rests on."""

    def happen() -> None:
        cluster.between = nothing
        what()

    cluster.between = happen


def test_a_share_is_not_given_to_a_model_that_was_staged_in_between(canary: Rollout):
    traffic, cluster = canary.way.traffic, canary.way.cluster
    once(cluster, lambda: canary.stage("three"))
    with pytest.raises(ConflictError):
        traffic.shift(NAMESPACE, NAME, 80)
    assert canary.shares() == {"one": 100}


def services(way: PaperWay) -> set[str]:
    listed = way.cluster.list(INFERENCE_SERVICES, NAMESPACE, f"kanaria.io/service={NAME}")
    return {one["metadata"]["name"] for one in listed}


@pytest.mark.parametrize("write", range(1, 4))
def test_a_push_that_comes_between_any_two_writes_of_another_leaves_what_is_routed(write: int):
    rollout = Rollout(way := standard(), NAME)
    rollout.deploy("one")
    left = write

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            way.cluster.between = nothing
            rollout.stage("three")

    way.cluster.between = count
    with suppress(ConflictError):  # The push is told that another has changed the route.
        rollout.stage("two")
    way.cluster.between = nothing
    status = rollout.status()
    assert status.latest_created in services(way)
    assert status.storage_uri in ("s3://models/two", "s3://models/three")
    assert rollout.shares() == {"one": 100}


def test_what_a_killed_push_left_goes_when_it_is_old():
    rollout = Rollout(way := standard(), NAME)
    rollout.deploy("one")
    young, old = (left_over(way, model, age) for model, age in (("young", 0.5), ("old", 2)))
    rollout.deploy("two")
    assert young in services(way)
    assert old not in services(way)


def left_over(way: PaperWay, model: str, hours: float) -> str:
    """Make a revision that no route names, so many hours old; return its name."""
    manifest = way.manifest(NAME, model)
    name = revision_name(NAME, f"s3://models/{model}")
    made = datetime.now(UTC) - timedelta(hours=hours)
    manifest["metadata"] |= {
        "name": name,
        "labels": {"kanaria.io/service": NAME},
        "creationTimestamp": made.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    way.cluster.apply(INFERENCE_SERVICES, NAMESPACE, manifest)
    return name


def test_a_model_whose_revision_is_being_deleted_is_made_anew(monkeypatch: pytest.MonkeyPatch):
    rollout = Rollout(way := standard(), NAME)
    rollout.deploy("one")
    dying = left_over(way, "two", 0)
    service = way.cluster.get(INFERENCE_SERVICES, NAMESPACE, dying)
    service["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    way.cluster.apply(INFERENCE_SERVICES, NAMESPACE, service)

    def gone(_: float) -> None:
        way.cluster.delete(INFERENCE_SERVICES, NAMESPACE, dying)

    monkeypatch.setattr("kanaria.serving.traffic.http_route.time.sleep", gone)
    rollout.stage("two")
    monkeypatch.undo()
    made = way.cluster.get(INFERENCE_SERVICES, NAMESPACE, dying)
    assert "deletionTimestamp" not in made["metadata"]
    assert rollout.status().latest_created == dying


def test_a_model_with_a_transformer_gets_requests_by_way_of_it_once_that_is_ready():
    way, transformer = standard(), {"containers": [{"name": "kserve-container", "image": "own"}]}
    uri = "s3://models/one"
    way.traffic.stage(build(ServiceSpec(name=NAME, storage_uri=uri, transformer=transformer)))
    revision = revision_name(NAME, uri)
    route = way.cluster.get(HTTP_ROUTES, NAMESPACE, NAME)
    (rule,) = route["spec"]["rules"]
    assert [entry["name"] for entry in rule["backendRefs"]] == [f"{revision}-transformer"]
    service = way.cluster.get(INFERENCE_SERVICES, NAMESPACE, revision)
    ready = {"type": "PredictorReady", "status": "True"}
    for conditions, rolled_out in (
        ([ready], ""),
        ([ready, {"type": "TransformerReady", "status": "True"}], revision),
    ):
        service["status"] = {"conditions": conditions}
        assert status_of(route, {revision: service}).rolled_out == rolled_out
