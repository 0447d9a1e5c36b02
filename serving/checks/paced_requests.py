"""Sends the requests of a load test when they are due, until its verdict is certain.

A request is due 1/rate seconds after the one before, whether or not that is answered. Where idle
time is left out, the next one is due already when all before are answered. A server that takes a
request's time from nothing but that request, and is asked again while it would be idle, answers
each request as late as it would have at the rate: it begins with the same requests before it
(Lindley's recursion, "The theory of queues with a single server", 1952). So the latencies are those
of the rate, in less time.
"""

import asyncio
from collections.abc import Awaitable, Callable

from kanaria.serving.checks.check_limits import Load
from kanaria.serving.checks.load_verdict import Call, Score

LOOK_SECONDS = 0.1
"""Between two looks at how late those are that have not been answered."""


class Paced:
    """One load test under way."""

    def __init__(self, load: Load, ask: Callable[[int], Awaitable[str]], *, idle: bool) -> None:
        """Nothing is sent.

        Args:
            load: rate, number and limits.
            ask: sends the request of a number and returns why it failed, or "".
            idle: whether time in which nothing is to be answered is waited for.
        """
        self._load, self._ask, self._idle = load, ask, idle
        self._score = Score(load)
        self._calls: list[Call] = []
        self._waiting: dict[asyncio.Task[None], float] = {}
        self._changed = asyncio.Event()
        self._clock = asyncio.get_running_loop().time

    async def run(self) -> tuple[list[Call], float]:
        """Return the requests and the seconds from the first to the last."""
        start = due = last = self._clock()
        async with asyncio.TaskGroup() as group:
            for number in range(self._load.requests):
                due = min(await self._until(due), due)
                if self._is_certain():
                    break
                last = self._clock()
                self._send(group, number, due)
                due += 1 / self._load.rate
            while self._waiting and not self._is_certain():
                await self._look(LOOK_SECONDS)
            calls = [*self._calls, *self._unanswered()]
            for task in self._waiting:
                task.cancel()
        return calls, last - start

    def _send(self, group: asyncio.TaskGroup, number: int, due: float) -> None:
        async def one() -> None:
            fault = await self._ask(number)
            call = Call(seconds=self._clock() - due, fault=fault)
            self._calls.append(call)
            self._score.add(call)

        task = group.create_task(one())
        self._waiting[task] = due
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._waiting[task]
        self._changed.set()

    async def _until(self, due: float) -> float:
        """Wait until a request is due, or may be sent before; return the time."""
        while (left := due - self._clock()) > 0 and not self._is_certain():
            if not self._waiting and not self._idle:
                break
            await self._look(min(left, LOOK_SECONDS))
        return self._clock()

    async def _look(self, seconds: float) -> None:
        """Wait until a request ends, at most so long."""
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    def _is_certain(self) -> bool:
        return self._score.is_certain(self._clock(), self._waiting.values())

    def _unanswered(self) -> list[Call]:
        """Return those that break a limit without an answer; of the others nothing is known."""
        now = self._clock()
        waiting = (Call(seconds=now - due, ended=False) for due in self._waiting.values())
        return [call for call in waiting if self._score.is_bad(call)]
