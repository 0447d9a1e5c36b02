"""Streams through a real broker, answered by local serving with real models."""

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from kafka_topics import Topics, until
from local_server import Server
from stream_process import Streaming, config, headers, row

from kanaria.serving.inference_service.manifest import build, to_yaml
from kanaria.serving.inference_service.spec import ModelServer, ServiceSpec

ADDER = {"name": "adder-v1"}
LUCKY = [number for number in range(1, 200) if number != 13]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    script = Path(__file__).with_name("make_stream_models.py")
    subprocess.run([sys.executable, script, folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, models: Path):
    state = tmp_path_factory.mktemp("state")
    names = [f"{model}-{protocol}" for model in ("adder", "plain") for protocol in ("v1", "v2")]
    manifests = [
        build(
            ServiceSpec(
                name=one,
                storage_uri=str(models / one.partition("-")[0]),
                server=ModelServer(protocol_version=one[-2:]),
            )
        )
        for one in names
    ]
    (state / "services.yaml").write_text("---\n".join(map(to_yaml, manifests)))
    running = Server(state, state / "services.yaml")
    until(lambda: all(running.ready(one) for one in names))
    yield running
    running.end(signal.SIGTERM)


@pytest.fixture
def started(tmp_path: Path, topics: Topics, server: Server):
    """A function that starts a stream of a config."""
    running = []

    def start(settings):
        running.append(Streaming(tmp_path, topics, settings, server.state))
        return running[-1]

    yield start
    for one in running:
        one.close()


def scores(messages):
    return {message.key(): json.loads(message.value())["score"] for message in messages}


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_answers_are_the_models_own_with_keys_and_headers(started, topics, server, protocol):
    settings = config(topics, {"name": f"adder-{protocol}", "protocol": protocol})
    kept = [("traceparent", b"00-ab-cd-01"), ("content-type", b"application/json"), ("none", None)]
    topics.send(settings["topics"]["input"], map(row, LUCKY), headers=kept)
    started(settings)
    answers = topics.read(settings["topics"]["output"], len(LUCKY))
    instances = [json.loads(row(number)) for number in LUCKY]
    asked = server.post("/v1/models/adder-v1:predict", {"instances": instances}).json()[
        "predictions"
    ]
    expected = {str(place).encode(): answer for place, answer in enumerate(asked)}
    assert {one.key(): json.loads(one.value()) for one in answers} == expected
    for answer in answers:
        assert answer.headers()[:3] == kept
        said = headers(answer)
        assert said["kanaria-source"].startswith(settings["topics"]["input"] + "/")
        assert said["kanaria-revision"] == f"adder-{protocol}-predictor-00001"
        assert said["kanaria-request-id"] and int(said["kanaria-row"]) < 16
    assert topics.read(settings["topics"]["dead_letters"]) == []


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
    assert scores(answers) == {str(n).encode(): 100.0 + 2 * (n + 14) for n in range(count)}
    counted = Counter(one.key() for one in answers)
    if delivery == "exactly_once":
        assert set(counted.values()) == {1}
    print(f"{delivery}: {len(answers) - count} repeated")
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
    count = 3000
    topics.send(settings["topics"]["input"], [row(number) for number in range(14, 14 + count)])
    first = started(settings)
    topics.wait_for_size(settings["topics"]["output"], 200)
    second = started(settings)
    until(lambda: second.metric('messages_total{outcome="scored"}') > 0)
    first.end(signal.SIGTERM)
    answers = topics.read(settings["topics"]["output"], count)
    assert len(scores(answers)) == count
    topics.wait_for_commits(settings["group"], settings["topics"]["input"], count)
    assert len(topics.read(settings["topics"]["output"])) == count
