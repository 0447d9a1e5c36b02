"""What every way asks for before it changes shares, of the status that the change rests on. Pure.

verb        is refused by a NotReadyError while
--------    ----------------------------------------------------------------------
shift       nothing is rolled out: there is nobody to share with
            the newest revision is the stable one, and less than 100 is asked for
            it raises a share, and the newest revision is not ready
promote     as a shift to 100
rollback    there is no earlier revision to go back to

A shift or a promotion that was decided for a revision is refused by a ConflictError when a later
one is applied: whoever was stalled in between must not give that one requests. So is a rollback to
a revision, when it would give the requests to another one.

A share is lowered whether or not anything is ready. A model that is applied and that the platform
has not made a revision of is not ready.
"""

from kanaria.components.shared.errors import ConflictError, NotReadyError, ParameterError
from kanaria.serving.traffic.traffic_protocol import ServiceStatus


def require_percent(verb: str, percent: int) -> None:
    """Raise a ParameterError unless this is a percentage, 0 to 100."""
    if not 0 <= percent <= 100:
        raise ParameterError(f"{verb}: percent={percent}: use 0 to 100")


def require_shift(where: str, status: ServiceStatus, percent: int, revision: str = "") -> None:
    """Raise an error, see the table, unless the newest revision may get this share.

    Args:
        where: the service.
        status: what the change rests on.
        percent: of the requests, 0 to 100.
        revision: that the share was decided for; "" for whichever is the newest.
    """
    newest, is_current = status.latest_created, _is_seen(status)
    if revision and not (is_current and newest == revision):
        later = newest if is_current else status.storage_uri
        raise ConflictError(f"{where}: {later} is later than {revision}; nothing shifted")
    if not status.rolled_out:
        raise NotReadyError(f"{where}: the first revision is not ready; nothing shifted")
    if is_current and newest == status.rolled_out:
        if percent < 100:
            raise NotReadyError(f"{where}: {newest} has all traffic already, nothing is on trial")
        return
    before = 100 if status.canary_percent is None else status.canary_percent
    if percent > before and not (is_current and newest == status.latest_ready):
        raise NotReadyError(
            f"{where}: {newest} with {status.storage_uri} is not ready; nothing shifted"
        )


def require_rollback(where: str, status: ServiceStatus, revision: str = "") -> None:
    """Raise an error, see the table, unless there is a revision to go back to.

    Args:
        where: the service.
        status: what the change rests on.
        revision: to go back to; "" for whichever it is.
    """
    is_promoted = _is_seen(status) and status.latest_created == status.rolled_out
    earlier = status.previous_rolled_out if is_promoted else status.rolled_out
    if not earlier or not status.rolled_out:
        raise NotReadyError(f"{where}: no earlier revision to go back to")
    if revision and earlier != revision:
        raise ConflictError(
            f"{where}: the one before is {earlier}, not {revision}; nothing rolled back"
        )


def _is_seen(status: ServiceStatus) -> bool:
    """Tell whether the newest revision is that of the model which is applied."""
    return status.revision_uris.get(status.latest_created) == status.storage_uri
