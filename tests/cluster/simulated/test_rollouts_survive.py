"""Rollouts whose controller dies at any write, or whose API server fails at any time."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fault_proxy import (
    Fault,
    Request,
    after,
    always,
    answer_old,
    at_write,
    before,
    keep_silent,
    lose_answer,
    lose_request,
    refuse,
)
from kubernetes import dynamic
from rollout_trial import Trial, trial

from kanaria.serving.rollout.state import Phase

MODES = ("Knative", "Standard")
TOGETHER = 4
FAULTS: tuple[Fault, ...] = (
    refuse(409),
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
@pytest.mark.parametrize("when", [before, after])
def test_a_controller_that_dies_at_any_write_is_gone_on_from(
    mode: str, when: Callable[..., Fault], api: dynamic.DynamicClient, tmp_path: Path
):
    def dies_at(number: int) -> int:
        """Let it die at this write; return how many writes there were."""
        with trial(api, mode, tmp_path) as service:
            service.push("two")
            service.proxy.use(at_write(number, when(service.kill)))
            assert service.run() == ""
            promoted(service)
            assert service.deaths == (number <= len(service.proxy.writes))
            return len(service.proxy.writes)

    writes = dies_at(1)
    with ThreadPoolExecutor(TOGETHER) as pool:
        counts = list(pool.map(dies_at, range(2, writes + 1)))
    print(f"{mode}, {when.__name__}: {writes} writes, then {counts}")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(3))
def test_a_rollout_comes_through_an_api_server_that_fails_one_time_in_eight(
    mode: str, seed: int, api: dynamic.DynamicClient, tmp_path: Path
):
    chance = random.Random(seed)

    def schedule(_: Request) -> Fault | None:
        return chance.choice(FAULTS) if chance.random() < 1 / 8 else None

    with trial(api, mode, tmp_path) as service:
        service.push("two")
        service.proxy.use(schedule)
        assert service.run() == ""
        promoted(service)


def test_a_rollout_without_an_api_server_stops_with_the_reason(
    api: dynamic.DynamicClient, tmp_path: Path
):
    with trial(api, "Knative", tmp_path) as service:
        service.push("two")
        service.proxy.use(always(refuse(503)))
        assert "last: 503: injected" in service.run()
        assert service.shares() == {"one": 100}
