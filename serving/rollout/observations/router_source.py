"""Observations of local serving: the metrics of the router that is live on a state folder."""

import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.local.state import state_folder
from kanaria.serving.rollout.observations.bounded_calls import COUNTERS_SECONDS, ask, within
from kanaria.serving.rollout.observations.latency_histogram import slower
from kanaria.serving.rollout.observations.observation_source import Container, Reading, Revisions
from kanaria.serving.rollout.observations.replica_counters import Replica

REPLICA, COPIES = "router", "copies"
"""The router counts for all revisions, so it is each one's only replica; the canary's second one
stands for what it was asked in the shadow."""


class RouterSource:
    """The Source of one state folder.

    The router counts what it answered: the 503 of a revision whose predictor is gone is an error of
    that revision, and so is that of a copy in the shadow. How long copies take is not compared:
    they run beside the requests they are made of. The router is asked directly, so a reading is of
    this very moment; a router that was started again is known by its start time. A restart is one
    of the canary's predictor; that a process was ended for memory is not told, so there are no OOM
    kills.
    """

    def __init__(self, state: Path) -> None:
        """Name the folder; the server on it may come and go."""
        self._state = state

    def read(self, revisions: Revisions) -> Reading:
        """Return what the router shows now; without a live server nothing is known."""
        now = time.time()

        def read() -> Reading:
            return reading(self._metrics(), revisions, now)

        return within(COUNTERS_SECONDS, {"router": read})["router"] or Reading(now=now)

    def _metrics(self) -> str:
        url = state_folder.live_url(self._state)
        if not url:
            raise DataError(f"{self._state}: no server is live on it, so there are no counters")
        answer = ask("GET", f"{url}/metrics", COUNTERS_SECONDS)
        if answer.status != HTTPStatus.OK:
            raise DataError(f"{url}/metrics: {answer.status or ''} {shown(answer.text)}")
        return answer.text


def reading(text: str, revisions: Revisions, now: float) -> Reading:
    """Return what the router's metrics say of both revisions; pure.

    Args:
        text: in Prometheus' text format.
        revisions: to look for.
        now: when the text was read, seconds since 1970.

    Raises:
        DataError: the text is not what a router says.
    """
    try:
        return _reading(text, revisions, now)
    except (ValueError, KeyError, OverflowError) as error:
        raise DataError(f"not the metrics of a router: {shown(text)}") from error


def _reading(text: str, revisions: Revisions, now: float) -> Reading:
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    began = (one.value for one in samples if one.name == "process_start_time_seconds")
    started = next(began, None)
    own = [one for one in samples if _is_of(one, revisions)]
    stable = (_replica(own, revisions.stable, started),) if revisions.stable else ()
    return Reading(
        now=now,
        canary=(
            _replica(own, revisions.canary, started),
            _copies(own, revisions.canary, started),
        ),
        stable=stable,
        containers=tuple(
            Container(name=revisions.canary, restarts=int(one.value), oom_kills=0)
            for one in _named(own, "kanaria_predictor_restarts_total", revisions.canary)
        ),
    )


def _is_of(sample: Sample, revisions: Revisions) -> bool:
    labels = sample.labels
    place = (labels.get("namespace"), labels.get("service"))
    return place == (revisions.namespace, revisions.service)


def _named(samples: list[Sample], name: str, revision: str) -> Iterator[Sample]:
    return (one for one in samples if one.name == name and one.labels["revision"] == revision)


def _replica(samples: list[Sample], revision: str, started: float | None) -> Replica:
    """Return the counters of a revision; one that had no request yet is not listed: zero."""
    total, errors, refused = _answered(samples, "kanaria_requests_total", revision)
    buckets = _named(samples, "kanaria_request_seconds_bucket", revision)
    bounds = {float(one.labels["le"]): one.value for one in buckets}
    return Replica(
        name=REPLICA,
        requests=total,
        errors=errors,
        refused=refused,
        slower=slower(bounds),
        started=started,
    ).require_possible()


def _copies(samples: list[Sample], revision: str, started: float | None) -> Replica:
    total, errors, refused = _answered(samples, "kanaria_mirrored_requests_total", revision)
    return Replica(
        name=COPIES, requests=total, errors=errors, refused=refused, started=started
    ).require_possible()


def _is_refusal(code: str) -> bool:
    """Tell whether a status is a refusal: 3xx or 4xx, save 499, which no server answers."""
    return code.startswith(("3", "4")) and code != "499"


def _answered(samples: list[Sample], name: str, revision: str) -> tuple[float, float, float]:
    """Return how many requests were answered; of those, with a server's error; with a refusal."""
    answered = list(_named(samples, name, revision))
    errors = [one.value for one in answered if one.labels["code"].startswith("5")]
    refused = [one.value for one in answered if _is_refusal(one.labels["code"])]
    return sum(one.value for one in answered), sum(errors), sum(refused)
