"""The transformer of features as KServe's webhook and controllers take it, as a push writes it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from accounts import Account
from inference_services import InferenceServices, Object, condition

from kanaria.components.push import model_runtime
from kanaria.components.push.deliver_release import deliver
from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.features import feature_settings
from kanaria.serving.inference_service import service_mapping
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.traffic.cluster_traffic import ClusterTraffic

STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}
DEFAULTS = {"trips": 2**60 + 1, "town": None, "word": '서울 "a"'}
FEATURES = {
    "url": "http://feast.features:6566",
    "featureService": "trips_v1",
    "entities": ["driver_id"],
    "missing": "defaults",
    "defaults": DEFAULTS,
    "image": "kanaria.test/kanaria-control:1",
}


def check(pod: Object) -> None:
    """Check that the container is started as its command line takes it."""
    (container,) = [one for one in pod["containers"] if one["name"] == "kserve-container"]
    assert container["image"] == FEATURES["image"]
    assert container["command"] == ["python", "-m", "kanaria.serving.features"]
    arguments = container["args"]
    values = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert set(values) == {"--features", "--model_name", "--predictor_host", "--http_port"}
    faults = Faults("features")
    settings = feature_settings.read(json.loads(values["--features"]), faults)
    faults.raise_if_any()
    assert settings.defaults == DEFAULTS
    assert values["--model_name"] == "trips"
    assert values["--predictor_host"].startswith("trips-predictor")


def model_of(folder: Path, protocol: str) -> Path:
    """A folder with the file by which a push knows a model that speaks the protocol."""
    name = "1/saved_model.pb" if protocol == "v1" else "trips/1/model.onnx"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).touch()
    return folder


def spec_of(services: InferenceServices, model: Path, annotations: dict[str, str]) -> ServiceSpec:
    faults = Faults("push_model")
    document = {"name": "trips", "features": FEATURES, "annotations": annotations}
    mapping = service_mapping.parse(document, faults, lambda: services.namespace)
    faults.raise_if_any()
    return model_runtime.served(replace(mapping, storage_uri="s3://models/trips/0a/model"), model)


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_a_pushed_service_with_features_has_its_transformer(
    pipeline: Account, services: InferenceServices, tmp_path: Path, protocol: str
):
    spec = spec_of(services, model_of(tmp_path / "model", protocol), {})
    deliver(ClusterTraffic(pipeline.client()), spec, 120, str(tmp_path / "pending"))
    service = services.get("trips")
    assert condition(service, "Ready") == "True"
    assert service["spec"]["predictor"]["model"]["protocolVersion"] == protocol
    assert set(service["status"]["components"]) == {"predictor", "transformer"}
    workload = services.object("serving.knative.dev/v1", "Service", "trips-transformer")
    check(workload["spec"]["template"]["spec"])


def test_a_service_in_standard_mode_has_it_too(services: InferenceServices, tmp_path: Path):
    services.apply(build(spec_of(services, model_of(tmp_path / "model", "v2"), STANDARD)))
    services.wait_until_ready("trips")
    workload = services.object("apps/v1", "Deployment", "trips-transformer")
    assert workload["status"]["readyReplicas"] == 1
    check(workload["spec"]["template"]["spec"])
