"""Releases on a folder of this machine, an S3 server and a Cloud Storage server."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import object_stores
import pytest
from broken_ways import cutting
from object_stores import Bucket

from kanaria.components.push.publish_release import Sources, publish
from kanaria.components.shared.artifacts import fingerprint, release
from kanaria.components.shared.artifacts.release import Record
from kanaria.components.shared.errors import DataError, NotReadyError
from kanaria.components.shared.storage import retry, uri_files

LINEAGE = Record(
    service="tips",
    outcome="evaluate_model passed",
    fingerprint="",
    contents={},
    origin={"run_id": "run-1"},
)
SERVERS = {"s3": object_stores.s3, "gs": object_stores.gcs}


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    for path, text in {
        "model/1/saved_model.pb": "weights",
        "model/1/variables/variables.index": "index",
        "schema/schema.pbtxt": "feature {}",
        "statistics/train/FeatureStats.pb": "numbers",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    parts = {name: tmp_path / name for name in ("model", "schema", "statistics")}
    return Sources(**parts)


@pytest.fixture(scope="module", params=["local", *SERVERS])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket | None]:
    if request.param == "local":
        yield None
    else:
        with SERVERS[request.param]() as bucket:
            yield bucket


@pytest.fixture
def root(bucket: Bucket | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if bucket is None:
        return str(tmp_path / "root/tips")
    bucket.use(monkeypatch)
    return f"{bucket.uri}/{tmp_path.name}/tips"


def files(uri: str) -> list[str]:
    return [path.removeprefix(f"{uri}/") for path in uri_files.matches(f"{uri}/**")]


def test_a_drift_detector_lies_with_the_release_and_is_verified(sources: Sources, root: str):
    folder = sources.model.with_name("detector")
    folder.mkdir()
    (folder / "detector.json").write_text("{}")
    uri = publish(replace(sources, drift_detector=folder), root, LINEAGE)
    assert "drift_detector/detector.json" in files(uri)
    assert publish(sources, root, LINEAGE) == uri  # It stays what it was.
    uri_files.write_text(f"{uri}/drift_detector/detector.json", "[]")
    with pytest.raises(DataError, match="drift_detector differs"):
        publish(sources, root, LINEAGE)


def test_serving_samples_lie_with_the_release_and_beside_its_model(sources: Sources, root: str):
    folder = sources.model.with_name("samples")
    folder.mkdir()
    (folder / "background.jsonl").write_text("{}\n")
    uri = publish(replace(sources, serving_samples=folder), root, LINEAGE)
    samples = release.samples_beside(uri_files.join(uri, release.MODEL))
    assert uri_files.read_text(f"{samples}/background.jsonl") == "{}\n"
    assert publish(sources, root, LINEAGE) == uri  # It stays what it was.


def test_a_release_holds_model_schema_statistics_and_lineage(sources: Sources, root: str):
    uri = publish(sources, root, LINEAGE)
    assert files(uri) == [
        "model/1/saved_model.pb",
        "model/1/variables/variables.index",
        "release.json",
        "schema/schema.pbtxt",
        "statistics/train/FeatureStats.pb",
    ]
    assert uri_files.read_text(f"{uri}/model/1/saved_model.pb") == "weights"
    record = release.read_record(uri)
    assert record.fingerprint == fingerprint.of_tree(sources.model)
    assert record.fingerprint.startswith(uri.rpartition("/")[2])
    filled_in = {"fingerprint": record.fingerprint, "contents": record.contents}
    assert record == replace(LINEAGE, **filled_in)


def test_the_same_model_gives_the_same_release(sources: Sources, root: str):
    first = publish(sources, root, LINEAGE)
    before = files(root)
    assert publish(sources, root, LINEAGE) == first
    assert files(root) == before


def test_another_model_gives_another_release(sources: Sources, root: str):
    first = publish(sources, root, LINEAGE)
    (sources.model / "1/saved_model.pb").write_text("other weights")
    assert publish(sources, root, LINEAGE) != first


@pytest.mark.parametrize(
    ("file", "cause"),
    [
        ("model/1/saved_model.pb", "model differs from what was pushed; remove the folder"),
        ("statistics/train/FeatureStats.pb", "statistics differs from what was pushed"),
        ("release.json", "not readable"),
    ],
)
def test_a_damaged_release_is_never_served(sources: Sources, root: str, file: str, cause: str):
    uri = publish(sources, root, LINEAGE)
    uri_files.write_text(f"{uri}/{file}", "cut")
    with pytest.raises(DataError, match=cause):
        publish(sources, root, LINEAGE)


def test_a_release_that_was_never_completed_is_written_anew(sources: Sources, root: str):
    uri = publish(sources, root, LINEAGE)
    uri_files.remove(f"{uri}/{release.LINEAGE}")
    uri_files.write_text(f"{uri}/model/1/saved_model.pb", "half")
    uri_files.write_text(f"{uri}/model/1/rest", "of another push")
    assert publish(sources, root, LINEAGE) == uri
    assert uri_files.read_text(f"{uri}/model/1/saved_model.pb") == "weights"
    assert not uri_files.exists(f"{uri}/model/1/rest")


def test_a_release_keeps_the_schema_it_was_published_with(sources: Sources, root: str):
    uri = publish(sources, root, LINEAGE)
    (sources.schema / "schema.pbtxt").write_text("edited later")
    assert publish(sources, root, LINEAGE) == uri
    assert uri_files.read_text(f"{uri}/schema/schema.pbtxt") == "feature {}"


def test_a_folder_without_a_model_is_an_error(sources: Sources, root: str):
    (sources.model / "1/saved_model.pb").unlink()
    with pytest.raises(DataError, match="no model in it"):
        publish(sources, root, LINEAGE)


@pytest.mark.parametrize("bucket", list(SERVERS), indirect=True)
def test_a_push_that_is_cut_is_no_release_and_the_next_one_completes_it(
    sources: Sources, root: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", 0.001)
    (sources.model / "1/variables/variables.data").write_bytes(b"weights" * 100_000)
    with cutting(bucket.endpoint, after=100_000, times=1000) as proxy:
        bucket.behind(proxy.endpoint).use(monkeypatch)
        with pytest.raises(NotReadyError, match=r"variables\.data': failed 5 times"):
            publish(sources, root, LINEAGE)
        folder = root.removeprefix(f"{bucket.uri}/")
        keys = bucket.keys()
        assert [key for key in keys if key.startswith(folder)]
        assert not [key for key in keys if key.startswith(folder) and "release.json" in key]
        proxy.times = 0
        uri = publish(sources, root, LINEAGE)
        assert uri_files.fingerprint(f"{uri}/model") == fingerprint.of_tree(sources.model)
