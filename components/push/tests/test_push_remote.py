"""Pushes real SavedModels to a real S3 server, from where the real local server takes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import object_stores
import pytest
from object_stores import Bucket
from serving_models import models

from kanaria.components.push.publish_release import Sources, publish
from kanaria.components.push.push import PushRequest, push
from kanaria.components.resolve.deployed_release import resolve_deployed
from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.components.shared.storage import uri_files
from kanaria.serving.local.predictor import model_copy
from kanaria.serving.traffic.find_traffic import LOCAL_STATE, connect
from kanaria.serving.traffic.traffic_protocol import Traffic

__all__ = ["models"]


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    """A bucket that this process and the servers it starts find as `minio://`."""
    with object_stores.minio() as bucket, pytest.MonkeyPatch.context() as patch:
        bucket.use(patch)
        yield bucket


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serving")


@pytest.fixture(scope="module")
def traffic(state: Path, bucket: Bucket) -> Iterator[Traffic]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(LOCAL_STATE, str(state))
        with connect() as local_traffic:
            yield local_traffic


def request(tmp_path: Path, model: Path, root: str) -> PushRequest:
    passed = Outcome(step="evaluate_model", passed=True, reasons=())
    outcome.write(passed, tmp_path / "outcome")
    for name in ("schema", "statistics"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    parts = {name: tmp_path / name for name in ("schema", "statistics")}
    return PushRequest(
        sources=Sources(model=model, **parts),
        outcomes=(tmp_path / "outcome",),
        model_root=root,
        service={"name": "tips"},
        delivery={"ready_timeout": 120},
    )


@pytest.mark.usefixtures("traffic")
def test_a_release_in_a_bucket_is_served_and_found_again(
    models: Path, tmp_path: Path, bucket: Bucket
):
    push_request = request(tmp_path, models / "one", f"{bucket.uri}/models")
    pushed = push(push_request, tmp_path / "endpoint")
    assert pushed.pushed
    assert pushed.storage_uri.startswith(bucket.uri.replace("minio://", "s3://") + "/models/tips/")
    deployed = resolve_deployed("tips", "default")
    assert deployed + "/model" == pushed.storage_uri
    assert uri_files.read_text(f"{deployed}/schema/file") == "schema"

    before = bucket.keys()
    assert not [key for key in before if key.endswith(".pending")]
    again = push(push_request, tmp_path / "endpoint")
    assert again.reason == "already served; nothing was changed"
    assert bucket.keys() == before


@pytest.mark.usefixtures("traffic")
def test_a_release_that_is_not_there_is_the_revisions_failure(
    bucket: Bucket, models: Path, tmp_path: Path
):
    def without_model(*release: Any) -> str:
        published = publish(*release)
        uri_files.remove(f"{published}/model")
        return published

    push_request = request(tmp_path, models / "two", f"{bucket.uri}/gone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kanaria.components.push.push.publish", without_model)
        with pytest.raises(DataError, match=r"does not load s3://.*gone/.*/model.*no such file"):
            push(push_request, tmp_path / "endpoint")


def test_a_model_is_copied_once_a_uri(bucket: Bucket, models: Path, tmp_path: Path):
    uri = f"{bucket.uri}/copied/model"
    uri_files.publish(models / "one", uri, last="1/saved_model.pb")
    model_copy.copy(uri, tmp_path)
    uri_files.remove(uri)
    model_copy.copy(uri, tmp_path)
    assert (model_copy.folder(uri, tmp_path) / "1/saved_model.pb").is_file()


@pytest.mark.parametrize("root", ["minio://", "hdfs://host/models"])
def test_a_model_root_that_cannot_be_is_one_of_the_faults(tmp_path: Path, root: str):
    push_request = request(tmp_path, tmp_path, root)
    with pytest.raises(ParameterError, match="push_model: model_root: uri="):
        push(push_request, tmp_path / "endpoint")
