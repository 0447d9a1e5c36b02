"""A training killed while it uploads resumes from the bucket, never from a cut checkpoint."""

import random
from pathlib import Path

import object_stores
import pytest

from kanaria.components.train import base_model

KILLED = -9


@pytest.fixture(scope="module")
def bucket():
    with object_stores.s3() as bucket:
        yield bucket


@pytest.fixture(scope="module")
def ended(bucket, killed_trainings, tmp_path_factory):
    """A training killed in the upload of its first checkpoint, and again in a later upload."""
    folder: Path = tmp_path_factory.mktemp("bucket")
    draw = random.Random()
    kills = [{"puts": draw.randint(1, 3)}, {"puts": draw.randint(6, 12)}]
    place = {"model_run_dir": f"{bucket.uri}/runs/flights"}
    runs = [{"model": str(folder / "model"), "kills": kills, **place}]
    (ends,), log = killed_trainings(runs, bucket.environment)
    return folder, ends, log, runs


def test_kills_in_the_middle_of_uploads_leave_the_same_final_bytes(ended, undisturbed, variables):
    folder, ends, _, runs = ended
    assert ends == [KILLED, KILLED, 0], runs
    assert variables(folder / "model") == variables(undisturbed), runs


def test_the_second_attempt_went_on_from_the_bucket(ended):
    _, _, log, runs = ended
    assert "Resumed after epoch" in log, runs


@pytest.mark.usefixtures("ended")
def test_the_bucket_keeps_the_logs_of_every_attempt_and_no_checkpoint(bucket):
    held = bucket.contents.keys()
    keys = [key for key in held if key.startswith("runs/")]
    assert all(key.startswith("runs/flights/train/") for key in keys), keys
    assert any("events.out.tfevents" in key for key in keys), keys


def test_the_artifact_names_the_bucket(ended, bucket):
    folder, _, _, _ = ended
    assert (folder / "model_logs/COMPLETE").read_text() == f"{bucket.uri}/runs/flights"


def test_a_base_model_is_fetched_from_a_bucket_for_the_time_of_the_training(bucket, monkeypatch):
    bucket.use(monkeypatch)
    bucket.contents.put("models/flights/abc/model/1/saved_model.pb", b"graph")
    bucket.contents.put("models/flights/abc/model/1/variables/variables.index", b"index")
    with base_model.opened(f"{bucket.uri}/models/flights/abc") as model:
        assert (model / "saved_model.pb").read_bytes() == b"graph"
        assert (model / "variables/variables.index").read_bytes() == b"index"
    assert not model.exists()
