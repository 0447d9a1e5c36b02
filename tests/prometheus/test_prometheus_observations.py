"""What the source sees through a real Prometheus equals what clients counted, to the request."""

import logging
import random
import threading
from collections import Counter

import httpx
import pytest
from real_prometheus import NAMESPACE, Replica, free_port

from kanaria.serving.rollout.observations import prometheus_queries
from kanaria.serving.rollout.observations.between_readings import Memory, observation
from kanaria.serving.rollout.observations.observation_source import Revisions
from kanaria.serving.rollout.observations.prometheus_source import PrometheusSource
from kanaria.serving.traffic.traffic_protocol import ServiceStatus

STABLE, CANARY = "flights-predictor-00001", "flights-predictor-00002"
BOTH = Revisions(namespace=NAMESPACE, service="flights", canary=CANARY, stable=STABLE)
STATUS = ServiceStatus(storage_uri="s3://models/2", canary_percent=10)


class Pods:
    """The pods of a cluster, as far as a test writes them down."""

    def __init__(self, *pods):
        self.pods = list(pods)

    def list(self, resource, namespace="", labels=""):  # noqa: ARG002 - as the client has it.
        return self.pods if resource.plural == "pods" and labels.endswith(CANARY) else []


class Observer:
    """Reads interval by interval, as a rollout does, and sums what it is told."""

    def __init__(self, url):
        self.source = PrometheusSource(url, prometheus_queries.choose("knative"), Pods())
        self.memory, self.interval = Memory(), 0
        self.requests, self.errors, self.slow = Counter(), Counter(), Counter()
        self.refused = Counter()

    def look(self):
        self.interval += 1
        reading = self.source.read(BOTH)
        self.memory, observed = observation(
            self.memory, reading, interval=self.interval, status=STATUS, canary=CANARY
        )
        for revision, counts in ((CANARY, observed.canary), (STABLE, observed.stable)):
            if counts is not None:
                self.requests[revision] += counts.requests
                self.errors[revision] += counts.errors
                self.refused[revision] += counts.refused or 0
                self.slow[revision] += dict(counts.slower or ()).get(0.1, 0)
        return observed


@pytest.fixture
def canary(world):
    return world.add(CANARY)


@pytest.fixture
def stable(world):
    return world.add(STABLE)


@pytest.fixture
def observer(world, canary, stable):  # noqa: ARG001 - both run before it looks.
    """It has seen both replicas before the first request."""
    world.settle()
    observer = Observer(world.prometheus.url)
    assert observer.look().canary is None
    return observer


def equals_what_was_sent(observer, world):
    assert +observer.requests == +world.requests
    assert +observer.errors == +world.errors
    assert +observer.refused == +world.refused
    assert +observer.slow == +world.slow


def test_an_interval_holds_what_was_sent(world, canary, stable, observer):
    for number in (7, 0, 40):
        world.send(canary, number)
        world.send(canary, 3, code=503)
        world.send(stable, 2 * number, seconds=0.2)
        world.settle()
        observer.look()
        equals_what_was_sent(observer, world)
    assert observer.errors[CANARY] == 9


@pytest.mark.parametrize("code", [302, 400, 404, 422, 429, 499, 500])
def test_a_canary_that_answers_one_code_to_everything_is_seen(
    world, canary, stable, observer, code
):
    world.send(canary, 20, code=code)
    world.send(stable, 30)
    world.settle()
    observed = observer.look()
    assert (observed.canary.requests, observed.stable.refused) == (20, 0)
    assert observed.canary.refused == (0 if code in (499, 500) else 20)
    equals_what_was_sent(observer, world)


def test_a_process_that_was_started_again_counts_from_zero(world, canary, stable, observer):
    for number in (20, 5, 30):  # The last overtakes the count before it.
        world.send(canary, number, code=500)
        world.send(stable, 1)
        world.settle()
        observer.look()
        canary.kill()
        canary.start()
    equals_what_was_sent(observer, world)


@pytest.mark.usefixtures("stable")
def test_a_restart_that_no_reading_saw_is_known_by_the_start_of_the_process(
    world, canary, observer
):
    world.send(canary, 5)
    world.settle()
    observer.look()
    canary.kill()
    canary.start()
    world.send(canary, 9)
    world.settle()
    assert observer.look().canary.requests == 9


@pytest.mark.usefixtures("stable")
def test_a_gap_in_the_scrapes_is_made_up_for(world, canary, observer):
    second = world.add(CANARY)
    for one in (canary, second):
        world.send(one, 4)
    world.settle()
    observer.look()
    canary.fail_scrapes(True)
    world.send(canary, 10, code=502)
    world.send(second, 6)
    world.settle(canary)
    assert observer.look().canary.requests == 6
    canary.fail_scrapes(False)
    world.settle()
    observed = observer.look()
    assert (observed.canary.requests, observed.canary.errors) == (10, 10)
    equals_what_was_sent(observer, world)


@pytest.mark.usefixtures("stable")
def test_a_restart_within_a_gap_is_no_loss_of_what_came_after(world, canary, observer):
    world.send(canary, 4)
    world.settle()
    observer.look()
    canary.kill()
    world.settle(canary)
    assert observer.look().canary is None
    canary.start()
    world.send(canary, 6)
    world.settle()
    observer.look()
    equals_what_was_sent(observer, world)


@pytest.mark.usefixtures("stable")
def test_replicas_come_and_go(world, canary, observer):
    for number in (3, 5):
        extra = world.add(CANARY)
        world.send(extra, number)
        world.send(canary, 2)
        world.settle()
        observer.look()
        world.send(extra, 1, code=503)
        world.settle()
        world.remove(extra)
        world.settle()
        observer.look()
    # What a replica answered after the last sample that a reading saw goes with it.
    assert observer.requests[CANARY] == world.requests[CANARY] - 2
    assert observer.errors[CANARY] == 0


@pytest.mark.usefixtures("canary", "stable")
def test_a_replica_counts_whole_though_it_is_older_than_the_last_reading(world, observer):
    """It was started and served before the reading, but was not sampled by then."""
    hidden = Replica(CANARY, 9)
    world.send(hidden, 12)
    world.settle()
    observer.look()
    world.replicas.append(hidden)
    world.prometheus.scrape(world.replicas)
    world.settle()
    observer.look()
    equals_what_was_sent(observer, world)


@pytest.mark.usefixtures("stable")
def test_a_prometheus_that_was_gone_loses_nothing(world, canary, observer, caplog):
    world.send(canary, 5)
    world.prometheus.stop()
    world.send(canary, 6)
    observed = observer.look()
    assert (observed.canary, observed.stable) == (None, None)
    assert "no answer to the queries" in caplog.text
    world.prometheus.start()
    world.settle()
    observer.look()
    equals_what_was_sent(observer, world)


def test_readings_at_any_moment_of_the_traffic_sum_up(world, canary, stable, observer):
    """Each reading is one moment: an error never shows before its request."""

    enough = threading.Event()

    def traffic():
        while not enough.is_set():
            world.send(canary, 5, code=503)
            world.send(canary, 5, code=404)
            world.send(stable, 5)

    sending = threading.Thread(target=traffic)
    sending.start()
    canaries = [observer.look().canary for _ in range(8)]
    enough.set()
    sending.join()
    assert all(one.errors + (one.refused or 0) == one.requests for one in canaries)
    world.settle()
    observer.look()
    equals_what_was_sent(observer, world)


@pytest.mark.usefixtures("stable")
def test_a_revision_that_nobody_scrapes_is_unknown_and_not_idle(world, caplog):
    world.settle()
    reading = PrometheusSource(
        world.prometheus.url, prometheus_queries.choose("knative"), Pods()
    ).read(BOTH)
    assert reading.canary is None
    assert len(reading.stable) == 1
    assert f"revision {CANARY}: there is no sample" in caplog.text


def test_a_query_that_prometheus_refuses_is_logged_with_its_reason(world, caplog):
    wrong = prometheus_queries.choose("knative").model_copy(update={"requests": "sum by (pod) ("})
    reading = PrometheusSource(world.prometheus.url, wrong, Pods()).read(BOTH)
    assert reading.canary is None
    assert "parse error" in caplog.text


@pytest.mark.parametrize("name", prometheus_queries.read())
def test_prometheus_understands_every_set(world, name):
    answer = httpx.post(
        f"{world.prometheus.url}/api/v1/query",
        data={"query": prometheus_queries.choose(name).query(BOTH, CANARY)},
    )
    assert answer.json()["data"] == {"resultType": "vector", "result": []}


@pytest.mark.usefixtures("stable")
def test_a_pod_that_is_scraped_twice_is_not_counted_twice(world, canary, caplog):
    twin = type("Twin", (), {"target": lambda _: twin_target(canary)})()
    world.prometheus.scrape([*world.replicas, twin])
    observer = Observer(world.prometheus.url)
    caplog.set_level(logging.WARNING)
    while "is it scraped twice" not in caplog.text:  # The twin is scraped a moment later.
        counts = observer.look().canary
    assert counts is None


def twin_target(replica):
    target = replica.target()
    return {**target, "labels": {**target["labels"], "job": "another"}}


def test_no_prometheus_at_all_is_no_error():
    source = PrometheusSource(
        f"http://127.0.0.1:{free_port()}", prometheus_queries.choose("knative"), Pods()
    )
    reading = source.read(BOTH)
    assert (reading.canary, reading.stable, reading.containers) == (None, None, ())


class Chance:
    """Random events; a process ends only after a reading has seen its last request."""

    def __init__(self, seed, world, observer):
        self.random, self.world, self.observer = random.Random(seed), world, observer
        self.failing, self.lasting = set(), tuple(world.replicas)

    def send(self, replica):
        code = self.random.choice([200, 200, 404, 500, 503])
        seconds = self.random.choice([0.002, 0.2])
        self.world.send(replica, self.random.randrange(1, 9), code=code, seconds=seconds)

    def look(self, _):
        self.observer.look()

    def gap(self, replica):
        replica.fail_scrapes(replica not in self.failing)
        self.failing ^= {replica}

    def come(self, _):
        if len(self.world.replicas) < 6:
            self.world.add(self.random.choice([CANARY, STABLE]))

    def go(self, replica):
        if replica not in self.lasting and self.is_seen(replica):
            self.world.remove(replica)

    def restart(self, replica):
        if self.is_seen(replica):
            replica.kill()
            replica.start()

    def is_seen(self, replica):
        if replica in self.failing:
            return False
        self.world.settle(*self.failing)
        self.observer.look()
        return True

    def next(self):
        events = [self.send] * 3 + [self.look, self.gap, self.come, self.go, self.restart]
        self.random.choice(events)(self.random.choice(self.world.replicas))

    def end(self):
        for replica in self.failing:
            replica.fail_scrapes(False)
        self.world.settle()
        self.observer.look()


@pytest.mark.usefixtures("canary", "stable")
@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_lost_or_counted_twice_whatever_happens(world, observer, seed):
    chance = Chance(seed, world, observer)
    for _ in range(60):
        chance.next()
    chance.end()
    equals_what_was_sent(observer, world)
