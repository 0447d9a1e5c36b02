"""What probes and Prometheus are told of a router's services, over HTTP."""

import asyncio

import aiohttp
import pytest
from stand_ins import SHADOW, STABLE, Live, Runner, Services, metrics, routed

from kanaria.serving.inference_service.revision_traffic import RevisionTraffic

SHARES = (
    RevisionTraffic(revision=SHADOW, percent=25),
    RevisionTraffic(revision=STABLE, percent=75),
)


def probe(services: Services, *paths: str) -> list[tuple[int, dict]]:
    async def scenario():
        live = services[0] if services else None
        async with routed(live, services=services) as url, aiohttp.ClientSession() as client:
            answers = []
            for path in paths:
                async with client.get(f"{url}{path}") as answer:
                    answers.append((answer.status, await answer.json()))
            return answers

    return asyncio.run(scenario())


def test_a_server_that_has_not_looked_at_its_services_lives_and_is_not_ready():
    services = Services()
    services.is_looked_at = False
    assert probe(services, "/healthz", "/v2/health/live", "/readyz", "/v2/health/ready") == [
        (200, {"status": "ok"}),
        (200, {"live": True}),
        (503, {"ready": False}),
        (503, {"ready": False}),
    ]


@pytest.mark.parametrize(
    ("live", "answer"),
    [
        (None, (200, {"ready": True})),
        (Live(ports={STABLE: 1, SHADOW: 2}, shares=SHARES), (200, {"ready": True})),
        (
            Live(ports={STABLE: 1}, shares=SHARES),
            (503, {"ready": False, "waiting_for": ["default/tips"]}),
        ),
        (Live(ports={}, shares=(), stopped=True), (200, {"ready": True})),
        (Live(ports={}, shares=(), fault="no model"), (200, {"ready": True})),
    ],
    ids=["nothing", "all", "canary away", "stopped", "no model yet"],
)
def test_it_is_ready_when_every_revision_that_gets_requests_answers(live, answer):
    services = Services([live] if live else [])
    assert probe(services, "/readyz", "/v2/health/ready") == [answer, answer]


def test_shares_readiness_and_restarts_are_those_of_the_revisions_that_there_are():
    async def scenario():
        live = Live(ports={STABLE: 1}, shares=SHARES, runners={STABLE: Runner(3), SHADOW: Runner()})
        async with routed(live) as url:
            before = await metrics(url)
            del live.runners[SHADOW]
            return before, await metrics(url)

    before, after = asyncio.run(scenario())
    of = 'namespace="default",revision="%s",service="tips"'
    stable, canary = of % STABLE, of % SHADOW
    expected = {
        f"kanaria_revision_ready{{{stable}}}": 1,
        f"kanaria_revision_ready{{{canary}}}": 0,
        f"kanaria_revision_traffic_ratio{{{stable}}}": 0.75,
        f"kanaria_revision_traffic_ratio{{{canary}}}": 0.25,
        f"kanaria_predictor_restarts_total{{{stable}}}": 3,
        f"kanaria_predictor_restarts_total{{{canary}}}": 0,
    }
    assert {name: before[name] for name in expected} == expected
    assert not [name for name in after if canary in name]
