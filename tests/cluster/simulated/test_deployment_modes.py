from typing import Any

from inference_services import InferenceServices, condition, traffic

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec

STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}


def manifest(**fields):
    return build(ServiceSpec(name="taxi", storage_uri="s3://models/taxi/1", **fields))


def model_transition(service: dict[str, Any]) -> str:
    return service["status"].get("modelStatus", {}).get("transitionStatus", "")


def test_a_service_becomes_ready_under_knative_with_one_revision_that_gets_all_traffic(
    services: InferenceServices,
):
    services.apply(manifest())
    service = services.wait_until_ready("taxi")
    assert traffic(service) == {"taxi-predictor-00001": 100}
    assert service["status"]["url"] == f"http://taxi-predictor.{services.namespace}.example.com"
    assert services.exists("serving.knative.dev/v1", "Service", "taxi-predictor")
    # KServe reads it from a pod, a moment after the service is ready.
    services.wait("taxi", lambda now: model_transition(now) == "UpToDate")


def test_a_service_becomes_ready_in_standard_mode_as_a_deployment_behind_a_gateway_route(
    services: InferenceServices,
):
    services.apply(manifest(annotations=STANDARD))
    services.wait_until_ready("taxi")
    deployment = services.object("apps/v1", "Deployment", "taxi-predictor")
    assert deployment["status"]["readyReplicas"] == 1
    route = services.object("gateway.networking.k8s.io/v1", "HTTPRoute", "taxi")
    (by_gateway,) = route["status"]["parents"]
    assert condition({"status": by_gateway}, "Accepted") == "True"
    assert not services.exists("serving.knative.dev/v1", "Service", "taxi-predictor")


def test_the_predictor_serves_the_model_with_tensorflow_serving(services: InferenceServices):
    services.apply(manifest())
    services.wait_until_ready("taxi")
    (pod,) = services.pods("taxi")
    images = {one["name"]: one["image"] for one in pod["spec"]["containers"]}
    assert images["kserve-container"].startswith("tensorflow/serving:")
    assert pod["spec"]["initContainers"][0]["args"] == ["s3://models/taxi/1", "/mnt/models"]
