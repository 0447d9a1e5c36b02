"""What tests with real pods share: the service `taxi` and requests to it through the gateway."""

from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import httpx
from control_plane.layout import NODE_ADDRESS
from inference_services import SECONDS, InferenceServices, wait_until

from kanaria.serving.inference_service.manifest import build
from kanaria.serving.inference_service.spec import ModelServer, ServiceSpec


def apply(services: InferenceServices, uri: str, percent: int | None = None, **fields: Any) -> None:
    """Apply the service as the product builds it, on a server whose image is here."""
    server = ModelServer(runtime="model-server")
    spec = ServiceSpec(
        name="taxi", storage_uri=uri, server=server, canary_percent=percent, **fields
    )
    services.apply(build(spec))


class Predictor:
    """The predictor of the service `taxi`, as users outside the cluster reach it."""

    def __init__(self, services: InferenceServices):
        host = urlsplit(services.get("taxi")["status"]["url"]).netloc
        # A revision that is scaled to zero answers the first request only when it has started.
        self._client = httpx.Client(
            base_url=f"http://{NODE_ADDRESS}", headers={"Host": host}, timeout=SECONDS
        )

    def predict(self) -> httpx.Response:
        return self._client.post("/v1/models/taxi:predict", json={"instances": [[1, 2]]})

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
