"""A real Prometheus that scrapes the queue-proxies of a namespace, as the PodMonitor asks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference_services import InferenceServices
from real_prometheus import Prometheus

PORT_NAME = "http-usermetric"
"""Of the queue-proxy, by which manifests/components/prometheus finds it too."""
SECONDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Scraped:
    """One port of one pod, with the labels that the Prometheus Operator gives it."""

    address: str
    labels: dict[str, str]

    def target(self) -> dict[str, Any]:
        """Return the entry of a file of targets."""
        return {"targets": [self.address], "labels": self.labels}


def queue_proxies(pods: list[dict[str, Any]]) -> list[Scraped]:
    """Return where the pods that have an address count their requests."""
    return [
        Scraped(
            address=f"{pod['status']['podIP']}:{port['containerPort']}",
            labels={
                "namespace": pod["metadata"]["namespace"],
                "pod": pod["metadata"]["name"],
                "container": container["name"],
            },
        )
        for pod in pods
        if pod["status"].get("podIP")
        for container in pod["spec"]["containers"]
        for port in container.get("ports", ())
        if port.get("name") == PORT_NAME
    ]


@contextmanager
def scraping(services: InferenceServices, service: str, folder: Path) -> Iterator[Prometheus]:
    """Yield a Prometheus that follows the pods of a service.

    Debian's build cannot ask Kubernetes for pods, so a thread writes its file of targets.
    """
    prometheus, ended = Prometheus(folder), threading.Event()

    def follow() -> None:
        while not ended.wait(SECONDS):
            prometheus.scrape(queue_proxies(services.pods(service)))

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield prometheus
    finally:
        ended.set()
        thread.join()
        prometheus.stop()
