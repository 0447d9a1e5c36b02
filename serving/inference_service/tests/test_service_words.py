"""What serves as one mapping: where its words go in the manifest, and in which form they come."""

import json
from typing import Any

import pytest

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service import kserve_fields, service_keys, service_mapping
from kanaria.serving.inference_service.service_manifest import build


def manifest(**words: Any) -> dict[str, Any]:
    faults = Faults("test")
    spec = service_mapping.parse({"name": "tips", **words}, faults, lambda: "default")
    faults.raise_if_any()
    return build(spec)


def predictor(**words: Any) -> dict[str, Any]:
    fields: dict[str, Any] = manifest(**words)["spec"]["predictor"]
    return fields


def test_every_word_goes_where_an_inference_service_has_it():
    toleration = {"key": "nvidia.com/gpu", "operator": "Exists"}
    document = manifest(
        namespace="team",
        labels={"owner": "delay"},
        minReplicas=1,
        maxReplicas=3,
        resources={"limits": {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": 1}},
        nodeSelector={"pool": "gpu"},
        tolerations=[toleration],
        runtime="kanaria-tensorflow-gpu",
        runtimeVersion="2.19.1-gpu",
        protocolVersion="v2",
        serviceAccountName="reader",
        storageSecretName="bucket-key",
        logger={"url": "http://drift"},
        args=["--flag"],
        env=[{"name": "A", "value": "b"}],
    )
    amounts = {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": "1"}
    assert document["metadata"] == {
        "name": "tips",
        "namespace": "team",
        "labels": {"owner": "delay"},
        "annotations": {"serving.kserve.io/storageSecretName": "bucket-key"},
    }
    assert document["spec"]["predictor"] == {
        "model": {
            "modelFormat": {"name": "tensorflow"},
            "protocolVersion": "v2",
            "storageUri": "/",
            "runtime": "kanaria-tensorflow-gpu",
            "runtimeVersion": "2.19.1-gpu",
            "args": ["--flag"],
            "env": [{"name": "A", "value": "b"}],
            "resources": {"limits": amounts, "requests": amounts},
        },
        "minReplicas": 1,
        "maxReplicas": 3,
        "serviceAccountName": "reader",
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [toleration],
        "canaryTrafficPercent": 10,
        "logger": {
            "mode": "all",
            "url": "http://drift",
            "metadataHeaders": ["X-Request-Id"],
            "metadataAnnotations": ["kanaria.io/model-version"],
        },
    }


def test_an_explainer_compares_with_the_rows_of_the_release():
    words = {"image": "registry/kanaria-explain:1", "args": ["--max_evals=64"]}
    words |= {"resources": {"limits": {"cpu": 1}}, "minReplicas": 0}
    explainer = manifest(explainer=words, serviceAccountName="reader")["spec"]["explainer"]
    amounts = {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}
    assert explainer == {
        "minReplicas": 0,
        "serviceAccountName": "reader",
        "containers": [
            {
                "name": "kserve-container",
                "image": "registry/kanaria-explain:1",
                "command": ["python", "-m", "kanaria.serving.explainer"],
                "args": ["--background=/serving_samples", "--max_evals=64"],
                "resources": amounts,
            }
        ],
    }
    own = manifest(explainer={"image": "i", "args": ["--background=s3://b/rows.jsonl"]})
    (container,) = own["spec"]["explainer"]["containers"]
    assert container["args"] == ["--background=s3://b/rows.jsonl"]
    assert "explainer" not in manifest()["spec"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"explainer": {"args": ["--max_evals=1"]}}, "service.explainer.image='': name the image"),
        ({"explainer": {"image": "i", "cpu": 1}}, "service.explainer.cpu=1: no such key"),
        ({"explainer": {"image": "i"}, "protocolVersion": "v2"}, "an explainer asks by v1"),
        ({"explainer": {"image": "i"}, "transformer": {"containers": []}}, "past the transformer"),
        ({"explainer": {"image": "i", "env": [1]}}, "service.explainer.env=1: write {name: NAME"),
        ({"explainer": {"image": "i", "minReplicas": -1}}, "explainer.minReplicas=-1: use 0"),
    ],
)
def test_what_an_explainer_cannot_be_is_told(words: dict[str, Any], message: str):
    with pytest.raises(ParameterError) as refused:
        manifest(**words)
    assert message in str(refused.value)


def test_other_words_of_kserve_go_where_kserve_has_them():
    fields = predictor(timeout=30, priorityClassName="high", livenessProbe={"periodSeconds": 5})
    assert (fields["timeout"], fields["priorityClassName"]) == (30, "high")
    assert fields["model"]["livenessProbe"] == {"periodSeconds": 5}
    assert fields["model"]["storageUri"] == "/"


def test_no_word_of_kserve_is_lost():
    own_words = {key.name for key in service_keys.SERVICE} | service_keys.NOT_HERE.keys()
    for name, kind in {**kserve_fields.MODEL, **kserve_fields.PREDICTOR}.items():
        value = {"text": "x", "integer": 1, "boolean": True, "mapping": {"a": 1}, "list": ["a"]}
        if name not in own_words:
            fields = predictor(**{name: value[kind.name.lower()]})
            assert name in fields or name in fields["model"]


def test_whole_numbers_may_come_as_the_doubles_of_kfp():
    fields = predictor(minReplicas=2.0, resources={"limits": {"cpu": 0.5, "nvidia.com/gpu": 1.0}})
    assert (fields["minReplicas"], type(fields["minReplicas"])) == (2, int)
    assert fields["model"]["resources"]["limits"] == {"cpu": "0.5", "nvidia.com/gpu": "1"}
    assert predictor(minReplicas=2.0) == predictor(minReplicas=2)
    seconds = predictor(tolerations=[{"key": "a", "tolerationSeconds": 30.0}])["tolerations"]
    patched = predictor(patch={"spec": {"predictor": {"timeout": 5.0}}})["timeout"]
    # Kubernetes reads no 30.0 where it wants a whole number.
    assert json.dumps([seconds, patched]) == '[[{"key": "a", "tolerationSeconds": 30}], 5]'


def test_what_only_limits_or_only_requests_name_the_other_has_too():
    # KServe fills in 1 CPU and 2 Gi for what is not named, and refuses requests above limits.
    for kind in ("limits", "requests"):
        fields = predictor(resources={kind: {"cpu": "500m"}})["model"]["resources"]
        assert fields == {"limits": {"cpu": "500m"}, "requests": {"cpu": "500m"}}
    both = {"limits": {"memory": "4Gi"}, "requests": {"memory": "1Gi", "cpu": "1"}}
    assert predictor(resources=both)["model"]["resources"] == {
        "limits": {"memory": "4Gi", "cpu": "1"},
        "requests": {"memory": "1Gi", "cpu": "1"},
    }


def test_no_gpus_are_not_named():
    # KServe chooses the image for GPUs wherever the limit is named, 0 or not.
    assert "resources" not in predictor(resources={"limits": {"nvidia.com/gpu": 0}})["model"]


def test_null_is_the_same_as_left_out_and_removes_a_field_in_a_patch():
    assert manifest(minReplicas=None, resources={"limits": None}, logger=None) == manifest()
    patch = {"spec": {"predictor": {"minReplicas": None, "timeout": 5}}}
    fields = predictor(patch=patch, timeout=30)
    assert "minReplicas" not in fields
    assert fields["timeout"] == 5


def test_as_many_replicas_as_there_must_be_may_be_there():
    assert predictor(minReplicas=3)["maxReplicas"] == 3
    assert predictor(minReplicas=0)["maxReplicas"] == 1


@pytest.mark.parametrize(
    ("name", "meant"),
    {
        "cpu": "resources.limits.cpu",
        "gpus": "resources.limits.nvidia.com/gpu",
        "service_name": "name",
        "logger_url": "logger.url",
        "canary_percent": "canaryTrafficPercent",
        "node_selector": "nodeSelector",
        "service_account": "serviceAccountName",
        "concurrency": "containerConcurrency",
        "runtimeversion": "runtimeVersion",
        "predictor_image": "image",
    }.items(),
)
def test_a_wrong_word_is_told_with_the_right_one(name: str, meant: str):
    with pytest.raises(ParameterError, match=rf"no such key, did you mean service\.{meant}\?"):
        manifest(**{name: 1})


def test_a_name_that_is_missing_or_of_another_kind_is_one_fault():
    for document in ({}, {"name": None}, {"name": 5}):
        faults = Faults("test")
        service_mapping.parse(document, faults, lambda: "default")
        with pytest.raises(ParameterError) as raised:
            faults.raise_if_any()
        assert str(raised.value).count("service.name") == 1


FEATURES = {"url": "http://feast:6566", "featureService": "trips_v1", "entities": ["driver_id"]}


def test_features_become_a_transformer():
    for protocol in ({}, {"protocolVersion": "v1"}, {"protocolVersion": "v2"}):
        (container,) = manifest(features=FEATURES, **protocol)["spec"]["transformer"]["containers"]
        assert container["command"] == ["python", "-m", "kanaria.serving.features"]
        assert json.loads(container["args"][1]) == FEATURES
    with pytest.raises(ParameterError, match="give features or a transformer, not both"):
        manifest(features=FEATURES, transformer={"containers": []} | {"minReplicas": 1})


def test_an_explainer_needs_no_protocol_named():
    assert manifest(explainer={"image": "own"})["spec"]["explainer"]
    with pytest.raises(ParameterError, match="an explainer asks by v1"):
        manifest(explainer={"image": "own"}, protocolVersion="v2")
