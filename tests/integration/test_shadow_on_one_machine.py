"""Three canaries in the shadow of real traffic: real models, payload log and drift server."""

import itertools
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
import xgboost
from event_sender import Server
from one_machine import CANARY, STABLE, requests_to, rollout, stage
from serving_models import models

from kanaria.serving.inference_service.service_spec import ModelServer, PayloadLog
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


def push(traffic: LocalTraffic, model: Path, server: Server, kind: str = "tensorflow") -> None:
    """Stage a model whose version is its name, and whose traffic is logged."""
    log = PayloadLog(url=server.url, headers=("X-Request-Id",))
    named = {"kanaria.io/model-version": model.name}
    stage(traffic, model, log=log, annotations=named, server=ModelServer(model_format=kind))


def boost(model: Path, *, says_one_above: float) -> None:
    """Save an XGBoost model of one feature that says 1 above a value, and 0 below it."""
    rows = np.linspace(0, 1, 101, dtype=np.float32)[:, np.newaxis]
    labels = (rows[:, 0] > says_one_above).astype(int)
    matrix = xgboost.DMatrix(rows, labels)
    parameters = {"objective": "binary:logistic", "eta": 1.0, "base_score": 0.5, "nthread": 1}
    model.mkdir()
    xgboost.train(parameters, matrix, 5).save_model(model / "model.json")


def some_rows():
    time.sleep(0.1)  # The drift server is to keep all of them.
    rows = [[random.random()] for _ in range(ROWS)]
    return {"instances": rows}, {"X-Request-Id": f"ride-{next(NUMBERS)}"}


@contextmanager
def labelling(server: Server, canary: str) -> Iterator[None]:
    """Label rows of disagreement as they are listed: the truth is 1 everywhere."""
    ended = threading.Event()
    question = {
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
            wanted = httpx.get(f"{server.url}/disagreements", params=question, timeout=None).json()
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
    ("kind", "canary", "labels", "code", "ended"),
    [
        ("tensorflow", "alike", False, 0, "promoted"),
        ("tensorflow", "equal", True, 0, "promoted"),
        ("tensorflow", "worse", True, 1, "harm, above all in labels"),
        ("xgboost", "boosted_worse", True, 1, "harm, above all in labels"),
    ],
)
def test_a_shadow_gets_what_it_deserves(
    models: Path, tmp_path: Path, kind: str, canary: str, labels: bool, code: int, ended: str
):
    if kind == "xgboost":
        models = tmp_path
        boost(models / "serving", says_one_above=-1.0)
        boost(models / canary, says_one_above=0.5)
    state, policy, page = (tmp_path / name for name in ("state", "policy.yaml", "page.html"))
    policy.write_text(POLICY)
    with keeping(tmp_path) as server, served(state) as url, LocalTraffic(state) as traffic:
        push(traffic, models / "serving", server, kind)
        push(traffic, models / canary, server, kind)
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
    shares = {one.revision: one.percent for one in status.traffic}
    assert shares.get(CANARY, 0) == (0 if code else 100)
    assert answers[STABLE, 200] > 0
    assert set(answers) <= {(STABLE, 200), (CANARY, 200)}
    assert "Accuracy that the canary loses" in page.read_text()
