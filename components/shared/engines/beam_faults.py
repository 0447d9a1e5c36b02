"""Whose fault a failed Beam pipeline is: its runner's, or that of the code it ran. No Beam here."""

import re
import traceback
from collections.abc import Sequence

from kanaria.components.shared import exception_cause
from kanaria.components.shared.engines import beam_arguments
from kanaria.components.shared.errors import NotReadyError, shown

_OF_RUNNERS = ("apache_beam/", "grpc/")  # Compiled modules have no path before it.
_TRACE = "Traceback (most recent call last)"
_FRAME = re.compile(r'File "([^"]+)", line \d+')


def is_of_runner(error: BaseException) -> bool:
    """Tell whether Beam itself raised an error, with no other code below it, here or in a worker.

    A runner elsewhere tells a worker's error as text, with the trace of its frames.
    """
    links = list(exception_cause.chain(error))
    if any(exception_cause.is_of_tensorflow(link) for link in links):
        return False
    innermost = [traceback.extract_tb(link.__traceback__)[-1:] for link in links]
    files = [frame.filename for frames in innermost for frame in frames]
    files += [file for link in links for file in _raised_in(str(link))]
    return bool(files) and all(any(part in file for part in _OF_RUNNERS) for file in files)


def _raised_in(message: str) -> list[str]:
    """Return the file of the last frame of each trace that a message holds."""
    frames = [_FRAME.findall(part) for part in message.split(_TRACE)[1:]]
    return [files[-1] for files in frames if files]


def runner_failed(error: BaseException, arguments: Sequence[str]) -> NotReadyError:
    """Return the error for a runner that failed: which one, and what it said.

    Args:
        error: what it raised.
        arguments: Beam's, which name it; others may be secret and are not told.
    """
    endpoint = beam_arguments.options(arguments).get("job_endpoint", "")
    at = f" at --job_endpoint={shown(endpoint)}" if endpoint else ""
    return NotReadyError(
        f"the Beam runner{at} failed: {exception_cause.summary(error)}; this is no fault of data "
        "or metrics: look at the runner's own log, and run again"
    )
