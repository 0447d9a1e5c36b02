"""What is refused, with which words, and what is taken: the manifests of KServe's own samples."""

import pytest

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import Placement, Scaling, ServiceSpec
from kanaria.serving.local.state.manifest_check import checked_manifest, stopped
from kanaria.serving.local.state.manifest_fields import inert
from kanaria.serving.local.state.state_folder import load_manifests

HEAD = "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\n"
NAME = "metadata: {name: shop}\n"
MODEL = "model: {modelFormat: {name: tensorflow}, storageUri: /m}"


def manifest(predictor=MODEL, *, metadata=NAME, spec=""):
    return yaml_text.parse(f"{HEAD}{metadata}spec: {{predictor: {{{predictor}}}{spec}}}", "test")


def model(more):
    return manifest(f"model: {{modelFormat: {{name: tensorflow}}, storageUri: /m, {more}}}")


def fault_of(document):
    with pytest.raises(ParameterError) as error:
        checked_manifest(document, "shop.yaml")
    assert str(error.value).startswith("shop.yaml: ")
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "percent", ["'20%'", "'20'", "101", "-1", "10.0", "true", "[10]", "1e1", "{}", "''"]
)
def test_a_percentage_is_an_integer_from_0_to_100(percent):
    assert "canaryTrafficPercent" in fault_of(manifest(f"{MODEL}, canaryTrafficPercent: {percent}"))


@pytest.mark.parametrize("percent", ["0", "100", "null"])
def test_a_percentage_may_be_left_open(percent):
    checked_manifest(manifest(f"{MODEL}, canaryTrafficPercent: {percent}"), "test")


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (manifest(f"{MODEL}, canaryTraficPercent: 5"), "did you mean canaryTrafficPercent?"),
        (manifest("modle: {}"), 'unknown field "spec.predictor.modle", did you mean model?'),
        (model("storageURI: /n"), '"spec.predictor.model.storageURI", did you mean storageUri?'),
        (manifest(spec=", predictors: {}"), 'unknown field "spec.predictors"'),
        (manifest(metadata="metadata: {name: shop, annotation: {}}\n"), "mean annotations?"),
        (manifest(f"{MODEL}, tolerations: [{{kye: a}}]"), '"spec.predictor.tolerations.kye"'),
        (manifest(f"{MODEL}, affinity: {{nodeAfinity: {{}}}}"), "did you mean nodeAffinity?"),
        (model("env: [{name: A, valeu: b}]"), '"spec.predictor.model.env.valeu", did you mean'),
        (manifest("storageUri: /m"), "it belongs in spec.predictor.model"),
        (manifest(spec=", canaryTrafficPercent: 5"), "it belongs in spec.predictor"),
        (manifest() | {"specs": {}}, 'unknown field "specs"'),
        (manifest(f"{MODEL}, logger: {{mode: all, urls: x}}"), '"spec.predictor.logger.urls"'),
        (manifest("tensorflow: {storageUrl: /m}"), '"spec.predictor.tensorflow.storageUrl"'),
        (model("resources: {limit: {}}"), '"spec.predictor.model.resources.limit"'),
    ],
)
def test_a_field_that_kserve_does_not_know_is_refused(document, fault):
    assert fault in fault_of(document)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (manifest() | {"spec": "abc"}, "spec='abc': write a mapping"),
        (manifest() | {"metadata": [1]}, "metadata=[1]: write a mapping"),
        (manifest(metadata="metadata: {name: 7}\n"), "metadata.name=7: write text"),
        (manifest(metadata="metadata: {name: shop, labels: [a]}\n"), "metadata.labels=['a']"),
        (manifest(metadata="metadata: {name: shop, labels: {a: 1}}\n"), "metadata.labels.a=1"),
        (manifest(metadata="metadata: {name: shop, labels: {a: -b}}\n"), "metadata.labels.a='-b'"),
        (
            manifest(
                metadata="metadata: {name: shop, annotations: {kanaria.io/mirrored-percent: 9}}\n"
            ),
            "metadata.annotations.kanaria.io/mirrored-percent=9: put it in quotes",
        ),
        (manifest("model: tensorflow"), "spec.predictor.model='tensorflow': write a mapping"),
        (manifest("model: {modelFormat: tensorflow, storageUri: /m}"), "modelFormat='tensorflow'"),
        (manifest("model: {modelFormat: {name: tensorflow}}"), "storageUri=None"),
        (manifest("model: {modelFormat: {name: tensorflow}, storageUri: 5}"), "storageUri=5"),
        (model("runtime: [a]"), "spec.predictor.model.runtime=['a']: write text"),
        (model("protocolVersion: v3"), "protocolVersion='v3'"),
        (manifest(f"{MODEL}, minReplicas: '1'"), "minReplicas='1': write an integer"),
        (manifest(f"{MODEL}, minReplicas: 3, maxReplicas: 2"), "minReplicas=3"),
        (manifest(f"{MODEL}, scaleMetric: luck"), "scaleMetric='luck'"),
        (manifest(f"{MODEL}, nodeSelector: {{gpu: true}}"), "nodeSelector.gpu=True"),
        (manifest(f"{MODEL}, logger: {{mode: all, url: [x]}}"), "logger.url=['x']"),
        (
            manifest(f"{MODEL}, logger: {{mode: all, url: 'http://a', metadataHeaders: 5}}"),
            "Headers=5",
        ),
    ],
)
def test_a_value_of_another_kind_is_refused(document, field):
    assert field in fault_of(document)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (manifest(spec=", transformer: {containers: []}"), "spec.transformer"),
        (manifest(spec=", transformer: {}"), "spec.transformer"),
        (manifest(spec=", explainer: {containers: []}"), "spec.explainer"),
        (manifest(spec=", canary: [{trafficPercent: 5}]"), "spec.canary"),
        (manifest(f"{MODEL}, batcher: {{maxBatchSize: 8}}"), "spec.predictor.batcher"),
        (manifest(f"{MODEL}, workerSpec: {{}}"), "spec.predictor.workerSpec"),
        (manifest(f"{MODEL}, containers: [{{name: a}}]"), "spec.predictor.containers"),
        (manifest("containers: [{name: a}]"), "spec.predictor.containers"),
        (manifest("pytorch: {storageUri: /m}"), "spec.predictor.pytorch"),
        (model("image: me/own"), "spec.predictor.model.image='me/own'"),
        (model("image: me/mytensorflow/serving"), "spec.predictor.model.image"),
        (model("storage: {key: a}"), "spec.predictor.model.storage: write storageUri"),
        (manifest(f"{MODEL}, logger: {{mode: all, url: 'http://a', batchSize: 5}}"), "batchSize"),
        (manifest(f"{MODEL}, tensorflow: {{storageUri: /n}}"), "model or tensorflow, not both"),
    ],
)
def test_what_would_change_the_answers_is_refused(document, field):
    assert field in fault_of(document)


def test_all_faults_are_told_at_once():
    fault = fault_of(manifest(f"{MODEL}, canaryTrafficPercent: 101, modle: 1, batcher: {{}}"))
    assert all(field in fault for field in ("canaryTrafficPercent=101", "modle", "batcher"))


def test_what_concerns_pods_only_is_kept_and_named():
    spec = ServiceSpec(
        name="shop",
        storage_uri="/m",
        placement=Placement(
            limits={"nvidia.com/gpu": "1", "cpu": "500m"}, node_selector={"pool": "gpu"}
        ),
    )
    assert inert(checked_manifest(build(spec), "test")) == [
        "spec.predictor.model.resources",
        "spec.predictor.nodeSelector",
    ]
    more = ServiceSpec(name="shop", storage_uri="/m", scaling=Scaling(max_replicas=3))
    assert inert(checked_manifest(build(more), "test")) == ["spec.predictor.maxReplicas"]
    stock = model("image: 'tensorflow/serving:2.19.1'")
    assert inert(checked_manifest(stock, "test")) == ["spec.predictor.model.image"]
    assert inert(checked_manifest(manifest(), "test")) == []


def test_the_old_form_of_a_model_is_rewritten_as_kserve_does():
    old = manifest("minReplicas: 1, tensorflow: {storageUri: 'gs://b/m', runtimeVersion: 2.5.1}")
    assert checked_manifest(old, "test")["spec"]["predictor"] == {
        "minReplicas": 1,
        "model": {
            "modelFormat": {"name": "tensorflow"},
            "storageUri": "gs://b/m",
            "runtimeVersion": "2.5.1",
        },
    }
    assert "tensorflow" in old["spec"]["predictor"]


def test_what_kubectl_prints_of_a_service_is_taken():
    printed = manifest(
        metadata="metadata: {name: shop, namespace: null, uid: a, resourceVersion: '7',"
        " generation: 1, creationTimestamp: 2026-01-01T00:00:00Z, managedFields: [{manager: x}],"
        " finalizers: [inferenceservice.finalizers], labels: {a.b/c: '', app: shop}}\n",
        spec=", canary: [], transformer: null",
    )
    checked_manifest(printed | {"status": {"conditions": []}}, "test")


@pytest.mark.parametrize(
    ("value", "is_stopped"), [("'true'", True), ("'True'", True), ("'false'", False), ("''", False)]
)
def test_the_stop_annotation_is_read_as_kserve_reads_it(value, is_stopped):
    noted = f"metadata: {{name: shop, annotations: {{serving.kserve.io/stop: {value}}}}}\n"
    assert stopped(checked_manifest(manifest(metadata=noted), "test")) is is_stopped


@pytest.mark.parametrize(
    "amounts",
    ["{cpu: 500m, memory: 4Gi}", "{cpu: 2}", "{cpu: '0.5', memory: 1e3}".replace("1e3", "'1e3'")],
)
def test_quantities_of_kubernetes_are_taken(amounts):
    checked_manifest(model(f"resources: {{limits: {amounts}, requests: {amounts}}}"), "test")


@pytest.mark.parametrize(
    "amounts", ["{cpu: 0.5}", "{memory: 1 Gi}", "{memory: -1Gi}", "{cpu: true}", "{memory: 4GB}"]
)
def test_no_quantity_is_refused(amounts):
    assert "resources.limits." in fault_of(model(f"resources: {{limits: {amounts}}}"))


def test_a_request_above_its_limit_is_refused():
    amounts = "resources: {limits: {memory: 1Gi}, requests: {memory: 1025Mi}}"
    assert "requests.memory='1025Mi'" in fault_of(model(amounts))


@pytest.mark.parametrize("uri", ["''", "models/one", '"/m\\n"', '"/m\\0"', "hdfs://host/m"])
def test_a_place_that_cannot_be_read_is_refused(uri):
    document = manifest(f"model: {{modelFormat: {{name: tensorflow}}, storageUri: {uri}}}")
    assert "ri=" in fault_of(document)


def test_another_object_is_named_without_its_values():
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": {"key": "hush"}}
    fault = fault_of(secret)
    assert "kind 'Secret'" in fault
    assert "hush" not in fault


def test_one_service_stands_once_in_a_file(tmp_path):
    file = tmp_path / "two.yaml"
    file.write_text("---\n".join([f"{HEAD}{NAME}spec: {{predictor: {{{MODEL}}}}}\n"] * 2))
    with pytest.raises(ParameterError, match="default/shop stands twice"):
        load_manifests(file)


def test_the_old_form_of_any_format_that_runs_is_taken():
    (boosted,) = (checked_manifest(manifest("xgboost: {storageUri: /m}"), "a.yaml"),)
    model = boosted["spec"]["predictor"]["model"]
    assert model == {"modelFormat": {"name": "xgboost"}, "storageUri": "/m"}
    assert "write v2 for onnx" in fault_of(manifest("onnx: {storageUri: /m}"))
    switched = "env: [{name: PREDICT_PROBA, value: 'true'}]"
    sklearn = checked_manifest(manifest(f"sklearn: {{storageUri: /m, {switched}}}"), "a.yaml")
    assert inert(sklearn) == []
    other = manifest("sklearn: {storageUri: /m, env: [{name: OTHER, value: a}]}")
    assert inert(checked_manifest(other, "a.yaml")) == ["spec.predictor.model.env"]
