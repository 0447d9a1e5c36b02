"""Does one thing for many files at once."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

THREADS = 8
"""Transfers at once; stores limit a connection rather than a client."""

Item = TypeVar("Item")


def each(action: Callable[[Item], object], items: Iterable[Item]) -> None:
    """Call `action` with every item, a few at once; after a failure no more are begun.

    Raises:
        Exception: what the first failing call raised, when the running ones have ended.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        calls = [pool.submit(action, item) for item in items]
        try:
            for call in as_completed(calls):
                call.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
