"""Tries an operation on a store again while that may help: five times, with back-off."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from kanaria.components.shared.errors import DataError, NotReadyError, ParameterError, shown
from kanaria.components.shared.storage.object_store import AbsentError, PassingError, RefusedError

logger = logging.getLogger(__name__)
ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 0.5
Result = TypeVar("Result")


def pause(attempt: int) -> float:
    """Return the seconds to wait after attempt 1, 2 ...: 0.5, 1, 2, 4, each up to half as long.

    Chance keeps many steps that failed together from coming back together.
    """
    return FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.0)


def attempted(uri: str, action: Callable[[], Result]) -> Result:
    """Return what `action` returns in the end.

    Raises:
        DataError: there is no such object.
        ParameterError: the store refuses.
        NotReadyError: it failed five times; the last reason is named.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return action()
        except AbsentError as error:
            raise DataError(f"uri={shown(uri)}: no such object; check the URI") from error
        except RefusedError as error:
            raise ParameterError(f"uri={shown(uri)}: {error}") from error
        except PassingError as error:
            cause = error
        logger.warning("%s: attempt %d of %d failed: %s", uri, attempt, ATTEMPTS, cause)
        if attempt < ATTEMPTS:
            time.sleep(pause(attempt))
    raise NotReadyError(
        f"uri={shown(uri)}: failed {ATTEMPTS} times, at last with {shown(str(cause))}; "
        "look whether the store can be reached and run again"
    ) from cause
