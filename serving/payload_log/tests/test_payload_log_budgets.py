"""Who gives up room in a full store."""

import logging
from dataclasses import replace

import pytest
from stored_events import EVENT, NOW, half, joined, label

from kanaria.serving.payload_log import sql_schema
from kanaria.serving.payload_log.exchanges import Outcome, Stream, Verdict
from kanaria.serving.payload_log.open_store import _open, open_reader, open_store
from kanaria.serving.payload_log.retention import (
    LABELS,
    MOST_SERVICES,
    Retention,
    Room,
    crowded,
    events_loss,
    labels_loss,
)

A, B, C = ("models", "a"), ("models", "b"), ("other", "c")
WATCHED = frozenset({("models", "flights")})


def rooms(**sizes):
    names = {"a": A, "b": B, "c": C, "labels": LABELS}
    return {names[name]: Room(bytes=size, horizon=0) for name, size in sizes.items()}


@pytest.mark.parametrize(
    ("sizes", "watched", "loser"),
    [
        ({"a": 400, "b": 400}, set(), None),
        ({"a": 500, "b": 450}, set(), A),
        ({"a": 500, "b": 450}, {A}, A),  # More than its half, while the others have less.
        ({"a": 440, "b": 470}, {A}, B),
        ({"a": 440, "b": 240, "c": 230}, {A}, B),  # The others share one half.
        ({"a": 500, "b": 240, "c": 230}, {A}, A),
        ({"a": 310, "b": 310, "c": 290}, {A, B}, B),
        ({"a": 910}, {A}, A),
        ({"a": 890, "labels": 5000}, {A}, None),  # Labels cost no event.
    ],
)
def test_who_has_most_above_its_share_loses(sizes, watched, loser):
    loss = events_loss(rooms(**sizes), frozenset(watched), 1000)
    assert (loss and loss.service) == loser


def test_labels_lose_what_is_beyond_their_tenth():
    assert labels_loss(rooms(a=9000, labels=100), 1000) is None
    assert labels_loss(rooms(labels=150), 1000).bytes == 50


def test_new_services_are_too_many_unless_they_are_watched():
    many = {("n", str(n)): Room(bytes=1, horizon=0) for n in range(MOST_SERVICES - 1)}
    assert crowded(many, frozenset({B}), {A, B, C, ("n", "1")}) == {C}


def test_a_flood_of_another_service_costs_a_watched_one_nothing(location):
    store = open_store(location, Retention(megabytes=10, watched=WATCHED))
    ours = [half(id=f"{n:02}", time=NOW + n / 100, body=bytes(50_000)) for n in range(60)]
    assert store.apply(ours, NOW) == [Outcome.NEW] * 60
    for second in range(1, 60):
        flood = [
            half(id=f"{second}-{n}", service=f"s{n % 3}", time=NOW + second, body=bytes(50_000))
            for n in range(20)
        ]
        store.apply(flood, NOW + second)
    rows = [row for row in joined(location) if row[0].service == "flights"]
    assert [row[1] for row in rows] == [one.event.id for one in ours]
    late = half(
        id="late", time=NOW - 1, body=b"late"
    )  # Others' losses make none of its events old.
    assert store.apply([late, *ours[:1]], NOW + 61) == [Outcome.NEW, Outcome.REPEATED]
    assert sum(store.dropped.values()) > 900
    assert set(store.dropped) == {("models", f"s{n}") for n in range(3)}


def test_a_flood_of_labels_costs_no_event(location, caplog):
    store = open_store(location, Retention(megabytes=10))
    store.apply([half(id=str(n), body=bytes(50_000)) for n in range(100)], NOW)
    with caplog.at_level(logging.WARNING):
        for second in range(1, 30):
            flood = [label(0, second, NOW, f"{'x' * 100}{second}-{n}") for n in range(1000)]
            assert store.apply(flood, NOW + second) == [Outcome.NEW] * 1000
    assert len(joined(location)) == 100
    assert store.rooms[LABELS].bytes < 1.5 * 2**20
    assert store.dropped[LABELS] > 15_000
    assert [record.message.count("labels") for record in caplog.records] == [1]
    newest = f"{'x' * 100}29-999"
    assert open_reader(location).labels({newest}) != {}


def test_what_is_counted_is_what_there_is(location):
    store = open_store(location, Retention(seconds=100))
    sent = [
        half(id=i, body=bytes(10 * n), service=s) for n, (i, s) in enumerate(["au", "bu", "cv"])
    ]
    labels = [label(0, "long", NOW - 5, "order-a"), label(0, 1, NOW, "order-b")]
    store.apply([*sent, *sent, *labels], NOW)
    store.apply([label(0, "much longer", NOW, "order-a"), half(id="a", service="u")], NOW + 1)
    beside = sql_schema.BESIDE_BODY
    expected = {("models", "u"): 2 * beside + 10, ("models", "v"): beside + 20}
    expected[LABELS] = 2 * (sql_schema.BESIDE_LABEL + 2 * len("order-a")) + len('"much longer"') + 1
    store.apply([], NOW + 2)
    assert {service: one.bytes for service, one in store.rooms.items()} == expected
    store.apply([], NOW + 200)
    store.apply([], NOW + 400)
    assert {service: one.bytes for service, one in store.rooms.items()} == {LABELS: 0}


def test_a_service_beyond_the_most_is_refused_and_the_others_are_taken(location):
    store = open_store(location)
    for begin in range(0, MOST_SERVICES, 100):
        many = [half(id=str(n), service=f"s{n}") for n in range(begin, begin + 100)]
        assert store.apply(many, NOW) == [Outcome.NEW] * 100
    again = [half(id="new", service="one more"), half(id="x", service="s1")]
    assert store.apply(again, NOW) == [Outcome.REFUSED, Outcome.NEW]
    store = open_store(location, Retention(watched=frozenset({("models", "one more")})))
    assert store.apply(again[:1], NOW) == [Outcome.NEW]


def test_a_store_of_version_2_is_read_on_with_all_that_is_in_it(location):
    store = open_store(location)
    store.apply([half(), half(id="b", service="shadow"), label(0, 7)], NOW)
    before, sizes = joined(location), dict(open_store(location).rooms)
    database = _open(location, write=True)
    with database.transaction():
        for statement in undone(location):
            database.execute(statement)
    database.close()
    store = open_store(location)
    assert joined(location) == before
    store.apply([], NOW + 1)
    assert sizes == {}
    assert {service: one.bytes for service, one in store.rooms.items()} == {
        LABELS: sql_schema.BESIDE_LABEL + 2 * len("order-a") + 1,
        ("models", "flights"): sql_schema.BESIDE_BODY + len(EVENT.body),
        ("models", "shadow"): sql_schema.BESIDE_BODY + len(EVENT.body),
    }
    assert store.apply([replace(half(), rows=2)], NOW + 2) == [Outcome.REPEATED]


def test_a_store_of_version_3_learns_what_streams_remember(location):
    open_store(location).apply([half()], NOW)
    database = _open(location, write=True)
    with database.transaction():
        database.execute("DROP TABLE memories")
        database.execute("UPDATE store SET version = 3")
    database.close()
    store, key = open_store(location), ("models", "flights", "1")
    assert store.memory("drift", key) is None
    stream = Stream(namespace="models", service="flights", version="1")
    verdict = Verdict(
        stream=stream, detector="drift", begin=1.0, end=2.0, rows=1, drifted=None, document="{}"
    )
    assert store.keep_verdict("drift", 0, 1, verdict, b"\x00first")
    assert not store.keep_verdict("drift", 0, 1, verdict, b"of another process")
    assert open_store(location).memory("drift", key) == b"\x00first"
    assert store.keep_verdict("drift", 1, 2, verdict)
    assert store.memory("drift", key) == b"\x00first"
    assert store.keep_verdict("drift", 2, 3, verdict, b"second")
    assert store.memory("drift", key) == b"second"


def undone(location):
    """What makes a store one of version 2 again."""
    yield "UPDATE store SET version = 2"
    yield "DROP TABLE memories"
    yield "DROP INDEX by_service"
    if not location.startswith("postgresql"):
        for name in ("body_added", "body_removed", "label_added", "label_changed", "label_removed"):
            yield f"DROP TRIGGER {name}"
        yield "DROP TABLE kept"
        return
    for name, table in [("added", "bodies"), ("removed", "bodies")]:
        yield f"DROP TRIGGER {name} ON {table}"
    for name in ("added", "removed", "changed"):
        yield f"DROP TRIGGER {name} ON labels"
    for name in ("count_bodies", "count_labels", "count_changed_labels"):
        yield f"DROP FUNCTION {name}"
    yield "DROP TABLE kept"
    yield "CREATE TABLE kept (bytes BIGINT NOT NULL)"
    yield (
        "CREATE FUNCTION count_kept() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN NULL; END $$"
    )
    for name, event in (("added", "INSERT"), ("removed", "DELETE")):
        yield (
            f"CREATE TRIGGER {name} AFTER {event} ON bodies"
            " FOR EACH STATEMENT EXECUTE FUNCTION count_kept()"
        )
