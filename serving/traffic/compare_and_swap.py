"""Writes what was decided on an object, only while the object is as it was then."""

from collections.abc import Callable

from kanaria.components.shared.errors import ConflictError
from kanaria.serving.kubernetes_api.resource_kinds import Object

ATTEMPTS = 5
"""Writes at most; controllers report a status several times while a change comes true."""


def swap(
    decided_on: Object,
    read: Callable[[], Object],
    part: Callable[[Object], object],
    wanted: object,
    write: Callable[[Object], object],
) -> None:
    """Make a part of an object `wanted`, unless somebody else has changed that part.

    It writes even when the part seems to be `wanted`: what was read may be old, and only a write
    that carries its resourceVersion tells.

    Args:
        decided_on: the object as it was decided on.
        read: returns it as it is.
        part: returns what of it the decision rests on and changes.
        wanted: that part as it shall be.
        write: makes it so, compared with the resourceVersion of the object it is given.

    Raises:
        ConflictError: that part was changed since it was read, or the object never rests.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            write(decided_on)
        except ConflictError as error:
            now = read()
            # The write was done by an attempt whose answer was lost, or by somebody of our mind.
            if part(now) == wanted:
                return
            if error.managers or part(now) != part(decided_on) or attempt == ATTEMPTS:
                raise
            decided_on = now
        else:
            return
