"""Where S3 is and who asks, from the variables and files that KServe, KFP and AWS users have."""

import configparser
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import certifi
import urllib3
from minio.credentials.credentials import Credentials
from minio.credentials.providers import (
    AWSConfigProvider,
    EnvAWSProvider,
    EnvMinioProvider,
    IamAwsProvider,
    Provider,
)

from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.storage import s3_answers

AWS = "s3.amazonaws.com"
IN_CLUSTER = "seaweedfs.kubeflow:9000"
"""Where KFP 2.17 keeps its artifacts."""
IN_CLUSTER_BEFORE = "minio-service.kubeflow:9000"
"""Where it did so before; MINIO_ENDPOINT says so."""

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT")
TASK_CREDENTIALS = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
METADATA_SECONDS = 1.0
"""Wait for an instance's metadata server, which nothing answers for outside EC2."""

CONNECTIONS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Host and port, whether to use TLS, and the region; "" lets the client ask for it."""

    host: str
    secure: bool
    region: str


def endpoint(scheme: str, environ: Mapping[str, str]) -> Endpoint:
    """Return where `s3://` or `minio://` leads.

    An endpoint without `http://` or `https://` means HTTP for `minio://`, as in a Kubeflow
    cluster, and for `s3://` HTTPS unless S3_USE_HTTPS is 0, as for KServe.

    Raises:
        ParameterError: the endpoint is no host with an optional port.
    """
    minio = _means_minio(scheme, environ)
    names = ("MINIO_ENDPOINT", *ENDPOINTS) if minio else ENDPOINTS
    name = next((name for name in names if environ.get(name)), "")
    default = IN_CLUSTER if minio else AWS
    address = environ[name] if name else default
    parts = urlsplit(address if "://" in address else f"//{address}")
    plain = minio or environ.get("S3_USE_HTTPS") == "0"
    malformed = parts.scheme not in ("", "http", "https") or parts.path.strip("/")
    if malformed or not parts.hostname or "@" in parts.netloc:
        # The value is not shown, since it may hold a password.
        raise ParameterError(f"{name}: not an endpoint; write it as https://host:port")
    secure = parts.scheme == "https" if parts.scheme else not plain
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""
    own = not parts.hostname.endswith("amazonaws.com")
    return Endpoint(host=parts.netloc, secure=secure, region=region or ("us-east-1" if own else ""))


def _means_minio(scheme: str, environ: Mapping[str, str]) -> bool:
    """Tell whether MinIO's variables come first; they do for `s3://` if S3 has none of its own.

    What is pushed to `minio://` is read from `s3://` afterwards, since KServe knows no other.
    """
    s3 = any(environ.get(name) for name in (*ENDPOINTS, *TASK_CREDENTIALS, "AWS_ACCESS_KEY_ID"))
    return scheme == "minio" or (bool(environ.get("MINIO_ACCESS_KEY")) and not s3)


def http_client(
    connect: float = CONNECT_SECONDS, read: float = READ_SECONDS
) -> urllib3.PoolManager:
    """Return a client that trusts AWS_CA_BUNDLE or SSL_CERT_FILE, and does not retry by itself."""
    bundle = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    return s3_answers.Client(
        timeout=urllib3.Timeout(connect=connect, read=read),
        maxsize=CONNECTIONS,
        cert_reqs="CERT_REQUIRED",
        ca_certs=bundle or certifi.where(),
        retries=False,
    )


def provider(scheme: str, endpoint: Endpoint, environ: Mapping[str, str]) -> Provider | None:
    """Return the first way to credentials that is configured, or None: public buckets need none.

    Only what nobody configured is tried and passed over when it fails: the default credentials
    file and an instance's role.
    """
    own = _means_minio(scheme, environ) and bool(environ.get("MINIO_ACCESS_KEY"))
    file = bool(environ.get("AWS_SHARED_CREDENTIALS_FILE") or environ.get("AWS_PROFILE"))
    ways: tuple[tuple[bool, Callable[[], Provider]], ...] = (
        (own, EnvMinioProvider),
        (bool(environ.get("AWS_ACCESS_KEY_ID")), EnvAWSProvider),
        (any(environ.get(name) for name in TASK_CREDENTIALS), _task_role),
        (file, AWSConfigProvider),
    )
    configured = next((make for holds, make in ways if holds), None)
    if configured:
        return _Configured(configured())
    if (Path.home() / ".aws/credentials").is_file():
        return _working(AWSConfigProvider())
    on_aws = endpoint.host.endswith("amazonaws.com")
    if on_aws and environ.get("AWS_EC2_METADATA_DISABLED", "").lower() != "true":
        client = http_client(METADATA_SECONDS, METADATA_SECONDS)
        return _working(IamAwsProvider(http_client=client))
    return None


class _Configured(Provider):
    """Credentials that are configured; a file of them that cannot be read is a ValueError."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def retrieve(self) -> Credentials:
        try:
            return self._provider.retrieve()
        except OSError as error:
            raise ValueError(f"{error.filename}: {error.strerror}") from error
        except configparser.Error as error:
            # The parser's message quotes the line, which may hold the secret.
            file = getattr(error, "source", "the credentials file")
            raise ValueError(f"{file}: not a credentials file") from error


def _task_role() -> Provider:
    return IamAwsProvider(http_client=http_client())


def _working(provider: Provider) -> Provider | None:
    try:
        provider.retrieve()
    except (ValueError, KeyError, OSError, urllib3.exceptions.HTTPError):
        return None
    return provider
