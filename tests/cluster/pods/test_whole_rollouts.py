"""A whole rollout as a user starts it: real pods, gateway and Prometheus, and the command."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from inference_services import InferenceServices, wait_until
from real_pods import Predictor, apply
from scraped_pods import scraping

from kanaria.serving.kubernetes_api.client import KubernetesClient
from kanaria.serving.traffic.cluster_traffic import ClusterTraffic

CLIENTS = 4
SECONDS = 600
"""After which a rollout that does not end fails its test; it needs about one."""
POLICY = """
steps:
  - {percent: 20, minimum_requests: 60, minimum_minutes: 0}
  - {percent: 50, minimum_requests: 60, minimum_minutes: 0}
warm_up: {minutes: 0.1}
"""


@pytest.mark.parametrize(
    ("behaviour", "code", "shares", "line"),
    [
        ({}, 0, {"v2": 100}, "promoted"),
        ({"refuses": True}, 1, {"v1": 100}, "harm, above all in refusals"),
        ({"seconds": 0.3}, 1, {"v1": 100}, "harm, above all in latency"),
    ],
    ids=["good", "refuses", "slow"],
)
def test_a_real_canary_is_given_the_traffic_that_it_deserves(
    services: InferenceServices,
    publish: Any,
    tmp_path: Path,
    behaviour: dict[str, Any],
    code: int,
    shares: dict[str, int],
    line: str,
) -> None:
    apply(services, publish("v1"))
    services.wait_until_ready("taxi")
    Predictor(services).wait()
    with scraping(services, "taxi", tmp_path) as prometheus:
        apply(services, publish("v2", **behaviour), 0)
        services.wait_until_ready("taxi")
        with requests(services):
            done = rollout(services, prometheus.url, tmp_path)
    print(done.stdout)
    assert (done.returncode, line in done.stdout) == (code, True), done.stdout + done.stderr
    wait_until(lambda: served(services) == shares, lambda: served(services))


@contextmanager
def requests(services: InferenceServices) -> Iterator[None]:
    """Let clients ask the service, one request after another, as long as the block runs."""
    ended = threading.Event()

    def ask() -> None:
        client = Predictor(services)
        while not ended.is_set():
            client.predict()

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def rollout(
    services: InferenceServices, prometheus: str, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run `kanaria rollout start` until the rollout is over."""
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    command = [sys.executable, "-P", "-c", "from kanaria.pipelines.cli import main; main()"]
    command += ["rollout", "start", "taxi", "--namespace", services.namespace]
    command += ["--policy", str(policy), "--interval", "2"]
    command += ["--prometheus-url", prometheus, "--prometheus-queries", "knative"]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, env=os.environ, check=False
    )


def served(services: InferenceServices) -> dict[str, int]:
    """Return the percent of the traffic by version."""
    status = ClusterTraffic(KubernetesClient.connect()).observe(services.namespace, "taxi")
    assert status is not None
    versions = {name: uri.split("/")[4] for name, uri in status.revision_uris.items()}
    return {versions[one.revision]: one.percent for one in status.traffic if one.percent}
