"""Parameters with several faults each: one message that lists all of them, and nothing is done."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kanaria.components.push.publish_release import Sources
from kanaria.components.push.push import PushRequest, push
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.traffic.find_traffic import LOCAL_STATE

Faults = list[str]
OF_THE_SERVICE: dict[str, tuple[dict[str, Any], Faults]] = {
    "names": (
        {"name": "Tips", "namespace": "my team"},
        ["service.name='Tips'", "service.namespace='my team'"],
    ),
    "no name": ({"name": "", "minReplicas": -1}, ["service.name=''", "service.minReplicas=-1"]),
    "a long name": (
        {"name": "t" * 64, "canaryTrafficPercent": -1},
        [f"service.name='{'t' * 64}'", "service.canaryTrafficPercent=-1: use an integer from 0"],
    ),
    "share": (
        {"canaryTrafficPercent": 101, "minReplicas": -1},
        ["service.canaryTrafficPercent=101", "service.minReplicas=-1"],
    ),
    "replicas": (
        {"minReplicas": 3, "maxReplicas": 2, "containerConcurrency": -1},
        ["service.maxReplicas=2: use 3 or more", "service.containerConcurrency=-1"],
    ),
    "metric": (
        {"scaleMetric": "gpu", "scaleTarget": -5, "minReplicas": 0, "maxReplicas": -1},
        ["service.scaleMetric='gpu': use cpu", "service.scaleTarget=-5", "service.maxReplicas=-1"],
    ),
    "protocol and sink": (
        {"protocolVersion": "grpc", "logger": {"url": "broker:80", "mode": "sometimes"}},
        [
            "service.protocolVersion='grpc': use v1 or v2",
            "service.logger.url='broker:80': use http(s)",
            "service.logger.mode='sometimes'",
        ],
    ),
    "two servers": (
        {
            "image": "me/server:1",
            "runtime": "triton",
            "env": ["A=1", {"name": "A", "value": 1}],
            "args": ["--port", 80],
        },
        [
            "service.image='me/server:1': give an image or a runtime",
            "service.env='A=1'",
            "service.env={'name': 'A', 'value': 1}",
            "service.args=80: write text",
        ],
    ),
    "an image without GPUs": (
        {"runtimeVersion": "2.19.1", "resources": {"limits": {"nvidia.com/gpu": 1, "gpu": 1}}},
        ["service.runtimeVersion='2.19.1': end it in -gpu", "service.resources.limits.gpu='1'"],
    ),
    "half a GPU": (
        {"resources": {"limits": {"nvidia.com/gpu": 0.5, "memory": "4 GB"}}},
        [
            "service.resources.limits.nvidia.com/gpu='0.5': use a whole number",
            "service.resources.limits.memory='4 GB': write a Kubernetes quantity",
        ],
    ),
    "quantities": (
        {"resources": {"limits": {"cpu": "two", "memory": "much"}}},
        ["service.resources.limits.cpu='two'", "service.resources.limits.memory='much'"],
    ),
    "requests above limits": (
        {
            "resources": {
                "limits": {"cpu": "500m", "nvidia.com/gpu": 2},
                "requests": {"cpu": 1, "nvidia.com/gpu": 1},
            }
        },
        [
            "service.resources.requests.cpu='1': use no more than its limit",
            "service.resources.requests.nvidia.com/gpu='1': requests and limits of it must be",
        ],
    ),
    "nodes": (
        {"nodeSelector": {"gpu": True, "a b": "c"}, "tolerations": ["nvidia.com/gpu"]},
        [
            "service.nodeSelector.a b='c': use letters, digits",
            "service.nodeSelector.gpu=True: write text, in quotes",
            "service.tolerations=['nvidia.com/gpu']: use mappings of",
        ],
    ),
    "fields that Kubernetes would drop": (
        {"tolerations": [{"keys": "gpu"}], "affinity": {"node": {}}},
        ["service.tolerations=[{'keys': 'gpu'}]", "service.affinity={'node': {}}: use nodeAff"],
    ),
    "accounts": (
        {"serviceAccountName": "My Account", "storageSecretName": "key_of_bucket"},
        ["service.serviceAccountName='My Account'", "service.storageSecretName='key_of_bucket'"],
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
            "service.patch=['kind', 'metadata.name']: a patch cannot make another object",
            "spec.predictor.canaryTrafficPercent is set by the rollout",
            "spec.predictor.model.storageUri is that of the release",
        ],
    ),
    "a patch that is none": (
        {"patch": {"metadata": None, "spec": {"predictor": "gpu"}}, "transformer": ["image"]},
        [
            "service.patch={'metadata': None, 'spec': {'predictor': 'gpu'}}: write metadata",
            "service.transformer=['image']: write a mapping",
        ],
    ),
    "numbers as text, and text as numbers": (
        {"minReplicas": "2", "runtimeVersion": 2.19, "createStorageSecret": "yes"},
        [
            "service.minReplicas='2': write a whole number, without quotes",
            "service.runtimeVersion=2.19: write text, in quotes",
            "service.createStorageSecret='yes': write true or false",
        ],
    ),
    "names that nobody knows": (
        {"minReplica": 2, "min_replicas": 2, "cpu": 1, "spec": {}, "storageUri": "s3://b"},
        [
            "service.minReplica=2: no such key, did you mean service.minReplicas?",
            "service.min_replicas=2: no such key, did you mean service.minReplicas?",
            "service.cpu=1: no such key, did you mean service.resources.limits.cpu?",
            "service.spec={}: write what stands in it straight into service",
            "service.storageUri='s3://b': the release's is filled in",
        ],
    ),
}
OF_THE_PUSH: dict[str, tuple[dict[str, Any], Faults]] = {
    "no root, no time": (
        {"model_root": "", "delivery": {"ready_timeout": 0}},
        ["model_root='': name the folder of releases", "delivery.ready_timeout=0"],
    ),
    "a root that cannot be": (
        {"model_root": "hdfs://host/models", "delivery": {"on_active": "wait"}},
        ["model_root: uri='hdfs://host/models'", "delivery.on_active='wait': use refuse or super"],
    ),
    "a Secret for a folder": (
        {
            "model_root": "/models",
            "service": {"name": "tips", "createStorageSecret": True},
            "delivery": {"ready_timeout": -1},
        },
        [
            "service.createStorageSecret: model_root='/models' is no s3://",
            "delivery.ready_timeout=-1",
        ],
    ),
    "no mapping": (
        {"service": "{name: tips}", "delivery": ["supersede"]},
        ["service='{name: tips}': write a mapping", "delivery=['supersede']: write a mapping"],
    ),
}


@pytest.fixture
def request_of(tmp_path: Path) -> PushRequest:
    """A push without faults, whose model and blessing nobody has looked at yet."""
    return PushRequest(
        sources=Sources(model=tmp_path, schema=tmp_path, statistics=tmp_path),
        outcomes=(tmp_path / "absent",),
        model_root=str(tmp_path / "releases"),
        service={"name": "tips"},
        delivery={"ready_timeout": 60},
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
    wrong = replace(request_of, service={**request_of.service, **fields})
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
    service = {"name": "Tips", "canaryTrafficPercent": 200}
    wrong = replace(request_of, service=service, delivery={"ready_timeout": 0, "on_active": "wait"})
    faults = [
        "service.name='Tips'",
        "service.canaryTrafficPercent=200",
        "delivery.ready_timeout=0",
        "delivery.on_active='wait'",
    ]
    check_message(refused(wrong, tmp_path, monkeypatch), faults)
