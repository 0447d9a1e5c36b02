"""The router's numbers against what clients of a real server counted themselves."""

import os
import signal
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from local_server import until

from kanaria.components.shared.errors import DataError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.local.background_server import served
from kanaria.serving.local.router.router_metrics import Metrics
from kanaria.serving.rollout.observations.between_readings import Memory, observation
from kanaria.serving.rollout.observations.interval_observation import Counts
from kanaria.serving.rollout.observations.observation_source import Revisions
from kanaria.serving.rollout.observations.router_source import RouterSource, reading
from kanaria.serving.traffic.local_traffic import LocalTraffic

STABLE, CANARY = "flights-predictor-00001", "flights-predictor-00002"
BOTH = Revisions(namespace="default", service="flights", canary=CANARY, stable=STABLE)
ROWS = {"instances": [{"x": 1, "n": 2, "word": "a"}]}


class Observer:
    """Reads a source, interval by interval, as a rollout does."""

    def __init__(self, state, revisions=BOTH):
        self.traffic, self.source, self.revisions = (
            LocalTraffic(state),
            RouterSource(state),
            revisions,
        )
        self.memory, self.interval = Memory(), 0

    def look(self):
        self.interval += 1
        status = self.traffic.observe("default", "flights")
        reading = self.source.read(self.revisions)
        self.memory, totals_of = observation(
            self.memory,
            reading,
            interval=self.interval,
            status=status,
            canary=self.revisions.canary,
        )
        return totals_of


class Clients:
    """Sends requests, and counts by itself how each revision answered."""

    def __init__(self, url):
        self.url, self.answers, self.durations = url, Counter(), []

    def send(self, number):
        with httpx.Client() as client:
            for _ in range(number):
                answer = client.post(f"{self.url}/v1/models/flights:predict", json=ROWS)
                self.answers[answer.headers["X-Kanaria-Revision"], answer.status_code] += 1
                self.durations.append(answer.elapsed.total_seconds())
        return self

    def counts(self, revision):
        of_it = {code: n for (name, code), n in self.answers.items() if name == revision}
        errors = sum(number for code, number in of_it.items() if code >= 500)
        return sum(of_it.values()), errors


def totals_of(counts: Counts):
    return counts.requests, counts.errors


@contextmanager
def both_revisions(state, models):
    """A server with a canary at 50 %; the state folder outlives it."""
    with served(state) as url, LocalTraffic(state) as traffic:
        is_new = traffic.observe("default", "flights") is None
        for model in ("one", "two") if is_new else ():
            traffic.stage(build(ServiceSpec(name="flights", storage_uri=str(models / model))))
            until(lambda: is_loaded(traffic))
        traffic.shift("default", "flights", 50)
        until(lambda: httpx.get(f"{url}/v1/models/flights").json()["ready"])
        yield url


def is_loaded(traffic):
    status = traffic.observe("default", "flights")
    return status.latest_created == status.latest_ready


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def url(state, models):
    with both_revisions(state, models) as url:
        yield url


def predictor(state, revision):
    """The process that writes the log of a revision's predictor."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            output = (process / "fd" / "1").readlink()
        except OSError:
            continue
        if state in output.parents and output.stem == revision:
            return int(process.name)
    return None


def test_an_interval_holds_what_clients_counted(url, state):
    observer = Observer(state)
    observer.look()
    for number in (200, 0, 300):
        clients = Clients(url).send(number)
        interval = observer.look()
        assert totals_of(interval.canary) == clients.counts(CANARY)
        assert totals_of(interval.stable) == clients.counts(STABLE)
        assert (interval.facts.ready, interval.percent) == (True, 50)


def test_no_answer_is_slower_at_the_router_than_at_the_client(url, state):
    observer = Observer(state)
    observer.look()
    durations = Clients(url).send(200).durations
    interval = observer.look()
    slower = [
        tuple(count for _, count in one.slower or ()) for one in (interval.canary, interval.stable)
    ]
    bounds = [bound for bound, _ in interval.canary.slower]
    for bound, at_router in zip(bounds, map(sum, zip(*slower, strict=True)), strict=True):
        assert at_router <= sum(duration > bound for duration in durations)


def test_a_dead_predictor_is_an_error_and_a_restart_of_its_own_revision(url, state):
    observer = Observer(state)
    observer.look()
    os.kill(predictor(state, CANARY), signal.SIGKILL)
    clients = Clients(url)
    until(lambda: clients.send(1).counts(CANARY)[1] >= 3)
    interval = observer.look()
    assert totals_of(interval.canary) == clients.counts(CANARY)
    assert totals_of(interval.stable) == clients.counts(STABLE) == (clients.counts(STABLE)[0], 0)
    restarts = interval.facts.restarts
    until(lambda: httpx.get(f"{url}/v1/models/flights").json()["ready"])
    assert restarts + observer.look().facts.restarts == 1


@pytest.mark.usefixtures("url")
def test_the_stable_revision_of_a_first_rollout_has_no_replicas(state):
    alone = Revisions(namespace="default", service="flights", canary=CANARY, stable="")
    observer = Observer(state, alone)
    observer.look()
    assert totals_of(observer.look().stable) == (0, 0)


def test_a_router_that_was_started_again_counts_from_zero(tmp_path, models):
    observer, total = Observer(tmp_path), Counter()
    counted = 0
    for number in (60, 80):
        with both_revisions(tmp_path, models) as url:
            if not counted:
                observer.look()
            clients = Clients(url).send(number)
            interval = observer.look()
            counted += interval.canary.requests + interval.stable.requests
            total += clients.answers
        assert observer.look().canary is None
    assert counted == total.total() == 140


def test_without_a_server_nothing_is_known_and_the_reason_is_logged(tmp_path, caplog):
    reading = RouterSource(tmp_path).read(BOTH)
    assert (reading.canary, reading.stable, reading.containers) == (None, None, None)
    assert "no server is live" in caplog.text


CODES = {200: "", 204: "", 302: "refused", 400: "refused", 401: "refused", 403: "refused"}
CODES |= {404: "refused", 405: "refused", 408: "refused", 409: "refused", 413: "refused"}
CODES |= {415: "refused", 422: "refused", 429: "refused", 431: "refused", 499: ""}
CODES |= {500: "errors", 501: "errors", 503: "errors", 504: "errors"}


@pytest.mark.parametrize(("code", "what"), CODES.items())
def test_an_answer_is_an_error_a_refusal_or_neither(code, what):
    metrics = Metrics([])
    metrics.count("default", "flights", CANARY, code, 0.1)
    own, _ = reading(metrics.text().decode(), BOTH, 5.0).canary
    assert {"errors": own.errors, "refused": own.refused} == {
        "errors": float(what == "errors"),
        "refused": float(what == "refused"),
    }


HTML = "<html><body>Sign in</body></html>"
OF = '{namespace="default",service="flights",revision="%s"'
LINE = f"kanaria_requests_total{OF}%s}} %s\n"
BUCKET = f'kanaria_request_seconds_bucket{OF},le="%s"}} %s\n'
RESTARTS = f"kanaria_predictor_restarts_total{OF}}} %s\n"


@pytest.mark.parametrize(
    "text",
    [
        HTML,
        '{"status": "ok"}',
        LINE % (CANARY, "", 5),
        LINE % (CANARY, ',code="200"', "many"),
        LINE % (CANARY, ',code="200"', "NaN"),
        LINE % (CANARY, ',code="200"', "+Inf"),
        LINE % (CANARY, ',code="200"', -5),
        LINE % (CANARY, ',code="200"', 9) + BUCKET % (CANARY, "0.1", 4),
        LINE % (CANARY, ',code="200"', 9) + BUCKET % (CANARY, "wide", 4),
        LINE % (CANARY, ',code="200"', 9) + BUCKET % (CANARY, "NaN", 4),
        LINE % (CANARY, ',code="200"', 9)
        + BUCKET % (CANARY, "0.1", 9)
        + BUCKET % (CANARY, "+Inf", 4),
        RESTARTS % (CANARY, "+Inf"),
        LINE[:30],
    ],
)
def test_what_no_router_says_is_refused(text):
    with pytest.raises(DataError):
        reading(text, BOTH, 5.0)


def test_an_empty_router_has_counted_nothing():
    own, copies = reading("", BOTH, 5.0).canary
    assert (own.requests, own.refused, copies.requests) == (0, 0, 0)


def test_copies_in_the_shadow_are_the_canarys_without_their_time():
    metrics = Metrics([])
    for code in (200, 404, 503):
        metrics.count_mirrored("default", "flights", CANARY, code, 0.1)
    metrics.count("default", "flights", STABLE, 200, 0.1)
    totals_of = reading(metrics.text().decode(), BOTH, 5.0)
    answered, copies = totals_of.canary
    assert (answered.requests, copies.requests, copies.errors, copies.refused) == (0, 3, 1, 1)
    assert copies.slower is None
    assert [one.requests for one in totals_of.stable] == [1]
