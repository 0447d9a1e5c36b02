"""A call in a thread of its own, whose end nobody has to wait for."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

ResultT = TypeVar("ResultT")


def begun(job: Callable[[], ResultT]) -> "Future[ResultT]":
    """Begin a job; the future holds what it returns or raises.

    Names are looked up, and clusters asked, in ways that know no time-out of a whole. A pool's
    thread would be waited for when the process ends; this one is not.
    """
    future: Future[ResultT] = Future()

    def run() -> None:
        try:
            future.set_result(job())
        except BaseException as error:  # noqa: BLE001 - the future raises it where one waits
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future
