"""A batch of messages as a collector sees it: whose trace each one is in, and what goes on."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from otlp_collector import Collector, collecting

from kanaria.serving.request_traces import RequestTraces
from kanaria.serving.stream.messages import DeadLetter, Message, Scored
from kanaria.serving.stream.stopping import Stopping
from kanaria.serving.stream.stream_metrics import Metrics
from kanaria.serving.stream.stream_traces import TracedAsker, TracedModel

ONE, OTHER = "4bf92f3577b34da6a3ce929d0e0e4736", "11111111111111111111111111111111"
SENDER = "00f067aa0ba902b7"


class Model:
    """A server that repeats its rows and keeps the headers that came."""

    def __init__(self, server: ThreadingHTTPServer, requests: list[dict[str, str]]) -> None:
        self.url, self.requests = f"http://127.0.0.1:{server.server_port}", requests


@pytest.fixture
def model() -> Iterator[Model]:
    requests: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append({name.lower(): value for name, value in self.headers.items()})
            rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["instances"]
            body = json.dumps({"predictions": rows}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield Model(server, requests)
    server.shutdown()
    thread.join()
    server.server_close()


def message(offset: int, *headers: tuple[str, str], value: bytes = b"1") -> Message:
    written = tuple((name, text.encode()) for name, text in headers)
    return Message(topic="in", partition=0, offset=offset, key=None, value=value, headers=written)


def sent(trace: str, flags: str = "01") -> tuple[str, str]:
    return "traceparent", f"00-{trace}-{SENDER}-{flags}"


def traced_batch(model: Model, monkeypatch: pytest.MonkeyPatch, *messages: Message):
    """Return the outcomes of a batch, and its spans."""
    collector: Collector
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        traces, metrics = RequestTraces("kanaria-stream"), Metrics()
        client = TracedModel(traces, lambda: model.url, "m", "v1", {}, 5.0, metrics)
        outcomes = TracedAsker(traces, client, metrics, Stopping()).outcomes(messages)
        client.close()
        traces.end()
    return outcomes, collector.spans


def headers(outcome: Scored | DeadLetter) -> dict[str, str]:
    return {name: (value or b"").decode() for name, value in outcome.message.headers}


def test_a_messages_trace_goes_to_the_model_and_into_the_answer(model, monkeypatch):
    own = ("content-type", "application/json")
    (outcome,), spans = traced_batch(
        model, monkeypatch, message(7, own, sent(ONE), ("tracestate", "vendor=a"))
    )
    (consumer,) = [span for span in spans if span.kind == "consumer"]
    (client,) = [span for span in spans if span.kind == "client"]
    assert (consumer.trace, consumer.parent, consumer.server) == (ONE, SENDER, "kanaria-stream")
    assert (client.trace, client.parent) == (ONE, consumer.id)
    assert consumer.attributes["messaging.destination.name"] == "in"
    assert consumer.attributes["messaging.kafka.offset"] == 7
    (request,) = model.requests
    assert request["traceparent"] == f"00-{ONE}-{client.id}-01"
    assert request["tracestate"] == "vendor=a"
    assert request["x-request-id"] == client.attributes["kanaria.request_id"]
    assert isinstance(outcome, Scored)
    assert headers(outcome) == {
        "content-type": "application/json",
        "traceparent": f"00-{ONE}-{consumer.id}-01",
        "tracestate": "vendor=a",
    }


def test_each_message_of_a_batch_stays_in_its_trace_and_the_request_leads_to_all(
    model, monkeypatch
):
    batch = (
        message(0, sent(OTHER, "00")),
        message(1, sent(ONE)),
        message(2),
        message(3, sent(ONE)),
    )
    outcomes, spans = traced_batch(model, monkeypatch, *batch)
    consumers = {
        span.attributes["messaging.kafka.offset"]: span for span in spans if span.kind == "consumer"
    }
    (client,) = [span for span in spans if span.kind == "client"]
    assert set(consumers) == {1, 2, 3}  # The sender of the first has its trace not sampled.
    assert (client.trace, client.parent) == (ONE, consumers[1].id)
    assert {consumers[2].id, consumers[3].id} < set(client.links)
    assert consumers[2].trace not in (ONE, OTHER)
    parents = [headers(outcome)["traceparent"].split("-") for outcome in outcomes]
    assert [parent[1] for parent in parents] == [OTHER, ONE, consumers[2].trace, ONE]
    assert [int(parent[3]) & 1 for parent in parents] == [0, 1, 1, 1]


def test_a_dead_letters_span_has_failed_and_a_wrong_traceparent_begins_a_new_trace(
    model, monkeypatch
):
    wrong = (("traceparent", "not one"), ("tracestate", "vendor=a"))
    (outcome,), (span,) = traced_batch(model, monkeypatch, message(0, *wrong, value=b"{"))
    assert isinstance(outcome, DeadLetter)
    assert (span.kind, span.parent, span.failed) == ("consumer", "", True)
    assert span.attributes["kanaria.reason"] == "malformed"
    (parent,) = headers(outcome).values()
    assert parent.startswith(f"00-{span.trace}-{span.id}-")


def test_a_request_that_nobody_answers_has_failed(monkeypatch):
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        traces = RequestTraces("kanaria-stream")
        client = TracedModel(traces, lambda: "http://127.0.0.1:9", "m", "v1", {}, 5.0, Metrics())
        assert client.ask(client.request([])).status == 0
        client.close()
        traces.end()
    (span,) = collector.spans
    assert (span.kind, span.failed) == ("client", True)
    assert "http.response.status_code" not in span.attributes
