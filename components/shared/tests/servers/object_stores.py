"""Object stores that tests start: a real S3 server (moto) and a Cloud Storage emulator.

Example:
    @pytest.fixture(scope="module")
    def bucket() -> Iterator[Bucket]:
        with object_stores.s3() as bucket:
            yield bucket

    def test_it(bucket: Bucket, monkeypatch: pytest.MonkeyPatch):
        bucket.use(monkeypatch)
        bucket.put("data/a.csv", b"a\\n1\\n")
        ... f"{bucket.uri}/data/a.csv" ...

What a test looks at goes through other clients than the code under test uses: boto3, and plain
HTTP for Cloud Storage.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol
from urllib import request
from urllib.parse import quote, urlsplit

import boto3
import pytest
from gcp_storage_emulator.server import create_server
from moto.server import ThreadedMotoServer

KEY_ID, SECRET = "test-key-id", "test-secret-key"
NOT_SET = (
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_PROFILE",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "MINIO_ENDPOINT",
    "S3_ENDPOINT",
    "STORAGE_EMULATOR_HOST",
)


class Contents(Protocol):
    """What is in a bucket, seen by another client than the code under test."""

    def put(self, key: str, data: bytes) -> None: ...

    def get(self, key: str) -> bytes: ...

    def keys(self) -> list[str]: ...


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """An empty bucket of a live server.

    Attributes:
        uri: `s3://<bucket>`, without a slash at its end.
        environment: variables that lead to the server, for this process or another one.
        endpoint: URL of the server.
        contents: what is in it.
    """

    uri: str
    environment: Mapping[str, str]
    endpoint: str
    contents: Contents

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process find the server."""
        for name in NOT_SET:
            monkeypatch.delenv(name, raising=False)
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)

    def behind(self, endpoint: str) -> "Bucket":
        """Return the bucket as it is reached through another endpoint, such as a proxy."""
        moved = {
            name: value.replace(self.endpoint, endpoint) for name, value in self.environment.items()
        }
        return replace(self, environment=moved)

    def put(self, key: str, data: bytes = b"") -> None:
        self.contents.put(key, data)

    def get(self, key: str) -> bytes:
        return self.contents.get(key)

    def keys(self) -> list[str]:
        return self.contents.keys()


class _S3Contents:
    def __init__(self, endpoint: str, bucket: str) -> None:
        self._name = bucket
        self._client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
        )
        self._client.create_bucket(Bucket=bucket)

    def put(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self._name, Key=key, Body=data)

    def get(self, key: str) -> bytes:
        return self._client.get_object(Bucket=self._name, Key=key)["Body"].read()

    def keys(self) -> list[str]:
        contents = self._client.list_objects_v2(Bucket=self._name).get("Contents", [])
        return sorted(item["Key"] for item in contents)


class _CloudContents:
    def __init__(self, endpoint: str, bucket: str) -> None:
        self._endpoint, self._name = endpoint, bucket
        self._call("POST", "/storage/v1/b", json.dumps({"name": bucket}).encode())

    def _call(self, method: str, path: str, data: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json"} if data and data[:1] == b"{" else {}
        call = request.Request(self._endpoint + path, data, headers, method=method)
        with request.urlopen(call) as answer:
            return answer.read()

    def put(self, key: str, data: bytes) -> None:
        path = f"/upload/storage/v1/b/{self._name}/o?uploadType=media&name={quote(key, safe='')}"
        call = request.Request(
            self._endpoint + path,
            data,
            {"Content-Type": "application/octet-stream"},
            method="POST",
        )
        with request.urlopen(call):
            pass

    def get(self, key: str) -> bytes:
        path = f"/storage/v1/b/{self._name}/o/{quote(key, safe='')}?alt=media"
        return self._call("GET", path)

    def keys(self) -> list[str]:
        listing = json.loads(self._call("GET", f"/storage/v1/b/{self._name}/o"))
        return sorted(item["name"] for item in listing.get("items", []))


@contextmanager
def s3() -> Iterator[Bucket]:
    """Yield an empty bucket `s3://...` of a new S3 server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    name = f"bucket-{uuid.uuid4().hex[:8]}"
    try:
        yield Bucket(
            uri=f"s3://{name}",
            environment={
                "AWS_ENDPOINT_URL_S3": endpoint,
                "AWS_ACCESS_KEY_ID": KEY_ID,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_REGION": "us-east-1",
            },
            endpoint=endpoint,
            contents=_S3Contents(endpoint, name),
        )
    finally:
        server.stop()


@contextmanager
def minio() -> Iterator[Bucket]:
    """Yield an empty bucket `minio://...`, found as in a Kubeflow cluster, of a new server."""
    with s3() as bucket:
        environment = {
            "MINIO_ENDPOINT": bucket.endpoint,
            "MINIO_ACCESS_KEY": KEY_ID,
            "MINIO_SECRET_KEY": SECRET,
        }
        name = urlsplit(bucket.uri).netloc
        yield replace(bucket, uri=f"minio://{name}", environment=environment)


@contextmanager
def gcs() -> Iterator[Bucket]:
    """Yield an empty bucket `gs://...` of a new emulator of Google Cloud Storage."""
    server = create_server("127.0.0.1", 0, in_memory=True)
    server.start()
    # The emulator tells the port that the system chose nowhere else.
    endpoint = "http://{}:{}".format(*server._api._httpd.server_address)
    name = f"bucket-{uuid.uuid4().hex[:8]}"
    try:
        yield Bucket(
            uri=f"gs://{name}",
            environment={"STORAGE_EMULATOR_HOST": endpoint},
            endpoint=endpoint,
            contents=_CloudContents(endpoint, name),
        )
    finally:
        server.stop()
