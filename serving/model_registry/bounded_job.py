"""A job that is given up when its time is over, whatever holds it."""

from collections.abc import Callable
from concurrent.futures import wait
from typing import TypeVar

from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.future_thread import begun

ResultT = TypeVar("ResultT")


def within(seconds: float, job: Callable[[], ResultT], what: str) -> ResultT:
    """Return what the job returns in time.

    Where it does not end it goes on alone, and what it returns is not used.

    Args:
        seconds: that it may take.
        job: what is done; what it raises is raised here.
        what: names it in a message.

    Raises:
        NotReadyError: it has not ended in time.
    """
    future = begun(job)
    wait([future], timeout=seconds)
    if not future.done():
        raise NotReadyError(f"{what}: not done within {seconds:g} s")
    return future.result()
