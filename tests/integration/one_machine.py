"""Services of local serving as people use them: staged, asked, rolled out by the command line."""

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.protocol.annotation_names import REVISION_HEADER
from kanaria.serving.traffic.local_traffic import LocalTraffic

KANARIA = Path(sys.executable).with_name("kanaria")
CLIENTS = 4
STABLE, CANARY = "taxi-predictor-00001", "taxi-predictor-00002"
Ask = Callable[[], tuple[Mapping[str, Any], Mapping[str, str]]]


def stage(traffic: LocalTraffic, model: Path, service: str = "taxi", **fields: Any) -> None:
    """Apply a model at 0 % and wait until it is ready."""
    traffic.stage(build(ServiceSpec(name=service, storage_uri=str(model), **fields)))
    while True:
        status = traffic.observe("default", service)
        assert status is not None
        if status.storage_uri == str(model) and status.latest_ready == status.latest_created:
            return
        time.sleep(0.1)


@contextmanager
def requests_to(
    url: str, ask: Ask = lambda: ({"instances": [[1.0]]}, {})
) -> Iterator[Counter[tuple[str, int]]]:
    """Send what `ask` makes from a few clients; count what each revision answered: its codes."""
    ended, answers = threading.Event(), Counter[tuple[str, int]]()

    def send() -> None:
        with httpx.Client(timeout=None) as client:
            while not ended.is_set():
                body, headers = ask()
                answer = client.post(url, json=body, headers=headers)
                answers[answer.headers[REVISION_HEADER], answer.status_code] += 1

    clients = [threading.Thread(target=send) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield answers
    finally:
        ended.set()
        for client in clients:
            client.join()


def rollout(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `kanaria rollout`."""
    command = [str(KANARIA), "rollout", *words, "taxi", "--state", str(state)]
    return subprocess.run(command, capture_output=True, text=True)
