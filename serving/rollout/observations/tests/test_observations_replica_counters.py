from hypothesis import given
from hypothesis import strategies as st

from kanaria.serving.rollout.observations.interval_observation import Counts
from kanaria.serving.rollout.observations.replica_counters import (
    KEPT_SECONDS,
    Memory,
    Replica,
    advance,
)


def replica(name="a", requests=0, errors=0, slow=None, started=None):
    slower = None if slow is None else ((0.1, slow),)
    return Replica(name=name, requests=requests, errors=errors, slower=slower, started=started)


def sampled(*samples):
    """What each sample added."""
    memory, intervals = Memory(), []
    for number, replicas in enumerate(samples):
        memory, counts = advance(memory, replicas, 60.0 * number)
        intervals.append(counts)
    return intervals


def test_the_first_sample_says_nothing():
    assert sampled([replica(requests=900)]) == [None]


def test_a_counter_counts_its_difference():
    intervals = sampled([replica(requests=900, errors=9)], [replica(requests=960, errors=11)])
    assert intervals[1] == Counts(requests=60, errors=2)


def test_a_restarted_replica_counts_from_zero():
    intervals = sampled([replica(requests=900, errors=9)], [replica(requests=7, errors=1)])
    assert intervals[1] == Counts(requests=7, errors=1)


def test_a_restart_is_seen_by_its_start_when_the_counter_has_overtaken_its_old_value():
    before, after = replica(requests=5, started=0.0), replica(requests=8, started=30.0)
    assert sampled([before], [after])[1] == Counts(requests=8, errors=0)


def test_a_start_that_a_clock_moved_is_no_restart():
    before, after = replica(requests=900, started=30.0), replica(requests=908, started=31.0)
    assert sampled([before], [after])[1] == Counts(requests=8, errors=0)


def test_a_gap_is_made_up_for():
    intervals = sampled([replica(requests=900)], [], [replica(requests=1020)])
    assert [intervals[1].requests, intervals[2].requests] == [0, 120]


def test_a_new_replica_counts_whole():
    intervals = sampled([replica("a", 900)], [replica("a", 960), replica("b", 30)])
    assert intervals[1].requests == 90


def test_a_replica_that_was_only_not_sampled_before_counts_from_now():
    old = [replica("b", 5000, started=-99.0)], [replica("b", 5010, started=-99.0)]
    assert [counts.requests for counts in sampled([], *old)[1:]] == [0, 10]


def test_a_replica_that_goes_counts_nothing():
    intervals = sampled([replica("a", 900), replica("b", 900)], [replica("a", 960)])
    assert intervals[1].requests == 60


def test_a_replica_that_is_missing_for_long_is_forgotten():
    memory, _ = advance(Memory(), [replica("gone", 9), replica("here", 9)], 0.0)
    for now in (60.0, KEPT_SECONDS + 59):
        memory, _ = advance(memory, [replica("here", 9)], now)
        assert set(memory.replicas) == {"gone", "here"}
    memory, _ = advance(memory, [replica("here", 9)], KEPT_SECONDS + 60)
    assert (set(memory.replicas), memory.missing) == ({"here"}, {})


def test_a_silence_forgets_nobody():
    memory, _ = advance(Memory(), [replica(requests=9)], 0.0)
    _, counts = advance(memory, [replica(requests=30)], 10 * KEPT_SECONDS)
    assert counts.requests == 21


def test_latency_counts_by_bound():
    intervals = sampled([replica(requests=900, slow=45)], [replica(requests=960, slow=48)])
    assert intervals[1].slower == ((0.1, 3),)


def test_latency_is_unknown_where_one_replica_does_not_measure_it():
    one, other = replica("a", 10, slow=1), replica("b", 10)
    assert sampled([], [one, other])[1].slower is None


def test_a_histogram_read_a_moment_later_never_exceeds_the_requests():
    intervals = sampled([replica(requests=0, slow=0)], [replica(requests=10, slow=11)])
    assert intervals[1].slower == ((0.1, 10),)


def counting(*totals):
    """Replicas of one name with (requests, refused), sample by sample."""
    return [[Replica(name="a", requests=r, errors=0, refused=refused)] for r, refused in totals]


def test_refusals_count_their_difference_and_from_zero_after_a_restart():
    intervals = sampled(*counting((900, 90), (960, 99), (990, 4)))
    assert [counts.refused for counts in intervals[1:]] == [9, 4]


def test_refusals_that_were_not_told_before_are_unknown_and_known_from_then_on():
    intervals = sampled(*counting((900, None), (960, 99), (990, 103)))
    assert [counts.refused for counts in intervals[1:]] == [None, 4]


def test_refusals_of_which_one_replica_does_not_tell_are_unknown():
    one, other = Replica(name="a", requests=9, errors=0, refused=1), replica("b", 9)
    assert sampled([], [one, other])[1].refused is None
    assert sampled([], [one, replica("b", 0)])[1].refused == 1


def test_a_count_of_slow_answers_that_fell_is_unknown_and_not_none_slow():
    def at(requests, *slow):
        bounds = zip((0.1, 0.5), slow, strict=True)
        return [Replica(name="a", requests=requests, errors=0, slower=tuple(bounds))]

    assert sampled(at(900, 45, 9), at(960, 7, 9))[1].slower == ((0.5, 0),)
    assert sampled(at(900, 45, 9), at(960, 7, 8))[1].slower is None


def test_a_bound_that_is_new_does_not_count_the_past():
    before = Replica(name="a", requests=900, errors=0, slower=((0.1, 45.0),))
    after = Replica(name="a", requests=960, errors=0, slower=((0.1, 48.0), (0.2, 40.0)))
    assert sampled([before], [after])[1].slower == ((0.1, 3),)
    unmeasured = Replica(name="a", requests=900, errors=0)
    assert sampled([unmeasured], [after])[1].slower is None


replicas = st.lists(
    st.builds(
        replica,
        st.sampled_from("abcdef"),
        st.integers(0, 1000),
        st.integers(0, 5),
        st.integers(0, 9),
        st.none() | st.floats(0, 500),
    ).filter(lambda one: one.errors <= one.requests),
    unique_by=lambda one: one.name,
)


@given(st.lists(replicas, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_replicas_does_not_matter(samples, random):
    shuffled = [random.sample(one, len(one)) for one in samples]
    assert sampled(*samples) == sampled(*shuffled)


@given(st.lists(st.integers(0, 50), min_size=2, max_size=20), st.data())
def test_what_was_served_is_counted_once_over_any_gaps(served, data):
    totals = [sum(served[: number + 1]) for number in range(len(served))]
    samples = [
        [replica(requests=total)]
        if number in (0, len(totals) - 1) or data.draw(st.booleans())
        else []
        for number, total in enumerate(totals)
    ]
    counted = sum(counts.requests for counts in sampled(*samples)[1:])
    assert counted == sum(served[1:])
