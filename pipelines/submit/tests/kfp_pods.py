"""What the server and Kubernetes demand of the platform's document of a pipeline.

KFP reads it strictly into its own messages, and makes a pod's volumes and variables of it by name:
backend/src/v2/driver/k8s.go. Kubernetes refuses a pod in which two of them have one name.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as messages
from kfp.pipeline_spec import pipeline_spec_pb2

OWN_FOLDERS = ["/kfp-launcher", "/gcs", "/s3", "/minio", "/.local", "/.cache", "/.config"]
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def faults(text: str) -> list[str]:
    """Return what is wrong with the pods of an uploaded pipeline."""
    document, *others = yaml.safe_load_all(text)
    try:
        json_format.ParseDict(document, pipeline_spec_pb2.PipelineSpec())
        return [fault for other in others for fault in _of_platform(document, other)]
    except json_format.ParseError as error:
        return [str(error)]


def _of_platform(document: Any, platform: Any) -> Iterator[str]:
    json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
    executors = document["deploymentSpec"]["executors"]
    for label, config in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].items():
        if label not in executors:
            yield f"{label}: no executor"
            continue
        pod = json_format.ParseDict(config, messages.KubernetesExecutorConfig())
        env = [entry["name"] for entry in executors[label]["container"].get("env", [])]
        yield from (f"{label}: {fault}" for fault in _of_pod(pod, env))


def _of_pod(pod: Any, env: list[str]) -> Iterator[str]:
    mounts = [
        *((one.constant, one.mount_path) for one in pod.pvc_mount),
        *((one.secret_name, one.mount_path) for one in pod.secret_as_volume),
        *((one.config_map_name, one.mount_path) for one in pod.config_map_as_volume),
        *((one.volume_name, one.mount_path) for one in pod.empty_dir_mounts),
    ]
    sources = [*pod.secret_as_env, *pod.config_map_as_env]
    variables = [
        *env,
        *(pair.env_var for source in sources for pair in source.key_to_env),
        *(one.name for one in pod.field_path_as_env),
    ]
    for kind, names in (
        ("volume", [name for name, _ in mounts]),
        ("mountPath", [path for _, path in mounts] + OWN_FOLDERS),
        ("variable", variables),
    ):
        yield from (f"{kind} {name}: twice" for name in {n for n in names if names.count(n) > 1})
    yield from (f"volume {name}: no label" for name, _ in mounts if not LABEL.fullmatch(name))
