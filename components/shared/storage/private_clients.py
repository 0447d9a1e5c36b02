"""The private names of object stores' clients that have no public ones."""

from typing import Any


def session_of(client: Any) -> Any:
    """Return the HTTP session of Google's storage client, as its own guide to proxies takes it."""
    return client._http


def status_of(error: Any) -> int:
    """Return the HTTP status of minio's InvalidResponseError, which it tells nowhere else."""
    return int(error._code)
