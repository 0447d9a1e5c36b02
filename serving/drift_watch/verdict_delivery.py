"""Sends verdicts as CloudEvents to whoever a watch names; the only part that sends.

Each verdict is sent until it is taken, in order, with a longer wait after each failure. The place
up to which a stream's verdicts were taken is kept in the store, so what was not taken before a
restart is sent afterwards. A receiver may get a verdict more than once, always with the same id.

It runs beside the tests of windows, all receivers at once, and each has so many seconds for a whole
answer: one that says nothing, or a byte now and then, holds up neither windows nor other receivers.

Source: CloudEvents 1.0, HTTP protocol binding, binary content mode.
"""

import asyncio
import hashlib
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from kanaria.components.shared.errors import DataError
from kanaria.serving.databases.database import StoreError
from kanaria.serving.drift import report_records
from kanaria.serving.drift_token import TRIGGER, authorization_for
from kanaria.serving.drift_watch.watch_file import Watch
from kanaria.serving.payload_log.exchanges import Verdict
from kanaria.serving.payload_log.store_reader import Reader
from kanaria.serving.payload_log.store_writer import Store
from kanaria.serving.protocol.cloud_event_modes import binary_headers

logger = logging.getLogger(__name__)
TYPE = "io.kanaria.drift.verdict"
TIMEOUT = 5.0
"""Seconds for one verdict, from the connection to the end of the answer's headers."""
TURN_SECONDS = 5.0
"""After which a receiver that is slow, but takes what it gets, is left until the next turn."""
PAUSE_SECONDS = 1.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
MOST_WAITING = 1000
"""Verdicts of a watch that wait; older ones are left out, but stay in the store."""
AGAIN = (401, 403, 408, 425, 429)
"""Refusals that pass, as that of a token that is being replaced; any other of 400 to 499 would be
the same the next time."""


@dataclass(slots=True)
class _Queue:
    """What a watch's receiver has not taken yet."""

    watch: Watch
    url: str
    waiting: deque[tuple[int, Verdict]] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    wait: float = FIRST_WAIT
    next_try: float = 0.0

    @property
    def place(self) -> str:
        """The reader's name under which the store keeps how far the receiver is."""
        return f"{self.watch.name}/sent"


class Delivery:
    """All watches' receivers; `add` may be called by another thread than all else.

    Attributes:
        queues: watch -> what its receiver has not taken yet.
    """

    def __init__(self, store: Store, reader: Reader, watches: Sequence[Watch]) -> None:
        """Send what the store has and the receivers have not taken, once `turn` runs."""
        self._store = store
        self.queues = {
            watch: _Queue(watch=watch, url=watch.verdicts_to)
            for watch in watches
            if watch.verdicts_to
        }
        for queue in self.queues.values():
            self._resume(queue, reader)

    def _resume(self, queue: _Queue, reader: Reader) -> None:
        watch = queue.watch
        for stream in reader.streams(watch.component):
            if (stream.namespace, stream.service) != (watch.namespace, watch.service):
                continue
            key = (stream.namespace, stream.service, stream.version)
            delivered = self._store.place(queue.place, key)
            for verdict in reader.newest_of(stream, watch.name, MOST_WAITING):
                # What another release kept and this one cannot read is left out.
                if _last(verdict) > delivered:
                    queue.waiting.append((_last(verdict), verdict))

    def add(self, watch: Watch, verdict: Verdict) -> None:
        """Send a verdict at the next turn."""
        if watch in self.queues:
            waiting = self.queues[watch].waiting
            if len(waiting) == MOST_WAITING:
                consequence = "the oldest is left out, and stays in the store"
                logger.error("%d verdicts wait for %s; %s", MOST_WAITING, watch.name, consequence)
            waiting.append((_last(verdict), verdict))

    def run(self, ended: threading.Event) -> None:
        """Send what comes until `ended` is set."""
        while not ended.wait(PAUSE_SECONDS):
            self.turn(time.time())

    def turn(self, now: float) -> None:
        """Send what waits, as far as the receivers take it in time.

        Args:
            now: seconds since 1970.
        """
        due = [one for one in self.queues.values() if one.waiting and now >= one.next_try]
        if due:
            asyncio.run(self._send(due, now))

    async def _send(self, queues: Sequence[_Queue], now: float) -> None:
        async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as client:
            await asyncio.gather(*(self._send_queue(client, queue, now) for queue in queues))

    async def _send_queue(self, client: httpx.AsyncClient, queue: _Queue, now: float) -> None:
        began = time.monotonic()
        while queue.waiting and time.monotonic() < began + TURN_SECONDS:
            first = queue.waiting[0]
            if not (
                await _is_accepted(client, queue.url, first[1]) and self._passed(queue, *first)
            ):
                queue.next_try, queue.wait = now + queue.wait, min(2 * queue.wait, LONGEST_WAIT)
                return
            if queue.waiting[0] is first:  # Else it was left out meanwhile.
                queue.waiting.popleft()
            queue.wait = FIRST_WAIT

    def _passed(self, queue: _Queue, last: int, verdict: Verdict) -> bool:
        """Keep that a verdict needs no further try; tell whether that could be kept."""
        stream = verdict.stream
        key = (stream.namespace, stream.service, stream.version)
        try:
            # Another process on the store may have moved it.
            self._store.advance(queue.place, key, self._store.place(queue.place, key), last)
        except StoreError as error:
            logger.error("verdict of %s, which is sent again: %s", stream.service, error)
            return False
        return True


async def _is_accepted(client: httpx.AsyncClient, url: str, verdict: Verdict) -> bool:
    """Tell whether a verdict needs no further try."""
    service = verdict.stream.service
    try:
        sent = headers(verdict) | authorization_for(url, names=TRIGGER)
        async with (
            asyncio.timeout(TIMEOUT),  # The client's own is for each part of an answer.
            client.stream("POST", url, content=verdict.document, headers=sent) as answer,
        ):
            code, host = answer.status_code, answer.url.host
    except (httpx.HTTPError, TimeoutError, DataError) as error:
        why = str(error) or f"no answer within {TIMEOUT:g} s"
        logger.warning("verdict of %s: %s; sent again later", service, why)
        return False
    if 200 <= code < 300:
        return True
    if 400 <= code < 500 and code not in AGAIN:
        logger.error("verdict refused with %d by %s", code, host)
        return True
    logger.warning("verdict of %s answered with %d; sent again later", service, code)
    return False


def headers(verdict: Verdict) -> dict[str, str]:
    """Return the CloudEvent's attributes as HTTP headers."""
    stream = verdict.stream
    attributes = {
        "specversion": "1.0",
        "type": TYPE,
        "id": _id(verdict),
        "source": f"/namespaces/{stream.namespace}/inferenceservices/{stream.service}",
        "subject": stream.version,
        "time": datetime.fromtimestamp(max(0.0, verdict.end), UTC).isoformat(),
        "namespace": stream.namespace,
        "inferenceservicename": stream.service,
        "detector": verdict.detector,
        "verdict": report_records.load_window(verdict.document).verdict,
    }
    present = {name: value for name, value in attributes.items() if value}
    return binary_headers(present) | {"content-type": "application/json"}


def _id(verdict: Verdict) -> str:
    stream = verdict.stream
    key = (stream.namespace, stream.service, stream.version, verdict.detector, _last(verdict))
    return hashlib.sha256(repr(key).encode()).hexdigest()[:32]


def _last(verdict: Verdict) -> int:
    """Return the place of a verdict in its stream, 0 where it cannot be read."""
    try:
        return report_records.load_window(verdict.document).last or 0
    except DataError:
        return 0
