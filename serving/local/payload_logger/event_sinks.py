"""Posts payload events to their sinks, beside the traffic: no request waits for it, or fails.

Events wait in a bounded queue, one for each sink, so that a dead sink costs no other one its
events. What does not fit is dropped and what is refused is not sent again, as with KServe's
agent; unlike there, both are counted. The drift server that KANARIA_DRIFT_SERVER names gets its
token with them.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from enum import StrEnum

import aiohttp

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift_token import authorization_for
from kanaria.serving.local.payload_logger.log_rule import PayloadEvent
from kanaria.serving.protocol.payload_cloud_event import Origin

logger = logging.getLogger(__name__)
QUEUE_EVENTS = 10_000
QUEUE_BYTES = 64 << 20
SENDERS = 4
TIMEOUT = aiohttp.ClientTimeout(total=5.0)
DRAIN_SECONDS = 5.0
"""In which a sink must take an event while the server ends, or what still waits is given up."""
MOST_DRAIN_SECONDS = 60.0
"""After the server was told to end, whatever a sink takes."""


class Outcome(StrEnum):
    """What became of an event."""

    SENT = "sent"
    DROPPED = "dropped"
    """Too much waited for its sink already."""
    FAILED = "failed"
    """Its sink did not answer in time, or did not take it."""


Count = Callable[[Origin, Outcome], None]


class Sink:
    """One address: the events that wait for it, and the senders that post them."""

    def __init__(self, client: aiohttp.ClientSession, count: Count) -> None:
        """Post by `client`, and tell `count` what became of each event."""
        self._client, self._count = client, count
        self._queue: asyncio.Queue[PayloadEvent] = asyncio.Queue(QUEUE_EVENTS)
        self._bytes = 0
        self._sent = 0
        self._senders = [asyncio.create_task(self._send()) for _ in range(SENDERS)]

    def offer(self, event: PayloadEvent) -> None:
        """Take the event if there is room for it; return at once."""
        if self._queue.full() or self._bytes + len(event.body) > QUEUE_BYTES:
            self._count(event.origin, Outcome.DROPPED)
            return
        self._bytes += len(event.body)
        self._queue.put_nowait(event)

    async def close(self) -> int:
        """Post what waits while the sink takes it; return how many events are left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MOST_DRAIN_SECONDS):
                await self._drained()
        for sender in self._senders:
            sender.cancel()
        return self._queue.qsize()

    async def _drained(self) -> None:
        empty = asyncio.create_task(self._queue.join())
        before = -1
        while not empty.done() and self._sent > before:
            before = self._sent
            await asyncio.wait({empty}, timeout=DRAIN_SECONDS)
        empty.cancel()

    async def _send(self) -> None:
        while True:
            event = await self._queue.get()
            outcome = await self._post(event)
            self._bytes -= len(event.body)
            self._sent += outcome is Outcome.SENT
            self._count(event.origin, outcome)
            self._queue.task_done()

    async def _post(self, event: PayloadEvent) -> Outcome:
        try:
            headers = {**event.headers, **authorization_for(event.url)}
            async with self._client.post(
                event.url, headers=headers, data=event.body, allow_redirects=False
            ) as answer:
                return Outcome.SENT if answer.ok else Outcome.FAILED
        except DataError as error:
            logger.error("payload log: %s", error)
            return Outcome.FAILED
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return Outcome.FAILED


class PayloadLog:
    """The sinks of one router."""

    def __init__(self, count: Count) -> None:
        """Know no sink yet; `count` is told what becomes of each event."""
        self._client = aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())
        self._count = count
        self._sinks: dict[str, Sink] = {}

    def offer(self, event: PayloadEvent) -> None:
        """Post the event some time, or drop it; return at once."""
        if event.url not in self._sinks:
            self._sinks[event.url] = Sink(self._client, self._count)
        self._sinks[event.url].offer(event)

    async def close(self) -> None:
        """Post what waits, for a bounded time, and end."""
        left = await asyncio.gather(*(sink.close() for sink in self._sinks.values()))
        if sum(left):
            logger.warning("payload log: %d events were not sent before the end", sum(left))
        await self._client.close()
