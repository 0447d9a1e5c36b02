"""A rollout's gauges over HTTP, against what its store and its platform say of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from paper_world import CANARY, NAMESPACE, SERVICE, STABLE
from probed_controller import Controller, by_label, samples

from kanaria.serving.health_port import open_port
from kanaria.serving.rollout.control.operations import newest, order
from kanaria.serving.rollout.decision.rollout_commands import Command, CommandKind
from kanaria.serving.rollout.decision.situation import findings

OF = (NAMESPACE, SERVICE)


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    return Controller(tmp_path).push()


@pytest.fixture
def url(controller: Controller) -> Iterator[str]:
    with open_port(controller.health, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


def gauges(url: str, name: str, label: str = "service") -> dict[str, float]:
    return by_label(url, f"kanaria_rollout_{name}", label)


def numbers(url: str) -> list[dict[str, str]]:
    return [one.labels for one in samples(url) if one.name == "kanaria_rollout_info"]


def test_shares_are_those_decided_and_those_seen(controller: Controller, url: str):
    controller.turn()
    assert gauges(url, "desired_ratio") == {SERVICE: 0.5}
    controller.turn(60)
    assert gauges(url, "observed_ratio") == {SERVICE: controller.paper.shares()[CANARY] / 100}
    assert numbers(url) == [
        {
            "namespace": NAMESPACE,
            "service": SERVICE,
            "rollout": "1",
            "canary": CANARY,
            "stable": STABLE,
            "strategy": "canary",
        }
    ]


def test_before_the_first_look_no_share_is_claimed_to_be_seen(controller: Controller, url: str):
    newest(controller.world.store, *OF)
    assert gauges(url, "observed_ratio") == {}
    assert gauges(url, "desired_ratio") == {SERVICE: 0}


def test_evidence_is_what_the_gates_have_spent_up_to_the_limit(controller: Controller, url: str):
    controller.paper.error_rate = 0.013
    values = []
    for _ in range(12):
        controller.turn(60)
        rollout = newest(controller.store, *OF).rollout
        spent = {one.gate: one.spent for one in findings(rollout.state, rollout.policy)}
        exposed = gauges(url, "evidence_ratio", "gate")
        assert exposed == {gate: spent[gate] for gate in exposed}
        assert sum(exposed.values()) == pytest.approx(sum(spent.values()))
        values.append(exposed["errors"])
    assert 0 < max(values) < 1
    controller.paper.error_rate = 0.9
    controller.turn(60)
    assert gauges(url, "evidence_ratio", "gate")["errors"] >= 1
    assert gauges(url, "phase", "phase")["rolled_back"] == 1


def test_exactly_one_phase_holds_and_a_question_while_it_is_asked(controller: Controller, url: str):
    controller.turn()
    assert (
        sum(gauges(url, "phase", "phase").values())
        == gauges(url, "phase", "phase")["progressing"]
        == 1
    )
    assert set(gauges(url, "question", "question").values()) == {0}
    controller.paper.requests_a_minute = 0
    for _ in range(60):
        controller.turn()
    assert gauges(url, "phase", "phase")["waiting_approval"] == 1
    assert gauges(url, "question", "question") == {
        "step": 0,
        "no_data": 1,
        "inconclusive": 0,
        "finding": 0,
    }


def test_moments_are_unix_time_and_a_next_rollout_takes_the_place_of_the_last(
    controller: Controller, url: str
):
    controller.turn()
    state = newest(controller.store, *OF).rollout.state
    assert gauges(url, "started_timestamp_seconds") == {SERVICE: state.started}
    assert gauges(url, "step_started_timestamp_seconds") == {SERVICE: state.step_started}
    order(controller.store, *OF, Command(kind=CommandKind.ROLLBACK, who="kim", when=100.0))
    controller.turn()
    controller.paper.push("v3")
    controller.start(200.0)
    controller.turn()
    assert [one["rollout"] for one in numbers(url)] == ["2"]
    assert gauges(url, "started_timestamp_seconds") == {SERVICE: 200.0}
