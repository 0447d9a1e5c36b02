"""Parameters with several faults each: one message that lists all of them, and nothing is done."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kanaria.components.push.publish import Sources
from kanaria.components.push.push import PushRequest, push
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service.spec import (
    ModelServer,
    PayloadLog,
    Placement,
    Scaling,
    ServiceSpec,
    StorageAccess,
)
from kanaria.serving.traffic.connect import LOCAL_STATE

Faults = list[str]
OF_THE_SERVICE: dict[str, tuple[dict[str, Any], Faults]] = {
    "names": (
        {"name": "Tips", "namespace": "my team"},
        ["service_name='Tips'", "namespace='my team'"],
    ),
    "empty names": ({"name": "", "namespace": ""}, ["service_name=''", "namespace=''"]),
    "a long name": (
        {"name": "t" * 64, "canary_percent": -1},
        [f"service_name='{'t' * 64}'", "canary_percent=-1: use an integer from 0 to 100"],
    ),
    "share": (
        {"canary_percent": 101, "scaling": Scaling(min_replicas=-1)},
        ["canary_percent=101", "min_replicas=-1"],
    ),
    "replicas": (
        {"scaling": Scaling(min_replicas=3, max_replicas=2, concurrency=-1)},
        ["max_replicas=2: use 3 or more", "concurrency=-1"],
    ),
    "no replica": (
        {"scaling": Scaling(min_replicas=0, max_replicas=0, metric="luck")},
        ["max_replicas=0: use 1 or more", "scale_metric='luck': use cpu"],
    ),
    "metric": (
        {"scaling": Scaling(metric="gpu", target=-5)},
        ["scale_metric='gpu'", "scale_target=-5"],
    ),
    "protocol and sink": (
        {"server": ModelServer(protocol_version="grpc"), "log": PayloadLog(url="broker:80")},
        ["protocol_version='grpc': use v1 or v2", "logger_url='broker:80': use http(s)"],
    ),
    "two servers": (
        {
            "server": ModelServer(image="me/server:1", runtime="triton"),
            "log": PayloadLog(mode="sometimes"),
        },
        ["predictor_image='me/server:1': give an image or a runtime", "logger_mode='sometimes'"],
    ),
    "an image without GPUs": (
        {
            "server": ModelServer(runtime_version="2.19.1"),
            "placement": Placement(gpus=1, gpu_resource="gpu"),
        },
        ["runtime_version='2.19.1': end it in -gpu when gpus > 0", "gpu_resource='gpu'"],
    ),
    "fewer than no GPU": (
        {"placement": Placement(gpus=-1, memory="4 GB")},
        ["gpus=-1", "memory='4 GB': write a Kubernetes quantity"],
    ),
    "quantities": (
        {"placement": Placement(cpu="two", memory="much")},
        ["cpu='two'", "memory='much'"],
    ),
    "nodes": (
        {"placement": Placement(node_selector={"gpu": True}, tolerations=["nvidia.com/gpu"])},
        ["node_selector={'gpu': True}", "tolerations=['nvidia.com/gpu']: use mappings of"],
    ),
    "fields that Kubernetes would drop": (
        {"placement": Placement(tolerations=[{"keys": "gpu"}], affinity={"node": {}})},
        ["tolerations=[{'keys': 'gpu'}]", "affinity={'node': {}}: use nodeAffinity"],
    ),
    "accounts": (
        {"storage": StorageAccess(service_account="My Account", secret="key_of_bucket")},
        ["service_account='My Account'", "storage_secret='key_of_bucket'"],
    ),
    "a patch of what is not a patch's": (
        {
            "patch": {
                "kind": "Pod",
                "metadata": {"name": "other"},
                "spec": {
                    "predictor": {"canaryTrafficPercent": 50, "model": {"storageUri": "s3://b"}}
                },
            }
        },
        [
            "service_patch=['kind', 'metadata.name']: a patch cannot make another object",
            "spec.predictor.canaryTrafficPercent is set by the rollout",
            "spec.predictor.model.storageUri is that of the release",
        ],
    ),
    "a patch that is none": (
        {"patch": {"metadata": None, "spec": {"predictor": "gpu"}}, "transformer": ["image"]},
        ["write metadata, spec.predictor as a mapping", "transformer=['image']: write a mapping"],
    ),
}
OF_THE_PUSH: dict[str, tuple[dict[str, Any], Faults]] = {
    "no root, no time": (
        {"model_root": "", "ready_timeout": 0},
        ["model_root='': name the folder of releases", "ready_timeout=0"],
    ),
    "a root that cannot be": (
        {"model_root": "hdfs://host/models", "on_active": "wait"},
        ["model_root: uri='hdfs://host/models'", "on_active='wait': use refuse or supersede"],
    ),
    "a Secret for a folder": (
        {"model_root": "/models", "create_storage_secret": True, "ready_timeout": -1},
        ["create_storage_secret: model_root='/models' is no s3://", "ready_timeout=-1"],
    ),
}


@pytest.fixture
def request_of(tmp_path: Path) -> PushRequest:
    """A push without faults, whose model and blessing nobody has looked at yet."""
    return PushRequest(
        sources=Sources(model=tmp_path, schema=tmp_path, statistics=tmp_path),
        outcomes=(tmp_path / "absent",),
        model_root=str(tmp_path / "releases"),
        service=ServiceSpec(name="tips", storage_uri=""),
        ready_timeout=60,
    )


def refused(request: PushRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Push; return the message, once it is sure that nothing else came of it."""

    def touched(*_: object, **__: object) -> None:
        raise AssertionError("wrong parameters reached the world")

    # Neither the store nor any way of delivery is opened.
    monkeypatch.setattr("kanaria.components.push.push.connect", touched)
    monkeypatch.setattr("kanaria.components.push.push.publish", touched)
    monkeypatch.setenv(LOCAL_STATE, str(tmp_path / "state"))
    with pytest.raises(ParameterError) as caught:
        push(request, tmp_path / "endpoint")
    assert list(tmp_path.iterdir()) == []
    return str(caught.value)


def check_message(message: str, faults: Faults) -> None:
    assert message.startswith("push_model: ")
    assert "\n" not in message
    assert [fault for fault in faults if fault not in message] == []
    assert message.count("; ") >= len(faults) - 1


@pytest.mark.parametrize(("fields", "faults"), OF_THE_SERVICE.values(), ids=OF_THE_SERVICE)
def test_all_faults_of_a_service_come_at_once_and_nothing_is_done(
    request_of: PushRequest,
    fields: dict[str, Any],
    faults: Faults,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    wrong = replace(request_of, service=replace(request_of.service, **fields))
    check_message(refused(wrong, tmp_path, monkeypatch), faults)


@pytest.mark.parametrize(("fields", "faults"), OF_THE_PUSH.values(), ids=OF_THE_PUSH)
def test_all_faults_of_a_push_come_at_once_and_nothing_is_done(
    request_of: PushRequest,
    fields: dict[str, Any],
    faults: Faults,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    check_message(refused(replace(request_of, **fields), tmp_path, monkeypatch), faults)


def test_faults_of_the_service_and_of_the_push_are_one_message(
    request_of: PushRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    service = replace(request_of.service, name="Tips", canary_percent=200)
    wrong = replace(request_of, service=service, ready_timeout=0, on_active="wait")
    faults = ["service_name='Tips'", "canary_percent=200", "ready_timeout=0", "on_active='wait'"]
    check_message(refused(wrong, tmp_path, monkeypatch), faults)
