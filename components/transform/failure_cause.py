"""Tells whose fault a failed analysis or graph is: the user's, the engine's or the disk's."""

import errno
from collections.abc import Callable
from typing import Any

from kanaria.components.shared import exception_cause
from kanaria.components.shared.engines import beam_faults
from kanaria.components.shared.errors import KanariaError, UserCodeError


def _full_disk(chain: list[BaseException]) -> OSError | None:
    for error in chain:
        is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        if is_full or "No space left on device" in str(error):
            return OSError(errno.ENOSPC, "No space left on device")
    return None


def one_line(error: Exception, where: str) -> Exception:
    """Return the error to raise for `error`, which came out of an engine or the user's graph.

    A KanariaError is found however deep it is wrapped. Otherwise what the graph itself raised
    counts before what was wrapped around it.

    Args:
        error: what an engine raised.
        where: the user's function and the rows it was applied to, as a message begins.
    """
    chain = list(exception_cause.chain(error))
    own_errors = [link for link in chain if isinstance(link, KanariaError)]
    full = _full_disk(chain)
    if own_errors or full:
        return own_errors[-1] if own_errors else full or error
    if beam_faults.is_of_runner(error):
        return KanariaError(
            f"{where}: the engine (Apache Beam) failed with {exception_cause.summary(error)}; "
            "this is no fault of the function; run it again, and report it if it stays"
        )
    return UserCodeError(f"{where} failed with {exception_cause.summary(error)}; mend the function")


def guarded(where: str, work: Callable[..., None], *arguments: Any) -> None:
    """Call `work`; what it raises becomes one line that begins with `where`.

    Raises:
        UserCodeError: the user's graph could not be built or failed.
        KanariaError: the engine failed.
        OSError: the disk is full.
    """
    try:
        work(*arguments)
    except Exception as error:  # A user's graph may raise anything; the cause is kept.
        clear = one_line(error, where)
        if clear is error:
            raise
        raise clear from error
