"""What storage promises, on a folder of this machine, an S3 server and a Cloud Storage server."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import object_stores
import pytest

from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.storage import uri_files

SERVERS = {"s3": object_stores.s3, "minio": object_stores.minio, "gs": object_stores.gcs}


@pytest.fixture(scope="module", params=["local", *SERVERS])
def place(request: pytest.FixtureRequest) -> Iterator[object_stores.Bucket | None]:
    if request.param == "local":
        yield None
    else:
        with SERVERS[request.param]() as bucket:
            yield bucket


@pytest.fixture
def root(
    place: object_stores.Bucket | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A URI below which nothing is."""
    if place is None:
        return str(tmp_path / "root")
    place.use(monkeypatch)
    return f"{place.uri}/{tmp_path.name}"


def folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        file = path / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return path


def names(uris: list[str], root: str) -> list[str]:
    return [uri.removeprefix(f"{root}/") for uri in uris]


def test_a_text_reads_back(root: str):
    uri_files.write_text(f"{root}/a/größe 1%.txt", "Maß\n")
    assert uri_files.read_text(f"{root}/a/größe 1%.txt") == "Maß\n"


def test_writing_replaces(root: str):
    uri_files.write_text(f"{root}/a.txt", "long text")
    uri_files.write_text(f"{root}/a.txt", "short")
    assert uri_files.read_text(f"{root}/a.txt") == "short"


def test_an_empty_file_is_a_file(root: str, tmp_path: Path):
    uri_files.write_text(f"{root}/empty", "")
    assert uri_files.exists(f"{root}/empty")
    assert uri_files.fetched(f"{root}/empty", tmp_path / "here").read_bytes() == b""


def test_sha256_is_that_of_the_bytes(root: str):
    uri_files.write_text(f"{root}/a.txt", "text")
    assert uri_files.sha256(f"{root}/a.txt") == hashlib.sha256(b"text").hexdigest()


@pytest.mark.parametrize(
    ("text", "most", "end"), [("a" * 70_000 + "xyz", 3, b"xyz"), ("xyz", 9, b"xyz"), ("", 3, b"")]
)
def test_the_end_of_a_file_is_read_without_the_rest(root: str, text: str, most: int, end: bytes):
    uri_files.write_text(f"{root}/log", text)
    assert uri_files.tail(f"{root}/log", most) == end


def test_a_published_file_is_fetched_under_its_name(root: str, tmp_path: Path):
    content = bytes(range(256)) * 50_000  # More than one piece, and parts on S3.
    (tmp_path / "source").write_bytes(content)
    uri_files.publish(tmp_path / "source", f"{root}/part.parquet")
    fetched = uri_files.fetched(f"{root}/part.parquet", tmp_path / "here")
    assert fetched.name == "part.parquet"
    assert fetched.read_bytes() == content
    assert uri_files.sha256(f"{root}/part.parquet") == hashlib.sha256(content).hexdigest()


def test_a_published_folder_is_fetched_whole(root: str, tmp_path: Path):
    source = folder(tmp_path / "model", a="1", deep__er__b="2", last="3")
    uri_files.publish(source, f"{root}/model", last="last")
    fetched = uri_files.fetched(f"{root}/model", tmp_path / "here")
    assert fetched.name == "model"
    files = {
        p.relative_to(fetched).as_posix(): p.read_text() for p in fetched.rglob("*") if p.is_file()
    }
    assert files == {"a": "1", "deep/er/b": "2", "last": "3"}


def test_publishing_a_folder_leaves_nothing_of_the_one_before(root: str, tmp_path: Path):
    uri_files.publish(folder(tmp_path / "one", a="1", old="1", last="1"), f"{root}/m", last="last")
    uri_files.publish(folder(tmp_path / "two", a="2", last="2"), f"{root}/m", last="last")
    assert names(uri_files.matches(f"{root}/m/**"), root) == ["m/a", "m/last"]
    assert uri_files.read_text(f"{root}/m/a") == "2"


@pytest.mark.parametrize("last", ["", "absent", "sub"])
def test_a_folder_is_published_only_with_its_last_file(root: str, tmp_path: Path, last: str):
    source = folder(tmp_path / "model", a="1", sub__b="2")
    with pytest.raises(ParameterError, match="last="):
        uri_files.publish(source, f"{root}/model", last=last)
    assert not uri_files.exists(f"{root}/model")


def test_a_folder_exists_when_a_file_is_in_it(root: str):
    assert not uri_files.exists(f"{root}/a")
    uri_files.write_text(f"{root}/a/b/c", "")
    assert uri_files.exists(f"{root}/a")
    assert uri_files.exists(f"{root}/a/")
    assert not uri_files.exists(f"{root}/a/b/c/d")


def test_a_name_that_begins_like_another_is_not_it(root: str, tmp_path: Path):
    uri_files.write_text(f"{root}/model-2/a", "")
    assert not uri_files.exists(f"{root}/model")
    with pytest.raises(DataError, match="no such file or folder"):
        uri_files.fetched(f"{root}/model", tmp_path)


def test_remove_takes_a_file_or_a_folder_and_nothing_else(root: str):
    for name in ("a", "m/1", "m/2/3", "m-2"):
        uri_files.write_text(f"{root}/{name}", "")
    for name in ("a", "m", "absent"):
        uri_files.remove(f"{root}/{name}")
    assert names(uri_files.matches(f"{root}/**"), root) == ["m-2"]


@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [
        ("*.csv", ["a.csv", "b.csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        ("[b-z].csv", ["b.csv"]),
        ("[!b].csv", ["a.csv"]),
        ("**/*.csv", ["2013/01/c.csv", "2013/d.csv", "_key=1/f.csv", "a.csv", "b.csv"]),
        ("2013/**", ["2013/01/c.csv", "2013/d.csv"]),
        ("*/*.csv", ["2013/d.csv", "_key=1/f.csv"]),
        (".*.csv", [".h.csv"]),
        ("_*.csv", ["_h.csv"]),
        ("_h.csv", ["_h.csv"]),
        ("_temporary/*", ["_temporary/g.csv"]),
        ("a[[]1].txt", ["a[1].txt"]),
        ("a[1].txt", ["a[1].txt"]),
        ("a.csv", ["a.csv"]),
        ("2013", []),
        ("*.tsv", []),
    ],
)
def test_patterns_mean_the_same_everywhere(root: str, pattern: str, fitting: list[str]):
    shown = ("a.csv", "b.csv", "2013/d.csv", "2013/01/c.csv", "_key=1/f.csv")
    hidden = (".h.csv", "_h.csv", ".git/e.csv", "_temporary/g.csv", "2013/_SUCCESS")
    for name in (*shown, *hidden):
        uri_files.write_text(f"{root}/{name}", "")
    uri_files.write_text(f"{root}/a[1].txt", "")
    assert names(uri_files.matches(f"{root}/{pattern}"), root) == fitting


@pytest.mark.parametrize(
    "use", [uri_files.read_text, uri_files.sha256, lambda uri: uri_files.tail(uri, 9)]
)
def test_what_is_absent_is_named(root: str, use):
    with pytest.raises(DataError, match=r"absent\.txt'?: no such"):
        use(f"{root}/absent.txt")


def test_a_text_that_is_no_utf8_is_told(root: str, tmp_path: Path):
    (tmp_path / "latin").write_bytes("Maß".encode("latin-1"))
    uri_files.publish(tmp_path / "latin", f"{root}/latin")
    with pytest.raises(DataError, match="not UTF-8"):
        uri_files.read_text(f"{root}/latin")


def test_absolute_names_the_same_file_from_anywhere(root: str, monkeypatch: pytest.MonkeyPatch):
    uri_files.write_text(f"{root}/a", "text")
    uri = uri_files.absolute(f"{root}/a")
    monkeypatch.chdir("/")
    assert uri_files.read_text(uri) == "text"


def test_a_process_finds_the_store_by_its_environment_alone(root: str):
    uri_files.write_text(f"{root}/a", "from afar")
    reading = f"print(uri_files.read_text({root + '/a'!r}))"
    code = f"from kanaria.components.shared.storage import uri_files; {reading}"
    process = subprocess.run(
        [sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True
    )
    assert process.stdout == "from afar\n"


@pytest.mark.parametrize("uri", ["s3://", "gs:///key", "minio://"])
def test_a_uri_without_a_bucket_is_refused(uri: str):
    with pytest.raises(ParameterError, match="names no bucket"):
        uri_files.check(uri)


@pytest.mark.parametrize("uri", ["hdfs://host/a", "https://host/a", "S3://bucket/a"])
def test_a_scheme_that_is_not_read_is_refused(uri: str):
    with pytest.raises(ParameterError, match=r"scheme .* is not supported"):
        uri_files.check(uri)


def test_importing_storage_imports_no_client():
    code = (
        "import sys; from kanaria.components.shared.storage import uri_files; "
        "uri_files.exists('/'); "
        "assert not {'minio', 'urllib3', 'google.cloud.storage', 'google.auth'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-I", "-c", code], check=True)
