"""From a service or a release back to the files, through records on a disk and in a bucket."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import object_stores
import pytest

from kanaria.components.push.lineage import Lineage
from kanaria.components.push.publish_release import Sources, publish
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.storage import uri_files
from kanaria.pipelines import lineage
from kanaria.serving.inference_service.revision_traffic import RevisionTraffic
from kanaria.serving.model_registry.registration import Registration
from kanaria.serving.traffic.traffic_protocol import ServiceStatus

DIGEST = "ab" * 32
LINEAGE = Lineage(
    run_id="run-7",
    pipeline="train-and-deploy",
    data_span="2013-01..2013-03",
    data=f"s3://b/2013-01.csv,s3://b/2013-02.csv#sha256={DIGEST}",
    module="s3://b/files/0a1b/my_module.py",
    training={
        "display_name": "model: 0a1b",
        "train_steps": 100,
        "seed": 3,
        "hyperparameters": {},
        "packages": {"tensorflow": "2.16.2", "numpy": "1.26.4"},
    },
)


def published(folder: Path, root: str, text: str = "weights", origin: Lineage = LINEAGE) -> str:
    for name in ("model/1/saved_model.pb", "schema/schema.pbtxt", "statistics/train/s.pb"):
        path = folder / text / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    parts = {name: folder / text / name for name in ("model", "schema", "statistics")}
    return publish(Sources(**parts), f"{root}/tips", origin.recorded("tips", "bless_model passed"))


@pytest.fixture
def release(tmp_path: Path) -> str:
    return published(tmp_path, str(tmp_path / "models"))


def lines_of(link: lineage.Link, runs: Path = Path("absent")) -> list[str]:
    return list(lineage.lines([link], runs))


@pytest.mark.parametrize("below", ["", "/", "/model", "/model/1/"])
def test_a_release_leads_to_its_run_its_files_and_its_code(release: str, below: str):
    link = lineage.of_release(f"{release}{below}")
    assert link.record
    assert lines_of(link) == [
        f"  release    {release}",
        f"  model      {link.record.fingerprint}",
        "  verdict    bless_model passed",
        "  run        run-7 of train-and-deploy",
        "  span       2013-01..2013-03",
        f"  data       2 files, sha256 {DIGEST}",
        "             s3://b/2013-01.csv",
        "             s3://b/2013-02.csv",
        "  module     s3://b/files/0a1b/my_module.py",
        "  training   train_steps 100, seed 3",
        "  packages   tensorflow 2.16.2, numpy 1.26.4",
        f"  schema     {link.record.contents['schema']}",
    ]


def test_a_release_in_a_bucket_is_read_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with object_stores.s3() as bucket:
        bucket.use(monkeypatch)
        uri = published(tmp_path, f"{bucket.uri}/models")
        link = lineage.of_release(f"{uri}/model")
        assert (link.uri, link.record.origin["run_id"]) == (uri, "run-7")


def test_the_page_of_a_run_on_this_machine_is_named(release: str, tmp_path: Path):
    page = tmp_path / "runs/run-7/index.html"
    page.parent.mkdir(parents=True)
    page.touch()
    assert f"  page       {page}" in lines_of(lineage.of_release(release), tmp_path / "runs")


def test_a_service_leads_to_the_stable_model_and_the_canary(tmp_path: Path):
    root = str(tmp_path / "models")
    one, two = published(tmp_path, root, "one"), published(tmp_path, root, "two")
    status = ServiceStatus(
        storage_uri=f"{two}/model",
        canary_percent=10,
        latest_created="tips-2",
        rolled_out="tips-1",
        traffic=(
            RevisionTraffic(revision="tips-1", percent=90),
            RevisionTraffic(revision="tips-2", percent=10),
        ),
        revision_uris={"tips-1": f"{one}/model", "tips-2": f"{two}/model"},
    )
    registration = Registration(uri=f"{two}/model", server="http://mlflow", model="m", version="3")
    links = lineage.of_service("team", "tips", status, {registration.uri: registration})
    assert [(link.uri, link.role, link.percent) for link in links] == [
        (one, "stable", 90),
        (two, "canary", 10),
    ]
    lines = list(lineage.lines(links, tmp_path, "team/tips"))
    assert lines[:2] == ["team/tips", "tips-1: stable, 90 % of the requests"]
    assert [line for line in lines if "registered" in line] == [
        "  registered m version 3 at http://mlflow"
    ]
    document = json.loads(lineage.as_json(links, "team/tips"))
    assert document["service"] == "team/tips"
    registered = [model.get("registered") for model in document["models"]]
    assert registered == [None, asdict(registration)]
    stable = document["models"][0]
    assert (stable["revision"], stable["release"], stable["run_id"]) == ("tips-1", one, "run-7")
    assert stable["data"] == {
        "files": ["s3://b/2013-01.csv", "s3://b/2013-02.csv"],
        "sha256": DIGEST,
    }
    # Without the names that only lists show.
    assert stable["training"]["train_steps"] == 100
    assert "display_name" not in stable["training"]


def test_a_model_that_somebody_else_put_there_is_told_as_such():
    status = ServiceStatus(
        storage_uri="s3://b/theirs",
        canary_percent=None,
        latest_created="tips-1",
        rolled_out="tips-1",
        revision_uris={"tips-1": "/theirs/model"},
    )
    (link,) = lineage.of_service("team", "tips", status, {})
    assert lines_of(link)[1] == "  model      /theirs/model, which is no release of push_model"


def test_a_release_of_an_earlier_kanaria_says_what_it_lacks(tmp_path: Path):
    uri = published(tmp_path, str(tmp_path / "models"), origin=Lineage())
    lines = lines_of(lineage.of_release(uri))
    assert lines[-1] == (
        "  not known  run, data, module, training: nobody recorded it when this was published"
    )
    path = Path(uri) / "release.json"
    first = json.loads(path.read_text())
    path.write_text(json.dumps({"fingerprint": first["fingerprint"], "contents": {}}))
    assert "  verdict    not known" in lines_of(lineage.of_release(uri))


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", "{}", '{"contents": []}', '{"contents": {}, "origin": "x"}'),
        *('{"contents": {}, "fingerprint": 5}', '{"contents": {"schema": 1}}', '{"format": "x"}'),
        '{"format": 99, "contents": {}}',
    ],
)
def test_a_damaged_record_is_one_error_that_names_it(release: str, text: str):
    uri_files.write_text(f"{release}/release.json", text)
    with pytest.raises(DataError) as raised:
        lineage.of_release(release)
    assert str(raised.value).startswith(f"{release}/release.json: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("training", ["x", 5, {"packages": "x", "seed": [1]}, {"packages": {}}])
def test_an_origin_of_another_shape_fails_nothing(tmp_path: Path, training: object):
    odd = replace(LINEAGE, training={})
    uri = published(tmp_path, str(tmp_path / "models"), origin=odd)
    path = Path(uri) / "release.json"
    document = json.loads(path.read_text())
    document["origin"] |= {"training": training, "data": 5, "run_id": None, "module": [1]}
    path.write_text(json.dumps(document))
    link = lineage.of_release(uri)
    assert lines_of(link)
    assert lineage.as_json([link])


def test_what_is_no_release_is_told_with_the_releases_below_it(release: str, tmp_path: Path):
    name = release.rpartition("/")[2]
    with pytest.raises(DataError, match=f"no release.* it holds releases: {name}; name one"):
        lineage.of_release(str(Path(release).parent))
    with pytest.raises(DataError, match=r"no release, it has no release\.json; name a folder"):
        lineage.of_release(str(tmp_path / "absent"))
    with pytest.raises(ParameterError, match="hdfs"):
        lineage.of_release("hdfs://host/models")
    with pytest.raises(ParameterError, match="team/absent: no such service"):
        lineage.of_service("team", "absent", None, {})


def test_many_files_are_counted(tmp_path: Path):
    data = ",".join(f"/data/{number:02}.csv" for number in range(30))
    many = replace(LINEAGE, data=f"{data}#sha256={DIGEST}")
    lines = lines_of(lineage.of_release(published(tmp_path, str(tmp_path / "models"), origin=many)))
    assert f"  data       30 files, sha256 {DIGEST}" in lines
    assert "             and 20 more, which --json lists" in lines


def test_a_database_is_told_as_it_was_asked(tmp_path: Path):
    reference = "postgresql://reader@host/taxis#at=2026-11-30T00:00:00+00:00"
    one = replace(LINEAGE, data=reference)
    lines = lines_of(lineage.of_release(published(tmp_path, str(tmp_path / "models"), origin=one)))
    assert f"  data       {reference}" in lines


@pytest.mark.parametrize(
    ("target", "is_uri"),
    [("tips", False), ("./tips", True), ("s3://b/m", True), ("file:///m", True)],
)
def test_a_service_has_no_slash_in_its_name(target: str, is_uri: bool):
    assert lineage.is_uri(target) == is_uri
