"""Requests to real pods, logged by KServe's agent to a real drift server."""

import os
import subprocess
import sys
import time

import httpx
from drift_process import DriftServer
from inference_services import InferenceServices, predictor, traffic, wait_until
from real_pods import Predictor, apply

from kanaria.serving.inference_service.service_spec import PayloadLog

FIRST, SECOND = "taxi-predictor-00001", "taxi-predictor-00002"
VERSION = "kanaria.io/model-version"
REQUESTS, REPLAYED = 300, 50


def deploy(services: InferenceServices, uri: str, version: str, url: str, percent: int | None):
    apply(services, uri, percent, annotations={VERSION: version}, log=PayloadLog(url=url))


def test_what_a_canary_split_answers_arrives_by_version_and_labels_meet_their_predictions(
    services: InferenceServices, publish, drift: DriftServer
):
    deploy(services, publish("v1"), "v1", drift.url, None)
    services.wait_until_ready("taxi")
    client = Predictor(services)
    client.wait()
    deploy(services, publish("v2"), "v2", drift.url, 10)
    services.wait("taxi", lambda service: traffic(service) == {FIRST: 90, SECOND: 10})
    wait_until(lambda: "v2" in client.versions(20))

    answered = {f"order-{n}": client.predict(f"order-{n}") for n in range(REQUESTS)}
    assert {answer.status_code for answer in answered.values()} == {200}
    wanted = {id_: answer.json()["version"] for id_, answer in answered.items()}

    def arrived() -> dict[str, str]:
        return {
            id_: version
            for version in ("v1", "v2")
            for id_, exchange in drift.exchanges(services, version).items()
            if id_ in wanted and exchange.request and exchange.response
        }

    wait_until(lambda: len(arrived()) == REQUESTS, arrived)
    assert arrived() == wanted
    shares = [version for version in wanted.values() if version == "v2"]
    print(f"{REQUESTS} requests logged, {len(shares)} of them the canary's")
    assert 20 <= len(shares) <= 40

    labels = [{"request_id": id_, "label": 3} for id_ in wanted]
    counts = httpx.post(f"{drift.url}/labels", json=labels, timeout=60).json()
    assert counts == {"new": REQUESTS, "repeated": 0, "expired": 0}
    labelled = [
        exchange
        for version in ("v1", "v2")
        for exchange in drift.exchanges(services, version).values()
        if exchange.labels
    ]
    assert len(labelled) == REQUESTS
    assert all(exchange.labels[0].value == 3 for exchange in labelled)


def test_a_replayed_shadow_answers_nobody_and_is_compared_row_by_row(
    services: InferenceServices, publish, drift: DriftServer
):
    began = time.time()
    deploy(services, publish("v1"), "v1", drift.url, None)
    services.wait_until_ready("taxi")
    client = Predictor(services)
    client.wait()
    deploy(services, publish("v2"), "v2", drift.url, 0)
    services.wait("taxi", lambda service: predictor(service)["latestReadyRevision"] == SECOND)
    answers = [client.predict(f"order-{n}").json() for n in range(REPLAYED)]
    assert {answer["version"] for answer in answers} == {"v1"}

    shadow = f"http://{SECOND}.{services.namespace}.svc.cluster.local/v1/models/taxi:predict"
    command = [sys.executable, "-P", "-m", "kanaria.serving.payload_log.replay"]
    command += ["--store", drift.store, "--namespace", services.namespace, "--service", "taxi"]
    command += ["--stable", "v1", "--canary", "v2", "--to", shadow, "--hours", "1"]
    replaying = subprocess.Popen(command, env=os.environ)
    try:
        wait_until(
            lambda: drift.compared(services, began)["pairs"] >= REPLAYED,
            lambda: drift.compared(services, began),
        )
    finally:
        replaying.terminate()
        replaying.wait(30)
    totals = drift.compared(services, began)
    print(f"a shadow by replay: {totals}")
    assert totals["canary_apart"] == totals["stable_apart"] == {}
    ids = {id_ for id_ in drift.exchanges(services, "v1") if id_.startswith("order-")}
    assert ids <= drift.exchanges(services, "v2").keys()
