"""Pushes real SavedModels to the real local server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kanaria.components.push.lineage import Lineage
from kanaria.components.push.publish_release import Sources
from kanaria.components.push.push import PushRequest, push
from kanaria.components.resolve.deployed_release import resolve_deployed
from kanaria.components.shared.artifacts import model_evaluation, outcome
from kanaria.components.shared.artifacts.model_evaluation import Measured, ModelEvaluation
from kanaria.components.shared.artifacts.outcome import Outcome, Reason
from kanaria.components.shared.artifacts.release import read_record
from kanaria.components.shared.errors import DataError, NotReadyError, ParameterError
from kanaria.serving.audit.trail_files import FileTrails
from kanaria.serving.inference_service.revision_traffic import RevisionTraffic
from kanaria.serving.local.state.state_folder import Service
from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.traffic.find_traffic import LOCAL_STATE, connect
from kanaria.serving.traffic.traffic_protocol import Traffic

SAVE = """
import sys, tensorflow as tf
for folder, factor in zip(sys.argv[1::2], sys.argv[2::2]):
    module = tf.Module()
    module.factor = tf.Variable(float(factor))
    call = tf.function(lambda hour: {"outputs": tf.reshape(hour * module.factor, [-1, 1])})
    spec = tf.TensorSpec([None], tf.float32, "hour")
    signatures = {"serving_default": call.get_concrete_function(hour=spec)}
    tf.saved_model.save(module, folder, signatures=signatures)
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models, saved by a process of its own so that this one never loads TensorFlow."""
    folder = tmp_path_factory.mktemp("models")
    names = ("one", "two", "three", "four")
    pairs = [text for n, name in enumerate(names) for text in (str(folder / name / "1"), str(n))]
    subprocess.run([sys.executable, "-c", SAVE, *pairs], check=True)
    for name in ("schema", "statistics"):
        (folder / name).mkdir()
        (folder / name / "file").write_text(name)
    return folder


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    """Local serving, kept up by one connection while the tests of this module push."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(LOCAL_STATE, str(tmp_path_factory.mktemp("serving")))
        with connect() as local_traffic:
            yield local_traffic


EVALUATION = ModelEvaluation(
    split="eval",
    rows=100,
    against="s3://b/tips/before",
    metrics={"auc": Measured(value=0.8123456789012345, low=0.75)},
)


def blessing(folder: Path, passed: bool) -> Path:
    reasons = (Reason(severity="ERROR", subject="auc", kind="bound", text="auc is low"),)
    judgement = Outcome(
        step="evaluate_model",
        passed=passed,
        reasons=() if passed else reasons,
        evaluation=EVALUATION,
    )
    outcome.write(judgement, folder / "outcome")
    return folder / "outcome"


def request(models: Path, tmp_path: Path, model: str = "one", passed: bool = True) -> PushRequest:
    parts = {name: models / name for name in ("schema", "statistics")}
    return PushRequest(
        sources=Sources(model=models / model, **parts),
        outcomes=(blessing(tmp_path, passed),),
        model_root=str(models / "root"),
        service={"name": "tips"},
        delivery={"ready_timeout": 120},
        lineage=Lineage(run_id="run-1"),
    )


def manifest() -> dict[str, Any]:
    """What is applied to local serving."""
    document = Service(Path(os.environ[LOCAL_STATE]), "default", "tips").manifest()
    assert document
    return document


def test_a_model_that_did_not_pass_is_not_pushed(models: Path, tmp_path: Path, traffic: Traffic):
    with pytest.raises(DataError, match="evaluate_model did not pass: auc is low"):
        push(request(models, tmp_path, passed=False), tmp_path / "endpoint")
    assert traffic.observe("default", "tips") is None
    assert not (tmp_path / "endpoint").exists()


def test_data_that_did_not_pass_is_not_pushed(models: Path, tmp_path: Path, traffic: Traffic):
    good, bad = (blessing(tmp_path / name, name == "good") for name in ("good", "bad"))
    push_request = replace(request(models, tmp_path), outcomes=(good, bad))
    with pytest.raises(DataError, match="did not pass: auc is low"):
        push(push_request, tmp_path / "endpoint")
    assert traffic.observe("default", "tips") is None


@pytest.mark.usefixtures("traffic")
def test_the_first_model_gets_all_traffic(models: Path, tmp_path: Path):
    assert resolve_deployed("tips", "default") == ""
    endpoint = push(request(models, tmp_path), tmp_path / "endpoint")
    assert endpoint.pushed
    assert endpoint.percent == 100
    assert resolve_deployed("tips", "default") + "/model" == endpoint.storage_uri
    # The release keeps what it was blessed by, to the last digit.
    evaluation = read_record(resolve_deployed("tips", "default")).origin["evaluation"]
    assert model_evaluation.parse(evaluation, "release.json") == EVALUATION
    # The version is the name of the release, and tells revisions apart in payload events.
    version = endpoint.storage_uri.split("/")[-2]
    assert manifest()["metadata"]["annotations"] == {
        "kanaria.io/model-version": version,
        "kanaria.io/run-id": "run-1",
    }


def test_the_same_model_again_changes_nothing(models: Path, tmp_path: Path, traffic: Traffic):
    before = traffic.observe("default", "tips")
    endpoint = push(request(models, tmp_path), tmp_path / "endpoint")
    assert endpoint.reason == "already served; nothing was changed"
    assert traffic.observe("default", "tips") == before


def test_the_next_model_becomes_a_canary_and_the_stable_one_stays_deployed(
    models: Path, tmp_path: Path, traffic: Traffic
):
    stable = resolve_deployed("tips", "default")
    endpoint = push(request(models, tmp_path, "two"), tmp_path / "endpoint")
    status = traffic.observe("default", "tips")
    assert status
    assert endpoint.percent == 10
    assert RevisionTraffic(revision=endpoint.revision, percent=10) in status.traffic
    assert resolve_deployed("tips", "default") == stable != endpoint.storage_uri


def test_another_model_is_refused_while_a_rollout_is_active(
    models: Path, tmp_path: Path, traffic: Traffic
):
    rollouts = FileStore(Path(os.environ[LOCAL_STATE]))
    operations.start(
        rollouts,
        traffic,
        "default",
        "tips",
        operations.Beginning(policy=Policy(), who="kim", now=0.0),
    )
    before, third = manifest(), request(models, tmp_path, "three")
    with pytest.raises(NotReadyError, match="default/tips rollout 1 is active"):
        push(third, tmp_path / "endpoint")
    assert manifest() == before
    assert push(request(models, tmp_path, "two"), tmp_path / "endpoint").pushed
    assert push(replace(third, delivery={"on_active": "supersede"}), tmp_path / "endpoint").pushed
    assert rollouts.load("default", "tips").rollout.state.phase is Phase.SUPERSEDED


@pytest.mark.usefixtures("traffic")
def test_with_a_rollout_to_follow_the_revision_stays_at_zero(models: Path, tmp_path: Path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("strategy: blue_green")
    push_request = replace(request(models, tmp_path, "four"), rollout_policy_file=str(policy))
    endpoint = push(push_request, tmp_path / "endpoint")
    assert (endpoint.pushed, endpoint.percent) == (True, 0)


@pytest.mark.usefixtures("traffic")
def test_a_faulty_policy_is_refused_before_anything_is_done(models: Path, tmp_path: Path):
    policy, before = tmp_path / "policy.yaml", manifest()
    policy.write_text("strategy: green\nsteps: 3")
    push_request = replace(request(models, tmp_path, "two"), rollout_policy_file=str(policy))
    with pytest.raises(ParameterError, match=r"strategy='green'.*steps=3"):
        push(push_request, tmp_path / "endpoint")
    assert manifest() == before


def test_a_model_that_does_not_load_fails_with_its_cause(
    models: Path, tmp_path: Path, traffic: Traffic
):
    broken = models / "broken/1"
    broken.mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes(b"not a model")
    with pytest.raises(DataError, match=r"does not load .*ModelLoadFailed"):
        push(request(models, tmp_path, "broken"), tmp_path / "endpoint")
    assert not (tmp_path / "endpoint").exists()
    status = traffic.observe("default", "tips")
    assert status
    assert sum(t.percent for t in status.traffic) == 100


def test_all_faults_of_the_parameters_come_at_once(models: Path, tmp_path: Path):
    wrong = replace(
        request(models, tmp_path),
        delivery={"ready_timeout": 0},
        service={"name": "Tips!", "canaryTrafficPercent": 120},
    )
    with pytest.raises(ParameterError) as caught:
        push(wrong, tmp_path / "endpoint")
    assert all(
        name in str(caught.value) for name in ("Tips!", "canaryTrafficPercent=120", "ready_timeout")
    )


def test_without_a_way_to_deliver_the_remedy_is_named(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(LOCAL_STATE, raising=False)
    with pytest.raises(NotReadyError, match=LOCAL_STATE):
        push(request(models, tmp_path), tmp_path / "endpoint")


@pytest.mark.usefixtures("traffic")
def test_the_audit_trail_tells_of_every_push_and_rollout_above():
    chain = FileTrails(Path(os.environ[LOCAL_STATE])).read("default", "tips")
    kinds = [entry.what for entry in chain.entries]
    assert not chain.faults
    first, served = chain.entries[:2]
    assert (first.what, first.who) == ("push", "push_model of run run-1")
    assert first.numbers["evaluation"]["metrics"]["auc"]["value"] == 0.8123456789012345
    assert (served.what, served.numbers["percent"]) == ("pushed", 100)
    assert [check["verdict"] for check in served.numbers["checks"]].count("failed") == 0
    # Two models, a rollout that another model superseded, and one that does not load.
    assert kinds[:7] == ["push", "pushed", "push", "pushed", "start", "supersede", "push"]
    assert chain.entries[5].who.startswith("push_model of ")
    assert "push failed" in kinds
    failed = chain.entries[kinds.index("push failed")]
    assert "does not load" in failed.why
    assert failed.about.endswith("/model")
