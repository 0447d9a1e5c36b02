"""The page's resources.yaml: each of its settings stands in the compiled pipeline."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler, components

from kanaria.components.shared.config import yaml_text
from kanaria.components.shared.step_images import TRAINING_GPU_IMAGE
from kanaria.pipelines.compiled_pipelines import documents
from kanaria.pipelines.resources import credentials, settings_of_steps
from kanaria.pipelines.resources.apply_settings import applied
from kanaria.pipelines.resources.pod_tasks import leaves
from kanaria.pipelines.resources.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs/how-to/resources.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    (block,) = re.findall(r"```yaml\n(# resources.yaml.*?)```", PAGE, re.DOTALL)
    return yaml.safe_load(block)


@pytest.fixture(scope="module")
def applied_page(said: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    document, platform = applied(documents("train_and_deploy"), settings_of_steps.of(said))
    return document, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_the_example_has_every_setting(said: dict[str, Any]):
    shown = {field for settings in said.values() for field in settings}
    assert shown == {field.alias for field in Settings.model_fields.values()}


def test_every_step_gets_what_all_get(applied_page: tuple[dict[str, Any], dict[str, Any]]):
    document, pods = applied_page
    assert set(pods) == set(document["deploymentSpec"]["executors"])
    for label, pod in pods.items():
        assert [one["secretName"] for one in pod["imagePullSecret"]] == ["registry"]
        assert pod["podMetadata"] == {
            "labels": {"team": "flights"},
            "annotations": {"sidecar.istio.io/inject": "false"},
        }
        pairs = {
            pair["envVar"]: (one["secretName"], pair["secretKey"])
            for one in pod["secretAsEnv"]
            for pair in one["keyToEnv"]
        }
        assert pairs["AWS_ACCESS_KEY_ID"] == ("mlpipeline-minio-artifact", "accesskey")
        assert pairs["PGPASSWORD"] == ("warehouse", "PASSWORD")
        assert pod["configMapAsEnv"][0]["keyToEnv"] == [
            {"configMapKey": "REGION", "envVar": "REGION"}
        ]
        container = document["deploymentSpec"]["executors"][label]["container"]
        assert container["env"] == [
            {"name": "AWS_ENDPOINT_URL", "value": "http://seaweedfs.kubeflow:9000"}
        ]


def test_steps_get_their_own(applied_page: tuple[dict[str, Any], dict[str, Any]]):
    document, pods = applied_page
    tasks = {leaf.key: leaf.task for leaf in leaves(document)}
    ingest, train = pods["exec-ingest-data"], pods["exec-train-model"]
    (claim,) = ingest["pvcMount"]
    assert (claim["constant"], claim["mountPath"], claim["subPath"]) == ("flights", "/data", "2013")
    assert ingest["secretAsVolume"][0]["mountPath"] == "/etc/gcp"
    assert ingest["configMapAsVolume"][0]["mountPath"] == "/etc/places"
    assert tasks["ingest-data"]["retryPolicy"] == {
        "maxRetryCount": 2,
        "backoffDuration": "30s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": "600s",
    }
    container = document["deploymentSpec"]["executors"]["exec-train-model"]["container"]
    assert container["image"] == f"registry.example.com/ml/{TRAINING_GPU_IMAGE}"
    amounts = container["resources"]
    assert amounts["resourceCpuRequest"] == "2"
    assert amounts["resourceMemoryRequest"] == "4Gi"
    assert amounts["resourceMemoryLimit"] == "8Gi"
    assert amounts["accelerator"] == {
        "type": "nvidia.com/gpu",
        "resourceType": "nvidia.com/gpu",
        "count": "1",
        "resourceCount": "1",
    }
    assert train["imagePullPolicy"] == "IfNotPresent"
    assert train["nodeSelector"] == {"labels": {"cloud.google.com/gke-accelerator": "nvidia-l4"}}
    assert train["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]
    nodes = train["nodeAffinity"][0]["nodeAffinityJson"]["runtimeValue"]["constant"]
    assert nodes["preferredDuringSchedulingIgnoredDuringExecution"][0]["weight"] == 10
    assert train["emptyDirMounts"] == [
        {
            "volumeName": "dev-shm",
            "mountPath": "/dev/shm",
            "medium": "Memory",
            "sizeLimit": "2Gi",
        }
    ]
    assert train["activeDeadlineSeconds"] == "7200"
    assert tasks["evaluate-model"]["cachingOptions"] == {}
    assert tasks["train-model"]["cachingOptions"] == {"enableCache": True}


def test_kfp_reads_it_and_compiles_it_to_the_same(said: dict[str, Any], tmp_path: Path):
    written = applied(documents("train_and_deploy"), settings_of_steps.of(said))
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(yaml_text.dump(*written))
    compiler.Compiler().compile(components.load_component_from_file(str(first)), str(second))
    assert list(yaml.safe_load_all(second.read_text())) == written


def test_the_readme_names_every_variable_that_is_taken():
    assert [name for name in credentials.VARIABLES if f"`{name}`" not in PAGE] == []
