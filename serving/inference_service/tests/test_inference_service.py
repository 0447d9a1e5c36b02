import json
from types import SimpleNamespace

import kserve
import kubernetes.client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from kanaria.components.shared.config.keys import Kind
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service import kserve_fields
from kanaria.serving.inference_service.quantity import amount, is_amount
from kanaria.serving.inference_service.service_manifest import build, merged
from kanaria.serving.inference_service.service_spec import (
    Explainer,
    ModelServer,
    PayloadLog,
    Placement,
    Scaling,
    ServiceSpec,
    StorageAccess,
)

FULL = ServiceSpec(
    name="flights-delay",
    namespace="models",
    storage_uri="s3://bucket/flights/0a1b/model",
    canary_percent=10,
    server=ModelServer(
        runtime="kserve-tensorflow-serving",
        runtime_version="2.19.1-gpu",
        env=[{"name": "TF_NUM_INTEROP_THREADS", "value": "2"}],
    ),
    placement=Placement(
        limits={"nvidia.com/mig-1g.5gb": "2", "memory": "4Gi"},
        requests={"cpu": "500m", "memory": "2Gi"},
        node_selector={"pool": "gpu"},
        tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    ),
    scaling=Scaling(min_replicas=0, max_replicas=3, metric="rps", target=50, concurrency=8),
    storage=StorageAccess(service_account="reader", secret="bucket-key"),
    log=PayloadLog(url="http://drift.models.svc", mode="request"),
    explainer=Explainer(image="registry/kanaria-explain:1", env=[{"name": "A", "value": "b"}]),
    labels={"team": "delay"},
    annotations={"kanaria.io/release": "0a1b"},
)
GPU = Placement(limits={"nvidia.com/gpu": "1"})
MINIMAL = ServiceSpec(name="flights", storage_uri="/models/flights/0a1b/model")


@pytest.mark.parametrize("spec", [FULL, MINIMAL], ids=["full", "minimal"])
def test_manifest_round_trips_through_kserves_own_model(spec, monkeypatch):
    for name, model in vars(kubernetes.client).items():  # kserve's client lacks these of its own.
        if name.startswith("V1") and not hasattr(kserve.models, name):
            monkeypatch.setattr(kserve.models, name, model, raising=False)
    client = kserve.ApiClient()
    answer = SimpleNamespace(data=json.dumps(build(spec)))

    service = client.deserialize(answer, "V1beta1InferenceService")

    document = client.sanitize_for_serialization(service)
    assert document["spec"]["predictor"]["model"].pop("name") == ""  # The client's own default.
    assert document == build(spec)


def test_all_faults_are_named_at_once():
    spec = ServiceSpec(
        name="Flights_Delay",
        storage_uri="",
        namespace="-",
        canary_percent=101,
        server=ModelServer(protocol_version="v3", image="me/predictor", runtime="triton"),
        placement=Placement(limits={"nvidia.com/gpu": "-1", "gpu": "1", "memory": "much"}),
        scaling=Scaling(min_replicas=2, max_replicas=1, metric="luck", concurrency=-1),
        log=PayloadLog(url="broker", mode="sometimes"),
        patch={"metadata": {"name": "other"}, "spec": {"predictor": {"canaryTrafficPercent": 50}}},
    )
    with pytest.raises(ParameterError) as error:
        build(spec)
    for fault in (
        "service.name='Flights_Delay'",
        "service.namespace='-'",
        "storage_uri=''",
        "service.canaryTrafficPercent=101",
        "service.protocolVersion='v3'",
        "service.resources.limits.nvidia.com/gpu='-1'",
        "service.resources.limits.gpu='1'",
        "service.maxReplicas=1: use 2 or more",
        "service.logger.url='broker'",
        "service.logger.mode='sometimes'",
        "service.image='me/predictor'",
        "service.resources.limits.memory='much'",
        "service.scaleMetric='luck'",
        "service.containerConcurrency=-1",
        "service.patch=['metadata.name']",
        "service.patch='canaryTrafficPercent'",
    ):
        assert fault in str(error.value)


@pytest.mark.parametrize(
    ("runtime", "version", "fits"),
    [
        ("", "2.19.1", False),
        ("", "2.19.1-gpu", True),
        ("", "", True),
        ("kserve-tensorflow-serving", "2.19.1", False),
        ("kserve-tritonserver", "24.05-py3", True),
    ],
)
def test_an_image_for_gpus_is_named_in_full(runtime, version, fits):
    server = ModelServer(runtime=runtime, runtime_version=version)
    spec = ServiceSpec(name="a", storage_uri="/m", server=server, placement=GPU)
    if fits:
        assert build(spec)["spec"]["predictor"]["model"].get("runtimeVersion", "") == version
    else:
        with pytest.raises(ParameterError, match="-gpu"):
            build(spec)


LETTERS = "abcdefghijklmnopqrstuvwxyz"
IN_LABELS = f"{LETTERS}0123456789-"


def is_taken(name, namespace="default", **more):
    try:
        build(ServiceSpec(name=name, namespace=namespace, storage_uri="/m", **more))
    except ParameterError:
        return False
    return True


@given(st.text(max_size=50) | st.text(IN_LABELS, max_size=50))
def test_a_name_is_taken_only_if_kserve_takes_it(name):
    is_valid = (
        0 < len(name) <= 63 - len("-predictor-default")
        and all(letter in IN_LABELS for letter in name)
        and name[0] in LETTERS
        and name[-1] != "-"
    )
    assert is_taken(name) == is_valid


@pytest.mark.parametrize(
    ("namespace", "is_valid"),
    [
        ("1st-team", True),
        ("42", True),
        ("a" * 50, True),
        ("a" * 51, False),
        *((bad, False) for bad in ("", "-a", "a-", "A", "a.b", "a_b", "ä", "a\n")),
    ],
)
def test_a_namespace_is_any_dns_label_that_leaves_room_for_the_name(namespace, is_valid):
    assert is_taken("ab", namespace) == is_valid


def test_a_host_name_that_is_too_long_is_told_with_what_fits():
    with pytest.raises(ParameterError, match=r"76 characters.* 63; use a name of up to 12"):
        build(
            ServiceSpec(
                name="fraud-scores-of-the-night",
                namespace="a-long-project-name-with-40-characters-x",
                storage_uri="/m",
            )
        )


def test_a_transformers_host_name_is_longer():
    assert is_taken("a" * 45)
    assert not is_taken("a" * 45, transformer={"containers": []})
    assert is_taken("a" * 43, transformer={"containers": []})


@pytest.mark.parametrize("percent", ["20", True, 10.0, -1, 101])
def test_a_percentage_is_an_integer(percent):
    assert not is_taken("shop", canary_percent=percent)


def test_every_quantity_amounts_to_what_kubernetes_says():
    quantities = ["0", "1", "100m", "1.5Gi", ".5", "1.", "+2", "1e3", "1E3", "1e-3", "2E", "1k"]
    quantities += ["1Ki", "3Mi", "4Ti", "5Pi", "6Ei", "7M", "8G", "9T", "1P", "10n", "10u", "0.5"]
    for text in quantities:
        assert amount(text) == parse_quantity(text.removeprefix("+")), text
        assert is_taken("shop", placement=Placement(limits={"memory": text})), text


@pytest.mark.parametrize(
    "text",
    [
        *("-1", "1 Gi", " 1", "1Gi ", "1GB", "1gi", "1K", "1ki", "e3", "1e", "1e3Ki", "1.2.3"),
        *("", "much", "NaN", "inf", "1,5", "١", "1e9999"),
    ],
)
def test_no_quantity_of_kubernetes_is_refused(text):
    assert not is_amount(text)


def kind_of(declared):
    kinds = {"int": Kind.INTEGER, "str": Kind.TEXT, "bool": Kind.BOOLEAN, "datetime": Kind.TEXT}
    return Kind.LIST if declared.startswith("list[") else kinds.get(declared, Kind.MAPPING)


@pytest.mark.parametrize(
    ("table", "model"),
    [
        (kserve_fields.OBJECT, kserve.models.V1beta1InferenceService),
        (kserve_fields.METADATA, kubernetes.client.V1ObjectMeta),
        (kserve_fields.SPEC, kserve.models.V1beta1InferenceServiceSpec),
        (kserve_fields.PREDICTOR, kserve.models.V1beta1PredictorSpec),
        (kserve_fields.MODEL, kserve.models.V1beta1ModelSpec),
        (kserve_fields.FRAMEWORK, kserve.models.V1beta1TFServingSpec),
        (kserve_fields.MODEL_FORMAT, kserve.models.V1beta1ModelFormat),
        (kserve_fields.LOGGER, kserve.models.V1beta1LoggerSpec),
        (kserve_fields.RESOURCES, kubernetes.client.V1ResourceRequirements),
    ],
)
def test_the_known_fields_are_those_of_kserves_own_client(table, model):
    declared = model.openapi_types
    assert table == {model.attribute_map[name]: kind_of(declared[name]) for name in declared}


def test_a_custom_predictor_gets_the_model_by_kserves_storage_initializer():
    server = ModelServer(image="registry.example.com/tips:1", args=["--workers=2"])
    predictor = build(ServiceSpec(name="a", storage_uri="s3://b/m", server=server))["spec"][
        "predictor"
    ]
    assert "model" not in predictor
    assert predictor["containers"] == [
        {
            "name": "kserve-container",
            "image": "registry.example.com/tips:1",
            "env": [{"name": "STORAGE_URI", "value": "s3://b/m"}],
            "args": ["--workers=2"],
        }
    ]


def test_a_patch_adds_changes_and_removes():
    patch = {"spec": {"predictor": {"timeout": 30, "minReplicas": None, "model": {"args": ["-v"]}}}}
    predictor = build(ServiceSpec(name="a", storage_uri="/m", patch=patch))["spec"]["predictor"]
    assert predictor["timeout"] == 30
    assert "minReplicas" not in predictor
    assert predictor["model"]["args"] == ["-v"]
    assert predictor["model"]["storageUri"] == "/m"


@given(st.dictionaries(st.sampled_from("abc"), st.none() | st.integers() | st.just({"x": 1})))
def test_a_merge_patch_twice_is_a_merge_patch_once(patch):
    document = {"a": {"y": 2}, "b": 1}
    once = merged(document, patch)
    assert merged(once, patch) == once
    assert all(key not in once for key, value in patch.items() if value is None)
