"""A shadow that a real gateway sends copies to: it answers nobody, and is compared row by row."""

import time

from control_plane import mirroring_gateway
from drift_process import DriftServer
from inference_services import InferenceServices, wait_until
from real_pods import Predictor, StandardService

from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.traffic.http_route import HttpRouteTraffic
from kanaria.serving.traffic.route_weights import Gateway

GATEWAY = Gateway(namespace="kserve", name=mirroring_gateway.NAME, domain="example.com")
REQUESTS = 50


def test_copies_reach_the_shadow_and_both_answers_to_each_request_are_compared(
    services: InferenceServices, publish, drift: DriftServer
):
    began, namespace = time.time(), services.namespace
    traffic = HttpRouteTraffic(KubernetesClient.connect(), GATEWAY)
    service = StandardService(services, traffic, drift.url)
    service.stage(publish("v1"), "v1")
    service.until(lambda status: bool(status.traffic))
    client = Predictor(services, service.status().url, mirroring_gateway.URL)
    wait_until(lambda: client.predict().status_code == 200)
    service.stage(publish("v2"), "v2")

    traffic.mirror(namespace, "taxi", 100)
    wait_until(lambda: client.predict().status_code == 200 and drift.exchanges(services, "v2"))
    answers = [client.predict(f"order-{n}", f"mine-{n}") for n in range(REQUESTS)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["version"] for answer in answers} == {"v1"}
    orders = {f"order-{n}" for n in range(REQUESTS)}
    for version in ("v1", "v2"):
        wait_until(lambda version=version: orders <= drift.exchanges(services, version).keys())
    wait_until(lambda: drift.compared(services, began)["pairs"] >= REQUESTS)
    totals = drift.compared(services, began)
    print(f"a shadow by RequestMirror: {totals}")
    assert totals["canary_apart"] == totals["stable_apart"] == {}

    traffic.mirror(namespace, "taxi", 0)
    wait_until(lambda: not copied(drift, services, client))


def copied(drift: DriftServer, services: InferenceServices, client: Predictor) -> bool:
    """Send a request that the stable revision answers, and tell whether it was copied too."""
    request_id = f"after-{time.time()}"
    assert client.predict(request_id).json()["version"] == "v1"
    wait_until(lambda: request_id in drift.exchanges(services, "v1"))
    time.sleep(2)
    return request_id in drift.exchanges(services, "v2")
