"""What tests with real pods share: the service `taxi` and requests to it through the gateway."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
from control_plane.layout import NODE_ADDRESS
from inference_services import SECONDS, InferenceServices, wait_until

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ModelServer, PayloadLog, ServiceSpec
from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.traffic.cluster_traffic import ClusterTraffic
from kanaria.serving.traffic.traffic_protocol import ServiceStatus, Traffic

GATEWAY_URL = f"http://{NODE_ADDRESS}"


def apply(services: InferenceServices, uri: str, percent: int | None = None, **fields: Any) -> None:
    """Apply the service as the product builds it, on a server whose image is here."""
    server = ModelServer(runtime="model-server")
    spec = ServiceSpec(
        name="taxi", storage_uri=uri, server=server, canary_percent=percent, **fields
    )
    services.apply(build(spec))


class StandardService:
    """The service `taxi` in Standard mode, delivered behind a route of its own."""

    def __init__(
        self,
        services: InferenceServices,
        traffic: Traffic | None = None,
        log_url: str = "",
    ):
        self._services, self._log = services, PayloadLog(url=log_url)
        self._traffic = traffic or ClusterTraffic(KubernetesClient.connect())

    def stage(self, uri: str, version: str = "") -> None:
        """Stage a model and wait until it is ready."""
        marks = {"kanaria.io/model-version": version} if version else {}
        spec = ServiceSpec(
            name="taxi",
            namespace=self._services.namespace,
            storage_uri=uri,
            server=ModelServer(runtime="model-server"),
            annotations={"serving.kserve.io/deploymentMode": "Standard", **marks},
            log=self._log,
        )
        self._traffic.stage(build(spec))
        self.until(lambda status: status.revision_uris.get(status.latest_ready) == uri)

    def shift(self, percent: int) -> None:
        self._traffic.shift(self._services.namespace, "taxi", percent)

    def promote(self) -> None:
        self._traffic.promote(self._services.namespace, "taxi")

    def status(self) -> ServiceStatus:
        status = self._traffic.observe(self._services.namespace, "taxi")
        assert status is not None
        return status

    def until(self, holds: Callable[[ServiceStatus], bool]) -> None:
        wait_until(lambda: holds(self.status()), self.status)


class Predictor:
    """The predictor of the service `taxi`, as users outside the cluster reach it."""

    def __init__(self, services: InferenceServices, url: str = "", gateway: str = GATEWAY_URL):
        """Reach the service by a URL, else by that which its status tells, through a gateway."""
        host = urlsplit(url or services.get("taxi")["status"]["url"]).netloc
        # A revision that is scaled to zero answers the first request only when it has started.
        self._client = httpx.Client(base_url=gateway, headers={"Host": host}, timeout=SECONDS)

    def predict(
        self,
        request_id: str = "",
        event_id: str = "",
        instances: Sequence[Sequence[float]] = ((1, 2),),
    ) -> httpx.Response:
        ids = {"X-Request-Id": request_id, "Ce-Id": event_id}
        headers = {name: value for name, value in ids.items() if value}
        body = {"instances": instances}
        return self._client.post("/v1/models/taxi:predict", json=body, headers=headers)

    def wait(self) -> None:
        """Wait until the gateway knows the route, which is shortly after the service is ready."""
        wait_until(lambda: self.predict().status_code != 404)

    def versions(self, requests: int) -> Counter[str]:
        """Send requests and count which version answered; every answer must be right."""
        counts: Counter[str] = Counter()
        for _ in range(requests):
            answer = self.predict()
            assert answer.status_code == 200, answer.text
            assert answer.json()["predictions"] == [3]
            counts[answer.json()["version"]] += 1
        return counts
