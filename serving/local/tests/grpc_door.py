"""gRPC before predictors that are told how to behave; `test_local_grpc` runs this file."""

import asyncio
import json
import struct
from collections import Counter
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import grpc
import grpc.aio
import pytest
from aiohttp import web
from open_inference.grpc import protocol
from open_inference.grpc.service import GRPCInferenceServiceStub
from otlp_collector import collecting
from stand_ins import SHADOW, STABLE, Live, Services, metrics, mirrored, routing, serving, until

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.inference_service.revision_traffic import RevisionTraffic
from kanaria.serving.local.payload_logger.log_rule import LogRule
from kanaria.serving.local.router import grpc_server
from kanaria.serving.local.router.grpc_methods import Methods
from kanaria.serving.local.router.grpc_server import GrpcServer
from kanaria.serving.local.router.grpc_traces import TracedMethods
from kanaria.serving.protocol.payload_cloud_event import read_event
from kanaria.serving.request_traces import RequestTraces

LENGTH = "Inference-Header-Content-Length"
MOST_BYTES, MOST_CONNECTIONS = 1 << 16, 20
VALUES = struct.pack("<2q", 2**60 + 7, -1)


@dataclass
class Echo:
    """A predictor of V2 that answers its inputs, or a code and why, after some seconds."""

    code: int = 200
    why: str = "no"
    seconds: float = 0.0
    port: int = 0
    requests: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)

    async def answer(self, request):
        body = await request.read()
        self.requests.append((request.headers.copy(), body))
        await asyncio.sleep(self.seconds)
        if not self.why:
            raise RuntimeError("aiohttp answers in plain text")
        if self.code != 200:
            return web.json_response({"error": self.why}, status=self.code)
        length = int(request.headers[LENGTH])
        document = json.loads(body[:length])
        answer = {"model_name": "tips", "model_version": None, "id": document.get("id", "new")}
        head = json.dumps({**answer, "outputs": document["inputs"]}).encode()
        return web.Response(body=head + body[length:], headers={LENGTH: str(len(head))})


@dataclass
class Door:
    """Both doors to the same services."""

    url: str
    stub: GRPCInferenceServiceStub
    server: GrpcServer
    address: str


def server_of(router, traces=None):
    shared = router.calls, router.intake
    methods = TracedMethods(*shared, traces) if traces else Methods(*shared)
    return GrpcServer(methods, MOST_BYTES, MOST_CONNECTIONS)


@asynccontextmanager
async def doors(*lives, traces=None):
    services = Services(lives)
    async with routing(services, MOST_BYTES, traces=traces) as (router, url):
        server = server_of(router, traces)
        address = await server.start("127.0.0.1", 0)
        async with grpc.aio.insecure_channel(address) as channel:
            try:
                yield Door(url, GRPCInferenceServiceStub(channel), server, address)
            finally:
                await server.stop()


@asynccontextmanager
async def served(echo, traces=None, **fields):
    """Yield both doors to a service whose one revision is `echo`."""
    shares = (RevisionTraffic(revision=STABLE, percent=100),)
    async with serving(echo.answer) as echo.port:
        live = Live(ports={STABLE: echo.port}, shares=shares, speaks="v2", **fields)
        async with doors(live, traces=traces) as both:
            yield both


def message(name="tips", **fields):
    request = protocol.ModelInferRequest(model_name=name, id="a", **fields)
    request.inputs.add(name="x", datatype="INT64", shape=[2])
    request.raw_input_contents.append(VALUES)
    return request


def zeros(name, count):
    request = protocol.ModelInferRequest(model_name=name)
    request.inputs.add(name="x", datatype="INT64", shape=[count]).contents.int64_contents.extend(
        [0] * count
    )
    return request


def body():
    """What `message` asks, as a client of HTTP writes it."""
    size = {"binary_data_size": len(VALUES)}
    tensor = {"name": "x", "datatype": "INT64", "shape": [2], "parameters": size}
    document = {"id": "a", "parameters": {"binary_data_output": True}, "inputs": [tensor]}
    head = json.dumps(document, separators=(",", ":")).encode()
    return head + VALUES, {LENGTH: str(len(head)), "Content-Type": "application/octet-stream"}


async def post(url, **headers):
    content, own = body()
    async with aiohttp.ClientSession() as client:
        path = f"{url}/v2/models/tips/infer"
        async with client.post(path, data=content, headers={**own, **headers}) as answer:
            return answer.status


async def error_of(call):
    """Return the code, the text and the metadata of a call that fails."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), caught.value.details(), dict(caught.value.trailing_metadata())


async def counts(url):
    """Requests by revision and code."""
    rows = (await metrics(url)).items()
    total = "kanaria_requests_total{code="
    return {
        (key.split('revision="')[1].split('"')[0], key.split('"')[1]): int(number)
        for key, number in rows
        if key.startswith(total)
    }


def test_requests_of_both_protocols_are_drawn_by_the_shares_and_add_up():
    async def run():
        stable, canary = Echo(), Echo(code=500)
        async with serving(stable.answer) as port, serving(canary.answer) as other:
            shares = (
                RevisionTraffic(revision="canary", percent=30),
                RevisionTraffic(revision=STABLE, percent=70),
            )
            ports = {STABLE: port, "canary": other}
            async with doors(Live(ports=ports, shares=shares, speaks="v2")) as both:
                answered = Counter[tuple[str, int]]()
                for _ in range(100):
                    answered["http", await post(both.url)] += 1
                    try:
                        await both.stub.ModelInfer(message())
                        answered["grpc", 200] += 1
                    except grpc.aio.AioRpcError as error:
                        assert error.code() is grpc.StatusCode.INTERNAL
                        answered["grpc", 500] += 1
                return answered, await counts(both.url), len(stable.requests), len(canary.requests)

    answered, counted, stable, canary = asyncio.run(run())
    assert counted == {(STABLE, "200"): stable, ("canary", "500"): canary}
    assert stable + canary == answered.total() == 200
    assert answered["http", 500] + answered["grpc", 500] == canary
    assert min(answered["http", 500], answered["grpc", 500]) > 10


def test_a_call_is_the_request_of_http_and_its_answer_names_who_answered():
    async def run():
        echo = Echo()
        async with served(echo) as both:
            call = both.stub.ModelInfer(message(), metadata=(("x-request-id", "order-1"),))
            answer, metadata = await call, dict(await call.initial_metadata())
            await post(both.url, **{"X-Request-Id": "order-1"})
            unnamed = both.stub.ModelInfer(message())
            await unnamed
            return answer, metadata, echo.requests, dict(await unnamed.initial_metadata())

    answer, metadata, requests, unnamed = asyncio.run(run())
    (ours, theirs) = (content for _, content in requests[:2])
    assert ours == theirs == body()[0]
    assert answer.id == "a"
    assert list(answer.raw_output_contents) == [VALUES]
    assert metadata == {"x-kanaria-revision": STABLE, "x-request-id": "order-1"}
    assert requests[0][0]["x-request-id"] == "order-1"
    assert unnamed["x-request-id"]


def test_the_payload_log_tells_of_both_protocols_alike():
    events = []

    async def sink(request):
        events.append(
            ({key.lower(): value for key, value in request.headers.items()}, await request.read())
        )
        return web.Response()

    async def arrived():
        return len(events) == 4

    async def run():
        async with serving(sink) as port:
            rule = LogRule(
                url=f"http://127.0.0.1:{port}/",
                headers=("X-Request-Id", "X-User"),
                annotations={"kanaria.io/model-version": "7"},
            )
            async with served(Echo(), rules={STABLE: rule}) as both:
                sent = {"x-request-id": "order-1", "x-user": "anna", "ce-id": "mine"}
                await both.stub.ModelInfer(message(), metadata=tuple(sent.items()))
                await until(lambda: async_value(len(events) == 2))
                await post(both.url, **sent)
                await until(arrived)

    asyncio.run(run())
    for one, other in ((0, 2), (1, 3)):
        (ours, content), (theirs, expected) = events[one], events[other]
        assert content == expected
        of_event = {name for name in theirs if name.startswith("ce-")} - {
            "ce-time",
            "ce-recordedtime",
        }
        assert {name: ours[name] for name in of_event} == {name: theirs[name] for name in of_event}
        assert ours["content-type"] == theirs["content-type"]
        event = read_event(ours, content, 2**40)
        assert (event.request_id, event.version, event.id) == ("order-1", "7", "mine")


async def async_value(value):
    return value


def test_a_shadow_gets_a_copy():
    async def run():
        stable, shadow = Echo(), Echo(code=500)
        async with serving(stable.answer) as port, serving(shadow.answer) as other:
            shares = (RevisionTraffic(revision=STABLE, percent=100),)
            live = Live({STABLE: port, SHADOW: other}, shares, mirrored(100), speaks="v2")
            async with doors(live) as both:
                await both.stub.ModelInfer(message(), metadata=(("x-request-id", "order-1"),))
                await until(lambda: async_value(shadow.requests))
            return stable.requests, shadow.requests

    original, copy = asyncio.run(run())
    assert [content for _, content in copy] == [content for _, content in original]
    assert copy[0][0]["x-request-id"] == "order-1"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (400, grpc.StatusCode.INVALID_ARGUMENT),
        (404, grpc.StatusCode.NOT_FOUND),
        (500, grpc.StatusCode.INTERNAL),
        (503, grpc.StatusCode.UNAVAILABLE),
    ],
)
def test_an_error_of_the_model_has_the_code_of_grpc_and_names_the_revision(code, status):
    async def run():
        # Percent-encoded, a text of 9,000 letters is more than a client takes.
        async with served(Echo(code=code, why="schön " * 1500)) as both:
            error = await error_of(both.stub.ModelInfer(message()))
            return error, await counts(both.url)

    (got, why, metadata), counted = asyncio.run(run())
    assert got is status
    assert why.startswith("schön schön ")
    assert metadata["x-kanaria-revision"] == STABLE
    assert counted == {(STABLE, str(code)): 1}


def test_a_predictor_that_fails_without_json_is_an_internal_error():
    async def run():
        async with served(Echo(why="")) as both:
            return await error_of(both.stub.ModelInfer(message())), await counts(both.url)

    (code, why, metadata), counted = asyncio.run(run())
    assert code is grpc.StatusCode.INTERNAL
    assert "Internal Server Error" in why
    assert metadata["x-kanaria-revision"] == STABLE
    assert counted == {(STABLE, "500"): 1}


def test_an_answer_after_the_clients_deadline_is_counted():
    async def run():
        async with served(Echo(seconds=0.5)) as both:
            code, *_ = await error_of(both.stub.ModelInfer(message(), timeout=0.1))
            return code, await until(lambda: counts(both.url))

    assert asyncio.run(run()) == (grpc.StatusCode.DEADLINE_EXCEEDED, {(STABLE, "200"): 1})


@pytest.mark.parametrize(("code", "failed"), [(200, False), (500, True)])
def test_a_call_is_a_span_between_its_caller_and_the_predictor(monkeypatch, code, failed):
    trace, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

    async def run(traces):
        echo = Echo(code=code)
        async with served(echo, traces) as both:
            sent = {"traceparent": f"00-{trace}-{caller}-01", "x-request-id": "order-7"}
            call = both.stub.ModelInfer(message(), metadata=tuple(sent.items()))
            if failed:
                await error_of(call)
            else:
                await call
        return echo.requests[0][0]["traceparent"]

    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        traces = RequestTraces("kanaria-router")
        passed_on = asyncio.run(run(traces))
        traces.end()
    call, question = sorted(collector.spans, key=lambda one: one.parent != caller)
    assert (call.trace, call.parent, call.kind, call.failed) == (trace, caller, "server", failed)
    assert call.name == "inference.GRPCInferenceService/ModelInfer"
    assert call.attributes["kanaria.request_id"] == "order-7"
    assert call.attributes["kanaria.revision"] == STABLE
    assert (question.trace, question.parent) == (trace, call.id)
    assert passed_on.split("-")[1:3] == [trace, question.id]


def test_what_the_door_refuses_of_a_message_counts_as_the_models_refusal():
    async def run():
        echo = Echo()
        async with served(echo) as both:
            request = message()
            request.raw_input_contents.append(b"")
            code, why, metadata = await error_of(both.stub.ModelInfer(request))
            return code, why, metadata, await counts(both.url), echo.requests

    code, why, metadata, counted, requests = asyncio.run(run())
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "2 raw_input_contents for 1 inputs" in why
    assert metadata["x-kanaria-revision"] == STABLE
    assert counted == {(STABLE, "400"): 1}
    assert not requests


@pytest.mark.parametrize(
    ("call", "status", "why"),
    [
        (message("nobody"), grpc.StatusCode.NOT_FOUND, "service 'nobody': unknown"),
        (message("old"), grpc.StatusCode.NOT_FOUND, "speaks v1, not v2"),
        (message("stopped"), grpc.StatusCode.UNAVAILABLE, "stopped by its annotation"),
        (message("dead"), grpc.StatusCode.UNAVAILABLE, "its predictor ended"),
        (
            protocol.ModelInferRequest(model_name="tips", raw_input_contents=[bytes(MOST_BYTES)]),
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "larger than max",
        ),
        # A zero takes a byte in the message, and eight in the body.
        (zeros("dead", MOST_BYTES // 2), grpc.StatusCode.RESOURCE_EXHAUSTED, "allows more"),
    ],
)
def test_a_service_that_cannot_answer_is_an_error_of_its_kind(call, status, why):
    async def run():
        shares = (RevisionTraffic(revision=STABLE, percent=100),)
        lives = [
            Live({STABLE: 9}, shares, name="old"),
            Live({}, (), name="stopped", stopped=True),
            Live({STABLE: 9}, shares, name="dead", speaks="v2"),
        ]
        async with doors(*lives) as both:
            return await error_of(both.stub.ModelInfer(call))

    code, details, _ = asyncio.run(run())
    assert code is status
    assert why in details


def test_of_services_of_one_name_the_metadatum_host_decides():
    async def run():
        first, second = Echo(), Echo()
        async with serving(first.answer) as port, serving(second.answer) as other:
            shares = (RevisionTraffic(revision=STABLE, percent=100),)
            lives = [
                Live({STABLE: port}, shares, namespace="one", speaks="v2"),
                Live({STABLE: other}, shares, namespace="two", speaks="v2"),
            ]
            async with doors(*lives) as both:
                code, why, _ = await error_of(both.stub.ModelInfer(message()))
                await both.stub.ModelInfer(message(), metadata=(("host", "tips.two"),))
            return code, why, len(first.requests), len(second.requests)

    code, why, *requests = asyncio.run(run())
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "tips.NAMESPACE" in why
    assert requests == [0, 1]


def test_a_call_that_is_being_answered_when_the_server_ends_is_answered():
    async def run():
        echo = Echo(seconds=0.5)
        async with served(echo) as both:
            call = asyncio.create_task(infer(both))
            await until(lambda: async_value(echo.requests))
            await both.server.stop()
            after = await error_of(both.stub.ModelInfer(message()))
            return await call, after[0]

    async def infer(both):
        return await both.stub.ModelInfer(message())

    answer, after = asyncio.run(run())
    assert list(answer.raw_output_contents) == [VALUES]
    assert after is grpc.StatusCode.UNAVAILABLE


def test_a_message_that_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(grpc_server, "BODY_SECONDS", 0.1)

    async def run():
        async with served(Echo()) as both, grpc.aio.insecure_channel(both.address) as channel:
            call = channel.stream_unary("/inference.GRPCInferenceService/ModelInfer")()
            return await error_of(call), await counts(both.url)

    (code, why, _), counted = asyncio.run(run())
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert why.startswith("the message did not come")
    assert not counted


def test_more_calls_at_a_time_than_may_be_are_told_so():
    async def run():
        async with served(Echo(seconds=0.5)) as both:
            calls = [both.stub.ModelInfer(message()) for _ in range(MOST_CONNECTIONS + 5)]
            return Counter([await call.code() for call in calls]), await counts(both.url)

    codes, counted = asyncio.run(run())
    assert codes == {
        grpc.StatusCode.OK: MOST_CONNECTIONS,
        grpc.StatusCode.RESOURCE_EXHAUSTED: 5,
    }
    assert counted == {(STABLE, "200"): MOST_CONNECTIONS}


def test_bytes_that_are_no_message_and_methods_that_are_none_are_refused():
    async def run():
        async with served(Echo()) as both:
            channel = grpc.aio.insecure_channel(both.address)
            async with channel:
                service = "/inference.GRPCInferenceService"
                broken = await error_of(channel.unary_unary(f"{service}/ModelInfer")(b"\xff"))
                load = channel.unary_unary(f"{service}/RepositoryModelLoad")
                return broken[0], (await error_of(load(b"")))[0]

    assert asyncio.run(run()) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNIMPLEMENTED,
    )


def test_a_port_that_is_taken_is_one_clear_error():
    async def run():
        async with served(Echo()) as both:
            port = int(both.address.rpartition(":")[2])
            async with routing(Services()) as (router, _):
                second = server_of(router)
                with pytest.raises(NotReadyError, match="--grpc-port"):
                    await second.start("127.0.0.1", port)

    asyncio.run(run())
