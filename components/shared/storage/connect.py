"""Connects to the store that a location names, once for each configuration."""

import functools
import os
from typing import Any

from kanaria.components.shared.storage.location import Location
from kanaria.components.shared.storage.object_store import Store

CONFIGURE = ("AWS_", "GOOGLE_", "MINIO_", "S3_", "SSL_CERT_FILE", "STORAGE_EMULATOR_HOST")
"""How variables begin that configure a client."""


def store_of(location: Location) -> Store:
    """Return the bucket of a location.

    Raises:
        ParameterError: the environment's endpoint is malformed.
    """
    variables = [item for item in os.environ.items() if item[0].startswith(CONFIGURE)]
    client, anonymous = _client(location.scheme, tuple(sorted(variables)))
    if location.scheme == "gs":
        from kanaria.components.shared.storage.gcs import GcsStore

        return GcsStore(client, location.bucket, anonymous)
    from kanaria.components.shared.storage.s3 import S3Store

    return S3Store(client, location.bucket, anonymous)


@functools.lru_cache(maxsize=8)
def _client(scheme: str, _variables: tuple[tuple[str, str], ...]) -> tuple[Any, bool]:
    """Return a client; `_variables` only tells one configuration from another."""
    if scheme == "gs":
        from kanaria.components.shared.storage import gcs

        return gcs.client()
    from kanaria.components.shared.storage import s3

    client, provider = s3.client(scheme)
    return client, provider is None
