"""Puts what arrives on the disk in groups, and tells each sender when its own is there.

While one group is written the next one gathers, so a commit is shared by all that wait for it and
the time of an answer is about that of two commits, at any rate. What waits is bounded by number
and by bytes; more is refused at once, so a flood costs neither memory nor the answer's time.
"""

import asyncio
import logging
import math
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from kanaria.serving.databases.database import StoreError
from kanaria.serving.http_server.upload_bodies import FullError
from kanaria.serving.payload_log.exchanges import Label, Outcome
from kanaria.serving.payload_log.retention import Room, Service
from kanaria.serving.payload_log.store_writer import Store
from kanaria.serving.payload_log.write_groups import Item

logger = logging.getLogger(__name__)
Written = asyncio.Future[list[Outcome]]
Part = tuple[Sequence[Item], Written]
"""What one sender waits for."""
LABEL_BYTES = 200
"""About what a label takes in memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much may wait to be written.

    Attributes:
        items: events and labels.
        megabytes: of their bodies.
        interval: seconds at least between the beginnings of two groups; each commit costs the
            processor about 1 ms, however small the group.
        tidy: seconds between two removals of what is old while nothing arrives.
        checkpoint: seconds between two checkpoints of the store, beside the groups.
        patience: seconds after which a group that is still being written counts as refused.
    """

    items: int = 20_000
    megabytes: int = 64
    interval: float = 0.005
    tidy: float = 1.0
    checkpoint: float = 0.5
    patience: float = 5.0


class Intake:
    """The one queue before a store; lives in one event loop."""

    def __init__(self, store: Store, limits: Limits = Limits()) -> None:
        """Take items for `store` once `run` runs."""
        self._store, self._limits = store, limits
        self._waiting: list[Part] = []
        self._items = self._bytes = 0
        self._arrived, self._ended = asyncio.Event(), False
        self._writes, self._begun = True, math.inf

    @property
    def depth(self) -> int:
        """Items that wait to be written or are being written."""
        return self._items

    @property
    def depth_bytes(self) -> int:
        """About what these take in memory."""
        return self._bytes

    @property
    def limits(self) -> Limits:
        """How much may wait."""
        return self._limits

    @property
    def writes(self) -> bool:
        """Whether the store could be written when it was last tried, about `tidy` ago."""
        return self._writes and time.monotonic() < self._begun + self._limits.patience

    @property
    def most_bytes(self) -> int:
        """At which size the store is held by removing the oldest."""
        return self._store.most_bytes

    @property
    def rooms(self) -> Mapping[Service, Room]:
        """What each service had in the store when last something was written."""
        return self._store.rooms

    @property
    def dropped(self) -> Mapping[Service, int]:
        """How many of each service's exchanges, and of the labels, went for want of room."""
        return self._store.dropped

    async def put(self, items: Sequence[Item]) -> list[Outcome]:
        """Return what became of the items once they are on the disk.

        Raises:
            FullError: too much waits already; none of them is kept.
            StoreError: the store refused; none of them is kept.
        """
        size = sum(map(_bytes, items))
        full = self._items and self._items + len(items) > self._limits.items
        if full or (self._bytes and self._bytes + size > self._limits.megabytes << 20):
            waiting = f"{self._items} items of {self._bytes >> 20} MB wait to be written"
            raise FullError(f"{waiting}; send it again later")
        written: Written = asyncio.get_running_loop().create_future()
        self._waiting.append((items, written))
        self._items, self._bytes = self._items + len(items), self._bytes + size
        self._arrived.set()
        return await written

    async def run(self) -> None:
        """Write what arrives until `end`, and then what had arrived."""
        checkpoints = asyncio.create_task(self._checkpoints())
        loop, next_begin = asyncio.get_running_loop(), 0.0
        with ThreadPoolExecutor(1, thread_name_prefix="store") as thread:
            while not self._ended:
                # No cancellation ends this: wait_for may lose one that meets an arrival.
                with suppress(TimeoutError):  # An empty group removes what has become too old.
                    await asyncio.wait_for(self._arrived.wait(), self._limits.tidy)
                    await asyncio.sleep(next_begin - loop.time())
                next_begin = loop.time() + self._limits.interval
                await self._group(thread)
            await self._group(thread)
        checkpoints.cancel()

    async def _checkpoints(self) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="checkpoints") as thread:
            while True:
                await asyncio.sleep(self._limits.checkpoint)
                try:
                    checkpoint = self._store.checkpoint
                    await asyncio.get_running_loop().run_in_executor(thread, checkpoint)
                except StoreError as error:
                    logger.error("the store's log is not copied: %s", error)

    def end(self) -> None:
        """Let `run` return soon."""
        self._ended = True
        self._arrived.set()

    def close(self) -> None:
        """Close the store, once `run` has returned."""
        self._store.close()

    async def _group(self, thread: ThreadPoolExecutor) -> None:
        group, self._waiting = self._waiting, []
        self._arrived.clear()
        items = [item for part, _ in group for item in part]
        loop = asyncio.get_running_loop()
        refused, outcomes, self._begun = None, list[Outcome](), time.monotonic()
        try:
            outcomes = await loop.run_in_executor(thread, self._store.apply, items, time.time())
        except StoreError as error:
            if items or self._writes:
                logger.error("%d events and labels are not kept: %s", len(items), error)
            refused = error
        self._writes, self._begun = refused is None, math.inf
        self._items, self._bytes = self._items - len(items), self._bytes - sum(map(_bytes, items))
        _tell(group, outcomes, refused)


def _tell(group: Sequence[Part], outcomes: Sequence[Outcome], refused: StoreError | None) -> None:
    """Tell every sender that still waits; one that went away has sent all the same."""
    left = iter(outcomes)
    for part, written in group:
        own = list(islice(left, len(part)))
        if written.done():
            continue
        if refused is None:
            written.set_result(own)
        else:  # One of its own: each sender adds where it was raised.
            written.set_exception(StoreError(str(refused)))


def _bytes(item: Item) -> int:
    return LABEL_BYTES if isinstance(item, Label) else len(item.event.body) + LABEL_BYTES
