import zipfile
from pathlib import Path
from typing import Any

import object_stores
import pytest

from kanaria.components.shared.errors import ParameterError, UserCodeError
from kanaria.pipelines.submit import pipeline_package
from kanaria.pipelines.submit.parameters import checked, inside_pods, published

STORE = "s3://bucket/artifacts"


@pytest.fixture
def interface(pipeline: str) -> Any:
    return pipeline_package.read(pipeline).interface


def test_models_go_below_the_pipeline_root_unless_they_have_a_place(
    interface: Any, arguments: dict[str, Any]
):
    assert checked(interface, arguments, STORE)["model_root"] == f"{STORE}/models"
    values = {**arguments, "model_root": "gs://models"}
    assert checked(interface, values, STORE)["model_root"] == "gs://models"


@pytest.mark.parametrize(
    "data",
    [
        "s3://b/a.csv, gs://b/*.csv",
        "minio://b/a.parquet#sha256=00",
        "/mnt/data/{SPAN}/*.csv",
        "file:///mnt/data.csv",
        "postgresql://host/db?query=select a, b from t",
    ],
)
def test_what_pods_can_see_is_taken(interface: Any, arguments: dict[str, Any], data: str):
    assert checked(interface, {**arguments, "data": data}, STORE)["data"] == data


@pytest.mark.parametrize("data", ["data/*.csv", "./a.csv", "s3://b/a.csv,b.csv", "~/a.csv"])
def test_a_path_of_this_machine_is_refused_with_the_remedy(
    interface: Any, arguments: dict[str, Any], data: str
):
    with pytest.raises(ParameterError, match="pods see no path of this machine; copy it to a"):
        checked(interface, {**arguments, "data": data}, STORE)


def test_a_wrong_service_is_not_submitted():
    ours = pipeline_package.read("train_and_deploy").interface
    values = {"data": "here.csv", "service": {"name": "Tips", "minReplica": 2}}
    with pytest.raises(ParameterError) as raised:
        checked(ours, values, STORE)
    for fault in ("service.name='Tips'", "did you mean service.minReplicas?", "data='here.csv'"):
        assert fault in str(raised.value)


def test_a_path_inside_the_pods_is_remarked_on():
    (remark,) = inside_pods({"data": "/mnt/data.csv", "model_root": "s3://b", "spice": 1})
    assert "data='/mnt/data.csv' is a path inside the pods" in remark


def test_all_faults_are_named_at_once(interface: Any, arguments: dict[str, Any]):
    values = {**arguments, "data": "here.csv", "spices": 1, "span": 2}
    with pytest.raises(ParameterError) as raised:
        checked(interface, values, "")
    for fault in (
        "data='here.csv': pods see no path",
        "spices=1: did you mean spice?",
        "span=2: give text",
        "model_root is missing",
        "pipeline_root is missing: module_file must be uploaded",
    ):
        assert fault in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_relative_pipeline_root_is_refused(interface: Any, arguments: dict[str, Any]):
    with pytest.raises(ParameterError, match="pipeline_root='artifacts': pods see no path"):
        checked(interface, arguments, "artifacts")


def test_a_module_by_name_needs_no_upload(interface: Any):
    values = {"data": "s3://b/a.csv", "module_file": "my.module", "model_root": "s3://b/m"}
    assert published(checked(interface, values, ""), "") == values


def test_an_equal_file_is_published_once(root: str, tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.py").write_text("x = 1\n")
    first = published({"module_file": str(tmp_path / "a/m.py")}, root)
    stored = Path(first["module_file"].removeprefix("file://"))
    before = stored.stat().st_ino
    assert published({"module_file": str(tmp_path / "b/m.py")}, root) == first
    assert stored.stat().st_ino == before


def test_a_changed_helper_of_a_helper_is_another_module(root: str, tmp_path: Path):
    module = tmp_path / "code" / "m.py"
    module.parent.mkdir()
    module.write_text("import tensorflow, one\ndef f(): return one.two.X\n")
    (module.parent / "one.py").write_text("import two\n")
    uris = []
    for number in (1, 1, 2):
        (module.parent / "two.py").write_text(f"X = {number}\n")
        uris.append(published({"module_file": str(module)}, root)["module_file"])
    assert uris[0] == uris[1] != uris[2]
    with zipfile.ZipFile(uris[2].removeprefix("file://")) as archive:
        assert set(archive.namelist()) == {"m.py", "one.py", "two.py"}
        assert archive.read("two.py") == b"X = 2\n"


def test_a_module_without_its_own_code_is_refused_before_anything_is_uploaded(
    root: str, tmp_path: Path
):
    (tmp_path / "a.pbtxt").write_text("x")
    (tmp_path / "m.py").write_text("from .absent import x\n")
    values = {"schema_file": str(tmp_path / "a.pbtxt"), "module_file": str(tmp_path / "m.py")}
    with pytest.raises(UserCodeError, match=r"m\.py:1: there is no module .*absent"):
        published(values, root)
    assert not (tmp_path / "artifacts").exists()


@pytest.mark.usefixtures("root")
def test_a_file_in_a_store_is_named_by_its_content_too(monkeypatch: pytest.MonkeyPatch):
    with object_stores.s3() as bucket:
        bucket.use(monkeypatch)
        place, uris = f"{bucket.uri}/artifacts", []
        for text in (b"one", b"one", b"two"):
            bucket.put("schema.pbtxt", text)
            values = {"schema_file": f"{bucket.uri}/schema.pbtxt"}
            uris.append(published(values, place)["schema_file"])
        assert uris[0] == uris[1] != uris[2]
        assert (
            published({"schema_file": uris[2]}, f"{bucket.uri}/artifacts")["schema_file"] == uris[2]
        )


@pytest.mark.parametrize("with_root", [True, False])
def test_a_file_that_cannot_be_named_by_its_content_is_told(
    root: str, with_root: bool, caplog: pytest.LogCaptureFixture
):
    values = {"schema_file": "s3://Not A Bucket/schema.pbtxt"}
    assert published(values, root if with_root else "") == values
    assert "is not published by its content" in caplog.text
    assert "a changed file needs another name" in caplog.text
