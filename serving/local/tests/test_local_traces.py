"""A request's way through router, predictor and payload log, as a collector sees it."""

import os
import signal
import subprocess
import sys

import httpx
import pytest
from event_sender import Server as DriftServer
from event_sender import headers
from local_server import ROWS, Server, until
from otlp_collector import collecting

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import PayloadLog, ServiceSpec
from kanaria.serving.traffic.local_traffic import LocalTraffic

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
REVISION = "flights-predictor-00001"


def test_the_spans_of_one_request_hang_together(tmp_path, models, monkeypatch):
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        drift = DriftServer(str(tmp_path / "events.db"), tmp_path)
        drift.start()
        drift.wait()
        server = Server(tmp_path / "serving")
        with LocalTraffic(server.state) as traffic:
            log = PayloadLog(url=drift.url)
            traffic.stage(
                build(ServiceSpec(name="flights", storage_uri=str(models / "one"), log=log))
            )
        until(server.ready)
        caller = {"traceparent": f"00-{TRACE}-{CALLER}-01", "X-Request-Id": "order-7"}
        answer = server.post("/v1/models/flights:predict", ROWS, **caller)
        broken = server.post("/v1/models/flights:predict", {"instances": [{}]}, **caller)
        assert server.end(signal.SIGTERM) == 143
        drift.stop()
    assert (answer.status_code, broken.status_code) == (200, 400)
    spans = collector.spans
    assert {span.trace for span in spans} == {TRACE}

    def children(parent, kind):
        return [one for one in spans if one.parent == parent and one.kind == kind]

    router, refused = sorted(
        children(CALLER, "server"), key=lambda one: one.attributes["http.response.status_code"]
    )
    assert router.name == "POST /v1/models/{model}:predict"
    assert router.server == "kanaria-router"
    assert router.attributes["kanaria.request_id"] == "order-7"
    assert router.attributes["kanaria.revision"] == REVISION
    (question,) = children(router.id, "client")
    (predictor,) = children(question.id, "server")
    assert (predictor.server, predictor.name) == ("kanaria-predictor", router.name)
    assert predictor.attributes["kanaria.service"] == "flights"
    assert predictor.attributes["kanaria.request_id"] == "order-7"
    assert router.seconds >= question.seconds >= predictor.seconds > 0
    events = children(router.id, "producer")
    assert [one.attributes["cloudevents.event_type"].split(".")[-1] for one in events] == [
        "request",
        "response",
    ]
    received = [children(event.id, "server") for event in events]
    assert [[(one.server, one.name) for one in got] for got in received] == [
        [("kanaria-drift", "POST /")]
    ] * 2
    assert len(children(refused.id, "producer")) == 1  # A response only with code 200.
    assert not any(one.failed for one in spans)
    assert len(spans) == 7 + 5


def test_a_collector_that_is_away_costs_no_request_and_no_end(tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    drift = DriftServer(str(tmp_path / "events.db"), tmp_path)
    drift.start()
    drift.wait()
    answers = [
        httpx.post(drift.url, headers=headers("request", str(n)), content=b'{"instances": [1]}')
        for n in range(50)
    ]
    assert {answer.status_code for answer in answers} == {200}
    drift.stop()


@pytest.mark.parametrize("wrong", ["not-a-traceparent", f"00-{'0' * 32}-{CALLER}-01"])
def test_a_wrong_traceparent_begins_a_new_trace(tmp_path, monkeypatch, wrong):
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
        drift = DriftServer(str(tmp_path / "events.db"), tmp_path)
        drift.start()
        drift.wait()
        head = headers("request", "a") | {"traceparent": wrong}
        assert httpx.post(drift.url, headers=head, content=b'{"instances": [1]}').is_success
        drift.stop()
    (span,) = collector.spans
    assert (span.parent, span.server) == ("", "mine")
    assert span.trace not in ("", "0" * 32)


def test_a_server_refuses_an_exporter_that_is_not_there(tmp_path):
    command = [sys.executable, "-I", "-m", "kanaria.serving.drift_server"]
    ended = subprocess.run(
        [*command, "--store", str(tmp_path / "events.db"), "--port", "0"],
        env=os.environ | {"OTEL_TRACES_EXPORTER": "jaeger"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert ended.stderr == "error: traces: OTEL_TRACES_EXPORTER='jaeger': use otlp or none\n"
