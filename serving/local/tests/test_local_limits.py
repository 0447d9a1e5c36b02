"""Clients that take too much or give too little, before a real router and a real predictor."""

import asyncio
import json
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from stand_ins import BODY, STABLE, Live, StandIn, answer_counts, metrics, routed, serving, until

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service.revision_traffic import RevisionTraffic
from kanaria.serving.local.router import connection_bounds, request_bodies

PREDICT = b"POST /v1/models/tips:predict HTTP/1.1\r\nHost: a\r\n"
GOOD = json.dumps(BODY).encode()
MOST = 1 << 20


@asynccontextmanager
async def router(**bounds):
    """Yield the URL of a router, and its only predictor."""
    predictor = StandIn()
    async with serving(predictor.answer) as predictor.port:
        shares = (RevisionTraffic(revision=STABLE, percent=100),)
        live = Live(ports={STABLE: predictor.port}, shares=shares)
        async with routed(live, **bounds) as url:
            yield url, predictor


class Client:
    """One connection that sends any bytes."""

    def __init__(self, reader, writer):
        self._reader, self.writer = reader, writer

    @classmethod
    async def of(cls, url):
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def send(self, content):
        self.writer.write(content)
        await self.writer.drain()

    async def answer(self):
        """Return the code and the body of the next answer, or (0, None) at the end."""
        head = await self._reader.readline()
        if not head:
            return 0, None
        size = 0
        while (line := await self._reader.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        return int(head.split()[1]), json.loads(await self._reader.readexactly(size) or b"null")

    async def ask(self, content):
        await self.send(content)
        return await self.answer()


async def ends(client):
    async with asyncio.timeout(30):
        return await client.answer() == (0, None)


def with_length(body, announced=None, more=b""):
    size = len(body) if announced is None else announced
    return PREDICT + more + b"Content-Length: %d\r\n\r\n" % size + body


def chunked(body):
    return b"%x\r\n" % len(body) + body + b"\r\n"


CHUNKED = PREDICT + b"Transfer-Encoding: chunked\r\n\r\n"


def run(test):
    """Run one client's test; others are served all the while, and the predictor saw only good."""

    async def whole(**bounds):
        async with router(**bounds) as (url, predictor):
            client = await Client.of(url)
            await test(client, url)
            assert sum((await answer_counts(url, 20)).values()) == 20
            assert all(body == GOOD for _, body in predictor.requests)
            return await metrics(url)

    return asyncio.run(whole())


def codes(counted):
    name = "kanaria_requests_total"
    return {key.split('code="')[1][:3] for key in counted if key.startswith(name)}


@pytest.mark.parametrize(
    "request_", [with_length(b"", MOST + 1), CHUNKED + chunked(b"x" * (MOST + 1))]
)
def test_a_body_that_is_too_large_is_413_and_no_revisions_fault(request_):
    async def test(client, _):
        code, body = await client.ask(request_)
        assert code == 413
        assert "KANARIA_SERVING_MAX_BODY_MIB" in body["error"]

    assert codes(run(test)) == {"200"}


def test_the_largest_body_is_taken():
    async def whole():
        async with router() as (url, predictor):
            client = await Client.of(url)
            assert (await client.ask(with_length(b"x" * MOST)))[0] == 200
            assert len(predictor.requests[0][1]) == MOST

    asyncio.run(whole())


def test_a_client_that_sends_all_before_it_reads_still_reads_413():
    async def test(client, _):
        assert (await client.ask(with_length(b"x" * 8 * MOST)))[0] == 413
        assert await ends(client)

    run(test)


def test_a_client_that_waits_for_100_is_refused_before_it_sends():
    async def test(client, _):
        request = with_length(b"", MOST + 1, b"Expect: 100-continue\r\n")
        assert (await client.ask(request))[0] == 413
        assert await ends(client)

    run(test)


def test_a_client_that_waits_for_100_is_told_to_send():
    async def test(client, _):
        request = with_length(b"", len(GOOD), b"Expect: 100-continue\r\n")
        assert (await client.ask(request))[0] == 100
        assert (await client.ask(GOOD))[0] == 200

    run(test)


def test_endless_chunks_end(monkeypatch):
    monkeypatch.setattr(request_bodies, "LINGER_SECONDS", 0.2)

    async def test(client, _):
        await client.send(CHUNKED)
        with pytest.raises(ConnectionError):
            while True:
                await client.send(chunked(b"x" * 65536))

    run(test)


@pytest.mark.parametrize("drip", [b"", b"x"])
def test_a_slow_body_is_408(monkeypatch, drip):
    monkeypatch.setattr(request_bodies, "SILENCE_SECONDS", 0.3)
    monkeypatch.setattr(request_bodies, "BODY_SECONDS", 0.6)
    monkeypatch.setattr(request_bodies, "LINGER_SECONDS", 0.1)

    async def test(client, _):
        await client.send(with_length(b"{", 1000))

        async def drips():
            while True:
                await client.send(drip)
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drips())
        assert (await client.answer())[0] == 408
        dripping.cancel()

    assert codes(run(test)) == {"200"}


@pytest.mark.parametrize("part", [b"", b"POST", PREDICT, PREDICT + b"X-Slow: "])
def test_slow_headers_are_408_and_silence_is_closed(monkeypatch, part):
    monkeypatch.setattr(connection_bounds, "HEAD_SECONDS", 0.3)

    async def test(client, _):
        code, _ = await client.ask(part)
        assert code == (408 if part else 0)
        assert await ends(client)

    run(test)


def test_slow_headers_of_a_later_request_are_408(monkeypatch):
    monkeypatch.setattr(connection_bounds, "HEAD_SECONDS", 0.3)

    async def test(client, _):
        assert (await client.ask(with_length(GOOD)))[0] == 200
        assert (await client.ask(PREDICT))[0] == 408

    run(test)


@pytest.mark.parametrize(
    "head",
    [
        PREDICT + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
        PREDICT + b"X: " + b"a" * 5_000_000,
        PREDICT + b"X: a\r\n" * 101 + b"\r\n",
        PREDICT + b"X: a\r\n" * 500_000,
        b"POST /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /" + b"a" * 5_000_000,
    ],
)
def test_a_head_that_is_too_large_is_431(head):
    async def test(client, _):
        code, body = await client.ask(head)
        assert (code, body["error"]) == (
            431,
            "Request Header Fields Too Large: use up to 100 headers and 65536 bytes",
        )
        assert await ends(client)

    run(test)


def test_a_large_head_within_the_bounds_is_taken():
    head = PREDICT + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 600) for i in range(95))

    async def test(client, _):
        whole = head + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD
        for start in range(0, len(whole), 7000):
            await client.send(whole[start : start + 7000])
            await asyncio.sleep(0.005)
        assert (await client.answer())[0] in (200, 503), (
            "an answer of the predictor, or its refusal"
        )

    async def whole():
        async with router() as (url, _):
            await test(await Client.of(url), url)

    asyncio.run(whole())


def test_endless_trailers_end():
    async def test(client, _):
        await client.send(CHUNKED + b"0\r\n")
        with pytest.raises(ConnectionError):
            while True:
                await client.send(b"X-Trailer: a\r\n" * 1000)

    run(test)


@pytest.mark.parametrize(
    "request_",
    [
        PREDICT + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        PREDICT + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        PREDICT + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        PREDICT + b"Content-Length: -1\r\n\r\n",
        PREDICT + b"Content-Length: many\r\n\r\n",
        PREDICT + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n",
        PREDICT + b"Transfer-Encoding: gzip\r\n\r\n",
        CHUNKED + b"zz\r\n",
        PREDICT + b"No colon\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GARBAGE\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_can_be_read_in_two_ways_is_400(request_):
    async def test(client, _):
        code, _ = await client.ask(request_)
        assert code in (0, 400)
        assert await ends(client)

    assert codes(run(test)) == {"200"}


def test_too_many_large_bodies_are_503_and_small_ones_are_served():
    async def whole():
        async with router() as (url, predictor):
            predictor.hangs = True
            for _ in range(4):
                await (await Client.of(url)).send(with_length(b"x" * (MOST - 10_000)))

            async def all_are_held():
                return len(predictor.requests) == 4

            await until(all_are_held)
            predictor.hangs = False
            late = await Client.of(url)
            code, body = await late.ask(with_length(b"x" * 50_000))
            assert (code, "too many large bodies" in body["error"]) == (503, True)
            assert sum((await answer_counts(url, 20)).values()) == 20

    asyncio.run(whole())


def test_idle_connections_make_room_for_those_that_ask(monkeypatch):
    monkeypatch.setattr(connection_bounds, "HEAD_SECONDS", 600.0)

    async def whole():
        async with router(most_connections=20) as (url, _):
            steady = await Client.of(url)
            assert (await steady.ask(with_length(GOOD)))[0] == 200
            idle = [await Client.of(url) for _ in range(200)]
            assert sum((await answer_counts(url, 50)).values()) == 50
            assert await ends(idle[0])
            assert (await steady.ask(with_length(GOOD)))[0] == 200, "it has asked before"

    asyncio.run(whole())


def test_when_all_connections_ask_another_one_is_refused():
    async def whole():
        async with router(most_connections=5) as (url, predictor):
            predictor.seconds = 1.0
            asking = [await Client.of(url) for _ in range(5)]
            for client in asking:
                await client.send(with_length(GOOD))
            await asyncio.sleep(0.3)
            late = await Client.of(url)
            assert (await late.answer())[0] == 503
            assert [(await client.answer())[0] for client in asking] == [200] * 5

    asyncio.run(whole())


def test_a_client_that_goes_away_leaves_nothing_behind(caplog):
    async def test(client, _):
        await client.send(with_length(b"{", 1000))
        client.writer.transport.abort()

    assert codes(run(test)) == {"200"}
    assert not caplog.records


def test_a_server_that_ends_tells_who_still_sends(caplog):
    async def whole():
        async with router() as (url, _):
            client = await Client.of(url)
            await client.send(with_length(b"{", 1000))
            await asyncio.sleep(0.2)
        return await client.answer()

    assert asyncio.run(whole())[0] == 503
    assert not any(record.exc_info for record in caplog.records)


def test_an_answer_that_nobody_reads_is_given_up(monkeypatch):
    monkeypatch.setattr(connection_bounds, "READ_SECONDS", 0.3)
    large = b'"' + b"x" * 50_000_000 + b'"'

    async def whole():
        async def answer(request):
            from aiohttp import web

            await request.read()
            return web.Response(body=large)

        async with serving(answer) as port:
            shares = (RevisionTraffic(revision=STABLE, percent=100),)
            async with routed(Live(ports={STABLE: port}, shares=shares)) as url:
                client = await Client.of(url)
                client.writer.transport.pause_reading()
                await client.send(with_length(GOOD))
                with pytest.raises(ConnectionError):
                    while True:  # An empty line before a request says nothing.
                        await client.send(b"\r\n")
                        await asyncio.sleep(0.01)
                assert (await (await Client.of(url)).ask(with_length(GOOD)))[0] == 200

    asyncio.run(whole())


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
CHUNKED_BODY = b"Transfer-Encoding: chunked\r\n\r\n" + chunked(GOOD) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [with_length(GOOD, more=UPGRADE), PREDICT + UPGRADE + CHUNKED_BODY],
    ids=["length", "chunks"],
)
@pytest.mark.parametrize("step", [1 << 20, 40], ids=["at once", "in pieces"])
def test_a_wish_to_upgrade_is_answered_as_if_it_were_none(request_, step):
    """As Java's and JetBrains' clients send it: Kludex/uvicorn#2722 lost the body."""

    async def test(client, _):
        for _ in range(2):
            for start in range(0, len(request_), step):
                await client.send(request_[start : start + step])
                await asyncio.sleep(0)
            assert (await client.answer())[0] == 200
        await client.send(request_ + with_length(GOOD))
        assert [(await client.answer())[0] for _ in range(2)] == [200, 200]

    run(test)


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "", "٤", "9999999999"])
def test_a_limit_that_is_no_number_is_refused(monkeypatch, value):
    monkeypatch.setenv(request_bodies.MOST_VARIABLE, value)
    with pytest.raises(ParameterError, match=request_bodies.MOST_VARIABLE):
        request_bodies.most_bytes()


def test_the_environment_sets_the_largest_body(monkeypatch):
    assert request_bodies.most_bytes() == 64 << 20
    monkeypatch.setenv(request_bodies.MOST_VARIABLE, "7")
    assert request_bodies.most_bytes() == 7 << 20
