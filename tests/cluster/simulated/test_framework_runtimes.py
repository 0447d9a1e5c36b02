"""Models of other frameworks: accepted by KServe's webhook, and served by the runtimes it ships."""

from pathlib import Path
from typing import Any

import pytest
from accounts import Account
from inference_services import InferenceServices

from kanaria.components.push import model_runtime
from kanaria.components.push.deliver_release import deliver
from kanaria.components.shared.frameworks.feature_signature import FeatureSignature, write
from kanaria.serving.inference_service.service_spec import ModelServer, ServiceSpec
from kanaria.serving.traffic.cluster_traffic import ClusterTraffic

FILES = {
    "sklearn": "model.joblib",
    "xgboost": "model.json",
    "lightgbm": "model.bst",
    "onnx": "1/model.onnx",
    "pytorch": "1/model.pt",
}
OF_TRITON = ("onnx", "pytorch")


def model_of(folder: Path, framework: str) -> Path:
    """Write the files that tell a framework; nothing here loads them."""
    file = folder / FILES[framework]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("tree\nnot loaded")
    (folder / "config.pbtxt").write_text("not read")
    write(folder, FeatureSignature(features=("a", "b"), probabilities=True))
    return folder


def container(pod: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in pod["spec"]["containers"] if one["name"] == "kserve-container")


@pytest.mark.parametrize(
    ("framework", "protocol", "image", "argument"),
    [
        ("sklearn", "", "sklearnserver", "--model_name=tips"),
        ("sklearn", "v2", "sklearnserver", "--model_name=tips"),
        ("xgboost", "", "xgbserver", "--model_name=tips"),
        ("xgboost", "v2", "xgbserver", "--model_name=tips"),
        ("lightgbm", "", "lgbserver", "--model_name=tips"),
        ("lightgbm", "v2", "lgbserver", "--model_name=tips"),
        ("onnx", "", "tritonserver", "--model-store=/mnt/models"),
        ("pytorch", "", "tritonserver", "--model-store=/mnt/models"),
    ],
)
def test_kserve_takes_the_service_and_starts_the_server_of_its_framework(
    pipeline: Account,
    services: InferenceServices,
    tmp_path: Path,
    framework: str,
    protocol: str,
    image: str,
    argument: str,
):
    service_spec = ServiceSpec(
        name="tips",
        namespace=services.namespace,
        storage_uri="s3://models/tips/one/model",
        server=ModelServer(protocol_version=protocol),
    )
    spec = model_runtime.served(service_spec, model_of(tmp_path / "model", framework))
    traffic = ClusterTraffic(pipeline.client())
    deliver(traffic, spec, 120, str(tmp_path / "pending"))
    model = services.get("tips")["spec"]["predictor"]["model"]
    assert model["modelFormat"]["name"] == framework
    assert model["protocolVersion"] == (protocol or ("v2" if framework in OF_TRITON else "v1"))
    (pod,) = services.pods("tips")
    server = container(pod)
    assert image in server["image"]
    assert argument in server["args"]
    environment = {one["name"]: one.get("value") for one in server.get("env") or ()}
    assert environment.get("PREDICT_PROBA") == ("true" if framework == "sklearn" else None)


@pytest.mark.usefixtures("pipeline")
def test_without_a_runtime_kserve_would_take_another_server_for_v2(services: InferenceServices):
    model = {
        "modelFormat": {"name": "xgboost"},
        "protocolVersion": "v2",
        "storageUri": "s3://models/tips/one/model",
    }
    services.apply(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "tips"},
            "spec": {"predictor": {"model": model}},
        }
    )
    services.wait_until_ready("tips")
    (pod,) = services.pods("tips")
    assert "mlserver" in container(pod)["image"]
