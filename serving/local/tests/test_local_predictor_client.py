"""Predictors that close connections, as real servers of the bytes they are told to send."""

import asyncio
import struct
from contextlib import asynccontextmanager

import pytest

from kanaria.serving.local.router.predictor_client import Call, Predictors

CALL = Call(method="POST", path="/v1/models/tips:predict", headers=(), body=b"{}")
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
RESET = b"reset"
"""An answer of the tests' own: the connection is closed by a reset."""


@asynccontextmanager
async def predictor(*connections):
    """Serve connections; each gives its answers one after another, and then closes.

    Yields the port, and a list that gets the number of the connection of every request.
    """
    request_numbers, waiting = [], list(enumerate(connections))

    async def serve(reader, writer):
        number, answers = waiting.pop(0)
        for answer in answers:
            await reader.readuntil(b"\r\n\r\n")
            request_numbers.append(number)
            if answer is RESET:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(1, 13, linger)
                break
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], request_numbers


async def codes(port, requests, seconds=30.0):
    predictors = Predictors(seconds)
    try:
        return [(await predictors.ask(CALL, port, "rev")).status_code for _ in range(requests)]
    finally:
        await predictors.close()


@pytest.mark.parametrize("end", [b"", RESET], ids=["closed", "reset"])
def test_a_kept_connection_that_was_closed_costs_no_request_its_answer(end):
    async def run():
        async with predictor([GOOD, end], [GOOD]) as (port, request_numbers):
            assert await codes(port, 2) == [200, 200]
            assert request_numbers == [0, 0, 1]

    asyncio.run(run())


def test_a_connection_closed_while_it_waits_costs_no_request_its_answer():
    """As after each 500 of kserve's server, and after its five idle seconds."""

    async def run():
        async with predictor(*([GOOD] for _ in range(40))) as (port, request_numbers):
            assert await codes(port, 20) == [200] * 20
            assert len(request_numbers) == 20

    asyncio.run(run())


def test_a_predictor_that_closes_twice_is_not_asked_a_third_time():
    async def run():
        async with predictor([GOOD, b""], [b""], [GOOD]) as (port, request_numbers):
            assert await codes(port, 2) == [200, 503]
            assert request_numbers == [0, 0, 1]

    asyncio.run(run())


@pytest.mark.parametrize("first", [b"", RESET], ids=["closed", "reset"])
def test_a_new_connection_without_an_answer_is_the_predictors_end(first):
    async def run():
        async with predictor([first], [GOOD]) as (port, request_numbers):
            assert await codes(port, 1) == [503]
            assert request_numbers == [0]

    asyncio.run(run())


@pytest.mark.parametrize("part", [b"HTT", GOOD[:20], GOOD[:-1]])
def test_an_answer_that_breaks_off_is_not_asked_for_again(part):
    async def run():
        async with predictor([GOOD, part], [GOOD]) as (port, request_numbers):
            assert await codes(port, 2) == [200, 503]
            assert request_numbers == [0, 0]

    asyncio.run(run())


def test_a_predictor_that_is_gone_does_not_answer():
    async def run():
        predictors = Predictors(30.0)
        async with predictor([GOOD]) as (port, _):
            assert (await predictors.ask(CALL, port, "rev")).status_code == 200
        assert (await predictors.ask(CALL, port, "rev")).status_code == 503
        await predictors.close()

    asyncio.run(run())


def test_both_tries_share_one_time_limit():
    async def run():
        async def never(reader, writer):
            if not waited:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(GOOD)
                await reader.readuntil(b"\r\n\r\n")
                writer.close()
            waited.append(1)
            await asyncio.Event().wait()

        waited = []
        server = await asyncio.start_server(never, "127.0.0.1", 0)
        assert await codes(server.sockets[0].getsockname()[1], 2, seconds=0.5) == [200, 504]
        server.close()

    asyncio.run(run())
