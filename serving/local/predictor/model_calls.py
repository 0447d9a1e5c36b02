"""Calls of a model on threads of their own: the predictor tells meanwhile how it fares."""

import asyncio
import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

THREADS = 4
STUCK_SECONDS = 60.0
"""As long as the router waits for an answer: nobody waits for a call that has taken longer."""
P = ParamSpec("P")
T = TypeVar("T")


class Calls:
    """The calls of one model that run now."""

    def __init__(self, stuck_seconds: float = STUCK_SECONDS) -> None:
        """Start no thread yet; a call is stuck after `stuck_seconds`."""
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="predict")
        self._stuck_seconds = stuck_seconds
        self._began: dict[int, float] = {}
        self._keys = itertools.count()

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `work` returns, called on a thread as soon as one is free."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: self._timed(work, *args, **kwargs))

    def _timed(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        key = next(self._keys)
        self._began[key] = time.monotonic()
        try:
            return work(*args, **kwargs)
        finally:
            del self._began[key]

    def stuck(self) -> bool:
        """Tell whether every thread has been in one call for too long: no more is answered."""
        began = list(self._began.values())
        return len(began) >= THREADS and time.monotonic() - max(began) > self._stuck_seconds
