"""Rollouts whose controller dies at any write, or whose API server fails at any time."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fault_proxy import (
    Fault,
    Request,
    after,
    always,
    answer_old,
    before,
    keep_silent,
    lose_answer,
    lose_request,
    refuse,
)
from kubernetes import dynamic
from rollout_trial import Trial, trial

from kanaria.serving.rollout.control import controller
from kanaria.serving.rollout.decision.rollout_state import Phase

MODES = ("Knative", "Standard")
TOGETHER = 4
FAULTS: tuple[Fault, ...] = (
    refuse(429, Retry_After="0"),
    refuse(500),
    refuse(503),
    lose_request,
    lose_answer,
    answer_old,
    keep_silent,
)


def promoted(service: Trial) -> None:
    """Check the end of a rollout of a good model."""
    rollout = service.rollout()
    assert (rollout.state.phase, rollout.settled) == (Phase.PROMOTED, True)
    service.until_shares(two=100)
    assert service.status().canary_percent in (None, 100)
    service.check()


@pytest.mark.parametrize("mode", MODES)
def test_controllers_that_die_before_and_after_any_write_are_gone_on_from(
    mode: str, api: dynamic.DynamicClient, tmp_path: Path
):
    def dies_at(number: int) -> int:
        """Let one die before this write, and the next one after it; return how many there were."""
        with trial(api, mode, tmp_path) as service:
            service.push("two")
            faults = {number: before(service.kill), number + 1: after(service.kill)}
            service.proxy.use(lambda request: faults.get(request.write))
            assert service.run() == ""
            promoted(service)
            writes = len(service.proxy.writes)
            assert service.deaths == sum(write <= writes for write in faults)
            return writes

    writes = dies_at(1)
    with ThreadPoolExecutor(TOGETHER) as pool:
        assert min(pool.map(dies_at, range(2, writes + 1))) > 10


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(2))
def test_a_rollout_comes_through_an_api_server_that_fails_one_time_in_eight(
    mode: str, seed: int, api: dynamic.DynamicClient, tmp_path: Path
):
    chance = random.Random(seed)

    def schedule(request: Request) -> Fault | None:
        faults = FAULTS if not request.write else (*FAULTS, refuse(409))
        return chance.choice(faults) if chance.random() < 1 / 8 else None

    with trial(api, mode, tmp_path) as service:
        service.push("two")
        service.proxy.use(schedule)
        # A start that meets a conflict says so, and is asked for again.
        assert service.run(starts=3) == ""
        promoted(service)


def test_a_rollout_without_an_api_server_stops_with_the_reason(
    api: dynamic.DynamicClient, tmp_path: Path
):
    with trial(api, "Knative", tmp_path) as service:
        service.push("two")
        service.proxy.use(always(refuse(503)))
        assert "failed 6 times; last: 503: injected" in service.run()
        assert len(service.proxy.requests) == 6
        assert service.shares() == {"one": 100}


def test_a_rollout_whose_api_server_goes_away_stops_with_the_reason(
    api: dynamic.DynamicClient, tmp_path: Path
):
    with trial(api, "Knative", tmp_path) as service:
        service.push("two")
        gone = refuse(503)
        service.proxy.use(lambda request: gone if request.number > 40 else None)
        assert "failed 6 times; last: 503: injected" in service.run()
        # Six requests a look, and so many looks as a controller fails before it gives up; the
        # last six are for the lease that it gives back.
        assert len(service.proxy.requests) <= 40 + 6 * (controller.FAILURES + 2)
        assert service.history.served_unready() == []
