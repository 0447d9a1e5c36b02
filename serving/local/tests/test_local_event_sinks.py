"""Sinks that take events, refuse them, hang or are dead."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager

from aiohttp import web

from kanaria.serving.local.payload_logger import event_sinks
from kanaria.serving.local.payload_logger.event_sinks import Outcome, PayloadLog
from kanaria.serving.local.payload_logger.log_rule import PayloadEvent
from kanaria.serving.protocol.payload_cloud_event import Origin

ORIGIN = Origin(namespace="default", service="tips", revision="tips-predictor-00001")


class Sink:
    """A server that keeps the ids it was sent, and answers `code` once it may, after `seconds`."""

    def __init__(self, code=200, seconds=0.0):
        self.ids, self.code, self.may_answer = [], code, asyncio.Event()
        self.seconds = seconds
        self.presented = []
        self.may_answer.set()

    async def answer(self, request):
        await self.may_answer.wait()
        await asyncio.sleep(self.seconds)
        self.ids.append(request.headers["ce-id"])
        self.presented.append(request.headers.get("authorization"))
        return web.Response(status=self.code)


@asynccontextmanager
async def running(sink):
    app = web.Application()
    app.router.add_post("/", sink.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def event(url, id_, body=b"{}"):
    return PayloadEvent(origin=ORIGIN, url=url, headers={"ce-id": str(id_)}, body=body)


def log():
    counted = Counter()
    return PayloadLog(lambda _origin, outcome: counted.update([outcome])), counted


def test_what_waits_at_the_end_is_sent():
    async def run():
        async with running(Sink()) as url:
            payload_log, counted = log()
            for id_ in range(500):
                payload_log.offer(event(url, id_))
            assert not counted
            await payload_log.close()
            return counted

    assert asyncio.run(run()) == {Outcome.SENT: 500}


def test_a_slow_sink_that_takes_events_gets_all_that_wait(monkeypatch):
    monkeypatch.setattr(event_sinks, "SENDERS", 1)
    monkeypatch.setattr(event_sinks, "DRAIN_SECONDS", 2.0)

    async def run():
        async with running(Sink(seconds=0.25)) as url:
            payload_log, counted = log()
            for id_ in range(12):  # Three seconds of work, with an event each quarter.
                payload_log.offer(event(url, id_))
            await payload_log.close()
            return counted

    assert asyncio.run(run()) == {Outcome.SENT: 12}


def test_a_sink_that_refuses_or_is_dead_is_counted_and_asked_once():
    async def run():
        sink = Sink(code=429)
        async with running(sink) as url:
            payload_log, counted = log()
            payload_log.offer(event(url, "refused"))
            payload_log.offer(event("http://127.0.0.1:9/", "dead"))
            payload_log.offer(event("http://[", "no address"))
            await payload_log.close()
            return counted, sink.ids

    assert asyncio.run(run()) == ({Outcome.FAILED: 3}, ["refused"])


def test_a_sink_that_hangs_costs_its_own_events_only_and_the_end_waits_for_a_bounded_time(
    monkeypatch,
):
    monkeypatch.setattr(event_sinks, "QUEUE_EVENTS", 5)
    monkeypatch.setattr(event_sinks, "DRAIN_SECONDS", 0.2)

    async def run():
        hanging, good = Sink(), Sink()
        hanging.may_answer.clear()
        async with running(hanging) as stuck, running(good) as url:
            payload_log, counted = log()
            for id_ in range(20):
                payload_log.offer(event(stuck, id_))
                payload_log.offer(event(url, id_))
                await asyncio.sleep(0.01)
            await payload_log.close()
            hanging.may_answer.set()
            return counted, good.ids

    counted, ids = asyncio.run(run())
    assert sorted(map(int, ids)) == list(range(20))
    assert counted == {Outcome.SENT: 20, Outcome.DROPPED: 20 - 5 - event_sinks.SENDERS}


def test_bodies_that_wait_are_bounded_too(monkeypatch):
    monkeypatch.setattr(event_sinks, "QUEUE_BYTES", 100)

    async def run():
        async with running(Sink()) as url:
            payload_log, counted = log()
            for id_ in range(3):
                payload_log.offer(event(url, id_, bytes(40)))
            await payload_log.close()
            return counted

    assert asyncio.run(run()) == {Outcome.SENT: 2, Outcome.DROPPED: 1}


def test_the_drift_server_gets_its_token_and_no_other_sink_does(monkeypatch):
    async def run():
        drift, other = Sink(), Sink()
        async with running(drift) as url, running(other) as elsewhere:
            monkeypatch.setenv("KANARIA_DRIFT_SERVER", url.rstrip("/"))
            monkeypatch.setenv("KANARIA_DRIFT_TOKEN", "0123456789abcdef")
            payload_log, counted = log()
            payload_log.offer(event(url, "a"))
            payload_log.offer(event(elsewhere, "b"))
            await payload_log.close()
            return drift.presented, other.presented, counted

    presented = ["Bearer 0123456789abcdef"]
    assert asyncio.run(run()) == (presented, [None], {Outcome.SENT: 2})


def test_events_whose_token_cannot_be_read_are_counted_and_told_without_it(monkeypatch, caplog):
    async def run():
        async with running(Sink()) as url:
            monkeypatch.setenv("KANARIA_DRIFT_SERVER", url)
            monkeypatch.setenv("KANARIA_DRIFT_TOKEN", "too short")
            payload_log, counted = log()
            payload_log.offer(event(url, "a"))
            await payload_log.close()
            return counted

    assert asyncio.run(run()) == {Outcome.FAILED: 1}
    assert "KANARIA_DRIFT_TOKEN: not a token" in caplog.text
    assert "too short" not in caplog.text
