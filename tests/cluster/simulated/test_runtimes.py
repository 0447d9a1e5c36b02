"""Our ServingRuntimes: accepted by KServe's webhook, chosen and scheduled, but not run."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from accounts import MANIFESTS, Account
from inference_services import InferenceServices
from kubernetes.dynamic.exceptions import DynamicApiError

from kanaria.components.push.deliver_release import deliver
from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ModelServer, Placement, ServiceSpec
from kanaria.serving.traffic.cluster_traffic import ClusterTraffic

STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}
TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
GPU = Placement(limits={"nvidia.com/gpu": "1"}, tolerations=[TOLERATION])
CPU = Placement()


def spec(services: InferenceServices, runtime: str, **fields: Any) -> ServiceSpec:
    return ServiceSpec(
        name="tips",
        namespace=services.namespace,
        storage_uri="s3://m/one",
        server=ModelServer(runtime=runtime, **fields.pop("server", {})),
        **fields,
    )


def container(pod: dict[str, Any]) -> dict[str, Any]:
    containers = {one["name"]: one for one in pod["spec"]["containers"]}
    return containers["kserve-container"]


@pytest.mark.parametrize("mode", [{}, STANDARD], ids=["knative", "standard"])
@pytest.mark.parametrize(
    ("runtime", "image", "placement", "nodes"),
    [
        ("kanaria-tensorflow", "tensorflow/serving:2.19.1", CPU, {"cpu-0"}),
        ("kanaria-tensorflow-gpu", "tensorflow/serving:2.19.1-gpu", GPU, {"gpu-0", "gpu-1"}),
    ],
)
def test_a_service_runs_on_our_runtime_where_it_belongs(
    pipeline: Account,
    services: InferenceServices,
    tmp_path: Path,
    mode: dict[str, str],
    runtime: str,
    image: str,
    placement: Placement,
    nodes: set[str],
):
    service_spec = spec(services, runtime, placement=placement, annotations=mode)
    delivered = deliver(
        ClusterTraffic(pipeline.client()), service_spec, 120, str(tmp_path / "pending")
    )
    (pod,) = services.pods(delivered.revision if mode else "tips")
    server = container(pod)
    assert server["image"] == image
    # Requests name the service, whatever InferenceService stands behind it.
    assert "--model_name=tips" in server["args"]
    assert "--monitoring_config_file=/etc/tensorflow-serving/monitoring.config" in server["args"]
    assert pod["spec"]["nodeName"] in nodes
    assert pod["metadata"]["annotations"]["prometheus.io/path"] == "/metrics"
    security = server["securityContext"]
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["readOnlyRootFilesystem"]
    places = {mount["mountPath"]: mount.get("readOnly", False) for mount in server["volumeMounts"]}
    assert [place for place, is_read in places.items() if not is_read] == ["/tmp"]
    limits = server["resources"]["limits"]
    assert limits.get("nvidia.com/gpu", "0") == str(placement.gpus.get("nvidia.com/gpu", 0))


@pytest.mark.usefixtures("pipeline")
def test_kserve_takes_a_version_as_it_is_so_one_for_gpus_must_be_named_in_full(
    services: InferenceServices,
):
    wrong = spec(
        services, "kanaria-tensorflow-gpu", placement=GPU, server={"runtime_version": "2.18.0"}
    )
    with pytest.raises(ParameterError, match=r"service.runtimeVersion='2\.18\.0': end it in -gpu"):
        build(wrong)
    manifest = build(spec(services, "kanaria-tensorflow-gpu", placement=GPU))
    manifest["spec"]["predictor"]["model"]["runtimeVersion"] = "2.18.0"
    services.apply(manifest)
    services.wait_until_ready("tips")
    (pod,) = services.pods("tips")
    assert container(pod)["image"] == "tensorflow/serving:2.18.0"


@pytest.mark.usefixtures("pipeline")
def test_the_webhook_looks_at_what_a_runtime_says(services: InferenceServices):
    # It compares priorities as soon as a namespace has runtimes.
    runtime = yaml.safe_load((MANIFESTS / "base/tensorflow-runtime.yaml").read_text())
    formats = runtime["spec"]["supportedModelFormats"]
    formats[:] = [{**formats[0], "autoSelect": True, "priority": 1} for _ in range(2)]
    formats[1]["priority"] = 2
    with pytest.raises(DynamicApiError, match="denied the request"):
        services.apply(runtime)
