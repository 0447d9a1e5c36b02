import pytest

from kanaria.serving.live_page.metric_samples import parsed
from kanaria.serving.live_page.request_counts import Counts, counted
from kanaria.serving.live_page.request_history import BIN_SECONDS, BINS, RequestHistory, Scrape

ONE = ("default", "taxi", "taxi-predictor-00001")
TWO = ("default", "taxi", "taxi-predictor-00002")


def scrape(at, requests, errors=0, process=1.0, revision=ONE, age=1000.0):
    counts = Counts(
        requests=requests, errors=errors, within={0.1: requests, float("inf"): requests}
    )
    return Scrape(at=at, process=process, age=age, counts={revision: counts})


def history_of(*scrapes):
    history = RequestHistory(began=-5.0)
    for one in scrapes:
        history.add(one)
    return history


def test_the_first_scrape_counts_nothing_and_the_next_what_came_since():
    newest = history_of(scrape(0, 70), scrape(2, 75, 1)).newest(300, 2)
    assert newest.counts[ONE] == Counts(requests=5, errors=1, within={0.1: 5, float("inf"): 5})
    assert newest.seconds == 2


def test_a_server_that_began_anew_counts_from_zero_and_never_below():
    restarted = scrape(6, 3, process=9.0, age=1.5)
    newest = history_of(scrape(0, 70), scrape(2, 75), restarted).newest(300, 6)
    assert newest.counts[ONE].requests == 5 + 3
    assert newest.seconds == 2 + 1.5


def test_a_server_that_began_after_the_page_is_counted_from_its_first_request():
    newest = history_of(scrape(10, 6, age=3.0)).newest(300, 10)
    assert newest.counts[ONE].requests == 6
    assert newest.seconds == 3


@pytest.mark.parametrize("process", [1.0, None])
def test_a_counter_that_fell_is_taken_for_a_new_one(process):
    scrapes = (scrape(0, 70, process=process), scrape(2, 4, process=process))
    assert history_of(*scrapes).newest(300, 2).counts[ONE].requests == 4


def test_what_came_in_a_long_gap_came_at_no_time():
    newest = history_of(scrape(0, 70), scrape(600, 9000), scrape(602, 9001)).newest(300, 602)
    assert newest.counts[ONE].requests == 1
    assert newest.seconds == 2


def test_two_scrapes_of_one_moment_divide_by_nothing():
    assert history_of(scrape(0, 70), scrape(0, 80)).newest(300, 0).seconds == 0


def test_a_revision_that_appears_counts_from_zero():
    newest = history_of(scrape(0, 70), scrape(2, 6, revision=TWO)).newest(300, 2)
    assert newest.counts == {TWO: scrape(2, 6, revision=TWO).counts[TWO]}


def test_the_past_is_forgotten_and_memory_bounded():
    history = history_of(*(scrape(at, at) for at in range(0, 5000, 2)))
    assert history.newest(300, 4998).counts[ONE].requests == pytest.approx(300, abs=20)
    assert history.newest(5000, 4998).seconds == BINS * BIN_SECONDS
    course = history.by(60, 4998)
    assert len(course) == 30
    assert sum(one.counts[ONE].requests for one in course) == pytest.approx(1800, abs=20)


def test_a_half_hour_without_looking_leaves_holes():
    history = history_of(scrape(0, 0), scrape(2, 10), scrape(1700, 10), scrape(1702, 15))
    course = [sum(c.requests for c in one.counts.values()) for one in history.by(60, 1702)]
    assert course[-1] == 5
    assert sum(course) == 15
    assert sum(map(bool, course)) == 2


def test_codes_and_buckets_of_a_scrape_are_summed_by_revision():
    labels = 'namespace="default",service="taxi",revision="taxi-predictor-00001"'
    text = (
        "# TYPE kanaria_requests_total counter\n"
        f'kanaria_requests_total{{{labels},code="200"}} 7\n'
        f'kanaria_requests_total{{{labels},code="404"}} 2\n'
        f'kanaria_requests_total{{{labels},code="503"}} 1\n'
        "# TYPE kanaria_request_seconds histogram\n"
        f'kanaria_request_seconds_bucket{{{labels},le="0.1"}} 6\n'
        f'kanaria_request_seconds_bucket{{{labels},le="+Inf"}} 10\n'
    )
    within = {0.1: 6, float("inf"): 10}
    assert counted(parsed(text)) == {ONE: Counts(requests=10, errors=1, refused=2, within=within)}
