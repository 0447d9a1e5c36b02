"""Observations of local serving: the metrics of the router that is live on a state folder."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from kanaria.serving.local import store
from kanaria.serving.rollout.counters import Replica
from kanaria.serving.rollout.observations.protocol import Container, Reading, Revisions

logger = logging.getLogger(__name__)
TIMEOUT_SECONDS = 5.0
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
        now, text = time.time(), self._metrics()
        return Reading(now=now) if text is None else reading(text, revisions, now)

    def _metrics(self) -> str | None:
        url = store.live_url(self._state)
        if not url:
            logger.warning("%s: no server is live on it, so there are no counters", self._state)
            return None
        try:
            answer = httpx.get(f"{url}/metrics", timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            logger.warning("%s/metrics: no counters: %s", url, error)
            return None
        return answer.text


def reading(text: str, revisions: Revisions, now: float) -> Reading:
    """Return what the router's metrics say of both revisions; pure.

    Args:
        text: in Prometheus' text format.
        revisions: to look for.
        now: when the text was read, seconds since 1970.
    """
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
    found = (labels.get("namespace"), labels.get("service"))
    return found == (revisions.namespace, revisions.service)


def _named(samples: list[Sample], name: str, revision: str) -> Iterator[Sample]:
    return (one for one in samples if one.name == name and one.labels["revision"] == revision)


def _replica(samples: list[Sample], revision: str, started: float | None) -> Replica:
    """Return the counters of a revision; one that had no request yet is not listed: zero."""
    total, errors = _answered(samples, "kanaria_requests_total", revision)
    buckets = list(_named(samples, "kanaria_request_seconds_bucket", revision))
    bounds = sorted((float(one.labels["le"]), one.value) for one in buckets)
    return Replica(
        name=REPLICA,
        requests=total,
        errors=errors,
        slower=tuple((bound, total - within) for bound, within in bounds[:-1]) or None,
        started=started,
    )


def _copies(samples: list[Sample], revision: str, started: float | None) -> Replica:
    total, errors = _answered(samples, "kanaria_mirrored_requests_total", revision)
    return Replica(name=COPIES, requests=total, errors=errors, started=started)


def _answered(samples: list[Sample], name: str, revision: str) -> tuple[float, float]:
    """Return how many requests were answered, and of those, with a server's error."""
    found = list(_named(samples, name, revision))
    errors = [one.value for one in found if one.labels["code"].startswith("5")]
    return sum(one.value for one in found), sum(errors)
