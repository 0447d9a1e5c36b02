"""promote_model on local serving with real model processes."""

from pathlib import Path

import pytest

from kanaria.components.rollout.promote import PromoteRequest, promote
from kanaria.components.rollout.rollout import Targets
from kanaria.components.shared.artifacts import outcome
from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.serving.rollout.control import operations
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind
from kanaria.serving.rollout.decision.rollout_state import Phase
from kanaria.serving.traffic.local_traffic import LocalTraffic

NAMES = ("default", "taxi")
CANARY = "taxi-predictor-00002"
ASKS = "strategy: basic\nautomation: approve\napprove_before: [promote]\n"


def request(tmp_path: Path, policy: str = "", **changes: object) -> PromoteRequest:
    file = tmp_path / "policy.yaml"
    file.write_text(policy)
    parameters = {
        "service": {"name": "taxi"},
        "policy_file": str(file) if policy else "",
        "approved_by": "",
        "interval_seconds": 1,
        "prometheus_url": "",
        "prometheus_queries": "",
        "drift_server_url": "",
    }
    return PromoteRequest(**{**parameters, **changes})  # type: ignore[arg-type]


def targets(tmp_path: Path) -> Targets:
    return Targets(outcome=tmp_path / "outcome", timeline=tmp_path / "timeline.html")


def live(traffic: LocalTraffic) -> str:
    return traffic.observe(*NAMES).rolled_out


def test_a_person_approves_what_the_policy_asks_and_the_record_names_him(
    service: LocalTraffic, tmp_path: Path
):
    store = FileStore(tmp_path / "serving")
    promoted, _ = promote(request(tmp_path, ASKS, interval_seconds=0), targets(tmp_path))
    assert not promoted
    assert live(service) == "taxi-predictor-00001"
    with pytest.raises(ParameterError, match="active under another policy"):
        promote(request(tmp_path, "strategy: basic\n"), targets(tmp_path / "x"))

    written = targets(tmp_path / "again")
    (tmp_path / "again").mkdir()
    promoted, judgement = promote(request(tmp_path, approved_by="kim"), written)
    assert promoted
    assert judgement.passed
    assert live(service) == CANARY
    rollout = store.load(*NAMES).rollout
    assert [(one.step, one.who) for one in rollout.state.approvals] == [("promote", "kim")]
    assert "kim" in written.timeline.read_text()
    assert rollout.number == 1


@pytest.mark.usefixtures("service")
def test_what_was_promoted_already_is_left_as_it_is(tmp_path: Path):
    rollout_request = request(tmp_path, "strategy: basic\n")
    assert promote(rollout_request, targets(tmp_path))[0]
    again = Targets(outcome=tmp_path / "again", timeline=tmp_path / "again.html")
    assert promote(rollout_request, again)[0]
    assert outcome.read(again.outcome) == outcome.read(tmp_path / "outcome")
    assert FileStore(tmp_path / "serving").load(*NAMES).rollout.number == 1
    with pytest.raises(NotReadyError, match="default/flights: there is no such service"):
        promote(request(tmp_path, service={"name": "flights"}), targets(tmp_path))


def test_a_person_tries_again_what_was_rolled_back(service: LocalTraffic, tmp_path: Path):
    store = FileStore(tmp_path / "serving")
    promote(request(tmp_path, ASKS, interval_seconds=0), targets(tmp_path))
    operations.order(store, *NAMES, Command(kind=CommandKind.ROLLBACK, who="kim", when=1.0))
    again = Targets(outcome=tmp_path / "again", timeline=tmp_path / "again.html")
    promote(request(tmp_path, ASKS, interval_seconds=0), again)
    rollout = store.load(*NAMES).rollout
    assert (rollout.number, rollout.state.phase) == (2, Phase.STAGED)
    operations.order(store, *NAMES, Command(kind=CommandKind.ROLLBACK, who="kim", when=1.0))
    service.promote(*NAMES)  # By another hand.
    with pytest.raises(ParameterError, match="nothing is on trial"):
        promote(request(tmp_path), targets(tmp_path))


def test_all_faults_are_named_at_once(tmp_path: Path):
    with pytest.raises(ParameterError, match=r"interval_seconds=-1: .*service\.nmae='x': "):
        promote(request(tmp_path, interval_seconds=-1, service={"nmae": "x"}), targets(tmp_path))
