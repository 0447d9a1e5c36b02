"""The pure parts behind storage: patterns, checksums, back-off, the environment."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import object_stores
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.errors import ParameterError
from kanaria.components.shared.storage import (
    checksums,
    key_patterns,
    local,
    location,
    retry,
    s3,
    uri_files,
)
from kanaria.components.shared.storage.object_store import ObjectInfo, PassingError
from kanaria.components.shared.storage.s3_environment import Endpoint, endpoint, provider

PARTS = st.text(alphabet="ab.", min_size=1, max_size=3).filter(lambda part: part.strip("."))
KEYS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
PATTERN_PARTS = st.sampled_from(["*", "**", "?", "[ab]*", "[!a]", ".*", "a*", "a", "a.b"])
PATTERNS = st.lists(PATTERN_PARTS, min_size=1, max_size=3).map("/".join)


def made(folder: Path, keys: set[str]) -> set[str]:
    """Make the files that can be beside one another and return their names."""
    writable = set()
    for key in sorted(keys):
        file = folder / key
        if not file.exists() and not any(parent.is_file() for parent in file.parents):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
            writable.add(key)
    return writable


@given(keys=st.sets(KEYS, max_size=6), pattern=PATTERNS)
def test_a_pattern_names_the_keys_that_it_names_as_files(
    tmp_path_factory: pytest.TempPathFactory, keys: set[str], pattern: str
):
    folder = tmp_path_factory.mktemp("keys")
    keys = made(folder, keys)
    fitting = [str(folder / key) for key in sorted(keys) if key_patterns.fits(pattern, key)]
    assert sorted(fitting) == local.matches(folder / pattern)


@pytest.mark.parametrize(
    ("pattern", "beginning"), [("a/b*.csv", "a/b"), ("a/[b]", "a/"), ("a?", "a"), ("a/b", "a/b")]
)
def test_keys_are_listed_from_the_first_wildcard_on(pattern: str, beginning: str):
    assert key_patterns.literal(pattern) == beginning


@pytest.mark.parametrize("key", ["a?b#c%20d", "a//b", "größe"])
def test_keys_are_taken_as_they_stand(key: str):
    place = location.parse(f"s3://bucket/{key}")
    assert place == location.Location(scheme="s3", bucket="bucket", key=key)
    assert place.uri(key) == f"s3://bucket/{key}"


@given(st.binary(max_size=100), st.integers(1, 20))
def test_checksums_do_not_depend_on_the_pieces(data: bytes, piece: int):
    info = ObjectInfo(size=len(data), checksums={"md5": "", "md5-parts": "", "crc32c": ""})
    whole, pieces = checksums.Meter(info), checksums.Meter(info)
    whole.update(data)
    for start in range(0, len(data), piece):
        pieces.update(data[start : start + piece])
    assert whole.measured() == pieces.measured()
    assert whole.sha256 == pieces.sha256 == hashlib.sha256(data).hexdigest()


MD5 = checksums.text(hashlib.md5(b"data").digest())
RECORDED = hashlib.sha256(b"data").hexdigest()


@pytest.mark.parametrize(
    ("info", "cause"),
    [
        (ObjectInfo(size=5), "got 4 of 5 bytes"),
        (ObjectInfo(size=4, checksums={"md5": "other"}), "md5 of the copy differs"),
        (ObjectInfo(size=4, sha256="0" * 64), "sha256 of the copy differs"),
        (ObjectInfo(size=4, checksums={"md5": MD5}, sha256="0" * 64), "sha256"),
    ],
)
def test_an_incomplete_or_damaged_copy_is_found(info: ObjectInfo, cause: str):
    meter = checksums.Meter(info)
    meter.update(b"data")
    with pytest.raises(PassingError, match=cause):
        meter.check()


@pytest.mark.parametrize(
    "info",
    [
        ObjectInfo(size=4, checksums={"md5": MD5}),
        ObjectInfo(size=4, sha256=RECORDED),
        ObjectInfo(size=4, checksums={"md5": "not an MD5 after all"}, sha256=RECORDED),
        ObjectInfo(size=4, checksums={"md5-parts": "of parts of another size"}),
        ObjectInfo(size=4),
    ],
)
def test_a_copy_that_nothing_speaks_against_is_whole(info: ObjectInfo):
    meter = checksums.Meter(info)
    meter.update(b"data")
    meter.check()


def test_parts_of_an_upload_are_few_enough():
    for size in (0, 1 << 20, 1 << 40, 5 << 40):
        assert checksums.part_size(size) * checksums.MAX_PARTS >= size


def test_pauses_grow_and_stay_within_seconds():
    for attempt in range(1, retry.ATTEMPTS):
        longest = retry.FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
        assert longest / 2 <= retry.pause(attempt) <= longest <= 4


@pytest.mark.parametrize(
    ("uri", "environ", "expected"),
    [
        ("s3", {}, ("s3.amazonaws.com", True, "")),
        ("s3", {"AWS_REGION": "eu-west-1"}, ("s3.amazonaws.com", True, "eu-west-1")),
        ("s3", {"AWS_ENDPOINT_URL": "http://a:9"}, ("a:9", False, "us-east-1")),
        (
            "s3",
            {"AWS_ENDPOINT_URL_S3": "https://b/", "AWS_ENDPOINT_URL": "http://a"},
            ("b", True, "us-east-1"),
        ),
        ("s3", {"S3_ENDPOINT": "a:9"}, ("a:9", True, "us-east-1")),
        ("s3", {"S3_ENDPOINT": "a:9", "S3_USE_HTTPS": "0"}, ("a:9", False, "us-east-1")),
        ("minio", {}, ("seaweedfs.kubeflow:9000", False, "us-east-1")),
        ("minio", {"AWS_ENDPOINT_URL": "https://a"}, ("a", True, "us-east-1")),
        (
            "minio",
            {"MINIO_ENDPOINT": "m:9000", "AWS_ENDPOINT_URL": "https://a"},
            ("m:9000", False, "us-east-1"),
        ),
        (
            "s3",
            {"MINIO_ENDPOINT": "m:9000", "MINIO_ACCESS_KEY": "k"},
            ("m:9000", False, "us-east-1"),
        ),
        (
            "s3",
            {"MINIO_ENDPOINT": "m", "MINIO_ACCESS_KEY": "k", "AWS_ACCESS_KEY_ID": "a"},
            ("s3.amazonaws.com", True, ""),
        ),
    ],
)
def test_the_endpoint_is_where_users_name_it(
    uri: str, environ: Mapping[str, str], expected: tuple[str, bool, str]
):
    host, secure, region = expected
    assert endpoint(uri, environ) == Endpoint(host=host, secure=secure, region=region)


@pytest.mark.parametrize("url", ["http://user:secret@a", "ftp://a", "http://a/path", "http://"])
def test_a_malformed_endpoint_is_named_and_not_shown(url: str):
    with pytest.raises(ParameterError, match="S3_ENDPOINT: not an endpoint") as caught:
        endpoint("s3", {"S3_ENDPOINT": url})
    assert "secret" not in str(caught.value)


HERE = Endpoint(host="here:9000", secure=False, region="us-east-1")


@pytest.mark.parametrize(
    ("scheme", "environ", "key"),
    [
        ("s3", {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}, "a"),
        (
            "minio",
            {
                "MINIO_ACCESS_KEY": "m",
                "MINIO_SECRET_KEY": "s",
                "AWS_ACCESS_KEY_ID": "a",
                "AWS_SECRET_ACCESS_KEY": "s",
            },
            "m",
        ),
        ("minio", {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}, "a"),
    ],
)
def test_credentials_come_from_variables(
    monkeypatch: pytest.MonkeyPatch, scheme: str, environ: dict[str, str], key: str
):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    credentials = provider(scheme, HERE, environ)
    assert credentials
    assert credentials.retrieve().access_key == key


def test_credentials_come_from_a_mounted_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "credentials"
    file.write_text("[team]\naws_access_key_id = f\naws_secret_access_key = s\n")
    environ = {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_PROFILE": "team"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    credentials = provider("s3", HERE, environ)
    assert credentials
    assert credentials.retrieve().access_key == "f"


def test_without_credentials_the_caller_is_anonymous(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert provider("s3", HERE, {}) is None


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", None, "error in reading file"),
        ("AWS_SHARED_CREDENTIALS_FILE", None, "access key does not exist"),
        ("AWS_SHARED_CREDENTIALS_FILE", "secret", "not a credentials file"),
    ],
)
def test_credentials_that_cannot_be_read_are_told_at_once_without_their_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None, cause: str
):
    for other in object_stores.NOT_SET:
        monkeypatch.delenv(other, raising=False)
    file = tmp_path / "mounted"
    if content:
        file.write_text(content)
    monkeypatch.setenv(name, str(file))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with pytest.raises(ParameterError, match=cause) as caught:
        uri_files.exists("s3://bucket/a")
    assert str(file) in str(caught.value)
    assert "secret" not in str(caught.value)


def test_googles_credentials_that_are_absent_are_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "absent.json"))
    with pytest.raises(ParameterError, match=r"GOOGLE_APPLICATION_CREDENTIALS: .*absent\.json"):
        uri_files.exists("gs://bucket/a")


MD5_HEX = hashlib.md5(b"data").hexdigest()


@pytest.mark.parametrize(
    ("etag", "headers", "checksums"),
    [
        (MD5_HEX, {}, {"md5": MD5}),
        (MD5_HEX, {"x-amz-server-side-encryption": "AES256"}, {"md5": MD5}),
        (f"{MD5_HEX}-3", {}, {"md5-parts": MD5}),
        (MD5_HEX, {"x-amz-server-side-encryption": "aws:kms"}, {}),
        (MD5_HEX, {"x-amz-server-side-encryption-customer-algorithm": "AES256"}, {}),
        ("made as the store likes", {}, {}),
        ("", {}, {}),
    ],
)
def test_an_etag_is_a_checksum_only_where_it_is_an_md5(
    etag: str, headers: dict[str, str], checksums: dict[str, str]
):
    assert s3.checksums_of(etag, headers) == checksums
