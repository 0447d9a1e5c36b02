"""S3 and what speaks its protocol (MinIO, SeaweedFS, Ceph), through the minio client."""

import base64
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import urllib3
from minio import Minio
from minio.credentials.providers import Provider
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from kanaria.components.shared.errors import shown
from kanaria.components.shared.storage import checksums, s3_answers, s3_environment
from kanaria.components.shared.storage.object_store import (
    AbsentError,
    ObjectInfo,
    PassingError,
    RefusedError,
    StoreError,
)
from kanaria.components.shared.storage.private_clients import status_of

MISSING = ("NoSuchKey", "NoSuchBucket")
DAMAGED_ON_THE_WAY = ("BadDigest", "IncompleteBody", "RequestTimeout", "XAmzContentSHA256Mismatch")
PARTIAL_CONTENT, TOO_MANY_REQUESTS, SERVER_ERROR = 206, 429, 500
SHA256 = "x-amz-meta-sha256"
OWN_HOST = s3_environment.IN_CLUSTER.partition(":")[0]
OWN_REMEDY = (
    f"set MINIO_ENDPOINT: KFP's store is {s3_environment.IN_CLUSTER}, before 2.17 "
    f"{s3_environment.IN_CLUSTER_BEFORE}"
)
REMEDY = "check the bucket's name, the permissions and AWS_ACCESS_KEY_ID or another way to sign in"


def _may_pass(error: MinioException) -> bool:
    if isinstance(error, S3Error):
        status = error.response.status
        if error.code in DAMAGED_ON_THE_WAY:
            return True
    elif isinstance(error, ServerError):
        status = error.status_code
    else:
        # An answer that is no XML, as a proxy gives it.
        status = status_of(error) if isinstance(error, InvalidResponseError) else 0
    return status == TOO_MANY_REQUESTS or status >= SERVER_ERROR


def _reason(error: Exception) -> str:
    """Return the reason; of an S3Error only what holds no part of the request."""
    if isinstance(error, S3Error):
        return f"{error.code}: {shown(error.message)}"
    if isinstance(error, s3_answers.DamagedError):
        return str(error)
    if isinstance(error, urllib3.exceptions.NameResolutionError) and OWN_HOST in str(error):
        return f"{OWN_HOST} is unknown here; {OWN_REMEDY}"
    return f"{type(error).__name__}: {shown(str(error))}"


class S3Store:
    """A bucket. Back-off is the caller's; multipart uploads are aborted when they fail."""

    def __init__(self, client: Minio, bucket: str, anonymous: bool) -> None:
        """Use a client for one bucket; `anonymous` says that no credentials were found."""
        self._client, self._bucket, self._anonymous = client, bucket, anonymous

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except s3_answers.EndlessError as error:
            raise RefusedError(str(error)) from error
        except (MinioException, urllib3.exceptions.HTTPError, ValueError, KeyError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StoreError:
        if isinstance(error, S3Error) and error.code == "NoSuchKey":
            return AbsentError(error.code)
        if isinstance(error, MinioException):
            passing = _may_pass(error)
        else:
            # ValueError and KeyError come from names and credentials that are no good.
            network = isinstance(error, urllib3.exceptions.HTTPError)
            passing = network and not isinstance(error, urllib3.exceptions.SSLError)
        if passing:
            return PassingError(_reason(error))
        anonymous = "no credentials were found; " if self._anonymous else ""
        return RefusedError(f"{_reason(error)}; {anonymous}{REMEDY}")

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin with `prefix`."""
        with self._translated(), s3_answers.listing():
            items = self._client.list_objects(self._bucket, prefix=prefix, recursive=True)
            names = [item.object_name for item in items if item.object_name and not item.is_dir]
        strange = next((name for name in names if not name.startswith(prefix)), "")
        if strange or len(set(names)) < len(names):
            raise PassingError(f"a listing with keys twice, or not asked for: {shown(strange)}")
        return names

    def stat(self, key: str) -> ObjectInfo | None:
        """Return size, ETag where it is a checksum, and the recorded SHA-256."""
        try:
            with self._translated():
                info = self._client.stat_object(self._bucket, key)
        except AbsentError:
            return None
        if not info.etag:  # A proxy's page, since every object has one.
            raise PassingError("an answer without ETag, so not an object store's")
        headers = {name.lower(): value for name, value in (info.metadata or {}).items()}
        return ObjectInfo(
            size=info.size or 0,
            checksums=checksums_of(info.etag, headers),
            sha256=headers.get(SHA256, ""),
        )

    def read(self, key: str, write: Callable[[bytes], object]) -> None:
        """Read the object as a stream."""
        with self._translated():
            response = self._client.get_object(self._bucket, key)
            try:
                while piece := response.read1(checksums.PIECE, decode_content=False):
                    write(piece)
            finally:
                response.close()
                response.release_conn()

    def tail(self, key: str, most: int) -> bytes:
        """Return the last bytes; a server that ignores the range is not read to its end."""
        info = self.stat(key)
        if info is None:
            raise AbsentError(key)
        start, content = max(0, info.size - most), bytearray()
        if not info.size:
            return b""
        with self._translated():
            response = self._client.get_object(self._bucket, key, offset=start)
            try:
                if start and response.status != PARTIAL_CONTENT:
                    raise RefusedError("the store answers no ranges; copy the object and read that")
                while len(content) < most and (piece := response.read1(most, decode_content=False)):
                    content += piece
            finally:
                response.close()
                response.release_conn()
        return bytes(content)

    def upload(self, path: Path, key: str, sha256: str) -> None:
        """Write a file in one piece, or in parts when it is large."""
        size = path.stat().st_size
        with self._translated(), path.open("rb") as file:
            self._client.put_object(
                self._bucket,
                key,
                file,
                size,
                metadata={"sha256": sha256},
                part_size=checksums.part_size(size),
                num_parallel_uploads=1,
            )

    def remove(self, key: str) -> None:
        """Remove an object."""
        with self._translated():
            self._client.remove_object(self._bucket, key)


def checksums_of(etag: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the checksum that an ETag is: an MD5, unless a customer's or KMS's key encrypts."""
    encryption = headers.get("x-amz-server-side-encryption", "AES256")
    customer = "x-amz-server-side-encryption-customer-algorithm" in headers
    digits, _, parts = etag.partition("-")
    if customer or encryption != "AES256" or not digits:
        return {}
    try:
        digest = base64.b64encode(bytes.fromhex(digits)).decode()
    except ValueError:  # A store may make its ETags as it likes.
        return {}
    return {"md5-parts" if parts else "md5": digest}


def client(scheme: str) -> tuple[Minio, Provider | None]:
    """Return a client for `s3` or `minio` as the environment configures it.

    Raises:
        ParameterError: the endpoint is malformed.
    """
    endpoint = s3_environment.endpoint(scheme, os.environ)
    provider = s3_environment.provider(scheme, endpoint, os.environ)
    made = Minio(
        endpoint.host,
        secure=endpoint.secure,
        region=endpoint.region or None,
        credentials=provider,
        http_client=s3_environment.http_client(),
    )
    return made, provider
