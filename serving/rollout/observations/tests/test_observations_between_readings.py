from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from kanaria.serving.rollout.observations.between_readings import Memory, observation
from kanaria.serving.rollout.observations.interval_observation import Counts
from kanaria.serving.rollout.observations.observation_source import Container, Reading
from kanaria.serving.rollout.observations.replica_counters import Replica
from kanaria.serving.traffic.traffic_protocol import LoadFailure, RevisionTraffic, ServiceStatus

STABLE, CANARY = "flights-predictor-00001", "flights-predictor-00002"
MEMORY = TypeAdapter(Memory)


def status(*, ready=CANARY, newest=CANARY, stable=STABLE, percent=10, failure=None):
    shares = (
        RevisionTraffic(revision=CANARY, percent=percent),
        RevisionTraffic(revision=STABLE, percent=100 - percent),
    )
    return ServiceStatus(
        storage_uri="s3://models/2",
        canary_percent=percent,
        latest_created=newest,
        latest_ready=ready,
        rolled_out=stable,
        traffic=shares,
        failure=failure,
    )


def replica(requests, name="a", errors=0, started=None):
    return Replica(name=name, requests=requests, errors=errors, started=started)


def container(restarts=0, oom_kills=0, name="pod/server"):
    return Container(name=name, restarts=restarts, oom_kills=oom_kills)


def observed(*readings, of_service=None):
    """The observation after each reading; the memory goes through JSON, as in the record."""
    memory, intervals = Memory(), []
    for number, reading in enumerate(readings):
        memory = MEMORY.validate_json(MEMORY.dump_json(memory))
        memory, one = observation(
            memory, reading, interval=number, status=of_service or status(), canary=CANARY
        )
        intervals.append(one)
    return intervals


def seen_with(of_service, canary=CANARY):
    return observation(Memory(), Reading(now=60.0), interval=1, status=of_service, canary=canary)[1]


def minute(number, **fields):
    return Reading(now=60.0 * number, **fields)


def restarts(*samples):
    intervals = observed(*(minute(n, containers=sample) for n, sample in enumerate(samples)))
    return [(one.facts.restarts, one.facts.oom_kills) for one in intervals]


def test_both_revisions_count_what_they_added_since_the_last_reading():
    one = minute(1, canary=(replica(100),), stable=(replica(900),))
    two = minute(2, canary=(replica(110, errors=3),), stable=(replica(990),))
    assert observed(one, two)[1].canary == Counts(requests=10, errors=3)
    assert observed(one, two)[1].stable == Counts(requests=90, errors=0)


def test_no_answer_is_no_data_and_no_replicas_is_no_requests():
    one, gap, none = minute(1, canary=(replica(7),)), minute(2), minute(3, canary=())
    intervals = observed(one, gap, none)
    assert intervals[1].canary is None
    assert intervals[2].canary == Counts(requests=0, errors=0)


def test_an_interval_without_an_answer_is_made_up_for_by_the_next():
    intervals = observed(
        minute(1, canary=(replica(7),)), minute(2), minute(3, canary=(replica(12, errors=1),))
    )
    assert intervals[2].canary == Counts(requests=5, errors=1)


def test_a_replica_that_began_when_not_every_one_was_sampled_counts_whole():
    """It served before the last reading, but nobody had sampled it."""
    before = minute(1, canary=(replica(100),), sampled=45.0)
    new = replica(30, name="b", started=50.0)
    assert observed(before, minute(2, canary=(new,), sampled=105.0))[1].canary.requests == 30


def test_a_replica_that_began_when_every_one_was_sampled_counts_from_now():
    before = minute(1, canary=(replica(100),), sampled=45.0)
    old = replica(5000, name="b", started=40.0)
    assert observed(before, minute(2, canary=(old,), sampled=105.0))[1].canary.requests == 0


def test_containers_count_the_restarts_since_the_last_reading():
    assert restarts((container(3),), (container(5),), (container(5),)) == [(0, 0), (2, 0), (0, 0)]


def test_the_containers_of_a_new_pod_count_from_zero():
    assert restarts((), (container(2, 1),)) == [(0, 0), (2, 1)]


def test_a_pod_that_was_missing_is_remembered():
    assert restarts((container(2),), (), (container(2),)) == [(0, 0)] * 3


def test_restarts_that_nobody_told_of_are_made_up_for():
    assert restarts((container(2),), None, (container(4),)) == [(0, 0), (0, 0), (2, 0)]


def test_a_container_that_was_made_anew_under_its_name_counts_from_zero():
    assert restarts((container(4),), (container(1),)) == [(0, 0), (1, 0)]
    assert restarts((container(4),), (container(0),), (container(5),))[2] == (5, 0)


def test_containers_that_never_ended_are_not_kept():
    reading = minute(1, containers=(container(0, name="a"), container(1, name="b")))
    memory, _ = observation(Memory(), reading, interval=1, status=None, canary=CANARY)
    assert set(memory.containers) == {"b"}


def test_the_canary_is_ready_when_the_newest_ready_revision_is_it():
    assert seen_with(status(ready=CANARY)).facts.ready is True


def test_the_canary_is_not_ready_while_it_is_the_newest_and_another_is_the_newest_ready():
    assert seen_with(status(ready=STABLE)).facts.ready is False


def test_a_promoted_canary_is_ready_while_a_newer_revision_loads():
    promoted = status(ready=STABLE, newest="flights-predictor-00003", stable=CANARY)
    assert seen_with(promoted).facts.ready is True


def test_of_an_overtaken_canary_nothing_is_known():
    newer = "flights-predictor-00003"
    assert seen_with(status(ready=newer, newest=newer)).facts.ready is None


def test_without_a_status_nothing_is_known():
    intervals = seen_with(None)
    assert (intervals.facts.ready, intervals.facts.failure, intervals.percent) == (None, "", None)


def test_a_model_that_does_not_load_is_a_failure_and_not_ready():
    failure = LoadFailure(reason="ModelLoadFailed", message="no graph")
    facts = seen_with(status(failure=failure)).facts
    assert (facts.ready, facts.failure) == (False, "ModelLoadFailed: no graph")


def test_the_failure_of_a_newer_revision_is_not_the_canarys():
    failure = LoadFailure(reason="ModelLoadFailed", message="no graph")
    assert seen_with(status(newest="flights-predictor-00003", failure=failure)).facts.failure == ""


def test_the_share_is_the_one_that_is_really_set():
    assert seen_with(status(percent=25)).percent == 25


def test_no_share_is_known_while_nothing_is_routed():
    unrouted = ServiceStatus(storage_uri="s3://models/2", canary_percent=10, latest_created=CANARY)
    assert seen_with(unrouted).percent is None


events = st.lists(st.integers(0, 3), min_size=1, max_size=20)


@given(events, st.data())
def test_every_restart_is_counted_once_over_any_gaps(happened, data):
    totals = [sum(happened[: number + 1]) for number in range(len(happened))]
    last = len(totals) - 1
    samples = [
        (container(total),)
        if number in (0, last)
        else data.draw(st.sampled_from([(container(total),), (), None]))
        for number, total in enumerate(totals)
    ]
    assert sum(count for count, _ in restarts(*samples)) == sum(happened[1:])


processes = st.lists(
    st.tuples(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.integers(1, 3)),
    min_size=1,
    max_size=4,
)


@given(processes, st.data())
def test_requests_are_counted_once_through_restarts_and_readings_without_an_answer(lives, data):
    """One replica lives several lives; each is read at its end, and now and then before."""
    readings, now, sent = [minute(0, canary=())], 0, 0
    for served, pause in lives:
        total, started = 0, 60.0 * now + 1
        for number, requests in enumerate(served):
            now, total, sent = now + pause, total + requests, sent + requests
            is_read = number == len(served) - 1 or data.draw(st.booleans())
            replicas_read = (replica(total, started=started),) if is_read else None
            readings.append(minute(now, canary=replicas_read))
    counted = [one.canary.requests for one in observed(*readings) if one.canary is not None]
    assert sum(counted) == sent
