import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stored_events import NOW, STREAM, half, joined, label

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.databases import postgresql, sqlite
from kanaria.serving.databases.database import StoreError
from kanaria.serving.databases.postgresql_address import read_address
from kanaria.serving.payload_log.exchanges import Outcome, Verdict
from kanaria.serving.payload_log.open_store import open_reader, open_store
from kanaria.serving.payload_log.retention import Retention
from kanaria.serving.payload_log.write_groups import Counted
from kanaria.serving.protocol.payload_cloud_event import Kind


def test_request_response_and_labels_join(location):
    store = open_store(location)
    outcomes = store.apply([label(0, 1), half(Kind.RESPONSE), half(), label(1, "late")], NOW)
    assert outcomes == [Outcome.NEW] * 4
    ((stream, *_, rows, request, response, labels),) = joined(location)
    assert (stream, rows, request, response) == (STREAM, 2, b"asked", b"answered")
    assert {row: label_kept.value for row, label_kept in labels.items()} == {0: 1, 1: "late"}


def test_two_models_that_saw_one_request_share_its_label(location):
    store = open_store(location)
    store.apply([half(), half(id="b", service="shadow"), label(0, 7)], NOW)
    assert [row[-1][0].value for row in joined(location)] == [7, 7]


def test_the_later_label_of_a_row_counts_whichever_arrives_last(location):
    store = open_store(location)
    store.apply([half(), label(0, 1, NOW - 1), label(0, 5, NOW - 2)], NOW)
    ((*_, labels),) = joined(location)
    assert labels[0].value == 1


ITEMS = [
    *[half(kind, id=i, request_id=f"order-{i}") for i in "abc" for kind in Kind],
    *[half(kind, id="d", version="2", request_id="") for kind in Kind],
    half(Kind.RESPONSE, id="lonely"),
    half(id="half told", version="", request_id=""),
    half(Kind.RESPONSE, id="half told"),
    *[label(row, age, NOW - age, f"order-{i}") for i in "ab" for row in (0, 1) for age in (2, 3)],
]  # fmt: skip


@given(st.data())
def test_order_repetition_batches_and_restarts_change_nothing(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("stores")
    send_in_any_way(str(folder / "plain.db"), str(folder / "other.db"), data)


@settings(max_examples=5)
@given(st.data())
def test_they_change_nothing_in_postgresql_either(new_database, data):
    send_in_any_way(new_database(), new_database(), data)


def send_in_any_way(plain, other, data):
    open_store(plain).apply(ITEMS, NOW)
    again = data.draw(st.lists(st.sampled_from(ITEMS), max_size=8))
    sent = data.draw(st.permutations(ITEMS + again))
    cuts = data.draw(st.lists(st.integers(0, len(sent)), max_size=3).map(sorted))
    outcomes = []
    for begin, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        store = open_store(other)
        outcomes += store.apply(sent[begin:end], NOW)
        store.close()
    assert joined(other) == joined(plain)
    events = [o for o, item in zip(outcomes, sent, strict=True) if isinstance(item, Counted)]
    assert events.count(Outcome.NEW) == sum(isinstance(item, Counted) for item in ITEMS)


def test_a_failed_commit_keeps_nothing(location):
    store = open_store(location)
    with pytest.raises(StoreError):
        store.apply([half(), replace(label(), row=None)], NOW)
    assert joined(location) == []
    assert store.apply([half()], NOW) == [Outcome.NEW]


def test_the_oldest_go_and_what_could_repeat_them_is_refused(location):
    store = open_store(location, Retention(seconds=100))
    store.apply([half(time=NOW), label(0, 1, NOW)], NOW)
    store.apply([half(id="b", time=NOW + 150), label(0, 1, NOW + 150, "order-b")], NOW + 150)
    assert [row[1] for row in joined(location)] == ["b"]
    assert store.apply([half(time=NOW), label(0, 1, NOW)], NOW + 150) == [Outcome.EXPIRED] * 2


def test_a_full_store_loses_its_oldest_and_stays_of_one_size(location):
    store = open_store(location, Retention(megabytes=2))
    for number in range(200):
        big = half(id=f"{number:03}", time=NOW + number, body=bytes(100_000))
        assert store.apply([big], NOW + number) == [Outcome.NEW]
    store.close()
    ids = [row[1] for row in joined(location)]
    assert ids == [f"{number:03}" for number in range(200 - len(ids), 200)]
    assert 10 <= len(ids) <= 25
    if not location.startswith("postgresql"):
        assert Path(location).stat().st_size < 4 << 20
    store = open_store(location, Retention(megabytes=2))
    assert store.apply([half(id="000", time=NOW)], NOW + 200) == [Outcome.EXPIRED]


def test_numbers_are_never_given_twice(location):
    store = open_store(location, Retention(seconds=100))
    store.apply([half()], NOW)
    store.apply([], NOW + 500)
    store.apply([half(id="b", time=NOW + 500)], NOW + 500)
    assert [e.number for e in open_reader(location).by_number(STREAM, 0, 100)] == [2]


def test_a_place_moves_for_one_of_two_readers(location):
    first, second = open_store(location), open_store(location)
    key = ("models", "flights", "1")
    assert first.advance("drift", key, 0, 50)
    assert not second.advance("drift", key, 0, 40)
    assert second.advance("drift", key, 50, 90)
    assert first.place("drift", key) == 90


def verdict(begin=NOW, end=NOW + 60, **fields):
    usual = {"stream": STREAM, "detector": "ks", "rows": 100, "drifted": True, "document": "{}"}
    return Verdict(begin=begin, end=end, **usual | fields)


def test_a_window_is_judged_by_one_of_two_readers(location):
    first, second = (open_store(location) for _ in range(2))
    assert first.keep_verdict("drift", 0, 50, verdict(detector="first"))
    assert not second.keep_verdict("drift", 0, 50, verdict(detector="second"))
    verdicts = open_reader(location).verdicts(STREAM, NOW, NOW + 1)
    assert verdicts == [verdict(detector="first")]
    assert second.place("drift", ("models", "flights", "1")) == 50


def test_verdicts_are_found_by_stream_and_time(location):
    store = open_store(location)
    other = replace(STREAM, version="2")
    verdicts = [verdict(), verdict(NOW + 60, NOW + 120, drifted=None), verdict(stream=other)]
    for place, one in enumerate(verdicts):
        assert store.keep_verdict(f"reader {place}", 0, 1, one)
    reader = open_reader(location)
    assert reader.verdicts(STREAM, NOW, NOW + 200) == verdicts[:2]
    assert reader.verdicts(STREAM, NOW + 61, NOW + 200) == verdicts[1:2]
    assert reader.verdicts(STREAM, NOW - 9, NOW) == []
    assert reader.verdicts(None, NOW, NOW + 60) == [verdicts[0], verdicts[2]]


def test_a_verdict_goes_with_the_last_of_its_exchanges(location):
    store = open_store(location, Retention(seconds=100))
    store.apply([half(time=NOW)], NOW)
    store.apply([half(id="b", time=NOW + 90)], NOW + 90)
    assert store.keep_verdict("drift", 0, 1, verdict(NOW, NOW))
    assert store.keep_verdict("drift", 1, 2, verdict(NOW, NOW + 90))
    store.apply([], NOW + 150)
    reader = open_reader(location)
    assert reader.verdicts(STREAM, 0, NOW * 2) == [verdict(NOW, NOW + 90)]


VALUES = [0, 1, 1.0, -(2**63), 2**63 - 1, 0.1, 1e300, "", "null", "1", 'a "quote" {,}\\ \u0000 é']


def test_labels_come_back_as_they_were_sent(location):
    store = open_store(location)
    labels = [label(row, value) for row, value in enumerate(VALUES)]
    assert store.apply([half(), *labels], NOW) == [Outcome.NEW] * (len(VALUES) + 1)
    label_by_row = joined(location)[0][-1]
    assert [(type(label_by_row[row].value), label_by_row[row].value) for row in label_by_row] == [
        (type(value), value) for value in VALUES
    ]


def test_names_and_bodies_come_back_as_they_were_sent(location):
    store = open_store(location)
    names = ["null", "NULL", 'a "quote"', "{,}", "\\", "it's", " ", "é😀", ":name", "%s"]
    sent = [half(id=name, request_id=name, body=bytes(range(256))) for name in names]
    assert store.apply(sent, NOW) == [Outcome.NEW] * len(names)
    assert {(row[1], row[2], row[5]) for row in joined(location)} == {
        (name, name, bytes(range(256))) for name in names
    }


def test_a_stream_is_read_to_its_end_while_another_is_begun(location):
    store = open_store(location)
    store.apply(
        [half(id=f"{number:04}", request_id=f"order {number}") for number in range(300)], NOW
    )
    store.apply([label(0, number, request_id=f"order {number}") for number in range(300)], NOW)
    reader = open_reader(location)
    first = reader.by_number(STREAM, 0, 10**6)
    ids = [next(first).id]
    assert next(reader.by_time(STREAM, 0, NOW)).id == "0000"
    assert reader.end_by_rows(STREAM, 0, 200, 1, NOW + 60) == 100
    ids += [exchange.id for exchange in first]
    assert ids == [f"{number:04}" for number in range(300)]
    label_by_id = {e.id: e.labels[0].value for e in reader.by_number(STREAM, 100, 300)}
    assert label_by_id == {f"{number:04}": number for number in range(100, 300)}
    assert reader.coverage(STREAM, 0, NOW).labelled == 300


def test_exchanges_are_seen_in_the_order_of_their_numbers(new_database):
    """Or a reader's place would pass an exchange whose writer was slower than the next one."""
    location = new_database()
    store = open_store(location)
    slower = postgresql.PostgresqlDatabase(read_address(location), write=True)
    with slower.transaction():
        slower.execute(
            "INSERT INTO exchanges"
            " (namespace, service, component, id, version, request_id, time, received)"
            " VALUES ('models', 'flights', 'predictor', 'slower', '1', '', :now, :now)",
            now=NOW,
        )
        writing = threading.Thread(target=store.apply, args=([half(id="next", time=NOW)], NOW))
        writing.start()
        writing.join(0.5)
        assert joined(location) == []
    writing.join()
    exchanges = open_reader(location).by_number(STREAM, 0, 10**6)
    assert [exchange.id for exchange in exchanges] == ["slower", "next"]


def test_a_replica_that_stands_still_loses_its_turn(new_database, monkeypatch):
    location = new_database()
    store = open_store(location)
    monkeypatch.setitem(postgresql.WRITING, "idle_in_transaction_session_timeout", "1s")
    still = postgresql.PostgresqlDatabase(read_address(location), write=True)
    with pytest.raises(StoreError), still.transaction():
        still.execute("UPDATE store SET horizon = :late", late=NOW * 2)
        assert store.apply([half()], NOW) == [Outcome.NEW]


def test_the_log_of_a_file_begins_anew_though_commits_never_pause(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "LOG_PAGES", 100)
    path = tmp_path / "events.db"
    store, done = open_store(str(path)), threading.Event()

    def checkpoint():
        while not done.is_set():
            store.checkpoint()

    checkpoints = threading.Thread(target=checkpoint)
    checkpoints.start()
    for number in range(300):
        store.apply([half(id=str(number), body=bytes(40_000))], NOW)
    done.set()
    checkpoints.join()
    assert len(joined(str(path))) == 300
    assert path.with_name("events.db-wal").stat().st_size < 12 << 20


def test_another_file_is_not_taken_for_a_store(tmp_path):
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE things (name)")
    other.close()
    with pytest.raises(ParameterError, match=r"other.db: a store of format 0"):
        open_store(str(tmp_path / "other.db"))
    (tmp_path / "text.db").write_text("no database, but long enough to be looked at" * 10)
    with pytest.raises(StoreError, match="not a database"):
        open_store(str(tmp_path / "text.db"))


def test_stores_that_are_opened_at_once_make_one_schema(new_database):
    location = new_database()
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(open_store, [location] * 4))
    for number, store in enumerate(stores):
        store.apply([half(id=str(number))], NOW)
    assert len(joined(location)) == 4


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(
        ParameterError, match=r"none\.sqlite: there is no such file; kanaria drift serve"
    ):
        open_reader(str(tmp_path / "none.sqlite"))
