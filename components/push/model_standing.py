"""Where a pushed model stands. Pure."""

from enum import Enum

from kanaria.serving.traffic.traffic_protocol import ServiceStatus


class Standing(Enum):
    """Standing of a model's URI in a service.

    ABSENT  -> no revision has it: stage it
    WAITING -> the newest revision has it and is not ready yet
    FAILED  -> the newest revision has it and does not load
    READY   -> the newest or the stable revision has it and is ready
    """

    ABSENT = "absent"
    WAITING = "waiting"
    FAILED = "failed"
    READY = "ready"


def revision_of(status: ServiceStatus | None, uri: str) -> str:
    """Return the newest or the stable revision if it serves `uri`, else ""."""
    if status is None:
        return ""
    for revision in (status.latest_created, status.rolled_out):
        if revision and status.revision_uris.get(revision) == uri:
            return revision
    return ""


def standing(status: ServiceStatus | None, uri: str) -> Standing:
    """Return where the model at `uri` stands; judged by revision, not by a `Ready` flag."""
    if status is None:
        return Standing.ABSENT
    revision = revision_of(status, uri)
    if not revision:
        return Standing.WAITING if status.storage_uri == uri else Standing.ABSENT
    if revision in (status.latest_ready, status.rolled_out):
        return Standing.READY
    return Standing.FAILED if status.failure else Standing.WAITING


def wanted_percent(status: ServiceStatus, revision: str, canary_percent: int) -> int:
    """Return the share a ready revision shall get: all if there is no other, else the canary's.

    Asking 0 % for a revision that has all traffic would roll it back, so the only one gets 100.
    """
    return 100 if status.rolled_out in ("", revision) else canary_percent


def obstacle(status: ServiceStatus | None, uri: str, least: int) -> str:
    """Return what the model at `uri` still lacks before it can be served, "" for nothing.

    Args:
        status: of the service, None when there is none.
        uri: of the model.
        least: copies that must be ready, 0 or more.
    """
    if status is None:
        return "there is no such service"
    revision = revision_of(status, uri)
    if standing(status, uri) is not Standing.READY:
        failure = status.failure
        cause = f": {failure.reason}: {failure.message}" if failure else ""
        what = f"{revision} is not ready" if revision else "no revision has it yet"
        return f"{what} ({status.transition}){cause}"
    copies = status.ready_copies.get(revision, least)  # Nobody counts those of local serving.
    return f"{revision} has {copies} of {least} copies ready" if copies < least else ""
