"""Feature servers that are slow, gone, or answer with something else."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import pytest

from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.features import feature_settings
from kanaria.serving.features.expected_inputs import ExpectedInputs
from kanaria.serving.features.lookup import Lookup, Refusal, question


async def anything():
    return ExpectedInputs()


BODY = json.dumps({"instances": [{"driver_id": 7}, {}]}).encode()
ANSWER = {
    "metadata": {"feature_names": ["driver_id", "trips"]},
    "results": [
        {"values": [7], "statuses": ["PRESENT"], "event_timestamps": ["1970-01-01T00:00:00Z"]},
        {"values": [3], "statuses": ["PRESENT"], "event_timestamps": ["2026-01-01T00:00:00Z"]},
    ],
}


@asynccontextmanager
async def server(answer, *, status=200, wait=0.0, requests=None, drop=0):
    """Answer each request so; close the connection without a word the first `drop` times."""
    left = [drop]

    async def serve(reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode().lower().split("\r\n")
            length = next(int(n[15:]) for n in lines if n.startswith("content-length"))
            body = await reader.readexactly(length)
            if left[0]:
                left[0] -= 1
                break
            if requests is not None:
                requests.append(json.loads(body))
            await asyncio.sleep(wait)
            text = json.dumps(answer).encode()
            writer.write(
                f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(text)}\r\n\r\n".encode()
                + text
            )
            await writer.drain()
        writer.close()

    async def guarded(reader, writer):
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(guarded, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def settings(url, **more):
    mapping = {"url": url, "featureService": "trips_v1", "entities": ["driver_id"]}
    faults = Faults("features")
    read = feature_settings.read({**mapping, **more}, faults)
    faults.raise_if_any()
    return read


def looked_up(answer, body=BODY, *, of_server=None, **more):
    async def ask():
        lookup = Lookup()
        try:
            async with server(answer, **(of_server or {})) as url:
                joined = await lookup.joined("v1", body, "", settings(url, **more), anything)
                return joined if isinstance(joined, Refusal) else joined.body
        finally:
            await lookup.close()

    return asyncio.run(ask())


def test_rows_without_a_key_are_not_asked_for():
    requests = []
    body = looked_up(
        ANSWER, of_server={"requests": requests}, missing="defaults", defaults={"trips": 0}
    )
    assert json.loads(body) == {"instances": [{"trips": 3}, {"trips": 0}]}
    question = {"feature_service": "trips_v1", "entities": {"driver_id": [7]}}
    assert requests == [{**question, "full_feature_names": False}]


def test_a_kept_connection_that_was_closed_costs_nothing():
    body = looked_up(ANSWER, of_server={"drop": 1}, missing="defaults", defaults={"trips": 0})
    assert json.loads(body)["instances"][0] == {"trips": 3}


@pytest.mark.parametrize(
    ("answer", "of_server"),
    [(ANSWER, {"wait": 30}), ({"detail": "no"}, {"status": 404}), (ANSWER, {"drop": 9})],
)
def test_a_server_that_does_not_answer_fails_or_gives_defaults(answer, of_server):
    fast = {"timeoutMilliseconds": 200}
    refusal = looked_up(answer, of_server=of_server, **fast)
    assert isinstance(refusal, Refusal)
    assert refusal.code == 503
    assert "the feature server does not answer" in refusal.why
    body = looked_up(
        answer, of_server=of_server, unreachable="defaults", defaults={"trips": 9}, **fast
    )
    assert json.loads(body) == {"instances": [{"trips": 9}, {"trips": 9}]}


def test_a_port_where_nobody_listens_is_unreachable():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{one.getsockname()[1]}"

        async def ask():
            lookup = Lookup()
            try:
                return await lookup.joined("v1", BODY, "", settings(url), anything)
            finally:
                await lookup.close()

        assert asyncio.run(ask()).code == 503


def test_an_answer_that_is_none_is_no_default():
    refusal = looked_up({"results": []}, unreachable="defaults", defaults={"trips": 9})
    assert (refusal.code, refusal.why[:15]) == (503, "feature server:")


def test_a_request_that_is_wrong_is_the_clients():
    assert looked_up(ANSWER, b"{").code == 400
    assert looked_up(ANSWER, b'{"instances": [{"driver_id": 1.5}]}').code == 400


def test_only_predictions_get_features():
    def metadata(path):
        model_question = question("POST", path)
        return model_question and (model_question.protocol, model_question.metadata_path)

    assert metadata("/v1/models/taxi:predict") == ("v1", "/v1/models/taxi/metadata")
    assert metadata("/v1/models/taxi/versions/2:predict?x=1") == (
        "v1",
        "/v1/models/taxi/versions/2/metadata",
    )
    assert metadata("/v2/models/taxi/infer") == ("v2", "/v2/models/taxi")
    assert metadata("/v2/models/taxi/versions/2/infer") == ("v2", "/v2/models/taxi/versions/2")
    assert question("GET", "/v1/models/taxi:predict") is None
    assert metadata("/v1/models/taxi:explain") is None
    assert metadata("/v2/models/taxi/ready") is None
