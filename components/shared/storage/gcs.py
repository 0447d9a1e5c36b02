"""Google Cloud Storage through its own client; STORAGE_EMULATOR_HOST leads to an emulator."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import google.auth
import google.auth.exceptions
import requests  # type: ignore[import-untyped]
import urllib3
from google.api_core.exceptions import GoogleAPICallError, NotFound, TooManyRequests
from google.cloud import storage  # type: ignore[import-untyped]
from google.resumable_media import common as transfer

from kanaria.components.shared.errors import ParameterError, shown
from kanaria.components.shared.storage.object_store import (
    AbsentError,
    ObjectInfo,
    PassingError,
    RefusedError,
    StoreError,
)
from kanaria.components.shared.storage.paced_http import POOLS
from kanaria.components.shared.storage.private_clients import session_of

MOST_PAGES = 10_000
"""Of a listing: ten million objects."""
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and to wait for more bytes."""

SERVER_ERROR = 500
DAMAGED_ON_THE_WAY = "doesn't match calculated"
"""What the server says of an upload whose checksum differs; its status is that of a bad request."""

CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
REMEDY = f"check the bucket's name, the permissions and {CREDENTIALS}"
ERRORS = (
    GoogleAPICallError,
    google.auth.exceptions.GoogleAuthError,
    requests.exceptions.RequestException,
    transfer.DataCorruption,
    transfer.InvalidResponse,
    urllib3.exceptions.HTTPError,  # While a body is read.
    ValueError,
)


def _may_pass(error: Exception) -> bool:
    if isinstance(error, GoogleAPICallError):
        busy = isinstance(error, TooManyRequests) or (error.code or 0) >= SERVER_ERROR
        return busy or DAMAGED_ON_THE_WAY in str(error)
    if isinstance(error, transfer.InvalidResponse):
        status = error.response.status_code
        return status == TooManyRequests.code or status >= SERVER_ERROR
    if isinstance(error, google.auth.exceptions.GoogleAuthError):
        lost = isinstance(error, google.auth.exceptions.TransportError)
        return lost or bool(getattr(error, "retryable", False))
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return True  # A proxy's page, or an answer that was cut.
    no_use = (ValueError, requests.exceptions.SSLError)  # An invalid URL is a ValueError too.
    return not isinstance(error, no_use)


def _reason(error: Exception) -> str:
    message = error.message if isinstance(error, GoogleAPICallError) else str(error)
    return f"{type(error).__name__}: {shown(message)}"


class _Sink:
    """A file that hands what is written to a function."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def write(self, data: bytes) -> int:
        self._write(data)
        return len(data)


class GcsStore:
    """A bucket. The client's own retries are off, since back-off is the caller's."""

    def __init__(self, client: Any, bucket: str, anonymous: bool) -> None:
        """Use a client for one bucket; `anonymous` says that no credentials were found."""
        self._client, self._bucket = client, client.bucket(bucket)
        self._anonymous = anonymous

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ERRORS as error:
            raise self._failure(error) from error

    @contextmanager
    def _in_bucket(self) -> Iterator[None]:
        """Only the bucket can be absent here."""
        try:
            with self._translated():
                yield
        except AbsentError as error:
            raise self._refused(str(error)) from error

    def _failure(self, error: Exception) -> StoreError:
        if isinstance(error, NotFound) and "bucket does not exist" not in str(error):
            return AbsentError(_reason(error))
        return PassingError(_reason(error)) if _may_pass(error) else self._refused(_reason(error))

    def _refused(self, reason: str) -> RefusedError:
        anonymous = "no credentials were found; " if self._anonymous else ""
        return RefusedError(f"{reason}; {anonymous}{REMEDY}")

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin with `prefix`."""
        with self._in_bucket():
            blobs = self._client.list_blobs(
                self._bucket, prefix=prefix, timeout=TIMEOUT, retry=None
            )
            names, tokens = list[str](), set[str]()
            for page in blobs.pages:
                names += [blob.name for blob in page]
                _check_next(blobs.next_page_token, tokens)
        strange = next((name for name in names if not name.startswith(prefix)), "")
        if strange or len(set(names)) < len(names):
            raise PassingError(f"a listing with keys twice, or not asked for: {shown(strange)}")
        return [name for name in names if not name.endswith("/")]

    def stat(self, key: str) -> ObjectInfo | None:
        """Return size, CRC32C, MD5 where there is one, and the recorded SHA-256."""
        blob = self._bucket.blob(key)
        try:
            with self._translated():
                blob.reload(timeout=TIMEOUT, retry=None)
        except AbsentError:
            return None
        checksums = {"crc32c": blob.crc32c, "md5": blob.md5_hash}
        return ObjectInfo(
            size=blob.size or 0,
            checksums={name: value for name, value in checksums.items() if value},
            sha256=(blob.metadata or {}).get("sha256", ""),
        )

    def read(self, key: str, write: Callable[[bytes], object]) -> None:
        """Read the object as a stream."""
        with self._translated():
            # The bytes are checked by the caller, against what was known before the reading.
            self._bucket.blob(key).download_to_file(
                _Sink(write), raw_download=True, checksum=None, timeout=TIMEOUT, retry=None
            )

    def tail(self, key: str, most: int) -> bytes:
        """Return the last bytes."""
        info = self.stat(key)
        if info is None:
            raise AbsentError(key)
        if not info.size:
            return b""
        with self._translated():
            return bytes(
                self._bucket.blob(key).download_as_bytes(
                    start=max(0, info.size - most),
                    end=info.size - 1,
                    raw_download=True,
                    checksum=None,
                    timeout=TIMEOUT,
                    retry=None,
                )
            )

    def upload(self, path: Path, key: str, sha256: str) -> None:
        """Write a file; the server compares its CRC32C."""
        blob = self._bucket.blob(key)
        blob.metadata = {"sha256": sha256}
        with self._in_bucket():
            blob.upload_from_filename(
                str(path),
                content_type="application/octet-stream",
                checksum="crc32c",
                timeout=TIMEOUT,
                retry=None,
            )

    def remove(self, key: str) -> None:
        """Remove an object."""
        try:
            with self._translated():
                self._bucket.blob(key).delete(timeout=TIMEOUT, retry=None)
        except AbsentError:
            return


def _check_next(token: str | None, tokens: set[str]) -> None:
    """Take note of where the next page is; a listing that goes back there has no end."""
    if not token:
        return
    if token in tokens:
        raise PassingError(f"a page of a listing that leads back: {shown(token)}")
    tokens.add(token)
    if len(tokens) >= MOST_PAGES:
        raise RefusedError(f"more than {MOST_PAGES} pages; name a longer prefix")


class _Adapter(requests.adapters.HTTPAdapter):
    """Makes connections whose answers end."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = dict(POOLS)


def client() -> tuple[Any, bool]:
    """Return a client as the environment configures it, and whether it found no credentials.

    Raises:
        ParameterError: the credentials that are configured cannot be read.
    """
    made, anonymous = _client()
    for scheme in ("http://", "https://"):
        session_of(made).mount(scheme, _Adapter())
    return made, anonymous


def _client() -> tuple[Any, bool]:
    try:
        return storage.Client(project=None), False
    except google.auth.exceptions.DefaultCredentialsError as error:
        if os.environ.get(CREDENTIALS):
            raise ParameterError(f"{CREDENTIALS}: {shown(str(error))}; mount the file") from error
        # Public buckets need none.
        return storage.Client.create_anonymous_client(), True
