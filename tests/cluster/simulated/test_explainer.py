"""The explainer of a service as KServe's webhook and controller take it."""

from inference_services import InferenceServices

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import Explainer, ServiceSpec

VERSION, KIND = "serving.knative.dev/v1", "Service"


def test_kserve_starts_the_explainer_with_the_predictors_host(services: InferenceServices):
    explainer = Explainer(image="kanaria.test/kanaria-explain:1", args=["--max_evals=64"])
    spec = ServiceSpec(name="taxi", storage_uri="s3://models/taxi/0a/model", explainer=explainer)
    services.apply(build(spec))
    services.wait_until_ready("taxi")
    service = services.object(VERSION, KIND, "taxi-explainer")
    (container,) = service["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", "kanaria.serving.explainer"]
    host = f"taxi-predictor.{services.namespace}"
    assert container["args"] == [
        "--background=s3://models/taxi/0a/serving_samples",
        "--max_evals=64",
        *("--model_name", "taxi"),
        *("--predictor_host", host),
        *("--http_port", "8080"),
    ]
    addresses = services.get("taxi")["status"]["components"]
    assert set(addresses) == {"predictor", "explainer"}
