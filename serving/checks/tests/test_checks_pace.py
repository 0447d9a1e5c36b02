"""Load tests in simulated time against simulated servers, beside an independent computation."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import pytest
from scipy.stats import binom

from kanaria.serving.checks import load_verdict
from kanaria.serving.checks.check_limits import Load
from kanaria.serving.checks.check_result import Verdict
from kanaria.serving.checks.load_verdict import Call, Score
from kanaria.serving.checks.paced_requests import Paced

HUNG = 1e6


class Simulated(selectors.SelectSelector):
    """Waits no time: the clock is moved instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


def simulated(load: Load, ask: Callable[[int], Awaitable[str]], *, idle: bool):
    """Return the calls and the seconds of a load test, none of which passes here."""
    clock = Simulated()
    loop = asyncio.SelectorEventLoop(clock)
    loop.time = lambda: clock.now  # type: ignore[method-assign]

    async def run() -> tuple[list[Call], float]:
        return await Paced(load, ask, idle=idle).run()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(run())


def server(
    services: Sequence[float], copies: int = 1, faults: Sequence[str] = ()
) -> Callable[[int], Awaitable[str]]:
    """Answers in the order of asking, `copies` requests at once, each after its own seconds."""
    free = asyncio.Semaphore(copies)

    async def ask(number: int) -> str:
        async with free:
            await asyncio.sleep(services[number])
        return faults[number] if faults else ""

    return ask


def waited(services: Sequence[float], rate: float, copies: int) -> list[float]:
    """Return the latencies of a queue that is asked `rate` times a second, by arithmetic alone."""
    free, waits = [0.0] * copies, []
    for number, seconds in enumerate(services):
        due = number / rate
        free.sort()
        free[0] = max(free[0], due) + seconds
        waits.append(free[0] - due)
    return waits


def drawn(seed: int, requests: int) -> list[float]:
    """Return seconds of answers: most quick, some slow, a stall now and then."""
    random = np.random.default_rng(seed)
    quick = random.gamma(2.0, 0.01, requests)
    return list(np.where(random.random(requests) < 0.02, random.uniform(0.2, 2, requests), quick))


@pytest.mark.parametrize("copies", [1, 4])
@pytest.mark.parametrize("seed", range(5))
def test_without_idle_time_each_request_waits_as_long_as_at_the_rate(seed: int, copies: int):
    load = Load(rate=20, requests=300, error_share=0, p99_ms=0)
    services = drawn(seed, load.requests)
    wanted = sorted(waited(services, load.rate, copies))
    at_rate, seconds = simulated(load, server(services, copies), idle=True)
    dense, fewer = simulated(load, server(services, copies), idle=False)
    for calls in (at_rate, dense):
        assert sorted(call.seconds for call in calls) == pytest.approx(wanted, abs=1e-6)
    assert seconds == pytest.approx(299 / 20)
    assert fewer < seconds


@pytest.mark.parametrize("idle", [True, False])
@pytest.mark.parametrize("seed", range(40))
def test_a_test_that_ends_early_has_the_verdict_of_all_its_requests(seed: int, idle: bool):
    random = np.random.default_rng(seed)
    requests = int(random.integers(1, 300))
    share = float(random.choice([0.0, 0.01, 0.05, 0.5]))
    load = Load(rate=20, requests=requests, error_share=share, p50_ms=40, p95_ms=300, p99_ms=900)
    services = drawn(seed, requests)
    faults = [
        "503" * int(failed) for failed in random.random(requests) < share * random.uniform(0, 2)
    ]
    latencies = waited(services, load.rate, 1)
    whole = [Call(seconds=s, fault=f) for s, f in zip(latencies, faults, strict=True)]
    calls, seconds = simulated(load, server(services, faults=faults), idle=idle)
    result = load_verdict.check(calls, seconds, load)
    assert result.verdict is load_verdict.check(whole, 1.0, load).verdict
    assert (len(calls) < requests) == bool(result.notes)


@pytest.mark.parametrize(
    ("share", "passes"), [(0.001, 0.9989), (0.005, 0.9202), (0.03, 0.0593), (0.05, 0.0023)]
)
def test_a_revision_passes_as_often_as_is_promised(share: float, passes: float):
    """The shares of the README, for the default limits and independent errors."""
    load, random, trials = Load(), np.random.default_rng(3), 4000

    def passed() -> bool:
        score, failed = Score(load), 0
        for is_failed in random.random(load.requests) < share:
            score.add(Call(seconds=0.01, fault="503" * int(is_failed)))
            failed += bool(is_failed)
            if score.is_certain():
                break
        return failed <= 2

    assert passes == pytest.approx(binom.cdf(2, load.requests, share), abs=5e-5)
    low, high = binom.interval(0.9999, trials, passes)
    assert low <= sum(passed() for _ in range(trials)) <= high


def test_a_revision_that_stops_answering_fails_before_its_requests_time_out():
    load = Load(rate=20, requests=200)
    services = [0.01] * 10 + [HUNG] * 190
    calls, seconds = simulated(load, server(services, copies=200), idle=True)
    result = load_verdict.check(calls, seconds, load)
    assert result.verdict is Verdict.FAILED
    assert result.reasons[0].startswith("p99_ms is ")
    assert result.numbers["unanswered"] == len(calls) - 10
    assert seconds < 10 / 20 + 1.5


def test_errors_end_a_test_at_the_first_that_is_too_many():
    load = Load(rate=20, requests=200)
    faults = ["503 sick" if number % 5 == 4 else "" for number in range(200)]
    calls, seconds = simulated(load, server([0.01] * 200, faults=faults), idle=True)
    result = load_verdict.check(calls, seconds, load)
    assert (len(calls), result.numbers["errors"]) == (15, 3)
    assert "3 of 15 requests failed, more than a share of 0.01" in result.reasons[0]


def test_a_fault_of_the_test_itself_ends_it():
    async def ask(number: int) -> str:
        if number:
            raise LookupError(number)
        return ""

    with pytest.raises(ExceptionGroup) as caught:
        simulated(Load(rate=20, requests=50), ask, idle=True)
    assert caught.group_contains(LookupError)
