"""rollout_model on local serving with real model processes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from kfp import dsl

from kanaria.components import rollout_model
from kanaria.components.rollout.rollout import RolloutRequest, Targets, roll_out
from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.errors import DataError, ParameterError
from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind
from kanaria.serving.rollout.policy.rollout_policy import Policy
from kanaria.serving.traffic.local_traffic import LocalTraffic

AT_ONCE = "strategy: basic\n"


def endpoint(folder: Path, **said: object) -> Path:
    folder.mkdir()
    written = {
        "pushed": True,
        "reason": "",
        "namespace": "default",
        "name": "taxi",
        "revision": "taxi-predictor-00002",
        "percent": 0,
    }
    (folder / "endpoint.json").write_text(json.dumps(written | said))
    return folder


def request(tmp_path: Path, policy: str = AT_ONCE, wait: bool = True, **said: object):
    file = tmp_path / "policy.yaml"
    file.write_text(policy)
    return RolloutRequest(
        endpoint=endpoint(tmp_path / "endpoint", **said),
        policy_file=str(file),
        wait=wait,
        interval_seconds=1,
        prometheus_url="",
        drift_server_url="",
        prometheus_queries="",
    )


def test_a_model_that_was_rolled_back_is_tried_again_by_a_person_only(
    service: LocalTraffic, tmp_path: Path, models: Path
):
    store, names = FileStore(tmp_path / "serving"), ("default", "taxi")
    operations.start(
        store, service, *names, operations.Beginning(policy=Policy(), who="kim", now=0.0)
    )
    operations.order(store, *names, Command(kind=CommandKind.ROLLBACK, who="kim", when=1.0))
    again = {"revision": "taxi-predictor-00009", "storage_uri": str(models / "better")}
    written = targets(tmp_path)
    assert not roll_out(request(tmp_path, **again), written)[0]
    assert [reason.kind for reason in outcome.read(written.outcome).reasons] == ["rolled_back"]
    assert store.load(*names).rollout.number == 1


def targets(tmp_path: Path) -> Targets:
    return Targets(outcome=tmp_path / "outcome", timeline=tmp_path / "timeline.html")


def test_a_pushed_canary_is_promoted_and_the_step_may_be_run_again(
    service: LocalTraffic, tmp_path: Path
):
    rollout_request, written = request(tmp_path), targets(tmp_path)
    assert roll_out(rollout_request, written)[0]
    assert service.observe("default", "taxi").rolled_out == "taxi-predictor-00002"
    judgement = outcome.read(written.outcome)
    assert judgement.passed
    assert judgement.thresholds["strategy"] == "basic"
    assert "taxi-predictor-00002" in written.timeline.read_text()
    again = Targets(outcome=tmp_path / "again", timeline=tmp_path / "again.html")
    assert roll_out(rollout_request, again)[0]
    assert outcome.read(again.outcome) == judgement


@pytest.mark.usefixtures("service")
def test_a_rollout_that_is_handed_over_passes_and_says_so(tmp_path: Path):
    written = targets(tmp_path)
    assert not roll_out(request(tmp_path, wait=False), written)[0]
    judgement = outcome.read(written.outcome)
    assert judgement.passed
    assert "goes on under its controller" in judgement.notes[0]


def test_what_was_not_pushed_is_not_rolled_out(tmp_path: Path):
    written = targets(tmp_path)
    assert not roll_out(request(tmp_path, pushed=False, reason="not blessed"), written)[0]
    assert "nothing was pushed: not blessed" in outcome.read(written.outcome).summary()


def test_without_the_policy_that_it_needs_the_canary_is_left_alone(tmp_path: Path):
    rollout_request = request(tmp_path, percent=10)
    written = targets(tmp_path)
    promoted, judgement = roll_out(
        replace(rollout_request, policy_file="", needs_policy=True), written
    )
    assert not promoted
    assert judgement.passed
    assert judgement.reasons[0].text == "no policy, no rollout: taxi-predictor-00002 keeps 10 %"
    assert judgement.reasons[0].text in written.timeline.read_text()


def test_the_component_fails_with_the_reasons_and_leaves_the_outcome(tmp_path: Path):
    said = {"pushed": False, "reason": "not blessed"}
    uris = {"endpoint": endpoint(tmp_path / "endpoint", **said), "outcome": tmp_path / "outcome"}
    parts = {name: dsl.Artifact(name=name, uri=str(uri)) for name, uri in uris.items()}
    timeline = dsl.HTML(name="timeline", uri=str(tmp_path / "timeline.html"))
    with pytest.raises(DataError, match="rollout_model did not pass: nothing was pushed"):
        rollout_model.python_func(**parts, timeline=timeline)
    assert not outcome.read(tmp_path / "outcome").passed
    assert parts["outcome"].metadata["passed"] is False


def test_the_first_revision_needs_no_rollout(tmp_path: Path):
    written = targets(tmp_path)
    assert roll_out(request(tmp_path, percent=100), written)[0]
    assert outcome.read(written.outcome).passed


def test_a_bad_policy_is_refused_with_every_fault(tmp_path: Path):
    with pytest.raises(ParameterError, match=r"strategy='green'.*automation='perhaps'"):
        roll_out(request(tmp_path, "strategy: green\nautomation: perhaps"), targets(tmp_path))
