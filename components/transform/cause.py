"""Finds the one line that matters in what Beam, TFT and TensorFlow raise."""

import errno
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from kanaria.components.shared.errors import KanariaError, UserCodeError, shown

# Lines of TensorFlow's messages that say where in the graph, which has no meaning to a user.
NOISE = ("Graph execution error", "Detected at node", "<stack traces", "[[{{")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _message(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith(NOISE)]
    text = told[0] if told else ""
    return text.rpartition("}} ")[2] if text.startswith("{{function_node") else text


def _full_disk(chain: list[BaseException]) -> OSError | None:
    for error in chain:
        is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        if is_full or "No space left on device" in str(error):
            return OSError(errno.ENOSPC, "No space left on device")
    return None


def one_line(error: Exception, where: str) -> Exception:
    """Return the error to raise for `error`, which came out of the user's graph.

    A KanariaError is found however deep it is wrapped. Otherwise what the graph itself raised
    counts before what was wrapped around it.

    Args:
        error: what an engine raised.
        where: the user's function and the rows it was applied to, as a message begins.
    """
    chain = list(_chain(error))
    known = [link for link in chain if isinstance(link, KanariaError)]
    full = _full_disk(chain)
    if known or full:
        return known[-1] if known else full or error
    raised = [link for link in chain if isinstance(link, tf.errors.OpError)]
    cause = raised[-1] if raised else error
    return UserCodeError(
        f"{where} failed with {type(cause).__name__}: {shown(_message(cause))}; mend the function"
    )


def guarded(where: str, work: Callable[..., None], *arguments: Any) -> None:
    """Call `work`; what it raises becomes one line that begins with `where`.

    Raises:
        UserCodeError: the user's graph could not be built or failed.
        OSError: the disk is full.
    """
    try:
        work(*arguments)
    except Exception as error:  # A user's graph may raise anything; the cause is kept.
        clear = one_line(error, where)
        if clear is error:
            raise
        raise clear from error
