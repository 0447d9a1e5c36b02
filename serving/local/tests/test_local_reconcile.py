from copy import deepcopy
from dataclasses import replace

import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.local.controller.reconcile import (
    adopt,
    mark_failed,
    mark_ready,
    rollout,
    status,
)
from kanaria.serving.local.controller.revision_shares import traffic, wanted
from kanaria.serving.local.state.state_folder import Observed, Service, check, load_manifests

MANIFEST = build(ServiceSpec(name="flights", storage_uri="/models/one", canary_percent=0))


def changed(*path, value):
    manifest = deepcopy(MANIFEST)
    place = manifest
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = value
    return manifest


def names(observed):
    return [revision.name for revision in observed.revisions]


def test_revisions_are_named_as_in_kserve():
    second = changed("spec", "predictor", "model", "storageUri", value="/models/two")
    observed = adopt(adopt(Observed(), MANIFEST, "a"), second, "b")
    assert names(observed) == ["flights-predictor-00001", "flights-predictor-00002"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "predictor", "canaryTrafficPercent"), 50),
        (("metadata", "labels"), {"networking.knative.dev/visibility": "cluster-local"}),
        (("metadata", "annotations"), {"kubectl.kubernetes.io/last-applied-configuration": "{}"}),
    ],
)
def test_what_does_not_reach_the_pod_makes_no_revision(path, value):
    observed = adopt(adopt(Observed(), MANIFEST, "a"), changed(*path, value=value), "b")
    assert names(observed) == ["flights-predictor-00001"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "predictor", "model", "protocolVersion"), "v2"),
        (("spec", "predictor", "nodeSelector"), {"pool": "gpu"}),
        (("metadata", "annotations"), {"team": "delay"}),
        (("metadata", "labels"), {"team": "delay"}),
    ],
)
def test_what_reaches_the_pod_makes_a_revision(path, value):
    observed = adopt(adopt(Observed(), MANIFEST, "a"), changed(*path, value=value), "b")
    assert len(names(observed)) == 2


def test_a_stopped_service_keeps_its_revisions_and_runs_none():
    ready = mark_ready(adopt(Observed(), MANIFEST, "a"), "flights-predictor-00001")
    halted = adopt(
        ready, changed("metadata", "annotations", value={"serving.kserve.io/stop": "True"}), "b"
    )
    assert names(halted) == ["flights-predictor-00001"]
    assert (traffic(rollout(halted)), wanted(rollout(halted))) == ((), frozenset())
    assert [c["status"] for c in status(halted, "")["conditions"]] == ["False", "False", "True"]
    again = adopt(halted, MANIFEST, "c")
    assert [share.percent for share in traffic(rollout(again))] == [100]


def test_a_fault_is_told_and_leaves_the_running_revision_ready():
    ready = mark_ready(adopt(Observed(), MANIFEST, "a"), "flights-predictor-00001")
    document = status(replace(ready, fault="percent='20%'"), "")
    assert document["conditions"] == [
        {"type": "PredictorReady", "status": "True"},
        {
            "type": "Ready",
            "status": "False",
            "reason": "InvalidManifest",
            "message": "percent='20%'",
        },
    ]
    assert "lastFailureInfo" not in document["modelStatus"], "it would roll a good canary back"
    assert adopt(replace(ready, fault="x"), MANIFEST, "b").fault == ""


def test_status_has_kserves_field_names():
    observed = mark_ready(adopt(Observed(), MANIFEST, "a"), "flights-predictor-00001")
    document = status(observed, "http://127.0.0.1:8080")
    assert document["components"]["predictor"] == {
        "latestCreatedRevision": "flights-predictor-00001",
        "latestReadyRevision": "flights-predictor-00001",
        "latestRolledoutRevision": "flights-predictor-00001",
        "previousRolledoutRevision": "",
        "traffic": [
            {"revisionName": "flights-predictor-00001", "percent": 100, "latestRevision": True}
        ],
    }
    assert document["modelStatus"]["transitionStatus"] == "UpToDate"


def test_a_failed_load_is_told_with_its_cause():
    observed = mark_failed(adopt(Observed(), MANIFEST, "a"), "flights-predictor-00001", "no graph")
    model = status(observed, "")["modelStatus"]
    assert model["transitionStatus"] == "BlockedByFailedLoad"
    assert model["lastFailureInfo"]["message"] == "no graph"


def test_a_model_that_loads_after_all_clears_the_failure():
    failed = mark_failed(adopt(Observed(), MANIFEST, "a"), "flights-predictor-00001", "no memory")
    ready = mark_ready(failed, "flights-predictor-00001")
    assert "lastFailureInfo" not in status(ready, "")["modelStatus"]


def test_hundreds_of_revisions_are_forgotten_but_for_the_stable_one():
    observed = mark_ready(adopt(Observed(), MANIFEST, "a"), "flights-predictor-00001")
    for number in range(100):
        manifest = changed("spec", "predictor", "model", "storageUri", value=f"/models/{number}")
        manifest["spec"]["predictor"]["canaryTrafficPercent"] = 0
        observed = adopt(observed, manifest, str(number))
    assert len(observed.revisions) < 30
    assert names(observed)[0] == observed.stable == "flights-predictor-00001"
    assert names(observed)[-1] == "flights-predictor-00101"


def test_what_is_observed_survives_on_disk(tmp_path):
    service = Service(tmp_path, "default", "flights")
    observed = mark_failed(adopt(Observed(), MANIFEST, "a"), "flights-predictor-00001", "why")
    service.write_observed(observed)
    assert service.observed() == observed


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("kind",), "Service", "not a serving.kserve.io/v1beta1 InferenceService"),
        (("metadata", "name"), "../up", "metadata.name='../up'"),
        (("metadata", "namespace"), "", "metadata.namespace=''"),
        (("spec", "predictor", "model", "modelFormat"), {"name": "pytorch"}, "TorchScript to ONNX"),
        (("spec", "predictor", "model", "protocolVersion"), "grpc-v2", "protocolVersion='grpc-v2'"),
        (("spec", "predictor", "model", "storageUri"), "hdfs://host/m", "scheme 'hdfs'"),
        (("spec", "predictor", "model", "storageUri"), "models/one", "absolute"),
        (("spec", "predictor", "model", "storageUri"), None, "storageUri=None"),
        (("spec", "predictor", "model"), None, "spec.predictor.model=None"),
        (("spec",), None, "spec.predictor.model=None"),
    ],
)
def test_a_manifest_that_cannot_run_here_is_refused(path, value, fault):
    with pytest.raises(ParameterError, match=r"service\.yaml") as error:
        check(changed(*path, value=value), "service.yaml")
    assert fault in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "- 1", "kind: InferenceService"])
def test_a_file_without_a_manifest_is_refused(tmp_path, text):
    file = tmp_path / "service.yaml"
    file.write_text(text)
    with pytest.raises(ParameterError, match=r"service\.yaml"):
        load_manifests(file)
