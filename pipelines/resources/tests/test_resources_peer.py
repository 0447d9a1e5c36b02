"""Each setting is written as kfp writes it when the same is set on a task in Python."""

from pathlib import Path
from typing import Any

import kfp_toys
import pytest
from kfp import kubernetes
from kfp_toys import Change

from kanaria.pipelines.resources import settings_of_steps
from kanaria.pipelines.resources.apply_settings import applied
from kanaria.pipelines.resources.settings_merge import merged

NODES = {
    "requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [
            {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a", "b"]}]}
        ]
    },
    "preferredDuringSchedulingIgnoredDuringExecution": [
        {
            "weight": 5,
            "preference": {"matchExpressions": [{"key": "ssd", "operator": "Exists"}]},
        }
    ],
}
SECRET = {"secretKeyRef": {"name": "store", "key": "id"}}
OPTIONAL = {"configMapKeyRef": {"name": "texts", "key": "menu", "optional": True}}
PEERS: dict[str, tuple[dict[str, Any], Change]] = {
    "cpu": (
        {"resources": {"requests": {"cpu": "250m"}, "limits": {"cpu": 2}}},
        lambda task: task.set_cpu_request("250m").set_cpu_limit("2"),
    ),
    "memory": (
        {"resources": {"requests": {"memory": "512Mi"}, "limits": {"memory": "4G"}}},
        lambda task: task.set_memory_request("512Mi").set_memory_limit("4G"),
    ),
    "amounts that kfp does not read": (
        {"resources": {"requests": {"cpu": "1e-1", "memory": "1.5Gi"}}},
        lambda task: task.set_cpu_request("100m").set_memory_request("1536Mi"),
    ),
    "accelerator": (
        {"resources": {"limits": {"nvidia.com/gpu": 2}}},
        lambda task: task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(2),
    ),
    "part of a GPU": (
        {"resources": {"limits": {"nvidia.com/mig-1g.10gb": "1"}}},
        lambda task: task.set_accelerator_type("nvidia.com/mig-1g.10gb"),
    ),
    "node selector": (
        {"nodeSelector": {"pool": "big", "example.com/ssd": "true"}},
        lambda task: kubernetes.add_node_selector(
            kubernetes.add_node_selector(task, "pool", "big"), "example.com/ssd", "true"
        ),
    ),
    "tolerations": (
        {
            "tolerations": [
                {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"},
                {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60},
            ]
        },
        lambda task: kubernetes.add_toleration(
            kubernetes.add_toleration(task, "gpu", "Equal", "yes", "NoSchedule"),
            operator="Exists",
            effect="NoExecute",
            toleration_seconds=60,
        ),
    ),
    "affinity": (
        {"affinity": {"nodeAffinity": NODES}},
        lambda task: kubernetes.add_node_affinity_json(task, NODES),
    ),
    "label": ({"labels": {"a/b": "c"}}, lambda task: kubernetes.add_pod_label(task, "a/b", "c")),
    "annotation": (
        {"annotations": {"sidecar.istio.io/inject": "false"}},
        lambda task: kubernetes.add_pod_annotation(task, "sidecar.istio.io/inject", "false"),
    ),
    "image": (
        {"image": "other.example.com/cook:2"},
        lambda task: task.set_container_image("other.example.com/cook:2"),
    ),
    "image pull policy": (
        {"imagePullPolicy": "Always"},
        lambda task: kubernetes.set_image_pull_policy(task, "Always"),
    ),
    "image pull secrets": (
        {"imagePullSecrets": [{"name": "one"}, {"name": "two"}]},
        lambda task: kubernetes.set_image_pull_secrets(task, ["one", "two"]),
    ),
    "variable": (
        {"env": [{"name": "A", "value": "1"}]},
        lambda task: task.set_env_variable("A", "1"),
    ),
    "variable from a Secret": (
        {"env": [{"name": "A", "valueFrom": SECRET}]},
        lambda task: kubernetes.use_secret_as_env(task, "store", {"id": "A"}),
    ),
    "variable from a ConfigMap": (
        {"env": [{"name": "A", "valueFrom": OPTIONAL}]},
        lambda task: kubernetes.use_config_map_as_env(task, "texts", {"menu": "A"}, True),
    ),
    "variable from the pod": (
        {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
        lambda task: kubernetes.use_field_path_as_env(task, "A", "metadata.name"),
    ),
    "keys of a Secret": (
        {"envFrom": [{"secretRef": {"name": "store"}, "prefix": "S_", "keys": ["A", "B"]}]},
        lambda task: kubernetes.use_secret_as_env(task, "store", {"A": "S_A", "B": "S_B"}),
    ),
    "keys of a ConfigMap": (
        {"envFrom": [{"configMapRef": {"name": "texts", "optional": True}, "keys": ["A"]}]},
        lambda task: kubernetes.use_config_map_as_env(task, "texts", {"A": "A"}, True),
    ),
    "claim": (
        {
            "volumes": [
                {"mountPath": "/d", "persistentVolumeClaim": {"claimName": "d"}, "subPath": "x/y"}
            ]
        },
        lambda task: kubernetes.mount_pvc(task, "d", "/d", "x/y"),
    ),
    "Secret as files": (
        {"volumes": [{"mountPath": "/s", "secret": {"secretName": "s", "optional": True}}]},
        lambda task: kubernetes.use_secret_as_volume(task, "s", "/s", True),
    ),
    "ConfigMap as files": (
        {"volumes": [{"mountPath": "/c", "configMap": {"name": "c"}}]},
        lambda task: kubernetes.use_config_map_as_volume(task, "c", "/c"),
    ),
    "shared memory": (
        {
            "volumes": [
                {"mountPath": "/dev/shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}
            ]
        },
        lambda task: kubernetes.empty_dir_mount(task, "dev-shm", "/dev/shm", "Memory", "2Gi"),
    ),
    "timeout": (
        {"activeDeadlineSeconds": 90},
        lambda task: kubernetes.set_timeout(task, 90),
    ),
    "retries": (
        {
            "retryPolicy": {
                "maxRetryCount": 3,
                "backoffDuration": "30s",
                "backoffFactor": 1.5,
                "backoffMaxDuration": "5m",
            }
        },
        lambda task: task.set_retry(3, "30s", 1.5, "5m"),
    ),
    "retries as kfp's defaults": (
        {"retryPolicy": {"maxRetryCount": 1}},
        lambda task: task.set_retry(1),
    ),
    "no cache": (
        {"cachingOptions": {"enableCache": False}},
        lambda task: task.set_caching_options(False),
    ),
}


@pytest.mark.parametrize("name", PEERS)
def test_a_setting_is_written_as_kfp_writes_it(name: str, tmp_path: Path):
    said, change = PEERS[name]
    ours = applied(kfp_toys.meal(tmp_path), settings_of_steps.of({"cook": said}))
    assert ours == kfp_toys.meal(tmp_path, change)


OF_THE_TASK = ("retries", "retries as kfp's defaults", "no cache")
"""Settings that stand with the task, so that its component may stay shared."""
TOGETHER = [
    "cpu",
    "memory",
    "accelerator",
    "node selector",
    "tolerations",
    "affinity",
    "label",
    "annotation",
    "image",
    "image pull policy",
    "image pull secrets",
    "variable",
    "keys of a Secret",
    "claim",
    "Secret as files",
    "ConfigMap as files",
    "shared memory",
    "timeout",
    "retries",
    "no cache",
]


def test_all_settings_together_are_written_as_kfp_writes_them(tmp_path: Path):
    said: dict[str, Any] = {}
    for name in TOGETHER:
        said = merged(said, PEERS[name][0])

    def change(task: Any) -> None:
        for name in TOGETHER:
            PEERS[name][1](task)

    ours = applied(kfp_toys.meal(tmp_path), settings_of_steps.of({"cook": said}))
    assert ours == kfp_toys.meal(tmp_path, change)


@pytest.mark.parametrize("name", PEERS)
def test_of_two_tasks_of_a_component_only_the_named_one_gets_a_setting(name: str, tmp_path: Path):
    said, change = PEERS[name]
    document, *platform = applied(
        kfp_toys.sharing(tmp_path), settings_of_steps.of({"cook-2": said})
    )
    theirs, *their_platform = kfp_toys.courses(tmp_path, change)
    if name in OF_THE_TASK:
        assert document["root"]["dag"]["tasks"]["cook"] == theirs["root"]["dag"]["tasks"]["cook"]
        assert list(document["components"]) == ["comp-cook"]
    else:
        assert [document, *platform] == [theirs, *their_platform]
