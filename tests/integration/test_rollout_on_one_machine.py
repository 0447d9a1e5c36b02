"""The same policy file, real traffic, real model processes: what becomes of three canaries."""

from pathlib import Path

import pytest
from one_machine import CANARY, STABLE, requests_to, rollout, stage
from serving_models import models

from kanaria.serving.local.background_server import served
from kanaria.serving.traffic.local_traffic import LocalTraffic

__all__ = ["models"]

POLICY = """
steps:
  - {percent: 10, minimum_requests: 100, minimum_minutes: 0}
  - {percent: 50, minimum_requests: 100, minimum_minutes: 0}
warm_up: {minutes: 0, requests: 20}
"""
# The clients share two cores with both models and with whatever else the machine does, so slow
# answers are judged only where they are what is wrong.
ERRORS_ALONE = "gates: {latency: false}"
LATENCY_TOO = "gates: {latency: {margin: 4.0}}"


@pytest.mark.parametrize(
    ("model", "gates", "code", "ended", "share"),
    [
        ("better", ERRORS_ALONE, 0, "promoted", {CANARY: 100}),
        ("failing", ERRORS_ALONE, 1, "harm, above all in errors", {CANARY: 0, STABLE: 100}),
        ("slow", LATENCY_TOO, 1, "harm, above all in latency", {CANARY: 0, STABLE: 100}),
    ],
)
def test_a_canary_gets_what_it_deserves(
    models: Path,
    tmp_path: Path,
    model: str,
    gates: str,
    code: int,
    ended: str,
    share: dict[str, int],
):
    state, policy = tmp_path / "serving", tmp_path / "policy.yaml"
    policy.write_text(POLICY + gates)
    with served(state) as url, LocalTraffic(state) as traffic:
        stage(traffic, models / "plain")
        stage(traffic, models / model)
        with requests_to(f"{url}/v1/models/taxi:predict") as answers:
            done = rollout(state, "start", "--policy", str(policy), "--interval", "1")
        status = traffic.observe("default", "taxi")
    assert done.returncode == code, done.stderr
    assert ended in done.stdout
    assert {one.revision: one.percent for one in status.traffic} == share
    assert answers[CANARY, 200] > 0
    assert (answers[CANARY, 500] > 0) == (model == "failing")


def test_a_person_takes_the_traffic_back_and_it_is_kept_who(models: Path, tmp_path: Path):
    state = tmp_path / "serving"
    with served(state), LocalTraffic(state) as traffic:
        stage(traffic, models / "plain")
        stage(traffic, models / "better")
        assert rollout(state, "start", "--no-wait").returncode == 0
        assert rollout(state, "promote", "--as", "kim").returncode == 0
        assert "kim ordered it" in rollout(state, "start", "--interval", "1").stdout
        assert traffic.observe("default", "taxi").rolled_out == CANARY
        back = rollout(state, "rollback", "--as", "lee")
        assert (back.returncode, back.stderr) == (0, "")
        assert traffic.observe("default", "taxi").rolled_out == STABLE
        assert "lee: rollback" in rollout(state, "status").stdout
