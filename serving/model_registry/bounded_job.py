"""A job that is given up when its time is over, whatever holds it."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

from kanaria.components.shared.errors import NotReadyError

ResultT = TypeVar("ResultT")


def within(seconds: float, job: Callable[[], ResultT], what: str) -> ResultT:
    """Return what the job returns in time.

    Names are looked up in ways that know no time-out, so it has its own thread, which goes on
    alone where it does not end; what it returns is not used then.

    Args:
        seconds: that it may take.
        job: what is done; what it raises is raised here.
        what: names it in a message.

    Raises:
        NotReadyError: it has not ended in time.
    """
    future: Future[ResultT] = Future()

    def run() -> None:
        try:
            future.set_result(job())
        except BaseException as error:  # noqa: BLE001 - the future raises it where one waits
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    wait([future], timeout=seconds)
    if not future.done():
        raise NotReadyError(f"{what}: not done within {seconds:g} s")
    return future.result()
