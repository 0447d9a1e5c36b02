"""Three canaries in the shadow of real traffic: real models, payload log and drift server."""

import itertools
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from event_sender import Server
from one_machine import CANARY, STABLE, requests_to, rollout, stage
from serving_models import models

from kanaria.serving.inference_service.service_spec import PayloadLog
from kanaria.serving.local.background_server import served
from kanaria.serving.traffic.local_traffic import LocalTraffic

__all__ = ["models"]

POLICY = """
strategy: shadow
steps: [{percent: 0, minimum_requests: 500, minimum_minutes: 0}]
gates:
  latency: false  # The clients share two cores with both models.
"""
ROWS = 20
"""In a request."""
NUMBERS = itertools.count()


@contextmanager
def keeping(folder: Path) -> Iterator[Server]:
    """Run a drift server."""
    server = Server(str(folder / "events.db"), folder)
    server.start()
    server.wait()
    try:
        yield server
    finally:
        server.stop()


def push(traffic: LocalTraffic, model: Path, server: Server) -> None:
    """Stage a model whose version is its name, and whose traffic is logged."""
    log = PayloadLog(url=server.url, headers=("X-Request-Id",))
    stage(traffic, model, log=log, annotations={"kanaria.io/model-version": model.name})


def some_rows():
    time.sleep(0.1)  # The drift server is to keep all of them.
    rows = [[random.random()] for _ in range(ROWS)]
    return {"instances": rows}, {"X-Request-Id": f"ride-{next(NUMBERS)}"}


@contextmanager
def labelling(server: Server, canary: str) -> Iterator[None]:
    """Label rows of disagreement as they are listed: the truth is 1 everywhere."""
    ended = threading.Event()
    asked = {
        "namespace": "default",
        "service": "taxi",
        "canary": canary,
        "stable": "serving",
        "since": "1970-01-01T00:00:00Z",
        "task": "binary",
        "limit": "10",
    }

    def work() -> None:
        while not ended.wait(0.5):
            wanted = httpx.get(f"{server.url}/disagreements", params=asked, timeout=None).json()
            labels = [
                {"request_id": one["request_id"], "row": one["row"], "label": 1} for one in wanted
            ]
            httpx.post(f"{server.url}/labels", json=labels, timeout=None).raise_for_status()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()


@pytest.mark.parametrize(
    ("canary", "labels", "code", "ended"),
    [
        ("alike", False, 0, "promoted"),
        ("equal", True, 0, "promoted"),
        ("worse", True, 1, "harm, above all in labels"),
    ],
)
def test_a_shadow_gets_what_it_deserves(
    models: Path, tmp_path: Path, canary: str, labels: bool, code: int, ended: str
):
    state, policy, page = (tmp_path / name for name in ("serving", "policy.yaml", "page.html"))
    policy.write_text(POLICY)
    with keeping(tmp_path) as server, served(state) as url, LocalTraffic(state) as traffic:
        push(traffic, models / "serving", server)
        push(traffic, models / canary, server)
        with requests_to(f"{url}/v1/models/taxi:predict", some_rows) as answers:
            words = ["start", "--policy", str(policy), "--interval", "1"]
            words += ["--drift-server", server.url]
            if labels:
                with labelling(server, canary):
                    done = rollout(state, *words)
            else:
                done = rollout(state, *words)
        status = traffic.observe("default", "taxi")
        assert rollout(state, "report", "-o", str(page)).returncode == 0
    assert (done.returncode, done.stderr) == (code, "")
    assert ended in done.stdout
    shares = {found.revision: found.percent for found in status.traffic}
    assert shares.get(CANARY, 0) == (0 if code else 100)
    assert answers[STABLE, 200] > 0
    assert set(answers) <= {(STABLE, 200), (CANARY, 200)}
    assert "Accuracy that the canary loses" in page.read_text()
