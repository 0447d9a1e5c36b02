"""What became of each event is kept, in a file and in a real PostgreSQL alike."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kanaria.components.shared.artifacts.document_format import NewerFormatError
from kanaria.components.shared.errors import NotReadyError, ParameterError
from kanaria.serving.databases.database import StoreError
from kanaria.serving.payload_log.open_store import open_store as open_payload_store
from kanaria.serving.triggers.decision import Reason
from kanaria.serving.triggers.events.event import Event, Kind, Source
from kanaria.serving.triggers.leadership import leadership
from kanaria.serving.triggers.trigger_database import open_database
from kanaria.serving.triggers.trigger_records import Delivery
from kanaria.serving.triggers.trigger_states import TriggerState
from kanaria.serving.triggers.trigger_store import open_reader, open_store

EVENT = Event(source=Source.S3, kind=Kind.OBJECT, key="k", what="object s3://a/b was created")


def test_an_event_is_kept_once_for_each_trigger_and_its_deliveries_are_counted(location: str):
    with closing(open_store(location)) as store:
        assert store.keep("a", EVENT, 1.0) is Delivery.NEW
        assert store.keep("a", EVENT, 2.0) is Delivery.REPEATED
        assert store.keep("b", EVENT, 3.0) is Delivery.NEW
    with closing(open_reader(location)) as store:
        first, second = store.newest(10)
    assert (first.name, first.deliveries, first.received, first.delivered) == ("a", 2, 1.0, 2.0)
    assert (second.name, second.state, second.what) == ("b", TriggerState.ACCEPTED, EVENT.what)


def test_a_state_changes_only_from_the_one_that_was_seen(location: str):
    with closing(open_store(location)) as store:
        store.keep("a", EVENT, 1.0)
        (one,) = store.open()
        assert store.move(one, TriggerState.STARTING, run_name="a-1", pipeline="retrain")
        assert not store.move(one, TriggerState.REFUSED, reason="cool_down")
        (one,) = store.under_way()
        assert (one.state, one.run_name) == (TriggerState.STARTING, "a-1")
        with pytest.raises(ValueError, match="may not follow"):
            store.move(one, TriggerState.SUCCEEDED)


def test_what_was_refused_is_decided_anew_only_where_its_sender_says_that_it_holds(location: str):
    with closing(open_store(location)) as store:
        for repeats, again in ((False, Delivery.REPEATED), (True, Delivery.HOLDS)):
            event = replace(EVENT, key=f"k{repeats}", repeats=repeats)
            store.keep("a", event, 1.0)
            store.move(store.open()[-1], TriggerState.REFUSED, reason=Reason.COOL_DOWN.value)
            assert store.keep("a", event, 2.0) is again
        (one,) = store.open()
        assert one.key == "kTrue"
        store.move(one, TriggerState.STARTING)
        assert store.keep("a", event, 3.0) is Delivery.REPEATED


def test_runs_are_counted_by_trigger_and_those_that_failed_are_no_training(location: str):
    with closing(open_store(location)) as store:
        for number, end in enumerate((TriggerState.SUCCEEDED, TriggerState.FAILED)):
            store.keep("a", replace(EVENT, key=str(number)), 1.0)
            store.move(store.open()[0], TriggerState.STARTING)
            store.move(store.under_way()[0], TriggerState.RUNNING, started=100.0 + number)
            store.move(store.under_way()[0], end, ended=200.0)
        starts = store.starts("a", 101.0)
        assert (starts.last, starts.last_good, starts.since) == (101.0, 100.0, 1)
        assert store.starts("b", 0.0).last is None


def test_what_is_over_and_old_is_forgotten_but_the_newest_run(location: str):
    with closing(open_store(location)) as store:
        for number in range(3):
            store.keep("a", replace(EVENT, key=str(number)), float(number))
            if number < 2:
                store.move(store.open()[0], TriggerState.STARTING)
                store.move(store.under_way()[0], TriggerState.RUNNING, started=float(number))
                store.move(store.under_way()[0], TriggerState.SUCCEEDED)
        store.forget(10.0)
        assert [(one.key, one.state) for one in store.newest(10)] == [
            ("1", TriggerState.SUCCEEDED),
            ("2", TriggerState.ACCEPTED),
        ]


def test_a_store_beside_the_drift_servers_in_one_database_leaves_that_alone(new_database):
    location = new_database()
    with closing(open_payload_store(location)), closing(open_store(location)) as store:
        assert store.keep("a", EVENT, 1.0) is Delivery.NEW
    with closing(open_payload_store(location)):
        pass


def test_a_file_that_is_no_store_of_triggers_is_refused(tmp_path: Path):
    other = str(tmp_path / "events.db")
    open_payload_store(other).close()
    with pytest.raises(ParameterError, match="no trigger server made it"):
        open_store(other)
    with pytest.raises(ParameterError, match="there is no such file"):
        open_reader(str(tmp_path / "absent"))


def test_a_store_of_a_newer_program_is_left_as_it_is(location: str):
    open_store(location).close()
    with closing(open_database(location, write=True)) as database:
        database.execute("UPDATE trigger_store SET version = 99")
    with pytest.raises(NewerFormatError, match="format 99"):
        open_store(location)


def test_one_server_of_several_leads_until_its_connection_ends(new_database):
    location = new_database()
    open_store(location).close()
    first, second = leadership(location), leadership(location)
    assert (first(), second(), first()) == (True, False, True)
    with closing(open_database(location, write=True)) as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        )
    while not second():  # The server ends a connection a moment after it is told to.
        time.sleep(0.05)
    with pytest.raises(StoreError):
        first()
    assert (second(), first()) == (True, False)


def test_a_second_server_on_one_file_is_told_so(tmp_path: Path):
    location = str(tmp_path / "triggers.sqlite")
    leads = leadership(location)
    assert leads()
    with pytest.raises(NotReadyError, match="another trigger server uses it"):
        leadership(location)


def test_deliveries_at_the_same_moment_are_one_event_and_other_events_are_kept(location: str):
    with closing(open_store(location)) as one, closing(open_store(location)) as other:
        events = [(store, key) for key in ("a", "b") for store in (one, other) * 4]
        with ThreadPoolExecutor(8) as pool:
            deliveries = list(
                pool.map(lambda at: at[0].keep("t", replace(EVENT, key=at[1]), 1.0), events)
            )
        assert deliveries.count(Delivery.NEW) == 2
        assert sorted((row.key, row.deliveries) for row in one.newest(10)) == [("a", 8), ("b", 8)]
