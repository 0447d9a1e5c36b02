"""Does one thing for many files at once."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

THREADS = 8
"""Transfers at once; stores limit a connection rather than a client."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(action: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return what `action` gives for every item, in order; a few at once.

    After a failure no more are begun.

    Raises:
        Exception: what the first failing call raised, when the running ones have ended.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        calls = [pool.submit(action, item) for item in items]
        try:
            for call in as_completed(calls):
                call.result()  # Raises as soon as one has failed.
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return [call.result() for call in calls]
