"""What is special about `spec.canary`: the route that KServe keeps, copies, entries of others."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_next_kserve import PaperNextKServe

from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import Placement, Scaling, ServiceSpec
from kanaria.serving.kubernetes_api.resource_kinds import HTTP_ROUTES, INFERENCE_SERVICES, Object
from kanaria.serving.protocol.annotation_names import VERSION_ANNOTATION
from kanaria.serving.traffic import canary_spec, canary_variants
from kanaria.serving.traffic.canary_spec import CanarySpecTraffic, weights
from kanaria.serving.traffic.traffic_protocol import ServiceStatus

NAMESPACE, NAME = "team", "taxi"
WHERE = (NAMESPACE, NAME)
FOREIGN = {"trafficPercent": 30, "predictor": {"name": "theirs", "model": {"storageUri": "s3://x"}}}


class Service:
    """One service of a cluster in memory."""

    def __init__(self) -> None:
        self.cluster = PaperNextKServe()
        self.traffic = CanarySpecTraffic(self.cluster)

    def stage(self, model: str, **fields: Any) -> None:
        self.traffic.stage(manifest(model, **fields))

    @property
    def status(self) -> ServiceStatus:
        status = self.traffic.observe(*WHERE)
        assert status
        return status

    @property
    def spec(self) -> Object:
        document = self.cluster.get(INFERENCE_SERVICES, *WHERE)
        assert document
        return dict(document["spec"])

    @property
    def shares(self) -> dict[str, int]:
        uris = self.status.revision_uris
        return {uris[one.revision].rsplit("/", 1)[1]: one.percent for one in self.status.traffic}

    def change(self, **fields: Any) -> None:
        """Write fields of the spec, as somebody else does."""
        document = self.cluster.get(INFERENCE_SERVICES, *WHERE)
        assert document
        version = document["metadata"]["resourceVersion"]
        self.cluster.merge_patch(INFERENCE_SERVICES, *WHERE, {"spec": fields}, version)


def manifest(model: str, **fields: Any) -> Object:
    spec = ServiceSpec(name=NAME, namespace=NAMESPACE, storage_uri=f"s3://m/{model}", **fields)
    return build(spec)


@pytest.fixture
def service() -> Service:
    """The model `one` stable, and `two` on trial at 0 %, with four copies in all."""
    made = Service()
    for model in ("one", "two"):
        made.stage(model, scaling=Scaling(min_replicas=4, max_replicas=9))
    return made


def test_an_entry_is_named_by_its_model_and_has_a_copy_at_0_percent(service: Service):
    (entry,) = service.spec["canary"]
    assert entry["trafficPercent"] == 0
    assert entry["predictor"]["name"] == canary_variants.name_of("s3://m/two")
    assert entry["predictor"]["minReplicas"] == 1
    assert not {"maxReplicas", "scaleTarget", "scaleMetric"} & entry["predictor"].keys()
    assert service.status.latest_created == f"taxi-{canary_variants.name_of('s3://m/two')}"


@pytest.mark.parametrize(("percent", "copies"), [(1, 1), (25, 1), (26, 2), (50, 2), (100, 4)])
def test_a_shift_gives_the_share_and_the_copies_for_it(service: Service, percent: int, copies: int):
    service.traffic.shift(*WHERE, percent)
    (entry,) = service.spec["canary"]
    assert entry["trafficPercent"] == percent
    assert entry["predictor"]["minReplicas"] == copies
    assert service.shares == {"one": 100 - percent, "two": percent}


def test_a_promotion_is_one_write_that_changes_no_pod(service: Service):
    service.traffic.shift(*WHERE, 50)
    before, writes = service.spec, []
    service.cluster.between = lambda: writes.append(1)
    service.traffic.promote(*WHERE)
    assert len(writes) == 1
    promoted = service.spec["predictor"]
    assert pod(promoted) == pod(before["canary"][0]["predictor"])
    assert (promoted["minReplicas"], promoted["maxReplicas"]) == (4, 9)
    (entry,) = service.spec["canary"]
    assert pod(entry["predictor"]) == pod(before["predictor"])
    assert (entry["trafficPercent"], entry["predictor"]["minReplicas"]) == (0, 0)


def pod(predictor: Object) -> Object:
    """Return what of a predictor makes its pods."""
    return {name: value for name, value in predictor.items() if name not in canary_variants.SCALING}


def test_a_rollback_removes_the_entry(service: Service):
    service.traffic.shift(*WHERE, 50)
    service.traffic.rollback(*WHERE)
    assert "canary" not in service.spec
    assert service.shares == {"one": 100}
    assert service.status.latest_created == service.status.rolled_out


def test_a_canary_that_is_not_ready_is_left_out_and_told_so(service: Service):
    service.traffic.shift(*WHERE, 50)
    newest = service.status.latest_created
    service.cluster.unready = {newest}
    status = service.status
    assert (status.canary_percent, service.shares) == (50, {"one": 100})
    assert status.latest_ready == status.rolled_out != newest
    service.cluster.unready = set()
    assert service.shares == {"one": 50, "two": 50}


def test_shares_are_read_from_the_route_and_not_from_what_was_written(service: Service):
    service.cluster.routes = False
    service.change(canary=[{**entry, "trafficPercent": 50} for entry in service.spec["canary"]])
    assert service.status.canary_percent == 50
    assert service.shares == {"one": 100}


@pytest.mark.parametrize("verb", ["shift", "promote"])
def test_what_kserve_does_not_route_is_taken_back_and_refused(
    service: Service, verb: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(canary_spec, "ROUTED_SECONDS", 0.0)
    service.cluster.routes = False
    percent = [10] if verb == "shift" else []
    with pytest.raises(ParameterError, match=r"does not route spec\.canary.* was taken back"):
        getattr(service.traffic, verb)(*WHERE, *percent)
    assert "canary" not in service.spec
    assert service.shares == {"one": 100}


def test_what_has_been_routed_is_not_taken_back_when_the_route_lags(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(canary_spec, "ROUTED_SECONDS", 0.0)
    service.traffic.shift(*WHERE, 10)
    service.cluster.routes = False
    service.traffic.shift(*WHERE, 20)
    assert service.status.canary_percent == 20


def test_entries_of_others_survive_every_verb(service: Service):
    service.change(canary=[FOREIGN, *service.spec["canary"]])
    traffic = service.traffic
    traffic.shift(*WHERE, 20)
    assert service.shares == {"one": 50, "x": 30, "two": 20}
    with pytest.raises(ParameterError, match="have 30 %, use up to 70"):
        traffic.shift(*WHERE, 71)
    for verb in (traffic.rollback, lambda *_: service.stage("two", scaling=SCALED)):
        verb(*WHERE)
        assert service.spec["canary"][0] == FOREIGN
    for verb in (traffic.promote, traffic.rollback, traffic.rollback):
        verb(*WHERE)
        assert service.spec["canary"][0] == FOREIGN
    assert service.spec["canary"] == [FOREIGN]


SCALED = Scaling(min_replicas=4, max_replicas=9)


def test_an_entry_that_comes_between_reading_and_writing_is_not_lost(service: Service):
    def happen() -> None:
        service.cluster.between = lambda: None
        service.change(canary=[FOREIGN, *service.spec["canary"]])

    service.cluster.between = happen
    with pytest.raises(Exception, match="it has changed"):
        service.traffic.shift(*WHERE, 20)
    assert FOREIGN in service.spec["canary"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"scaling": Scaling(min_replicas=5, max_replicas=9)}, "minReplicas=5: the service has 4"),
        ({"scaling": Scaling(min_replicas=4, max_replicas=8)}, "maxReplicas=8: the service has 9"),
        (
            {"scaling": Scaling(min_replicas=4, max_replicas=9, metric="cpu", target=80)},
            "scaleTarget=80: the service has None",
        ),
        ({"patch": {"spec": {"predictor": {"workerSpec": {}}}}}, "workerSpec='set': a canary has"),
        (
            {"patch": {"spec": {"predictor": {"autoScaling": {"metrics": []}}}}},
            "autoScaling={'metrics': []}: the service has None",
        ),
        ({"transformer": {"containers": []}}, "spec.transformer='set': KServe divides no requests"),
        (
            {"annotations": {"serving.kserve.io/autoscalerClass": "none"}},
            "autoscalerClass']='none': the service has None",
        ),
    ],
)
def test_what_kserve_allows_no_canary_is_refused_before_anything_is_written(
    service: Service, fields: dict[str, Any], reason: str
):
    before = service.spec
    staged = {"scaling": Scaling(min_replicas=4, max_replicas=9)} | fields
    with pytest.raises(ParameterError, match=r"^spec\.canary: ") as refused:
        service.stage("three", **staged)
    assert reason in str(refused.value)
    assert service.spec == before


def test_all_that_is_wrong_is_told_at_once(service: Service):
    service.change(transformer={"containers": []})
    with pytest.raises(ParameterError) as refused:
        service.stage("three", scaling=Scaling(max_replicas=2))
    faults = ("spec.transformer", "minReplicas=1", "maxReplicas=2")
    assert all(one in str(refused.value) for one in faults)


def test_a_name_that_another_entry_has_is_refused(service: Service):
    theirs = {"name": canary_variants.name_of("s3://m/three"), "model": {"storageUri": "s3://y"}}
    service.change(canary=[{"trafficPercent": 0, "predictor": theirs}])
    with pytest.raises(ParameterError, match="it is taken; rename that entry"):
        service.stage("three", scaling=SCALED)


def test_a_stable_predictor_without_a_model_is_refused(service: Service):
    service.change(predictor={"model": None, "containers": [{"name": "own"}]})
    with pytest.raises(ParameterError, match="needs a stable predictor with a model"):
        service.stage("three", scaling=SCALED)


def test_a_service_without_copies_at_rest_has_none_for_a_canary():
    staged_service = Service()
    staged_service.stage("one", scaling=Scaling(min_replicas=0, max_replicas=2))
    with pytest.raises(ParameterError, match="minReplicas=0: a canary at 0 % needs a copy"):
        staged_service.stage("two", scaling=Scaling(min_replicas=0, max_replicas=2))


def test_a_field_that_the_canary_would_inherit_unasked_is_refused():
    staged_service = Service()
    placed = Placement(limits={"cpu": "2", "nvidia.com/gpu": "1"}, node_selector={"pool": "gpu"})
    staged_service.stage("one", placement=placed)
    with pytest.raises(ParameterError) as refused:
        staged_service.stage("two", placement=Placement(limits={"cpu": "1"}))
    assert "predictor.nodeSelector={'pool': 'gpu'}" in str(refused.value)
    assert "predictor.model.resources.limits.nvidia.com/gpu='1'" in str(refused.value)
    assert "cpu" not in str(refused.value)
    staged_service.stage("two", placement=placed)


def test_labels_are_those_of_the_object_and_of_its_pods():
    staged_service = Service()
    staged_service.stage("one", labels={"team": "delay"})
    made = staged_service.cluster.get(INFERENCE_SERVICES, *WHERE)
    assert made["metadata"]["labels"] == {"team": "delay"}
    assert made["spec"]["predictor"]["labels"] == {"team": "delay"}
    staged_service.stage("two", labels={"team": "fares"})
    assert staged_service.spec["canary"][0]["predictor"]["labels"] == {"team": "fares"}


def test_what_the_object_says_of_one_model_stands_on_its_predictor():
    staged_service = Service()
    for model in ("one", "two"):
        version = {VERSION_ANNOTATION: model, "serving.kserve.io/autoscalerClass": "none"}
        staged_service.stage(model, annotations=version)
    status = staged_service.status
    assert status.revision_versions[status.rolled_out] == "one"
    assert status.revision_versions[status.latest_created] == "two"
    whole = staged_service.cluster.get(INFERENCE_SERVICES, *WHERE)["metadata"]["annotations"]
    assert whole == {
        "serving.kserve.io/autoscalerClass": "none",
        "serving.kserve.io/deploymentMode": "Standard",
    }


def test_without_a_scaler_the_way_back_from_a_promotion_starts_the_copies_first():
    staged_service = Service()
    for model in ("one", "two"):
        staged_service.stage(model, annotations={"serving.kserve.io/autoscalerClass": "none"})
    staged_service.traffic.promote(*WHERE)
    assert staged_service.spec["canary"][0]["predictor"]["minReplicas"] == 0
    with pytest.raises(NotReadyError, match="is started for the rollback"):
        staged_service.traffic.rollback(*WHERE)
    assert staged_service.shares == {"two": 100, "one": 0}
    staged_service.traffic.rollback(*WHERE)
    assert staged_service.shares == {"one": 100, "two": 0}


def test_a_service_that_somebody_else_made_is_taken_over_and_rolled_back():
    staged_service = Service()
    made = manifest("one")
    made["metadata"]["annotations"] = {"serving.kserve.io/deploymentMode": "Standard"}
    staged_service.cluster.create(INFERENCE_SERVICES, NAMESPACE, made)
    assert staged_service.status.rolled_out == NAME
    staged_service.stage("two")
    staged_service.traffic.shift(*WHERE, 10)
    assert staged_service.shares == {"one": 90, "two": 10}
    staged_service.traffic.promote(*WHERE)
    assert staged_service.shares["two"] == 100
    staged_service.traffic.rollback(*WHERE)
    assert staged_service.shares["one"] == 100


def test_rules_that_divide_requests_differently_tell_nothing():
    def rule(**shares: int) -> Object:
        return {"backendRefs": [{"name": f"{n}-predictor", "weight": w} for n, w in shares.items()]}

    assert weights({"spec": {"rules": [rule(one=90, two=10)] * 2}}) == {"one": 90, "two": 10}
    assert weights({"spec": {"rules": [rule(one=90, two=10), rule(one=100)]}}) == {}
    assert weights({"spec": {"rules": [{"backendRefs": [{"name": "one-predictor"}]}]}}) == {
        "one": 100
    }
    assert weights(None) == {}


def test_a_route_that_no_gateway_has_taken_gives_nobody_anything(service: Service):
    service.traffic.shift(*WHERE, 10)
    route = service.cluster.get(HTTP_ROUTES, *WHERE)
    document = service.cluster.get(INFERENCE_SERVICES, *WHERE)
    assert route
    assert canary_spec.status_of(document, route).traffic
    del route["status"]
    assert canary_spec.status_of(document, route).traffic == ()


@given(st.lists(st.sampled_from(["stage", "shift", "promote", "back"])), st.data())
def test_entries_always_are_what_they_are_read_as(verbs: list[str], data: st.DataObject):
    uri = {"model": {"storageUri": "s3://m/0"}}
    made = {"metadata": {"name": NAME}, "spec": {"predictor": uri}}
    now = canary_variants.Variants(
        service=NAME, stable=canary_variants.own(made), others=(FOREIGN,)
    )
    for number, verb in enumerate(verbs):
        match verb:
            case "stage":
                made["spec"]["predictor"]["model"]["storageUri"] = f"s3://m/{number + 1}"
                now = canary_variants.staged(now, canary_variants.own(made, now))
            case "shift":
                now = canary_variants.shifted(now, data.draw(st.integers(0, 70)))
            case "promote":
                now = canary_variants.promoted(now)
            case "back":
                now = canary_variants.rolled_back(now)
        spec = canary_variants.written(now)
        assert canary_variants.read({"metadata": {"name": NAME}, "spec": spec}) == now
        names = [now.stable["name"], *(e["predictor"]["name"] for e in spec["canary"] or [])]
        assert len(names) == len(set(names))
