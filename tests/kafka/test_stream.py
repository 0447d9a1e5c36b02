"""Streams through a real broker, answered by local serving with real models."""

import json
import signal
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from broker import broker
from kafka_topics import Topics, until
from local_server import Server
from otlp_collector import collecting
from stream_process import config, headers, row

from kanaria.components.shared.config import yaml_text
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec

ADDER = {"name": "adder-v1"}
LUCKY = [number for number in range(1, 200) if number != 13]


class _Slow(BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer(b"{}")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(9)
        self._answer(json.dumps({"predictions": body["instances"]}).encode())

    def _answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def slow_model():
    """A model server that takes nine seconds to repeat its rows."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def scores(messages):
    return {message.key(): json.loads(message.value())["score"] for message in messages}


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_answers_are_the_models_own_with_keys_and_headers(started, topics, server, protocol):
    settings = config(topics, {"name": f"adder-{protocol}", "protocol": protocol})
    own = [("traceparent", b"00-ab-cd-01"), ("content-type", b"application/json"), ("none", None)]
    topics.send(settings["topics"]["input"], map(row, LUCKY), headers=own)
    started(settings)
    answers = topics.read(settings["topics"]["output"], len(LUCKY))
    instances = [json.loads(row(number)) for number in LUCKY]
    response = server.post("/v1/models/adder-v1:predict", {"instances": instances})
    predictions = response.json()["predictions"]
    expected = {str(place).encode(): answer for place, answer in enumerate(predictions)}
    assert {one.key(): json.loads(one.value()) for one in answers} == expected
    for answer in answers:
        assert answer.headers()[:3] == own
        said = headers(answer)
        assert said["kanaria-source"].startswith(settings["topics"]["input"] + "/")
        assert said["kanaria-revision"] == f"adder-{protocol}-predictor-00001"
        assert said["kanaria-request-id"] and int(said["kanaria-row"]) < 16
    assert topics.read(settings["topics"]["dead_letters"]) == []


def test_a_messages_trace_goes_on_in_its_answer_where_traces_are_on(started, topics, monkeypatch):
    trace, sender = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        settings = config(topics, ADDER)
        parent = [("traceparent", f"00-{trace}-{sender}-01".encode())]
        topics.send(settings["topics"]["input"], [row(1)], headers=parent)
        stream = started(settings)
        (answer,) = topics.read(settings["topics"]["output"], 1)
        assert stream.end() == 143
    spans = {span.kind: span for span in collector.spans if span.trace == trace}
    consumer, client = spans["consumer"], spans["client"]
    assert (consumer.server, consumer.parent) == ("kanaria-stream", sender)
    assert client.parent == consumer.id
    assert client.attributes["http.response.status_code"] == 200
    said = headers(answer)
    assert said["traceparent"] == f"00-{trace}-{consumer.id}-01"
    assert said["kanaria-request-id"] == client.attributes["kanaria.request_id"]


def test_a_single_input_takes_bare_values(started, topics):
    for protocol in ("v1", "v2"):
        settings = config(topics, {"name": f"plain-{protocol}", "protocol": protocol})
        topics.send(settings["topics"]["input"], [b"[1.5, 2]"])
        stream = started(settings)
        (answer,) = topics.read(settings["topics"]["output"], 1)
        doubled = [3.0, 4.0]
        expected = doubled if protocol == "v1" else {"doubled": doubled}
        assert json.loads(answer.value()) == expected
        stream.end()


BAD = {
    None: "null_value",
    b"": "malformed",
    b"{": "malformed",
    b"\xff": "malformed",
    b"[" * 70: "too_large",
    b"null": "refused",
    b'{"x": 1.0}': "refused",
    b'{"x": "a", "n": 1, "word": "w"}': "refused",
}


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_bad_messages_are_dead_letters_and_spoil_no_other(started, topics, protocol):
    settings = config(topics, {"name": f"adder-{protocol}", "protocol": protocol}, partitions=1)
    values = [one for bad in BAD for one in (row(1), bad, row(2))]
    topics.send(settings["topics"]["input"], values, headers=[("a", b"b")])
    started(settings)
    answers = topics.read(settings["topics"]["output"], 2 * len(BAD))
    assert [json.loads(one.value())["score"] for one in answers] == [102.0, 104.0] * len(BAD)
    dead = topics.read(settings["topics"]["dead_letters"], len(BAD))
    reasons = [headers(one)["kanaria-reason"] for one in dead]
    expected = dict(BAD) | ({b"null": "malformed"} if protocol == "v2" else {})
    assert reasons == list(expected.values())
    assert [(one.key(), one.value()) for one in dead] == [
        (str(3 * place + 1).encode(), value) for place, value in enumerate(BAD)
    ]
    assert all(one.headers()[0] == ("a", b"b") for one in dead)
    refused = headers(dead[-1])
    assert "'x'" in refused["kanaria-error"]


def test_a_message_on_which_the_model_fails_blocks_nothing(started, topics):
    settings = config(topics, ADDER, partitions=1)
    numbers = [*range(1, 40)]
    topics.send(settings["topics"]["input"], map(row, numbers))
    stream = started(settings)
    answers = topics.read(settings["topics"]["output"], len(numbers) - 1)
    assert [json.loads(one.value())["word"] for one in answers] == [
        f"w{number}" for number in numbers if number != 13
    ]
    (dead,) = topics.read(settings["topics"]["dead_letters"], 1)
    assert (dead.value(), headers(dead)["kanaria-reason"]) == (row(13), "model_failed")
    assert headers(dead)["kanaria-status"] == "500"
    until(lambda: stream.metric('dead_letters_total{reason="model_failed"}') == 1)
    assert stream.metric('messages_total{outcome="scored"}') == len(numbers) - 1


@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_a_killed_stream_loses_nothing(started, topics, delivery):
    settings = config(topics, ADDER, delivery=delivery)
    if delivery == "exactly_once":
        settings["kafka"]["transactional.id"] = settings["group"]
    count = 3000
    values = [row(number) for number in range(14, 14 + count)]
    topics.send(settings["topics"]["input"], values)
    for killed_after in (300, 1200):
        stream = started(settings)
        topics.wait_for_size(settings["topics"]["output"], killed_after)
        stream.kill()
    started(settings)
    until(
        lambda: (
            sum(topics.committed(settings["group"], settings["topics"]["input"]).values()) == count
        )
    )
    answers = topics.read(settings["topics"]["output"])
    assert scores(answers) == expected_scores(count)
    counted = Counter(one.key() for one in answers)
    if delivery == "exactly_once":
        assert set(counted.values()) == {1}
    print(f"{delivery}: {len(answers) - count} repeated", flush=True)
    assert topics.read(settings["topics"]["dead_letters"]) == []


def test_a_stream_that_is_told_to_stop_loses_and_repeats_nothing(started, topics):
    settings = config(topics, ADDER)
    count = 2000
    topics.send(settings["topics"]["input"], [row(number) for number in range(14, 14 + count)])
    stream = started(settings)
    topics.wait_for_size(settings["topics"]["output"], 200)
    assert stream.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert "stopped by SIGTERM" in stream.said
    started(settings)
    answers = topics.read(settings["topics"]["output"], count)
    assert len(scores(answers)) == count
    assert len(topics.read(settings["topics"]["output"])) == count


def test_two_processes_share_the_partitions_and_lose_nothing(started, topics):
    settings = config(topics, ADDER, partitions=4)
    part, count = 1500, 3000
    values = [row(number) for number in range(14, 14 + count)]
    first = started(settings)
    until(lambda: "partitions [0, 1, 2, 3]" in first.said)
    topics.send(settings["topics"]["input"], values[:part])
    second = started(settings)
    until(lambda: "partitions [0, 1]" in second.said or "partitions [2, 3]" in second.said)
    rest = values[part:]
    topics.send(settings["topics"]["input"], rest, key=lambda number: str(number + part).encode())
    until(lambda: second.metric('messages_total{outcome="scored"}') > 0)
    first.end(signal.SIGTERM)
    topics.wait_for_commits(settings["group"], settings["topics"]["input"], count)
    answers = topics.read(settings["topics"]["output"])
    assert scores(answers) == expected_scores(count)
    assert len(answers) == count


@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_a_frozen_process_that_comes_back_writes_nothing_of_what_others_have_done(
    started, topics, delivery
):
    settings = config(topics, ADDER, delivery=delivery, kafka={"transaction.timeout.ms": 8000})
    count = 2000
    topics.send(settings["topics"]["input"], [row(number) for number in range(14, 14 + count)])
    first = started(settings)
    topics.wait_for_size(settings["topics"]["output"], 200)
    first.process.send_signal(signal.SIGSTOP)
    second = started(settings)
    topics.wait_for_commits(settings["group"], settings["topics"]["input"], count)
    first.process.send_signal(signal.SIGCONT)
    until(lambda: first.said.count("partitions [") > 1)
    assert second.end() == first.end() == 128 + signal.SIGTERM
    answers = topics.read(settings["topics"]["output"])
    assert scores(answers) == expected_scores(count)
    assert delivery == "at_least_once" or len(answers) == count


def expected_scores(count):
    """The answers to rows from 14 on, whose keys count from 0."""
    return {str(place).encode(): 100.0 + 2 * (place + 14) for place in range(count)}


def test_a_model_that_is_away_costs_no_message_and_no_order(
    tmp_path, topics, models, started_anywhere
):
    state = tmp_path / "state"
    manifest = tmp_path / "adder.yaml"
    manifest.write_text(
        yaml_text.dump(build(ServiceSpec(name="adder-v1", storage_uri=str(models / "adder"))))
    )
    server = Server(state, manifest)
    settings = config(topics, ADDER, partitions=1)
    count, early = 1500, 1000
    rows = [row(number) for number in range(14, 14 + count)]
    topics.send(settings["topics"]["input"], rows[:early])
    stream = started_anywhere(settings, state)
    topics.wait_for_size(settings["topics"]["output"], 100)
    server.process.kill()
    server.process.wait()
    # However many were answered by now, these find no model.
    topics.send(settings["topics"]["input"], rows[early:], lambda n: str(early + n).encode())
    until(lambda: not stream.is_ready())
    assert "the model does not answer" in httpx.get(f"{stream.url}/readyz").text
    assert httpx.get(f"{stream.url}/healthz").is_success
    server = Server(state)  # On another port.
    answers = topics.read(settings["topics"]["output"], count)
    assert [one.key() for one in answers] == [str(place).encode() for place in range(count)]
    assert scores(answers) == expected_scores(count)
    until(stream.is_ready)
    assert topics.read(settings["topics"]["dead_letters"]) == []
    server.end(signal.SIGTERM)


def test_a_model_slower_than_the_poll_interval_keeps_its_partitions(started, topics, slow_model):
    polls = {"max.poll.interval.ms": 6000, "session.timeout.ms": 6000}
    model = {"name": "m", "url": slow_model, "requests": 1}
    settings = config(topics, model, kafka=polls, partitions=1, batch={"messages": 1})
    topics.send(settings["topics"]["input"], [b"1", b"2", b"3"])
    stream = started(settings)
    answers = topics.read(settings["topics"]["output"], 3)
    assert [one.value() for one in answers] == [b"1", b"2", b"3"]
    assert stream.said.count("partitions [0]") == 1
    assert "poll interval" not in stream.said


@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_a_broker_that_dies_costs_nothing(tmp_path, server, started_anywhere, delivery):
    (tmp_path / "broker").mkdir()
    with broker(tmp_path / "broker") as running:
        topics = Topics(running.address)
        settings = config(topics, ADDER, delivery=delivery)
        count = 3000
        topics.send(settings["topics"]["input"], [row(number) for number in range(14, 14 + count)])
        stream = started_anywhere(settings, server.state)
        topics.wait_for_size(settings["topics"]["output"], 200)
        running.kill()
        running.start()
        topics.wait_for_commits(settings["group"], settings["topics"]["input"], count)
        answers = topics.read(settings["topics"]["output"])
        stream.end()
    assert scores(answers) == expected_scores(count)
    assert delivery == "at_least_once" or len(answers) == count


@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_what_the_output_topic_does_not_take_is_a_dead_letter(started, topics, delivery):
    output = topics.new(max_message_bytes="600", cleanup_policy="compact")
    settings = config(topics, ADDER, partitions=1, named={"output": output}, delivery=delivery)
    long = json.dumps({"x": 1.0, "n": 1, "word": "w" * 600}).encode()
    values = [row(14), long, *map(row, range(15, 40))]
    topics.send(settings["topics"]["input"], values)
    topics.send(settings["topics"]["input"], [row(40)], key=lambda _: None)
    topics.send(settings["topics"]["input"], [row(41)])
    started(settings)
    answers = topics.read(output, 27)
    assert [json.loads(one.value())["score"] for one in answers] == [
        100.0 + 2 * number for number in (*range(14, 40), 41)
    ]
    dead = topics.read(settings["topics"]["dead_letters"], 2)
    assert [one.value() for one in dead] == [long, row(40)]
    assert {headers(one)["kanaria-reason"] for one in dead} == {"unwritable"}


def test_what_cannot_be_used_is_one_line(started, topics):
    absent = config(topics, ADDER)
    absent["topics"]["output"] = "absent"
    unknown = config(topics, ADDER, kafka={"linger": 1})
    compacted = topics.new(cleanup_policy="compact")
    lossy = config(topics, ADDER, named={"dead_letters": compacted})
    for settings, said in (
        (absent, f"error: no topic absent at {topics.address}; create it"),
        (lossy, f"error: topic {compacted} is compacted"),
        (unknown, 'error: kafka: No such configuration property: "linger"'),
    ):
        stream = started(settings)
        assert stream.process.wait(timeout=120) == 1
        assert said in stream.said
        assert "Traceback" not in stream.said


def test_lag_and_commits_are_shown(started, topics):
    settings = config(topics, ADDER, partitions=1)
    stream = started(settings)
    until(lambda: "partitions [0]" in stream.said)
    topics.send(settings["topics"]["input"], map(row, range(14, 44)))
    lag = f'lag_messages{{partition="0",topic="{settings["topics"]["input"]}"}}'
    until(lambda: stream.metric('messages_total{outcome="scored"}') == 30)
    until(lambda: stream.metric(lag) == 0)
    assert stream.metric('commits_total{outcome="committed"}') >= 1
    assert stream.metric("batch_messages_sum") == 30
    assert stream.metric("delay_seconds_count") == 30
    assert stream.metric('model_requests_total{code="200"}') >= 2
    assert stream.metric("in_flight_messages") == 0
