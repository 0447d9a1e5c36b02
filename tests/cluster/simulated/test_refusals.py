import pytest
from inference_services import InferenceServices
from kubernetes.dynamic.exceptions import DynamicApiError

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec


def manifest(**fields):
    document = build(ServiceSpec(name="taxi", storage_uri="s3://models/taxi/1"))
    document["spec"]["predictor"].update(fields)
    return document


def refusal(services: InferenceServices, document) -> str:
    with pytest.raises(DynamicApiError) as caught:
        services.apply(document)
    assert not services.exists(document["apiVersion"], document["kind"], "taxi")
    return str(caught.value.body)


def test_the_webhook_refuses_fewer_replicas_at_most_than_at_least(services: InferenceServices):
    document = manifest(minReplicas=3, maxReplicas=2)
    assert "denied the request" in refusal(services, document)


def test_the_webhook_refuses_a_name_that_begins_with_a_digit(services: InferenceServices):
    document = manifest()
    document["metadata"]["name"] = "1taxi"
    assert "denied the request" in refusal(services, document)


def test_the_webhook_refuses_a_concurrency_below_zero(services: InferenceServices):
    assert "denied the request" in refusal(services, manifest(containerConcurrency=-1))


def test_the_schema_refuses_a_logger_mode_that_kserve_does_not_know(services: InferenceServices):
    logger = {"mode": "sometimes", "url": "http://sink"}
    assert "spec.predictor.logger.mode" in refusal(services, manifest(logger=logger))


def test_nobody_but_us_refuses_a_share_above_a_hundred(services: InferenceServices):
    services.apply(manifest(canaryTrafficPercent=101))
    with pytest.raises(ParameterError, match="canaryTrafficPercent"):
        build(ServiceSpec(name="taxi", storage_uri="s3://models/taxi/1", canary_percent=101))
