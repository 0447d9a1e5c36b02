"""Connections that are cut and servers that refuse: nothing half-visible, one clear error."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import object_stores
import pytest
from broken_ways import CuttingProxy, cutting, refusing
from object_stores import Bucket

from kanaria.components.shared.errors import DataError, NotReadyError, ParameterError
from kanaria.components.shared.storage import retry, uri_files

SERVERS = {"s3": object_stores.s3, "gs": object_stores.gcs}
BIG = bytes(range(256)) * 4000
CUT_AFTER = 100_000  # More than the headers of all requests of a test, less than BIG.
ALWAYS = 1000


@pytest.fixture(scope="module", params=list(SERVERS))
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    with SERVERS[request.param]() as bucket:
        yield bucket


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", 0.001)


@pytest.fixture
def cut(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., CuttingProxy]]:
    """Puts a proxy before the bucket that cuts the first `times` long connections."""
    proxies = []

    def begin(times: int, damage: bool = False) -> CuttingProxy:
        way = cutting(bucket.endpoint, after=CUT_AFTER, times=times, damage=damage)
        proxies.append(way)
        proxy = way.__enter__()
        bucket.behind(proxy.endpoint).use(monkeypatch)
        return proxy

    yield begin
    for way in proxies:
        way.__exit__(None, None, None)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    for name, data in (("a", b"small"), ("variables", BIG), ("release.json", b"{}")):
        (folder / name).write_bytes(data)
    return folder


def at(bucket: Bucket, tmp_path: Path) -> str:
    return f"{bucket.uri}/{tmp_path.name}"


def test_a_cut_upload_is_done_again(bucket: Bucket, tmp_path: Path, model: Path, cut):
    proxy = cut(times=1)
    uri_files.publish(model, at(bucket, tmp_path), last="release.json")
    assert proxy.cuts == 1
    assert bucket.get(f"{tmp_path.name}/variables") == BIG


def test_an_upload_cut_each_time_leaves_nothing_half_visible(
    bucket: Bucket, tmp_path: Path, model: Path, cut
):
    proxy = cut(times=ALWAYS)
    with pytest.raises(NotReadyError, match=r"/variables': failed 5 times.*run again"):
        uri_files.publish(model, at(bucket, tmp_path), last="release.json")
    assert proxy.cuts >= retry.ATTEMPTS
    keys = bucket.keys()
    assert {key for key in keys if key.startswith(f"{tmp_path.name}/")} <= {f"{tmp_path.name}/a"}
    proxy.times = 0
    uri_files.publish(model, at(bucket, tmp_path), last="release.json")
    assert bucket.get(f"{tmp_path.name}/variables") == BIG


def test_a_cut_replacement_does_not_look_like_what_it_replaces(
    bucket: Bucket, tmp_path: Path, model: Path, cut
):
    cut(times=0)
    uri_files.publish(model, at(bucket, tmp_path), last="release.json")
    cut(times=ALWAYS)
    (model / "a").write_bytes(b"changed")
    with pytest.raises(NotReadyError):
        uri_files.publish(model, at(bucket, tmp_path), last="release.json")
    keys = bucket.keys()
    assert f"{tmp_path.name}/release.json" not in keys


@pytest.mark.parametrize("size", [len(BIG), 20 << 20])
def test_a_large_file_survives_a_cut_upload(bucket: Bucket, tmp_path: Path, cut, size: int):
    (tmp_path / "file").write_bytes(BIG * (size // len(BIG)))
    cut(times=1)
    uri_files.publish(tmp_path / "file", f"{at(bucket, tmp_path)}/file")
    assert bucket.get(f"{tmp_path.name}/file") == (tmp_path / "file").read_bytes()


def test_a_cut_download_is_done_again(bucket: Bucket, tmp_path: Path, cut):
    bucket.put(f"{tmp_path.name}/big", BIG)
    proxy = cut(times=1)
    fetched = uri_files.fetched(f"{at(bucket, tmp_path)}/big", tmp_path / "here")
    assert proxy.cuts == 1
    assert fetched.read_bytes() == BIG


@pytest.mark.parametrize("name", ["", "/big"])
def test_a_download_cut_each_time_leaves_nothing(bucket: Bucket, tmp_path: Path, cut, name: str):
    bucket.put(f"{tmp_path.name}/big", BIG)
    bucket.put(f"{tmp_path.name}/small", b"small")
    cut(times=ALWAYS)
    with pytest.raises(NotReadyError, match=r"/big': failed 5 times"):
        uri_files.fetched(at(bucket, tmp_path) + name, tmp_path / "here")
    assert list((tmp_path / "here").iterdir()) == []


def test_a_byte_that_is_damaged_on_the_way_is_found_and_mended(
    bucket: Bucket, tmp_path: Path, model: Path, cut
):
    up = cut(times=1, damage=True)
    uri_files.publish(model, at(bucket, tmp_path), last="release.json")
    assert up.cuts == 1
    assert bucket.get(f"{tmp_path.name}/variables") == BIG
    down = cut(times=1, damage=True)
    fetched = uri_files.fetched(f"{at(bucket, tmp_path)}/variables", tmp_path / "here")
    assert down.cuts == 1
    assert fetched.read_bytes() == BIG


def test_a_stream_that_is_cut_is_measured_again_from_its_beginning(
    bucket: Bucket, tmp_path: Path, cut
):
    bucket.put(f"{tmp_path.name}/big", BIG)
    cut(times=0)
    wanted = uri_files.sha256(f"{at(bucket, tmp_path)}/big")
    cut(times=2)
    assert uri_files.sha256(f"{at(bucket, tmp_path)}/big") == wanted


def test_a_server_that_is_gone_is_named(bucket: Bucket, monkeypatch: pytest.MonkeyPatch):
    bucket.behind("http://127.0.0.1:9").use(monkeypatch)
    with pytest.raises(NotReadyError, match=f"{bucket.uri}/a.*failed 5 times"):
        uri_files.read_text(f"{bucket.uri}/a")


ANSWERS = {
    "s3": (b"<Error><Code>%s</Code><Message>why</Message></Error>", "application/xml"),
    "gs": (b'{"error": {"code": 0, "message": "why %s"}}', "application/json"),
}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_five_times(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, status: int
):
    body, kind = ANSWERS[bucket.uri[:2]]
    with refusing(status, body % b"SlowDown", kind) as server:
        bucket.behind(server.endpoint).use(monkeypatch)
        with pytest.raises(NotReadyError, match="failed 5 times"):
            uri_files.matches(f"{bucket.uri}/a")
        assert server.requests == 5


@pytest.mark.parametrize(("status", "code"), [(403, b"AccessDenied"), (401, b"InvalidAccessKeyId")])
def test_a_refusal_is_an_error_at_once_without_the_secret(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, status: int, code: bytes
):
    body, kind = ANSWERS[bucket.uri[:2]]
    with refusing(status, body % code, kind) as server:
        bucket.behind(server.endpoint).use(monkeypatch)
        with pytest.raises(ParameterError, match=r"a'.*check the bucket's name") as caught:
            uri_files.write_text(f"{bucket.uri}/a", "text")
        assert server.requests == 1
    assert object_stores.SECRET not in str(caught.value)
    assert object_stores.KEY_ID not in str(caught.value)


@pytest.mark.parametrize("use", [uri_files.exists, uri_files.matches, uri_files.remove])
def test_a_missing_bucket_is_an_error_at_once(bucket: Bucket, monkeypatch, use):
    bucket.use(monkeypatch)
    uri = f"{bucket.uri}-absent/a*"
    with pytest.raises(ParameterError, match=r"absent/.*check the bucket's name"):
        use(uri)


def test_publishing_to_a_missing_bucket_is_an_error_at_once(bucket: Bucket, monkeypatch):
    bucket.use(monkeypatch)
    with pytest.raises(ParameterError, match=r"absent/a'.*check the bucket's name"):
        uri_files.write_text(f"{bucket.uri}-absent/a", "text")


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)  # The emulator has no such keys.
@pytest.mark.parametrize("key", ["m/../../escaped", "m//a", "m/./a"])
def test_a_key_that_would_leave_the_folder_is_refused(
    bucket: Bucket, monkeypatch, tmp_path: Path, key: str
):
    bucket.use(monkeypatch)
    bucket.put(f"{tmp_path.name}/{key}", b"evil")
    with pytest.raises(DataError, match="cannot name a file"):
        uri_files.fetched(f"{at(bucket, tmp_path)}/m", tmp_path / "deep" / "here")
    assert not (tmp_path / "escaped").exists()


def test_a_key_that_is_a_file_and_a_folder_is_refused(bucket: Bucket, monkeypatch, tmp_path: Path):
    bucket.use(monkeypatch)
    for key in ("m/a/b/c", "m/a"):
        bucket.put(f"{tmp_path.name}/{key}", b"data")
    with pytest.raises(DataError, match=r"m/a': a file and a folder"):
        uri_files.fetched(f"{at(bucket, tmp_path)}/m", tmp_path / "here")


@pytest.mark.parametrize("use", [uri_files.remove, lambda uri: uri_files.write_text(uri, "")])
def test_a_whole_bucket_is_neither_removed_nor_replaced(bucket: Bucket, monkeypatch, use):
    bucket.use(monkeypatch)
    bucket.put("kept", b"data")
    with pytest.raises(ParameterError, match="a whole bucket"):
        use(bucket.uri)
    keys = bucket.keys()
    assert "kept" in keys


def test_where_kfps_own_store_is_unknown_both_of_its_names_are_told(
    monkeypatch: pytest.MonkeyPatch,
):
    for name in ("MINIO_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)

    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotReadyError) as raised:
        uri_files.read_text("minio://mlpipeline/v2/artifacts/a")
    for said in ("seaweedfs.kubeflow:9000", "minio-service.kubeflow:9000", "set MINIO_ENDPOINT"):
        assert said in str(raised.value)
