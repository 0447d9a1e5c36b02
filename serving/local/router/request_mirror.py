"""Copies requests to the shadow of a service: nobody waits for its answers, and nobody gets them.

A copy has the X-Request-Id of its original, so that both answers meet in the payload log, and an
event id of its own. How many copies run at a time is bounded for each revision, and so is their
time: a shadow that hangs costs copies, which are counted, and no original.
"""

import asyncio
import random
import time
from collections import Counter

from kanaria.serving.local.controller.service_controller import LiveService
from kanaria.serving.local.router.logged_exchange import Exchanges
from kanaria.serving.local.router.predictor_client import Call
from kanaria.serving.local.router.router_metrics import Metrics
from kanaria.serving.protocol.annotation_names import EVENT_ID_HEADER

CONCURRENCY = 32
"""Copies that wait for one revision's answers at a time."""
MOST_BYTES = 64 << 20
"""Of the bodies of these copies, after a first one."""
TIMEOUT_SECONDS = 10.0

Key = tuple[str, str, str]
"""Namespace, service and revision."""


class Mirror:
    """The copies of one router."""

    def __init__(self, exchanges: Exchanges, metrics: Metrics, seed: int | None = None) -> None:
        """Ask by `exchanges`, count in `metrics`; `seed` makes the choices repeatable."""
        self._exchanges, self._metrics = exchanges, metrics
        self._random = random.Random(seed)
        self._running: set[asyncio.Task[None]] = set()
        self._of: Counter[Key] = Counter()
        self._bytes: Counter[Key] = Counter()

    def copy(self, live: LiveService, call: Call) -> None:
        """Send the service's shadow, if it has one, a copy of some requests; return at once.

        What is not posted asks no model anything, and is not copied.
        """
        shadow = live.shadow
        if shadow is None or call.method != "POST" or self._random.random() * 100 >= shadow.percent:
            return
        key = (live.namespace, live.name, shadow.revision)
        is_full = self._of[key] >= CONCURRENCY or self._bytes[key] + len(call.body) > MOST_BYTES
        if self._of[key] and is_full:
            self._metrics.count_omitted(*key)
            return
        self._of[key] += 1
        self._bytes[key] += len(call.body)
        task = asyncio.create_task(self._ask(live, call.with_header(EVENT_ID_HEADER, ""), key))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Wait for no answer any more, and close the connections."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._exchanges.close()

    async def _ask(self, live: LiveService, call: Call, key: Key) -> None:
        began = time.perf_counter()
        try:
            response = await self._exchanges.ask(live, key[-1], call)
            self._metrics.count_mirrored(*key, response.status_code, time.perf_counter() - began)
        finally:
            self._of[key] -= 1
            self._bytes[key] -= len(call.body)
