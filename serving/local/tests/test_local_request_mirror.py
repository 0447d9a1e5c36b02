"""Shadows of every kind behind a real router: what they do, and what no client sees of it."""

import asyncio
from collections import Counter

import aiohttp
import pytest
from aiohttp import web
from scipy.stats import binom
from stand_ins import (
    SHADOW,
    STABLE,
    StandIn,
    answer_counts,
    metrics,
    mirrored,
    serving,
    shadowed,
    until,
)

from kanaria.serving.local.payload_logger.log_rule import LogRule
from kanaria.serving.local.router import request_mirror

LABELS = f'namespace="default",revision="{SHADOW}",service="tips"'
REQUESTS = 300


def answered(code):
    return f'kanaria_mirrored_requests_total{{code="{code}",{LABELS}}}'


OMITTED = f"kanaria_mirror_omitted_total{{{LABELS}}}"


async def copies(url, code):
    """How many copies were answered with a code, once as many as there were requests are known."""
    counters = await metrics(url)
    mirror_counters = {key: n for key, n in counters.items() if key.startswith("kanaria_mirror")}
    total = sum(
        n for key, n in mirror_counters.items() if "_requests_total" in key or key == OMITTED
    )
    return counters.get(answered(code), 0.0) if total == REQUESTS else None


@pytest.mark.parametrize(
    ("shadow", "code"),
    [
        (StandIn(), 200),
        (StandIn(code=500), 500),
        (StandIn(seconds=0.05), 200),
        (StandIn(dead=True), 503),
    ],
    ids=["good", "failing", "slow", "dead"],
)
def test_whatever_a_shadow_does_the_stable_revision_answers_and_copies_are_counted_apart(
    shadow, code
):
    async def run():
        async with shadowed(shadow) as (stable, _, url):
            answers = await answer_counts(url, REQUESTS)
            counted = await until(lambda: copies(url, code))
            counters = await metrics(url)
            return stable.port, answers, counted + counters.get(OMITTED, 0.0), counters

    port, answers, counted, counters = asyncio.run(run())
    assert answers == {(200, port): REQUESTS}
    assert counted == REQUESTS
    live = {key: n for key, n in counters.items() if key.startswith("kanaria_requests_total")}
    labels = f'code="200",namespace="default",revision="{STABLE}",service="tips"'
    assert live == {f"kanaria_requests_total{{{labels}}}": REQUESTS}


def test_what_is_not_posted_is_neither_counted_nor_copied():
    """Counted, it would make the stable revision's rates lower than those of equal copies."""

    async def run():
        async with shadowed(StandIn()) as (_, _, url), aiohttp.ClientSession() as client:
            async with client.get(f"{url}/v1/models/tips/metadata") as answer:
                assert answer.headers["X-Kanaria-Revision"] == STABLE
            return await metrics(url)

    assert not [key for key in asyncio.run(run()) if "requests_total" in key]


def test_a_shadow_that_hangs_holds_a_bounded_number_of_copies_and_no_client():
    async def run():
        shadow = StandIn(hangs=True)
        async with shadowed(shadow) as (stable, _, url):
            answers = await answer_counts(url, REQUESTS)
            omitted = (await metrics(url))[OMITTED]
            return stable.port, answers, omitted, len(shadow.requests)

    port, answers, omitted, held = asyncio.run(run())
    assert answers == {(200, port): REQUESTS}
    assert (held, omitted) == (request_mirror.CONCURRENCY, REQUESTS - request_mirror.CONCURRENCY)


def test_a_shadow_that_hangs_for_too_long_is_waited_for_no_more(monkeypatch):
    monkeypatch.setattr(request_mirror, "TIMEOUT_SECONDS", 0.2)

    async def run():
        async with shadowed(StandIn(hangs=True)) as (_, _, url):
            await answer_counts(url, 5)
            return await until(lambda: timed_out(url))

    async def timed_out(url):
        return (await metrics(url)).get(answered(504), 0.0) == 5

    assert asyncio.run(run())


def test_a_copy_is_the_request_under_its_request_id():
    async def run():
        shadow = StandIn()
        async with shadowed(shadow) as (stable, _, url):
            await answer_counts(url, REQUESTS, at_once=1)
            await until(lambda: copies(url, 200))
        return shadow.requests, stable.requests

    copied, originals = asyncio.run(run())
    assert Counter(copied) == Counter(originals)
    assert len(set(copied)) == REQUESTS


@pytest.mark.parametrize("percent", [0, 30])
def test_as_many_requests_are_copied_as_asked(percent):
    async def run():
        shadow = StandIn()
        async with shadowed(shadow, percent) as (_, _, url):
            await answer_counts(url, 1000, at_once=2)
        return len(shadow.requests)

    low, high = binom.interval(0.999, 1000, percent / 100)
    assert low <= asyncio.run(run()) <= high


def test_a_service_without_a_shadow_copies_nothing():
    async def run():
        shadow = StandIn()
        async with shadowed(shadow) as (_, live, url):
            live.shadow = None
            await answer_counts(url, 20)
            live.shadow = mirrored(100)
            await answer_counts(url, 1)
        return len(shadow.requests)

    assert asyncio.run(run()) == 1


def test_both_exchanges_are_logged_under_one_request_id_and_ids_of_their_own():
    events = []

    async def take(request):
        version = "shadow" if "shadow" in request.headers["ce-annotations"] else "stable"
        half = request.headers["ce-type"].rpartition(".")[2]
        events.append((version, half, request.headers["ce-metadata"], request.headers["ce-id"]))
        return web.Response()

    def rule(port, version):
        headers, mark = ("X-Request-Id",), {"kanaria.io/model-version": version}
        return LogRule(url=f"http://127.0.0.1:{port}/", headers=headers, annotations=mark)

    async def run():
        async with serving(take) as port:
            rules = {STABLE: rule(port, "stable"), SHADOW: rule(port, "shadow")}
            async with shadowed(StandIn(), 100, **rules) as (_, _, url):
                await answer_counts(url, REQUESTS, at_once=1)
                await until(lambda: copies(url, 200))

    asyncio.run(run())
    by_kind = {kind: [e for e in events if e[:2] == kind] for kind in {e[:2] for e in events}}
    assert {kind: len(of_kind) for kind, of_kind in by_kind.items()} == {
        (version, half): REQUESTS
        for version in ("stable", "shadow")
        for half in ("request", "response")
    }
    request_ids = {frozenset(e[2] for e in of_kind) for of_kind in by_kind.values()}
    assert len(request_ids) == 1
    own = {version: {e[3] for e in events if e[0] == version} for version in ("stable", "shadow")}
    assert own["stable"] == {f"mine-{n}" for n in range(REQUESTS)}
    assert len(own["shadow"]) == REQUESTS
    assert not own["stable"] & own["shadow"]
