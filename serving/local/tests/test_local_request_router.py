import asyncio
import random

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import Live, routed

from kanaria.serving.inference_service.revision_traffic import RevisionTraffic
from kanaria.serving.local.predictor.predictor_runner import back_off
from kanaria.serving.local.router.service_calls import names
from kanaria.serving.local.router.weighted_choice import choose
from kanaria.serving.local.state.state_folder import last_line


def shares(percent):
    return (
        RevisionTraffic(revision="canary", percent=percent),
        RevisionTraffic(revision="stable", percent=100 - percent),
    )


@given(st.integers(0, 100), st.floats(0, 1, exclude_max=True))
def test_a_draw_below_the_percentage_is_the_canarys(percent, draw):
    assert choose(shares(percent), draw) == ("canary" if draw * 100 < percent else "stable")


def test_the_same_seed_chooses_the_same():
    first, second = ([random.Random(7).random() for _ in range(9)] for _ in range(2))
    assert [choose(shares(50), d) for d in first] == [choose(shares(50), d) for d in second]


def test_without_shares_nobody_is_chosen():
    assert choose((), 0.5) == ""


@pytest.mark.parametrize(
    "host",
    ["shop.team", "shop.team.example.com", "Shop.TEAM:8080", "shop.team.", "shop.team.svc.:80"],
)
def test_a_host_names_a_service_by_its_first_labels(host):
    assert names(host, "shop", "team")


@pytest.mark.parametrize(
    "host",
    [
        "shop.teams",
        "shop.evil.com",
        "shopx.team",
        "xshop.team",
        "shop-team",
        "team.shop",
        "shop",
        "",
        "127.0.0.1:8080",
        "[::1]:8080",
        "[fe80::1%25shop.team]",
        ".shop.team",
        "shop..team",
    ],
)
def test_a_host_that_only_looks_alike_names_no_service(host):
    assert not names(host, "shop", "team")


def test_back_off_doubles_up_to_half_a_minute():
    assert [back_off(deaths) for deaths in (1, 2, 3, 5, 6, 1000)] == [1, 2, 4, 16, 30, 30]


def test_the_cause_is_the_last_line_that_says_something(tmp_path):
    log = tmp_path / "log"
    log.write_text("old\n" + "x" * 100_000 + "\nOSError: no graph\n\n")
    assert last_line(log) == "OSError: no graph"
    assert last_line(log, start=log.stat().st_size) == ""
    assert last_line(tmp_path / "none") == ""


def test_whoever_asks_is_told_what_is_wrong_with_a_service():
    async def whole():
        fault = "manifest.yaml: canaryTrafficPercent='20%': write an integer"
        async with routed(Live(ports={}, shares=(), fault=fault)) as url, httpx.AsyncClient() as to:
            answer = await to.post(f"{url}/v1/models/tips:predict", json={})
            assert (answer.status_code, fault in answer.json()["error"]) == (503, True)
            metadata = (await to.get(f"{url}/v1/models/tips")).json()
            assert metadata == {"name": "tips", "ready": False, "fault": fault}
            assert (await to.get(url)).json()["services"][0]["fault"] == fault

    asyncio.run(whole())
