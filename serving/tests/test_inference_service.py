import json
from types import SimpleNamespace

import kserve
import kubernetes.client
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service import ServiceSpec, build, to_yaml

FULL = ServiceSpec(
    name="flights-delay",
    namespace="models",
    storage_uri="s3://bucket/flights/0a1b/model",
    canary_percent=10,
    runtime="kserve-tensorflow-serving",
    runtime_version="2.19.1-gpu",
    gpus=2,
    gpu_resource="nvidia.com/mig-1g.5gb",
    node_selector={"pool": "gpu"},
    tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    min_replicas=0,
    max_replicas=3,
    logger_url="http://drift.models.svc",
    logger_mode="request",
    labels={"team": "delay"},
    annotations={"kanaria.dev/release": "0a1b"},
)
MINIMAL = ServiceSpec(name="flights", storage_uri="/models/flights/0a1b/model")


@pytest.mark.parametrize("spec", [FULL, MINIMAL], ids=["full", "minimal"])
def test_manifest_round_trips_through_kserves_own_model(spec, monkeypatch):
    for name, model in vars(kubernetes.client).items():  # kserve's client lacks these of its own.
        if name.startswith("V1") and not hasattr(kserve.models, name):
            monkeypatch.setattr(kserve.models, name, model, raising=False)
    client = kserve.ApiClient()
    answer = SimpleNamespace(data=json.dumps(build(spec)))

    service = client.deserialize(answer, "V1beta1InferenceService")

    found = client.sanitize_for_serialization(service)
    assert found["spec"]["predictor"]["model"].pop("name") == ""  # The client's own default.
    assert found == build(spec)


def test_yaml_says_what_the_manifest_says():
    assert yaml.safe_load(to_yaml(build(FULL))) == build(FULL)


def test_all_faults_are_named_at_once():
    spec = ServiceSpec(
        name="Flights_Delay",
        storage_uri="",
        namespace="-",
        canary_percent=101,
        protocol_version="v3",
        gpus=-1,
        gpu_resource="gpu",
        min_replicas=2,
        max_replicas=1,
        logger_url="broker",
        logger_mode="sometimes",
    )
    with pytest.raises(ParameterError) as error:
        build(spec)
    for fault in (
        "service_name='Flights_Delay'",
        "namespace='-'",
        "storage_uri=''",
        "canary_percent=101",
        "protocol_version='v3'",
        "gpus=-1",
        "gpu_resource='gpu'",
        "max_replicas=1: use 2 or more",
        "logger_url='broker'",
        "logger_mode='sometimes'",
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
    spec = ServiceSpec(name="a", storage_uri="/m", gpus=1, runtime=runtime, runtime_version=version)
    if fits:
        assert build(spec)["spec"]["predictor"]["model"].get("runtimeVersion", "") == version
    else:
        with pytest.raises(ParameterError, match="-gpu"):
            build(spec)


@given(st.text(max_size=70))
def test_a_name_is_taken_only_if_kubernetes_takes_it(name):
    allowed = "abcdefghijklmnopqrstuvwxyz0123456789-"
    valid = (
        0 < len(name) <= 63
        and all(letter in allowed for letter in name)
        and name[0].isalpha()
        and name[-1] != "-"
    )
    try:
        build(ServiceSpec(name=name, storage_uri="/m"))
    except ParameterError:
        assert not valid
    else:
        assert valid
