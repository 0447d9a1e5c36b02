"""Trails in ConfigMaps of a cluster in memory: pages, writers in between, and a hand on them."""

from dataclasses import replace

import pytest
from paper_cluster import PaperCluster, nothing

from kanaria.components.shared.errors import DataError
from kanaria.serving.audit import trail_config_maps
from kanaria.serving.audit.chain import Chain
from kanaria.serving.audit.entry import Entry
from kanaria.serving.audit.trail_config_maps import ConfigMapTrails, head
from kanaria.serving.kubernetes_api.resource_kinds import CONFIG_MAPS

NAMES = ("team", "tips")
ENTRY = Entry(when=1.0, who="kim", what="push", about="s3://b/tips/1/model")


@pytest.fixture
def cluster() -> PaperCluster:
    return PaperCluster()


@pytest.fixture
def trails(cluster: PaperCluster, monkeypatch: pytest.MonkeyPatch) -> ConfigMapTrails:
    monkeypatch.setattr(trail_config_maps, "PAGE_BYTES", 500)
    return ConfigMapTrails(cluster)


def added(trails: ConfigMapTrails, *who: str) -> Chain:
    return trails.append(*NAMES, lambda _: [replace(ENTRY, who=each) for each in who])


def names(chain: Chain) -> list[str]:
    return [entry.who for entry in chain.entries]


def test_a_trail_goes_on_over_pages_that_nothing_owns(trails, cluster):
    assert trails.read(*NAMES) == Chain()
    writers = [f"writer {number}" for number in range(12)]
    for who in writers:
        added(trails, who)
    chain = trails.read(*NAMES)
    assert names(chain) == writers
    assert not chain.faults
    page = cluster.get(CONFIG_MAPS, "team", f"{head('tips')}-1")
    assert page["immutable"]
    assert "ownerReferences" not in page["metadata"]


def test_a_writer_in_between_is_followed(trails, cluster):
    added(trails, "kim")

    def interrupt() -> None:
        cluster.between = nothing
        added(ConfigMapTrails(cluster), "lee")

    cluster.between = interrupt
    assert names(added(trails, "ann")) == ["kim", "lee", "ann"]
    assert not trails.read(*NAMES).faults


def test_two_writers_of_the_first_entry_both_get_in(trails, cluster):
    def interrupt() -> None:
        cluster.between = nothing
        added(ConfigMapTrails(cluster), "lee")

    cluster.between = interrupt
    assert names(added(trails, "ann")) == ["lee", "ann"]


class Death(BaseException):
    pass


def test_a_writer_that_died_after_it_made_a_page_leaves_the_trail_whole(trails, cluster):
    added(trails, *["kim"] * 3)  # More than a page holds.
    writes: list[str] = []

    def die() -> None:
        writes.append("write")
        if len(writes) == 2:
            raise Death

    cluster.between = die
    with pytest.raises(Death):
        added(trails, "lee")
    cluster.between = nothing
    assert cluster.get(CONFIG_MAPS, "team", f"{head('tips')}-0") is not None
    assert names(trails.read(*NAMES)) == ["kim"] * 3
    assert names(added(trails, "lee")) == ["kim"] * 3 + ["lee"]


@pytest.mark.parametrize("part", ["page", "head"])
def test_what_a_hand_took_away_is_noticed(trails, cluster, part: str):
    for number in range(12):
        added(trails, f"writer {number}")
    name = head("tips") if part == "head" else f"{head('tips')}-0"
    if part == "page":
        cluster.delete(CONFIG_MAPS, "team", name)
    else:
        config_map = cluster.get(CONFIG_MAPS, "team", name)
        config_map["data"]["pages"] = "1"
        cluster.apply(CONFIG_MAPS, "team", config_map)
    assert trails.read(*NAMES).faults
    with pytest.raises(DataError, match="the audit trail is damaged"):
        added(trails, "kim")
